/** Files, both ways: the guide says what it got and sends a picture and a note. */
import { createHash } from "node:crypto";
import type { FileRef, HasheeAgent } from "#sdk/index.ts";
import { DUSK, skyPng } from "./pictures.ts";
import type { GuideWords } from "./words.ts";

const PICTURE = { width: 640, height: 360 } as const;

/** Opens each file to its last byte and says what came. */
export async function tellOfFiles(
  agent: HasheeAgent,
  conversationId: string,
  words: GuideWords,
  files: readonly FileRef[],
): Promise<void> {
  const lines: string[] = [];
  for (const file of files) {
    const hash = createHash("sha256");
    let sizeBytes = 0;
    for await (const piece of agent.streamAttachment(file)) {
      hash.update(piece);
      sizeBytes += piece.length;
    }
    const { filename = "", mime } = file;
    lines.push(words.files.line(filename, mime, sizeBytes, hash.digest("hex")));
  }
  const text = [words.files.got(files.length), ...lines, words.files.after].join("\n");
  await agent.send(conversationId, { type: "text", text });
}

/** Sends a picture and a short note. */
export async function sendFiles(
  agent: HasheeAgent,
  conversationId: string,
  words: GuideWords,
): Promise<void> {
  await agent.uploadFile(conversationId, {
    filename: words.files.pictureName,
    mime: "image/png",
    data: skyPng(PICTURE.width, PICTURE.height, DUSK),
    send_as: "image",
    alt: words.files.pictureAlt,
    ...PICTURE,
  });
  await agent.uploadFile(conversationId, {
    filename: words.files.noteName,
    mime: "text/plain",
    data: new TextEncoder().encode(words.files.note),
    send_as: "file",
  });
  await agent.send(conversationId, { type: "text", text: words.files.ask });
}
