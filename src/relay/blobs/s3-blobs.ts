/**
 * Blobs in a store that speaks S3. A file is a row of objects, written as its bytes come:
 * `<id>/<attempt>/<offset>`, the last with `.end` behind it, whose appearance makes the file whole. Any object store
 * can do that, at any offset a line breaks, and from any node; nothing has to be put together afterwards.
 * Of several attempts the newest counts; of two objects at one offset, which hold the same bytes, the longer.
 */
import { createHash } from "node:crypto";
import { AwsClient } from "aws4fetch";
import { concat, type Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import type { RandomBytes } from "#base/random.ts";
import { ok, type Result } from "#base/result.ts";
import type { Secret } from "#base/secret.ts";
import { makeId, type AttachmentId } from "#protocol/ids.ts";
import { refuse, type RelayFailure } from "../failure.ts";
import { createBucket, type Bucket, type StoredObject } from "./s3-bucket.ts";
import type { BlobStore } from "./blob-store.ts";

export type S3Place = {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: Secret<string>;
};

type Received = Result<{ readonly received: number }, RelayFailure>;
type Place = { readonly from: number; readonly sizeBytes: number };
type Needs = { readonly clock: Clock; readonly random: RandomBytes };

/** Bytes gathered before they leave: what a node holds of one upload. */
const PIECE_BYTES = 8_388_608;
/** Digits of an offset, so that names sort as numbers do. */
const OFFSET_DIGITS = 12;
const END = ".end";

/** A row of objects without a gap, from the first byte on. */
type Row = {
  readonly attempt: string | null;
  readonly pieces: readonly Piece[];
  readonly sizeBytes: number;
  readonly isWhole: boolean;
};
type Piece = { readonly key: string; readonly offset: number; readonly sizeBytes: number };

export function createS3Blobs(place: S3Place, needs: Needs): BlobStore {
  const bucket = createBucket(
    new AwsClient({
      accessKeyId: place.accessKey,
      secretAccessKey: place.secretKey.reveal(),
      region: place.region,
      service: "s3",
      // A request that may be repeated is repeated by the bucket, which knows how long to wait.
      retries: 0,
    }),
    `${place.endpoint.replace(/\/$/, "")}/${place.bucket}`,
    needs.clock,
  );
  const receiving = new Map<AttachmentId, { cancel(): void; readonly ended: Promise<unknown> }>();

  const rowOf = async (id: AttachmentId): Promise<Row> => rowIn(id, await bucket.list(`${id}/`));

  const interrupt = async (id: AttachmentId): Promise<void> => {
    const older = receiving.get(id);
    older?.cancel();
    await older?.ended;
  };

  const clear = async (id: AttachmentId, keep: string | null): Promise<void> => {
    for (const { key } of await bucket.list(`${id}/`))
      if (keep === null || !key.startsWith(`${id}/${keep}/`)) await bucket.delete(key);
  };

  const receive = async (
    id: AttachmentId,
    reader: ReadableStreamDefaultReader<Uint8Array>,
    { from, sizeBytes }: Place,
  ): Promise<Received> => {
    const here = await rowOf(id);
    if (from !== 0 && from !== here.sizeBytes)
      return refuse("UPLOAD_OFFSET", { received: here.sizeBytes });
    const isNew = from === 0 || here.attempt === null;
    const attempt = isNew ? makeId<AttachmentId>(needs.clock.now(), needs.random) : here.attempt;
    const size = await copy(reader, { from, sizeBytes }, async (offset, bytes) => {
      const isLast = offset + bytes.length === sizeBytes;
      const name = `${String(offset).padStart(OFFSET_DIGITS, "0")}${isLast ? END : ""}`;
      await bucket.put(`${id}/${attempt}/${name}`, bytes);
    });
    if (size > sizeBytes) {
      await clear(id, null);
      return refuse("TOO_LARGE", { limit: sizeBytes });
    }
    if (isNew) await clear(id, attempt);
    return ok({ received: size });
  };

  return {
    received: async (id) => (await rowOf(id)).sizeBytes,
    async put(id, bytes, where) {
      const reader = bytes.getReader();
      await interrupt(id);
      const ended = receive(id, reader, where)
        .catch(() => refuse("STORAGE_FAILED"))
        .finally(() => {
          if (receiving.get(id)?.ended === ended) receiving.delete(id);
        });
      receiving.set(id, { cancel: () => void reader.cancel().catch(() => undefined), ended });
      return ended;
    },
    async stat(id) {
      const row = await rowOf(id);
      if (!row.isWhole) return null;
      const hash = createHash("sha256");
      for await (const chunk of bytesOf(bucket, row, 0, row.sizeBytes - 1)) hash.update(chunk);
      return { sizeBytes: row.sizeBytes, sha256Hex: hash.digest("hex") };
    },
    read: (id, start, end) =>
      ReadableStream.from(
        (async function* () {
          yield* bytesOf(bucket, await rowOf(id), start, end);
        })(),
      ),
    async delete(id) {
      await interrupt(id);
      await clear(id, null);
    },
  };
}

/** Reads objects as one row: the newest attempt, as far as it has no gap. */
function rowIn(id: AttachmentId, objects: readonly StoredObject[]): Row {
  const pieces = objects.flatMap(({ key, sizeBytes }) => {
    const [, attempt, digits] = /^[^/]+\/([^/]+)\/(\d+)(?:\.end)?$/.exec(key) ?? [];
    return attempt === undefined || digits === undefined
      ? []
      : [{ key, attempt, offset: Number(digits), sizeBytes }];
  });
  // Attempts are UUIDs of their time.
  const attempt = pieces.map((piece) => piece.attempt).reduce(later, null);
  const longestAt = new Map<number, Piece>();
  for (const piece of pieces) {
    if (piece.attempt !== attempt) continue;
    const other = longestAt.get(piece.offset);
    if (other === undefined || other.sizeBytes < piece.sizeBytes)
      longestAt.set(piece.offset, piece);
  }
  const row: Piece[] = [];
  let sizeBytes = 0;
  for (
    let next = longestAt.get(0);
    next !== undefined && next.sizeBytes > 0;
    next = longestAt.get(sizeBytes)
  ) {
    row.push(next);
    sizeBytes += next.sizeBytes;
  }
  return { attempt, pieces: row, sizeBytes, isWhole: row.at(-1)?.key.endsWith(END) === true };
}

const later = (a: string | null, b: string): string => (a === null || b > a ? b : a);

/** Bytes of a row from `start` to `end`, both inclusive. */
async function* bytesOf(
  bucket: Bucket,
  { pieces }: Row,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  for (const { key, offset, sizeBytes } of pieces) {
    const first = Math.max(start - offset, 0);
    const last = Math.min(end - offset, sizeBytes - 1);
    if (first <= last) yield* await bucket.get(key, first, last);
  }
}

/** Hands on what comes in pieces until the stream ends, breaks or brings too much; the size of the file then. */
async function copy(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  { from, sizeBytes }: Place,
  store: (offset: number, bytes: Bytes) => Promise<void>,
): Promise<number> {
  let stored = from;
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  const flush = async (): Promise<void> => {
    if (waitingBytes === 0) return;
    await store(stored, concat(...waiting));
    stored += waitingBytes;
    waiting = [];
    waitingBytes = 0;
  };
  for (;;) {
    // A line that breaks is an end like another: what came is kept, the rest can follow.
    const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }));
    if (done || value === undefined) break;
    waiting.push(value);
    waitingBytes += value.byteLength;
    if (stored + waitingBytes > sizeBytes) {
      await reader.cancel().catch(() => undefined);
      return stored + waitingBytes;
    }
    if (waitingBytes >= PIECE_BYTES) await flush();
  }
  await flush();
  return stored;
}
