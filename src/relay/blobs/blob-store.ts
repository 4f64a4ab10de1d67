/** Ciphertext files by attachment id. Whoever stores them sees sizes and hashes, nothing else. SPEC P76. */
import type { Result } from "#base/result.ts";
import type { AttachmentId } from "#protocol/ids.ts";
import type { RelayFailure } from "../failure.ts";

export type StoredBlob = { readonly sizeBytes: number; readonly sha256Hex: string };

export interface BlobStore {
  /**
   * Receives a file, or its rest: `from` is how much is here already, 0 begins anew. Gives how much is here then;
   * the file is whole at `sizeBytes`, and until then it can be gone on with, over a broken line and a restart too.
   * A newer call for the same file ends an older one, which may hang on a line that is dead.
   *
   * Fails with `UPLOAD_OFFSET` (another amount is here; `params.received`), `TOO_LARGE` (more than `sizeBytes` came;
   * nothing is kept), `STORAGE_FULL`, `STORAGE_FAILED`.
   */
  put(
    id: AttachmentId,
    bytes: ReadableStream<Uint8Array>,
    place: { readonly from: number; readonly sizeBytes: number },
  ): Promise<Result<{ readonly received: number }, RelayFailure>>;
  /** Bytes received of a file, whole or not. */
  received(id: AttachmentId): Promise<number>;
  /** Size and hash of a whole file, or null. */
  stat(id: AttachmentId): Promise<StoredBlob | null>;
  /** Bytes from `start` to `end`, both inclusive. */
  read(id: AttachmentId, start: number, end: number): ReadableStream<Uint8Array>;
  /** Ends what is being received and forgets the rest. */
  delete(id: AttachmentId): Promise<void>;
}
