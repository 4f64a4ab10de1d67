/**
 * Files in chunks under a key of their own. Swapped, dropped, repeated or cut chunks are detected, and
 * nothing is offered before the whole ciphertext has the hash that the signed message names. SPEC C35.
 *
 * Layout: 7 random bytes, then each chunk's ciphertext with its tag. Chunk `i` has the nonce
 * `prefix || i:u32 || last:u8`.
 */
import { concat, equalBytes, type Bytes } from "#base/bytes.ts";
import { assert } from "#base/invariant.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { Secret } from "#base/secret.ts";
import { enc, u32, u64, u8 } from "#protocol/encoding.ts";
import { uuidToBytes, type AttachmentId, type ConversationId } from "#protocol/ids.ts";
import { MAX_FILE_BYTES } from "#protocol/limits.ts";

import type { CryptoFailure } from "./failure.ts";
import { LABEL } from "./labels.ts";
import { FILE_CHUNK_BYTES } from "./limits.ts";
import type { AesGcm, Primitives } from "./primitives.ts";

const PREFIX_SIZE_BYTES = 7;
const TAG_SIZE_BYTES = 16;

/** What a file is bound to. Shapes: `fileKey` 32 random bytes, never used for a second file. */
export type FileBinding = {
  readonly fileKey: Secret<Bytes>;
  readonly conversationId: ConversationId;
  readonly attachmentId: AttachmentId;
  /** Size of the plaintext, known before the first chunk. */
  readonly sizeBytes: number;
};

const chunkCount = (sizeBytes: number): number =>
  Math.max(1, Math.ceil(sizeBytes / FILE_CHUNK_BYTES));

/** Size of the ciphertext of a file of `sizeBytes`. */
export const sealedFileSize = (sizeBytes: number): number =>
  PREFIX_SIZE_BYTES + sizeBytes + chunkCount(sizeBytes) * TAG_SIZE_BYTES;

/** Seals one file as its plaintext comes in; the ciphertext is `head`, the updates, then `rest`. */
export interface FileSealer {
  readonly head: Bytes;
  /** Ciphertext that the next piece completes, possibly none. Call in order, one at a time. */
  update(piece: Bytes): Promise<Bytes>;
  /**
   * The rest of the ciphertext and the SHA-256 of all of it. Call it once, last.
   *
   * Fails with `crypto/file-size-mismatch`: the pieces were not `sizeBytes` long.
   */
  finish(): Promise<Result<{ readonly rest: Bytes; readonly sha256: Bytes }, CryptoFailure>>;
}

/** Starts to seal a file. Fails with `crypto/file-too-large`. */
export async function createFileSealer(
  primitives: Primitives,
  binding: FileBinding,
): Promise<Result<FileSealer, CryptoFailure>> {
  const { sizeBytes } = binding;
  if (sizeBytes > MAX_FILE_BYTES) return err(tooLarge(sizeBytes));
  const head = primitives.randomBytes(PREFIX_SIZE_BYTES);
  const key = await primitives.importAesGcm(binding.fileKey.reveal());
  const hash = primitives.createSha256();
  hash.update(head);
  let waiting: Bytes = new Uint8Array();
  let nextIndex = 0;
  let seenBytes = 0;
  let isFinished = false;

  const sealNext = async (plain: Bytes, isLast: boolean): Promise<Bytes> => {
    const { nonce, aad } = chunkContext(binding, head, nextIndex++, isLast);
    const sealed = await key.seal(nonce, aad, plain);
    hash.update(sealed);
    return sealed;
  };

  return ok({
    head,
    update: async (piece) => {
      assert(!isFinished, "a finished file takes no more");
      seenBytes += piece.length;
      // Too long: nothing more leaves, and the end says so.
      if (seenBytes > sizeBytes) return new Uint8Array();
      const plain = concat(waiting, piece);
      const sealed: Bytes[] = [];
      let at = 0;
      // A full chunk waits until more follows: it may be the last.
      for (; plain.length - at > FILE_CHUNK_BYTES; at += FILE_CHUNK_BYTES) {
        sealed.push(await sealNext(plain.slice(at, at + FILE_CHUNK_BYTES), false));
      }
      waiting = plain.slice(at);
      return concat(...sealed);
    },
    finish: async () => {
      assert(!isFinished, "a file ends once");
      isFinished = true;
      if (seenBytes !== sizeBytes) return err(wrongSize(seenBytes, sizeBytes));
      const rest = await sealNext(waiting, true);
      return ok({ rest, sha256: hash.digest() });
    },
  });
}

/**
 * The chunks of a file whose ciphertext was checked whole; each is a failure when it does not open,
 * and then the last.
 *
 * Shapes: `read` gives the ciphertext from its start, in pieces of any size, each time it is called; it
 * is called twice. `sha256` 32 bytes.
 * Fails with `crypto/file-too-large`, `crypto/file-size-mismatch`, `crypto/file-hash-mismatch`; chunks
 * with `crypto/bad-tag`, `crypto/file-size-mismatch`.
 */
