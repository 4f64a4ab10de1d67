/**
 * Files on their way: announced, sealed as they leave, confirmed by their hash; and back, checked whole before the
 * first byte is shown. The relay holds ciphertext and its size. SPEC E80, E81.
 */
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import { bytesToHex, hexToBytes, type Bytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import type { CryptoFailure } from "#crypto/failure.ts";
import { createFileSealer, openFile, sealedFileSize, type FileBinding } from "#crypto/file-seal.ts";
import type { Primitives } from "#crypto/primitives.ts";
import { parseId, type AgentId, type AttachmentId, type ConversationId } from "#protocol/ids.ts";
import { MAX_FILE_BYTES } from "#protocol/limits.ts";
import type { Attachment } from "#protocol/payload.ts";
import { ConfirmedUpload, Upload } from "#protocol/rest.ts";
import type { PeerFailure } from "./failure.ts";
import { refusalOf, type Rest, type Tokens } from "./rest.ts";

/** How a platform moves bytes. Calls reject when there is no network, and when their signal aborts. */
export interface FileLine {
  put(
    url: string,
    headers: Readonly<Record<string, string>>,
    body: AsyncIterable<Bytes>,
    signal?: AbortSignal,
  ): Promise<Answer>;
  get(
    url: string,
    headers: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<Answer & { readonly body: AsyncIterable<Bytes> }>;
}
type Answer = {
  readonly status: number;
  readonly retryAfter: string | null;
  text(): Promise<string>;
};

/** Where ciphertext waits for its last byte. Its owner disposes of it. */
export interface Spool {
  write(piece: Bytes): Promise<void>;
  /** The ciphertext from its start; called twice. */
  read(): AsyncIterable<Bytes>;
}

export type PlainFile = {
  readonly sizeBytes: number;
  /** The plaintext from its start, in pieces of any size. */
  read(): Iterable<Bytes> | AsyncIterable<Bytes>;
};

/** What of an attachment opens its file. */
export type SealedFile = Pick<
  Attachment,
  "attachment_id" | "file_key" | "cipher" | "size" | "sha256"
>;

export interface FileTransfer {
  /**
   * Seals a file under a fresh key and stores it with the relay. The result goes into a message's `attachments`.
   *
   * Fails with `peer/too-large`, `peer/damaged-file` (the plaintext has another size than said), the line's kinds and
   * the relay's refusals. A failed try may be repeated: it announces anew, with another key.
   */
  upload(conversationId: ConversationId, file: PlainFile): Promise<Result<SealedFile, PeerFailure>>;
  /**
   * The plaintext of a file, once all of its ciphertext is in the spool and has the hash that the message names.
   *
   * Fails with `peer/damaged-file`, the line's kinds and `peer/not-found`; pieces only with `peer/damaged-file`.
   */
  download(
    conversationId: ConversationId,
    file: SealedFile,
    spool: Spool,
    signal?: AbortSignal,
  ): Promise<Result<AsyncIterable<Result<Bytes, PeerFailure>>, PeerFailure>>;
}

/** What moving files to and from one relay takes. */
export type FileTransferNeeds = {
  readonly primitives: Primitives;
  readonly rest: Rest;
  readonly tokens: Tokens;
  readonly line: FileLine;
  readonly baseUrl: string;
  /** Null for a person. */
  readonly agentId: AgentId | null;
};

/** Creates the way of files to and from one relay. */
export const createFileTransfer = (options: FileTransferNeeds): FileTransfer =>
  new SealedTransfer(options);

class SealedTransfer implements FileTransfer {
  readonly #options: FileTransferNeeds;
  readonly #base: string;

  constructor(options: FileTransferNeeds) {
    this.#options = options;
    this.#base = options.baseUrl.replace(/\/+$/, "");
  }

  async upload(
    conversationId: ConversationId,
    file: PlainFile,
  ): Promise<Result<SealedFile, PeerFailure>> {
    const { sizeBytes } = file;
    const { rest, primitives } = this.#options;
    const announced = await announceFile(this.#options, conversationId, sizeBytes);
    if (!announced.ok) return announced;
    const { upload_id, upload_url, attachment_id } = announced.value;
    const key = new Secret(primitives.randomBytes(32));
    const binding = { fileKey: key, conversationId, attachmentId: attachment_id, sizeBytes };
    const sha256 = await this.#put(upload_url, binding, file);
    if (!sha256.ok) return sha256;
    const confirmed = await rest.call("POST", "/files/confirm", ConfirmedUpload, {
      upload_id,
      sha256: bytesToHex(sha256.value),
    });
    if (!confirmed.ok) return confirmed;
    return ok(sealedFile(binding, sha256.value));
  }

  async download(
    conversationId: ConversationId,
    file: SealedFile,
    spool: Spool,
    signal?: AbortSignal,
  ): Promise<Result<AsyncIterable<Result<Bytes, PeerFailure>>, PeerFailure>> {
    const attachmentId = parseId<AttachmentId>(file.attachment_id);
    const fileKey = base64ToBytes(file.file_key);
    const sha256 = hexToBytes(file.sha256);
    if (attachmentId === null || fileKey?.length !== 32 || sha256?.length !== 32) return damaged;
    const filled = await this.#fill(attachmentId, file.size, spool, signal);
    if (!filled.ok) return filled;
    const binding = {
      fileKey: new Secret(fileKey),
      conversationId,
      attachmentId,
      sizeBytes: file.size,
    };
    const opened = await openFile(this.#options.primitives, { ...binding, sha256 }, () =>
      spool.read(),
    );
    return opened.ok ? ok(piecesOf(opened.value)) : damaged;
  }

  /** Sends the ciphertext while it is made; the hash of what was sent. */
  async #put(
    path: string,
    binding: Parameters<typeof createFileSealer>[1],
    file: PlainFile,
  ): Promise<Result<Bytes, PeerFailure>> {
    const sealer = await createFileSealer(this.#options.primitives, binding);
    if (!sealer.ok) return damaged;
    let end: Awaited<ReturnType<typeof sealer.value.finish>> | null = null;
    const ciphertext = async function* (): AsyncGenerator<Bytes> {
      yield sealer.value.head;
      for await (const piece of file.read()) {
        const sealed = await sealer.value.update(piece);
        if (sealed.length > 0) yield sealed;
      }
      end = await sealer.value.finish();
      if (end.ok) yield end.value.rest;
    };
    const headers = await fileHeaders(this.#options);
    if (!headers.ok) return headers;
    try {
      const { line } = this.#options;
      const answer = await line.put(
        this.#base + path,
        { ...headers.value, "content-type": "application/octet-stream" },
        ciphertext(),
      );
      if (answer.status >= 300) return err(refusalOf({ ...answer, text: await answer.text() }));
    } catch {
      return err({ kind: "peer/offline" });
    }
    const outcome = end as Result<{ readonly sha256: Bytes }, CryptoFailure> | null;
    return outcome?.ok === true ? ok(outcome.value.sha256) : damaged;
  }

  /** Brings the whole ciphertext into the spool, and not a byte more than the file can have. */
  async #fill(
    attachmentId: AttachmentId,
    sizeBytes: number,
    spool: Spool,
    signal?: AbortSignal,
  ): Promise<Result<null, PeerFailure>> {
    const headers = await fileHeaders(this.#options);
    if (!headers.ok) return headers;
    let left = sealedFileSize(sizeBytes);
    try {
      const url = `${this.#base}/files/${attachmentId}`;
      const answer = await this.#options.line.get(url, headers.value, signal);
      if (answer.status >= 300) return err(refusalOf({ ...answer, text: await answer.text() }));
      for await (const piece of answer.body) {
        left -= piece.length;
        if (left < 0) return damaged;
        await spool.write(piece);
      }
    } catch {
      return err({ kind: "peer/offline" });
    }
    return ok(null);
  }
}

/** Asks the relay for a place. Fails with `peer/too-large`, the relay's refusals and the line's kinds. */
export async function announceFile(
  { agentId, rest }: FileTransferNeeds,
  conversationId: ConversationId,
  sizeBytes: number,
): Promise<Result<Upload, PeerFailure>> {
  if (sizeBytes > MAX_FILE_BYTES) return err({ kind: "peer/too-large", limit: MAX_FILE_BYTES });
  return rest.call("POST", agentId === null ? "/files" : `/agents/${agentId}/files`, Upload, {
    // The real name and kind travel inside the message.
    filename: "blob",
    content_type: "application/octet-stream",
    size: sealedFileSize(sizeBytes),
    conversation_id: conversationId,
  });
}

/** What a message carries of a file that the relay has whole. */
export const sealedFile = (
  { attachmentId, fileKey, sizeBytes }: FileBinding,
  sha256: Bytes,
): SealedFile => ({
  attachment_id: attachmentId,
  file_key: bytesToBase64(fileKey.reveal()),
  cipher: "parley-file-v1",
  size: sizeBytes,
  sha256: bytesToHex(sha256),
});

/** The headers of a request that moves bytes. */
export async function fileHeaders({
  tokens,
}: Pick<FileTransferNeeds, "tokens">): Promise<Result<Record<string, string>, PeerFailure>> {
  const token = await tokens.token(false);
  return token.ok ? ok({ authorization: `Bearer ${token.value}` }) : token;
}

const damaged = err({ kind: "peer/damaged-file" } as const);

async function* piecesOf(
  chunks: AsyncIterable<Result<Bytes, CryptoFailure>>,
): AsyncGenerator<Result<Bytes, PeerFailure>, void, undefined> {
  for await (const chunk of chunks) yield chunk.ok ? chunk : damaged;
}
