import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { concat, type Bytes } from "#base/bytes.ts";
import { createFakeClock } from "#base/fake-clock.ts";
import { err, ok } from "#base/result.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { sealedFileSize } from "#crypto/file-seal.ts";
import { createPrimitives } from "#crypto/primitives.ts";
import { makeId, type AttachmentId, type ConversationId } from "#protocol/ids.ts";
import { createFileTransfer, type FileLine, type SealedFile, type Spool } from "./file-transfer.ts";
import { createRest } from "./rest.ts";

const A = "01900000-0000-7000-8000-00000000000a" as ConversationId;
const B = "01900000-0000-7000-8000-00000000000b" as ConversationId;
const damaged = err({ kind: "peer/damaged-file" });

/** A relay that holds files in memory and does with them, on their way back, what `serve` says. */
async function aTransfer() {
  const random = createSeededRandom(80);
  const primitives = await createPrimitives({ random });
  const announced: unknown[] = [];
  const confirmed: string[] = [];
  const held = new Map<string, Bytes>();
  const relay = {
    serve: (bytes: Bytes): readonly Bytes[] => [bytes],
    status: 200,
    breaksAfter: Infinity,
  };
  const rest = createRest({
    clock: createFakeClock(),
    baseUrl: "http://relay.test",
    tokens: null,
    async fetch(url, init) {
      const body = JSON.parse(String(init.body)) as Readonly<Record<string, unknown>>;
      const answer = (data: object) => ({
        status: 200,
        headers: { get: () => null },
        text: async () => JSON.stringify({ data }),
      });
      const attachment_id = makeId<AttachmentId>(0, random);
      if (!url.endsWith("/confirm")) {
        announced.push(body);
        const upload = { upload_id: attachment_id, upload_url: `/up/${attachment_id}` };
        return answer({ ...upload, attachment_id, expires_at: "2026-01-01T00:00:00.000Z" });
      }
      confirmed.push(String(body["sha256"]));
      return answer({ attachment_id, size: 1, sha256: body["sha256"] });
    },
  });
  const line: FileLine = {
    async put(url, _headers, body) {
      const pieces: Bytes[] = [];
      for await (const piece of body) pieces.push(piece);
      held.set(url.slice(-36), concat(...pieces));
      return { status: relay.status, retryAfter: null, text: async () => "" };
    },
    async get(url) {
      const pieces = relay.serve(held.get(url.slice(-36)) ?? new Uint8Array());
      async function* body() {
        for (const [at, piece] of pieces.entries()) {
          if (at >= relay.breaksAfter) throw new Error("the line broke");
          yield piece;
        }
      }
      return {
        status: relay.status,
        retryAfter: null,
        text: async () => "",
        body: body(),
      };
    },
  };
  const files = createFileTransfer({
    primitives,
    rest,
    tokens: { token: async () => ok("token") },
    line,
    baseUrl: "http://relay.test/",
    agentId: null,
  });
  const upload = (bytes: Bytes, sizeBytes = bytes.length) =>
    files.upload(A, { sizeBytes, read: () => [bytes] });
  /** What comes back of a file, and how many bytes were kept of it meanwhile. */
  const download = async (file: SealedFile, conversationId = A) => {
    const pieces: Bytes[] = [];
    let kept = 0;
    const spool: Spool = {
      async write(piece) {
        kept += piece.length;
        pieces.push(piece);
      },
      async *read() {
        yield* pieces;
      },
    };
    const opened = await files.download(conversationId, file, spool);
    if (!opened.ok) return { opened, kept };
    const plain: Bytes[] = [];
    for await (const piece of opened.value) if (piece.ok) plain.push(piece.value);
    return { opened, kept, plain: concat(...plain) };
  };
  return { relay, announced, confirmed, held, random, upload, download };
}

const uploaded = async (transfer: Awaited<ReturnType<typeof aTransfer>>, bytes: Bytes) => {
  const file = await transfer.upload(bytes);
  if (!file.ok) throw new Error(file.failure.kind);
  return file.value;
};

