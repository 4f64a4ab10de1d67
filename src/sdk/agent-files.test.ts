import { createHash } from "node:crypto";
import { openAsBlob, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { bytesToBase64 } from "#base/base64.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { Attachment, KnownPayload } from "#protocol/payload.ts";
import { aFolder, aMailbox, onTestEnd, outcomeOf, setupMeeting } from "./agent-world.contract.ts";
import type { FileRef } from "./files/agent-files.ts";
import type { AgentMessage } from "./incoming/message-context.ts";
import type { DecryptFailure } from "./options.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

async function collect(stream: ReadableStream<Uint8Array>) {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  let pieces = 0;
  for await (const piece of stream as unknown as AsyncIterable<Uint8Array>) {
    hash.update(piece);
    sizeBytes += piece.length;
    pieces += 1;
  }
  return { sha256: hash.digest("hex"), sizeBytes, pieces };
}

/** A folder for temporary files that nobody else uses. */
function ownTemporaryFolder(): string {
  const folder = aFolder();
  vi.stubEnv("TMPDIR", folder);
  onTestEnd(() => void vi.unstubAllEnvs());
  return folder;
}

/** Every byte the relay has on its disk. */
const onDisk = (folder: string): Buffer =>
  Buffer.concat(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name))),
  );

describe("a file", () => {
  test("[K23] [E80] of 12 MB goes out sealed and comes back piece by piece, the same", async () => {
    const { agent, alice, conversationId, world, provisioned } = await setupMeeting();
    const data = createSeededRandom(7)(12 * 1024 * 1024 + 5);
    const path = join(aFolder(), "report.bin");
    writeFileSync(path, data);

    const inPieces = await openAsBlob(path);
    const whole = () => Promise.reject(new Error("it is not asked for as a whole"));
    for (const name of ["arrayBuffer", "bytes", "text"])
      Object.defineProperty(inPieces, name, { value: whole });

    const sent = await agent.uploadFile(conversationId, {
      filename: "report.bin",
      mime: "application/octet-stream",
      data: inPieces,
      send_as: "file",
    });
    const payload = await alice.reads((payload) => payload.type === "file");

    expect(payload).toMatchObject({
      type: "file",
      attachment_id: sent.attachment_id,
      filename: "report.bin",
      size: data.length,
      attachments: [{ attachment_id: sent.attachment_id, cipher: "parley-file-v1" }],
    });
    const stored = onDisk(world.folder);
    expect(stored.includes(Buffer.from(data.subarray(1_000, 1_064)))).toBe(false);
    expect(stored.includes("report.bin")).toBe(false);

    // Another process of the agent, which knows no more than the attachment, reads it.
    const other = await world.run(provisioned);
    const temporary = ownTemporaryFolder();
    const got = await collect(other.streamAttachment(sent.attachment));
    expect(got).toMatchObject({ sha256: sha256(data), sizeBytes: data.length });
    expect(got.pieces).toBeGreaterThan(100);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test("[K23] that a person sent stands on the message with all that opens it", async () => {
    const { agent, alice, conversationId } = await setupMeeting();
    const inbox = aMailbox<AgentMessage>();
    agent.addMessageHandler((msg) => inbox.put(msg));
    const { attachment } = await agent.uploadFile(conversationId, {
      filename: "cat.png",
      mime: "image/png",
      data: new Uint8Array([1, 2, 3]),
      send_as: null,
      width: 3,
      height: 1,
    });
    const { conversation_id: _mine, ...bare } = attachment;
    const attachments = [bare];
    const image: KnownPayload = {
      type: "image",
      attachment_id: bare.attachment_id,
      alt: "a cat",
      attachments,
    };

    await alice.say(conversationId, image);
    const { payload, attachments: files = [] } = await inbox.take();
    const [file] = files;

    expect(payload).toMatchObject({ type: "image", alt: "a cat" });
    expect(file).toMatchObject({ filename: "cat.png", width: 3, conversation_id: conversationId });
    expect(await collect(agent.streamAttachment(file as FileRef))).toMatchObject({
      sha256: sha256(new Uint8Array([1, 2, 3])),
    });
  });

  test("[K43] go out together as one card with their files, and a card without them is refused", async () => {
    const { agent, alice, conversationId } = await setupMeeting();
    const bytes = (fill: number) => new Uint8Array(5).fill(fill);
    await agent.sendMedia(conversationId, {
      title: "Two",
      layout: "grid",
      items: [1, 2].map((fill) => ({
        kind: "image" as const,
        filename: `${fill}.png`,
        mime: "image/png",
        data: bytes(fill),
        alt: `picture ${fill}`,
        caption: `${fill}`,
      })),
    });

    const sent = await alice.reads((payload) => payload.type === "artifact");
    const files = sent.type === "artifact" ? (sent.attachments ?? []) : [];
    expect(sent).toMatchObject({
      artifact: {
        subtype: "media",
        title: "Two",
        payload: {
          layout: "grid",
          items: files.map(({ attachment_id }, i) => ({
            attachment_id,
            kind: "image",
            alt: `picture ${i + 1}`,
            caption: `${i + 1}`,
          })),
        },
      },
    });
    expect(files.map(({ filename, size }) => [filename, size])).toEqual([
      ["1.png", 5],
      ["2.png", 5],
    ]);
    const second = { ...(files[1] as Attachment), conversation_id: conversationId };
    expect(await collect(agent.streamAttachment(second))).toMatchObject({
      sha256: sha256(bytes(2)),
    });
    const stray = {
      subtype: "media",
      title: "",
      payload: { items: [{ attachment_id: "elsewhere", kind: "image" }] },
    };
    expect(await outcomeOf(agent.sendArtifact(conversationId, { artifact: stray }))).toBe(
      "ARTIFACT_INVALID",
    );
  });

  test("[K24] [E81] that is not what its message says gives no byte, errors the stream and is told", async () => {
    const { world, provisioned, conversationId } = await setupMeeting();
    const failures: DecryptFailure[] = [];
    const agent = await world.run(provisioned, {
      decryptFailureHandler: (failure) => failures.push(failure),
    });
    const data = new TextEncoder().encode("hello");
    const text = { filename: "a.txt", mime: "text/plain", data, send_as: null };
    const { attachment } = await agent.uploadFile(conversationId, text);
    const wrongKey = { ...attachment, file_key: bytesToBase64(new Uint8Array(32)) };
    const wrongHash = { ...attachment, sha256: "00".repeat(32) };

    const got: Uint8Array[] = [];
    for (const file of [wrongKey, wrongHash]) {
      const pieces = agent.streamAttachment(file) as unknown as AsyncIterable<Uint8Array>;
      const reading = (async () => {
        for await (const piece of pieces) got.push(piece);
      })();
      expect(await outcomeOf(reading)).toBe("DECRYPT_FAILED");
    }

    const { attachment_id } = attachment;
    const failure = { conversation_id: conversationId, message_id: "", attachment_id };
    expect(got).toEqual([]);
    expect(failures).toEqual([1, 2].map(() => ({ ...failure, reason: "file" })));
    expect(agent.metrics().toPrometheus()).toContain(
      'hashee_decrypt_failure_total{reason="file"} 2',
    );
  });

  test("[K23] is refused to who is not in the conversation, and over the limit to everyone", async () => {
    const { world, agent, conversationId } = await setupMeeting();
    const strangerAgent = await world.provision("Stranger");
    const stranger = await world.run(strangerAgent);
    const small = { filename: "a", mime: "text/plain", data: new Uint8Array(1), send_as: null };
    const { attachment } = await agent.uploadFile(conversationId, small);

    expect(await outcomeOf(stranger.uploadFile(conversationId, small))).toBe(
      "NOT_CONVERSATION_MEMBER_UPLOAD",
    );
    expect(await outcomeOf(collect(stranger.streamAttachment(attachment)))).toBe("NOT_FOUND");
    const huge = { ...small, data: new Uint8Array(104_857_601) };
    expect(await outcomeOf(agent.uploadFile(conversationId, huge))).toBe("TOO_LARGE");
  });
});