export async function openFile(
  primitives: Primitives,
  file: FileBinding & { readonly sha256: Bytes },
  read: () => Iterable<Bytes> | AsyncIterable<Bytes>,
): Promise<Result<AsyncIterable<Result<Bytes, CryptoFailure>>, CryptoFailure>> {
  if (file.sizeBytes > MAX_FILE_BYTES) return err(tooLarge(file.sizeBytes));
  const expectedSizeBytes = sealedFileSize(file.sizeBytes);
  const hash = primitives.createSha256();
  let seenBytes = 0;
  for await (const piece of read()) {
    seenBytes += piece.length;
    if (seenBytes > expectedSizeBytes) break;
    hash.update(piece);
  }
  if (seenBytes !== expectedSizeBytes) return err(wrongSize(seenBytes, expectedSizeBytes));
  if (!equalBytes(hash.digest(), file.sha256)) return err({ kind: "crypto/file-hash-mismatch" });
  const key = await primitives.importAesGcm(file.fileKey.reveal());
  return ok(openChunks(key, file, read));
}

/** The second reading may give other bytes than the first, so every chunk is still judged by its tag. */
async function* openChunks(
  key: AesGcm,
  file: FileBinding,
  read: () => Iterable<Bytes> | AsyncIterable<Bytes>,
): AsyncGenerator<Result<Bytes, CryptoFailure>, void, undefined> {
  const count = chunkCount(file.sizeBytes);
  let waiting: Bytes = new Uint8Array();
  let head: Bytes | null = null;
  let index = 0;
  let seenBytes = 0;
  for await (const piece of read()) {
    seenBytes += piece.length;
    waiting = concat(waiting, piece);
    let at = 0;
    if (head === null) {
      if (waiting.length < PREFIX_SIZE_BYTES) continue;
      head = waiting.slice(0, PREFIX_SIZE_BYTES);
      at = PREFIX_SIZE_BYTES;
    }
    while (index < count) {
      const end = at + sealedChunkSize(file.sizeBytes, index);
      if (waiting.length < end) break;
      const { nonce, aad } = chunkContext(file, head, index, index === count - 1);
      const plain = await key.open(nonce, aad, waiting.slice(at, end));
      if (plain === null) return yield err({ kind: "crypto/bad-tag" });
      yield ok(plain);
      index += 1;
      at = end;
    }
    waiting = waiting.slice(at);
  }
  if (index < count || waiting.length > 0) {
    yield err(wrongSize(seenBytes, sealedFileSize(file.sizeBytes)));
  }
}

/** A whole file that fits memory, sealed. Fails as {@link createFileSealer} does. */
export async function sealFileBytes(
  primitives: Primitives,
  binding: Omit<FileBinding, "sizeBytes">,
  plain: Bytes,
): Promise<Result<{ readonly sealed: Bytes; readonly sha256: Bytes }, CryptoFailure>> {
  const sealer = await createFileSealer(primitives, { ...binding, sizeBytes: plain.length });
  if (!sealer.ok) return sealer;
  const body = await sealer.value.update(plain);
  const end = await sealer.value.finish();
  if (!end.ok) return end;
  return ok({ sealed: concat(sealer.value.head, body, end.value.rest), sha256: end.value.sha256 });
}

/** A whole file that fits memory, opened. Fails as {@link openFile} and its chunks do. */
export async function openFileBytes(
  primitives: Primitives,
  file: FileBinding & { readonly sha256: Bytes },
  sealed: Bytes,
): Promise<Result<Bytes, CryptoFailure>> {
  const chunks = await openFile(primitives, file, () => [sealed]);
  if (!chunks.ok) return chunks;
  const opened: Bytes[] = [];
  for await (const chunk of chunks.value) {
    if (!chunk.ok) return chunk;
    opened.push(chunk.value);
  }
  return ok(concat(...opened));
}

function chunkContext(binding: FileBinding, prefix: Bytes, index: number, isLast: boolean) {
  const last = u8(isLast ? 1 : 0);
  return {
    nonce: concat(prefix, u32(index), last),
    aad: enc(
      LABEL.file,
      uuidToBytes(binding.conversationId),
      uuidToBytes(binding.attachmentId),
      u64(binding.sizeBytes),
      u32(index),
      last,
    ),
  };
}

const sealedChunkSize = (sizeBytes: number, index: number): number =>
  Math.min(FILE_CHUNK_BYTES, sizeBytes - index * FILE_CHUNK_BYTES) + TAG_SIZE_BYTES;

const tooLarge = (sizeBytes: number): CryptoFailure => ({
  kind: "crypto/file-too-large",
  sizeBytes,
  maxSizeBytes: MAX_FILE_BYTES,
});

const wrongSize = (sizeBytes: number, expectedSizeBytes: number): CryptoFailure => ({
  kind: "crypto/file-size-mismatch",
  sizeBytes,
  expectedSizeBytes,
});
