/** Commands that move files. */
import { createWriteStream, openAsBlob } from "node:fs";
import { basename, extname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { HasheeAgent } from "#sdk/agent.ts";
import type { FileRef } from "#sdk/files/agent-files.ts";
import { UsageError, type Command } from "./command.ts";
import { messageOf } from "./message-of.ts";

const MIME_BY_EXTENSION: Readonly<Record<string, string>> = {
  ".csv": "text/csv",
  ".gif": "image/gif",
  ".jpeg": "image/jpeg",
  ".jpg": "image/jpeg",
  ".json": "application/json",
  ".m4a": "audio/mp4",
  ".md": "text/markdown",
  ".mp3": "audio/mpeg",
  ".mp4": "video/mp4",
  ".ogg": "audio/ogg",
  ".pdf": "application/pdf",
  ".png": "image/png",
  ".txt": "text/plain",
  ".wav": "audio/wav",
  ".webm": "video/webm",
  ".webp": "image/webp",
  ".zip": "application/zip",
};

const WAYS = ["image", "video", "audio", "file"] as const;
type Way = (typeof WAYS)[number];

export const sendFile: Command = {
  words: "<conversation> <path>",
  does: "sends a file, sealed as it leaves",
  options: {
    as: { type: "string", does: "image, video, audio or file; by the kind unless said" },
    mime: { type: "string", does: "its kind, like image/png; by the name unless said" },
    alt: { type: "string", does: "words for who cannot see an image" },
  },
  async run(agent, given) {
    const path = given.word(1, "path");
    const alt = given.text("alt");
    const mime =
      given.text("mime") ??
      MIME_BY_EXTENSION[extname(path).toLowerCase()] ??
      "application/octet-stream";
    const sent = await agent.uploadFile(given.word(0, "conversation"), {
      filename: basename(path),
      mime,
      data: await openAsBlob(path),
      send_as: wayOf(given.text("as") ?? mime.split("/")[0] ?? "", given.text("as") !== undefined),
      ...(alt === undefined ? {} : { alt }),
    });
    return { json: sent, lines: [`${String(sent.message_id)}  ${sent.attachment_id}`] };
  },
};

function wayOf(word: string, isSaid: boolean): Way {
  const way = WAYS.find((one) => one === word);
  if (way !== undefined) return way;
  if (isSaid) throw new UsageError("--as is image, video, audio or file.");
  return "file";
}

export const download: Command = {
  words: "<conversation> <message>",
  does: "saves the files of a message, under numbers; their names are the sender's and are only shown",
  options: { to: { type: "string", does: "folder, the current one unless said" } },
  async run(agent, given) {
    const messageId = given.word(1, "message");
    const files = await filesOf(agent, given.word(0, "conversation"), messageId);
    const saved = [];
    for (const [i, file] of files.entries()) {
      const path = join(given.text("to") ?? ".", `${messageId}-${i + 1}`);
      // Never over a file that is there already.
      await pipeline(agent.streamAttachment(file), createWriteStream(path, { flags: "wx" }));
      saved.push({ path, filename: file.filename ?? null, mime: file.mime, size: file.size });
    }
    return { json: saved, lines: saved.map(({ path, size }) => `${path}  ${size} bytes`) };
  },
};

/** The files of one message. */
async function filesOf(
  agent: HasheeAgent,
  conversationId: string,
  messageId: string,
): Promise<readonly FileRef[]> {
  const found = await messageOf(agent, conversationId, messageId);
  const files = "attachments" in found ? (found.attachments ?? []) : [];
  if (files.length === 0) throw new UsageError("This message has no file that opens here.");
  return files;
}
