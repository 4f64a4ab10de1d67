/**
 * A file on its way in pieces: each is put where the one before it ended, and after a broken line the upload goes on
 * where the relay has it. One piece is held at a time. SPEC E94.
 */
import { bytesToHex, concat, type Bytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import { createFileSealer, type FileBinding, type FileSealer } from "#crypto/file-seal.ts";
import { sealedFileSize } from "#crypto/file-seal.ts";
import type { ConversationId } from "#protocol/ids.ts";
import { ConfirmedUpload, UploadState, type Upload } from "#protocol/rest.ts";
import type { PeerFailure } from "./failure.ts";
import {
  announceFile,
  fileHeaders,
  sealedFile,
  type FileTransferNeeds,
  type PlainFile,
  type SealedFile,
} from "./file-transfer.ts";
import { refusalOf } from "./rest.ts";

/** One upload. */
export interface PiecewiseUpload {
  /**
   * Goes on until the relay has the whole file, or says why not. After a passing failure it may be called again and
   * goes on from there; not while it runs.
   *
   * Fails with `peer/too-large`, `peer/over-quota`, `peer/damaged-file` (the plaintext has another size than said, or
   * the relay lost bytes), the line's kinds and the relay's refusals. An aborted signal ends it with `peer/offline`.
   */
  run(signal?: AbortSignal): Promise<Result<SealedFile, PeerFailure>>;
}

/** Ciphertext in one request. */
const PIECE_BYTES = 1 << 20;

/** `onReceived` is told how many bytes of ciphertext the relay has, of how many. */
export const createPiecewiseUpload = (
  needs: FileTransferNeeds,
  file: { readonly conversationId: ConversationId; readonly plain: PlainFile },
  onReceived: (doneBytes: number, totalBytes: number) => void,
): PiecewiseUpload => new Pieces(needs, file, onReceived);

type Started = {
  readonly upload: Upload;
  readonly binding: FileBinding;
  readonly pieces: AsyncIterator<Bytes, Result<Bytes, PeerFailure>>;
};
type Piece = { readonly from: number; readonly bytes: Bytes };

class Pieces implements PiecewiseUpload {
  readonly #needs: FileTransferNeeds;
  readonly #file: { readonly conversationId: ConversationId; readonly plain: PlainFile };
  readonly #onReceived: (doneBytes: number, totalBytes: number) => void;
  readonly #totalBytes: number;
  #started: Started | null = null;
  #piece: Piece | null = null;
  #sha256: Bytes | null = null;
  /** What the relay is known to have. */
  #received = 0;
  /** The last piece may have come in part. */
  #isUnsure = false;

  constructor(
    needs: FileTransferNeeds,
    file: { readonly conversationId: ConversationId; readonly plain: PlainFile },
    onReceived: (doneBytes: number, totalBytes: number) => void,
  ) {
    this.#needs = needs;
    this.#file = file;
    this.#onReceived = onReceived;
    this.#totalBytes = sealedFileSize(file.plain.sizeBytes);
  }

  async run(signal?: AbortSignal): Promise<Result<SealedFile, PeerFailure>> {
    const started = await this.#start();
    if (!started.ok) return started;
    for (;;) {
      if (signal?.aborted === true) return err({ kind: "peer/offline" });
      const sent = await this.#step(started.value, signal);
      if (!sent.ok) return sent;
      if (sent.value === "whole") return this.#confirm(started.value);
    }
  }

  async #start(): Promise<Result<Started, PeerFailure>> {
    if (this.#started !== null) return ok(this.#started);
    const { conversationId, plain } = this.#file;
    const { primitives } = this.#needs;
    const announced = await announceFile(this.#needs, conversationId, plain.sizeBytes);
    if (!announced.ok) return announced;
    const binding = {
      fileKey: new Secret(primitives.randomBytes(32)),
      conversationId,
      attachmentId: announced.value.attachment_id,
      sizeBytes: plain.sizeBytes,
    };
    const sealer = await createFileSealer(primitives, binding);
    if (!sealer.ok) return damaged;
    const pieces = sealedPieces(sealer.value, plain);
    this.#started = { upload: announced.value, binding, pieces };
    return ok(this.#started);
  }

  /** Sends what is next, or what the relay still lacks of the piece before. */
  async #step(
    { upload, pieces }: Started,
    signal: AbortSignal | undefined,
  ): Promise<Result<"more" | "whole", PeerFailure>> {
    if (this.#isUnsure) {
      const state = await this.#needs.rest.call("GET", upload.upload_url, UploadState);
      if (!state.ok) return state;
      if (!this.#note(state.value.received)) return damaged;
      this.#isUnsure = false;
    }
    if (this.#piece === null) {
      if (this.#sha256 !== null) return ok("whole");
      const next = await pieces.next();
      if (next.done === true) {
        if (!next.value.ok) return next.value;
        this.#sha256 = next.value.value;
        return ok("more");
      }
      this.#piece = { from: this.#received, bytes: next.value };
    }
    const { from, bytes } = this.#piece;
    const sent = await this.#put(upload.upload_url, bytes.subarray(this.#received - from), signal);
    if (!sent.ok) return sent;
    return ok("more");
  }

  async #put(
    path: string,
    bytes: Uint8Array<ArrayBuffer>,
    signal: AbortSignal | undefined,
  ): Promise<Result<null, PeerFailure>> {
    const { baseUrl, line } = this.#needs;
    const headers = await fileHeaders(this.#needs);
    if (!headers.ok) return headers;
    const end = this.#received + bytes.length;
    const range = `bytes ${this.#received}-${end - 1}/${this.#totalBytes}`;
    const part = async function* (): AsyncGenerator<Bytes> {
      yield bytes;
    };
    this.#isUnsure = true;
    try {
      const answer = await line.put(
        baseUrl.replace(/\/+$/, "") + path,
        {
          ...headers.value,
          "content-type": "application/octet-stream",
          "content-range": range,
        },
        part(),
        signal,
      );
      const text = await answer.text();
      if (answer.status >= 300) return this.#refused(refusalOf({ ...answer, text }));
    } catch {
      return err({ kind: "peer/offline" });
    }
    this.#isUnsure = false;
    this.#note(end);
    return ok(null);
  }

  /** Another offset than the relay's is looked up and then gone on from. */
  #refused(failure: PeerFailure): Result<null, PeerFailure> {
    const isOffset = failure.kind === "peer/refused" && failure.code === "UPLOAD_OFFSET";
    return isOffset ? ok(null) : err(failure);
  }

  /** False where the relay has less than it said before, or more than it was sent. */
  #note(received: number): boolean {
    const from = this.#piece?.from ?? this.#received;
    const end = from + (this.#piece?.bytes.length ?? 0);
    if (received < this.#received || received > end) return false;
    this.#received = received;
    if (received === end) this.#piece = null;
    this.#onReceived(received, this.#totalBytes);
    return true;
  }

  async #confirm({ upload, binding }: Started): Promise<Result<SealedFile, PeerFailure>> {
    const sha256 = this.#sha256;
    if (sha256 === null) return damaged;
    const confirmed = await this.#needs.rest.call("POST", "/files/confirm", ConfirmedUpload, {
      upload_id: upload.upload_id,
      sha256: bytesToHex(sha256),
    });
    return confirmed.ok ? ok(sealedFile(binding, sha256)) : confirmed;
  }
}

const damaged = err({ kind: "peer/damaged-file" } as const);

/** The ciphertext in pieces of {@link PIECE_BYTES}, the last one shorter; returns its hash. */
async function* sealedPieces(
  sealer: FileSealer,
  plain: PlainFile,
): AsyncGenerator<Bytes, Result<Bytes, PeerFailure>> {
  let waiting: Bytes = sealer.head;
  for await (const piece of plain.read()) {
    waiting = concat(waiting, await sealer.update(piece));
    for (; waiting.length >= PIECE_BYTES; waiting = waiting.slice(PIECE_BYTES))
      yield waiting.slice(0, PIECE_BYTES);
  }
  const end = await sealer.finish();
  if (!end.ok) return damaged;
  yield concat(waiting, end.value.rest);
  return ok(end.value.sha256);
}
