/** Ciphertext files by attachment id. Whoever stores them sees sizes and hashes, nothing else. SPEC §files. */
import type { Result } from "#base/result.ts";
import type { AttachmentId } from "#protocol/ids.ts";
import type { RelayFailure } from "../failure.ts";

export type StoredBlob = { readonly sizeBytes: number; readonly sha256Hex: string };

export interface BlobStore {
  /** Receives at most `maxBytes`. Fails with `TOO_LARGE` or `STORAGE_FAILED`, and keeps nothing then. */
  put(
    id: AttachmentId,
    bytes: ReadableStream<Uint8Array>,
    maxBytes: number,
  ): Promise<Result<StoredBlob, RelayFailure>>;
  /** Size and hash of what is stored, or null. */
  stat(id: AttachmentId): Promise<StoredBlob | null>;
  /** Bytes from `start` to `end`, both inclusive. */
  read(id: AttachmentId, start: number, end: number): ReadableStream<Uint8Array>;
  delete(id: AttachmentId): Promise<void>;
}
