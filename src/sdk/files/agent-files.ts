/** Files of an agent: sealed while they leave, checked whole before the first byte is given out. */
import { backoffDelayMs } from "#base/backoff.ts";
import type { Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import type { RandomBytes } from "#base/random.ts";
import type { Result } from "#base/result.ts";
import { isPassing, type PeerFailure } from "#peer/failure.ts";
import type { FileTransfer, PlainFile } from "#peer/file-transfer.ts";
import type { ConversationId } from "#protocol/ids.ts";
import type { Attachment, KnownPayload } from "#protocol/payload.ts";
import { HasheeError } from "../agent-error.ts";
import { errorOfFailure } from "../error-of-failure.ts";
import type { DecryptFailure } from "../options.ts";
import { openTemporarySpool } from "./temporary-spool.ts";

/** A file with the conversation it belongs to: enough to open it, now or after a restart. */
export type FileRef = Attachment & { readonly conversation_id: string };

export type FileUpload = {
  readonly filename: string;
  /** `image/png`, `application/pdf` … */
  readonly mime: string;
  /** `await openAsBlob(path)` reads from disk as it is sent. */
  readonly data: Uint8Array | Blob;
  /** How it is shown; null uploads only, for a message of your own. */
  readonly send_as: "image" | "video" | "audio" | "file" | null;
  /** Images: words for those who cannot see them. */
  readonly alt?: string;
  /** Images and videos: a blurhash, or the id of another attachment. */
  readonly thumbnail?: string;
  readonly width?: number;
  readonly height?: number;
  readonly duration_s?: number;
  readonly transcript?: string;
};

export type UploadReceipt = {
  readonly attachment_id: string;
  /** Null with `send_as: null`. */
  readonly message_id: string | null;
  /** For the `attachments` of a message of your own. */
  readonly attachment: FileRef;
};

export interface AgentFiles {
  upload(conversationId: ConversationId, file: FileUpload): Promise<UploadReceipt>;
  stream(file: FileRef): ReadableStream<Uint8Array>;
}

const MAX_TRIES = 5;

export const createAgentFiles = (parts: {
  readonly transfer: FileTransfer;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly send: (
    conversationId: ConversationId,
    payload: KnownPayload,
  ) => Promise<{ readonly message_id: string }>;
  readonly decryptFailed: (failure: DecryptFailure) => void;
}): AgentFiles => ({
  async upload(conversationId, file) {
    const { filename, mime, width, height, duration_s } = file;
    const plain = plainOf(file.data);
    const sealed = await patiently(parts, () => parts.transfer.upload(conversationId, plain));
    const attachment: Attachment = {
      ...sealed,
      mime,
      filename,
      ...(width === undefined ? {} : { width }),
      ...(height === undefined ? {} : { height }),
      ...(duration_s === undefined ? {} : { duration_s }),
    };
    const payload = payloadOf(file, attachment);
    const sent = payload === null ? null : await parts.send(conversationId, payload);
    return {
      attachment_id: attachment.attachment_id,
      message_id: sent?.message_id ?? null,
      attachment: { ...attachment, conversation_id: conversationId },
    };
  },

  stream: (file) =>
    ReadableStream.from(
      openedPieces(parts, file, () =>
        parts.decryptFailed({
          conversation_id: file.conversation_id,
          message_id: "",
          attachment_id: file.attachment_id,
          reason: "file",
        }),
      ),
    ),
});

async function* openedPieces(
  parts: { readonly transfer: FileTransfer; readonly clock: Clock; readonly random: RandomBytes },
  file: FileRef,
  damaged: () => void,
): AsyncGenerator<Uint8Array> {
  const thrown = (failure: PeerFailure): HasheeError => {
    if (failure.kind === "peer/damaged-file") damaged();
    return errorOfFailure(failure);
  };
  for (let tries = 0; ; tries++) {
    const spool = await openTemporarySpool();
    try {
      const conversationId = file.conversation_id as ConversationId;
      const opened = await parts.transfer.download(conversationId, file, spool);
      if (opened.ok) {
        for await (const piece of opened.value) {
          if (!piece.ok) throw thrown(piece.failure);
          yield piece.value;
        }
        return;
      }
      if (!mayTryAgain(opened.failure, tries)) throw thrown(opened.failure);
    } finally {
      await spool.dispose();
    }
    await waitBefore(parts, tries);
  }
}

/** Tries again what may pass, and a file that the way to the relay has damaged. */
async function patiently<Value>(
  parts: { readonly clock: Clock; readonly random: RandomBytes },
  task: () => Promise<Result<Value, PeerFailure>>,
): Promise<Value> {
  for (let tries = 0; ; tries++) {
    const done = await task();
    if (done.ok) return done.value;
    if (!mayTryAgain(done.failure, tries)) throw errorOfFailure(done.failure);
    await waitBefore(parts, tries);
  }
}

const mayTryAgain = (failure: PeerFailure, tries: number): boolean =>
  tries + 1 < MAX_TRIES &&
  (isPassing(failure) || (failure.kind === "peer/refused" && failure.code === "SHA256_MISMATCH"));

const waitBefore = (
  { clock, random }: { readonly clock: Clock; readonly random: RandomBytes },
  tries: number,
): Promise<void> =>
  new Promise((resolve) => {
    clock.after(backoffDelayMs(tries, random), resolve);
  });

function plainOf(data: Uint8Array | Blob): PlainFile {
  if (data instanceof Blob)
    return { sizeBytes: data.size, read: () => data.stream() as AsyncIterable<Bytes> };
  // A copy: the caller's buffer may change while it is sent, and may be a shared one.
  return { sizeBytes: data.length, read: () => slicesOf(data) };
}

const SLICE_BYTES = 1 << 20;

function* slicesOf(data: Uint8Array): Generator<Bytes> {
  for (let at = 0; at < data.length; at += SLICE_BYTES)
    yield new Uint8Array(data.subarray(at, at + SLICE_BYTES));
}

function payloadOf(file: FileUpload, attachment: Attachment): KnownPayload | null {
  const { attachment_id, size } = attachment;
  const { alt, thumbnail, duration_s, transcript, filename, mime } = file;
  const attachments = [attachment];
  const shown = {
    ...(thumbnail === undefined ? {} : { thumbnail }),
  };
  const timed = { ...(duration_s === undefined ? {} : { duration_s }) };
  switch (file.send_as) {
    case null:
      return null;
    case "image":
      return {
        type: "image",
        attachment_id,
        ...(alt === undefined ? {} : { alt }),
        ...shown,
        attachments,
      };
    case "video":
      return { type: "video", attachment_id, ...shown, ...timed, attachments };
    case "audio":
      return {
        type: "audio",
        attachment_id,
        ...timed,
        ...(transcript === undefined ? {} : { transcript }),
        attachments,
      };
    case "file":
      return { type: "file", attachment_id, filename, mime, size, attachments };
  }
}