test("[E80] the relay is told a file's size and no name, and the hash of the ciphertext that it holds", async () => {
  const transfer = await aTransfer();
  const bytes = transfer.random(100_000);

  const file = await uploaded(transfer, bytes);

  const ciphertext = transfer.held.get(file.attachment_id) ?? new Uint8Array();
  expect(transfer.announced).toEqual([
    {
      filename: "blob",
      content_type: "application/octet-stream",
      size: sealedFileSize(bytes.length),
      conversation_id: A,
    },
  ]);
  expect(ciphertext).toHaveLength(sealedFileSize(bytes.length));
  expect(transfer.confirmed).toEqual([file.sha256]);
  expect(createHash("sha256").update(ciphertext).digest("hex")).toBe(file.sha256);
  expect((await transfer.download(file)).plain).toEqual(bytes);
});

test("[E80] each try has a key of its own, and what is not as long as was said is not confirmed", async () => {
  const transfer = await aTransfer();
  const bytes = transfer.random(1_000);

  const [one, two] = [await uploaded(transfer, bytes), await uploaded(transfer, bytes)];
  const lies = [await transfer.upload(bytes, 999), await transfer.upload(bytes, 1_001)];

  expect(one.file_key).not.toBe(two.file_key);
  expect(one.sha256).not.toBe(two.sha256);
  expect(lies).toEqual([damaged, damaged]);
  expect(transfer.confirmed).toEqual([one.sha256, two.sha256]);
});

test("[E80] a file opens in its own conversation and at its own place alone", async () => {
  const transfer = await aTransfer();
  const file = await uploaded(transfer, transfer.random(1_000));
  const elsewhere = makeId<AttachmentId>(0, transfer.random);
  transfer.held.set(elsewhere, transfer.held.get(file.attachment_id) ?? new Uint8Array());

  const otherConversation = await transfer.download(file, B);
  const otherPlace = await transfer.download({ ...file, attachment_id: elsewhere });

  // The ciphertext is the one that was meant; no piece of it opens.
  expect(otherConversation.plain).toHaveLength(0);
  expect(otherPlace.plain).toHaveLength(0);
});

test("[E81] of what is longer than it may be no byte beyond is kept, and of no damaged one any is told", async () => {
  const transfer = await aTransfer();
  const file = await uploaded(transfer, transfer.random(1_000));
  const sizeBytes = sealedFileSize(1_000);
  const served = async (serve: typeof transfer.relay.serve) => {
    transfer.relay.serve = serve;
    const { opened, kept } = await transfer.download(file);
    return [opened.ok ? "told" : opened.failure.kind, kept];
  };
  const flipped = (bytes: Bytes) => bytes.with(bytes.length - 1, (bytes.at(-1) ?? 0) ^ 1);

  expect(await served((bytes) => [bytes, new Uint8Array(1)])).toEqual([
    "peer/damaged-file",
    sizeBytes,
  ]);
  expect(await served((bytes) => [bytes.slice(0, -1)])).toEqual([
    "peer/damaged-file",
    sizeBytes - 1,
  ]);
  expect(await served((bytes) => [flipped(bytes)])).toEqual(["peer/damaged-file", sizeBytes]);
  expect(await served((bytes) => [bytes])).toEqual(["told", sizeBytes]);
});

test("[E81] a line that breaks and a relay that refuses are told as such", async () => {
  const transfer = await aTransfer();
  const file = await uploaded(transfer, transfer.random(1_000));
  transfer.relay.serve = (bytes) => [bytes.slice(0, 10), bytes.slice(10)];
  transfer.relay.breaksAfter = 1;
  const broken = await transfer.download(file);
  transfer.relay.status = 404;
  const gone = await transfer.download(file);
  const refused = await transfer.upload(new Uint8Array(5));
  const unnamed = await transfer.download({ ...file, sha256: "00" });

  expect(broken.opened).toEqual(err({ kind: "peer/offline" }));
  expect(gone.opened).toMatchObject({ failure: { kind: "peer/not-found" } });
  expect(refused.ok).toBe(false);
  expect(transfer.confirmed).toHaveLength(1);
  expect(unnamed).toEqual({ opened: damaged, kept: 0 });
});
