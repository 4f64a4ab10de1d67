/** A message's file, opened: fetched sealed, checked whole, then decrypted; or taken from what lies here. SPEC §files. */
import { concat, type Bytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { OpenedFile, TransferView } from "#bridge/file-views.ts";
import type { FileTransfer, Spool } from "#peer/file-transfer.ts";
import type { Store } from "#peer/store.ts";
import type { Endpoint } from "#peer/endpoint.ts";
import type { ConversationId, MessageId } from "#protocol/ids.ts";
import type { Attachment, Payload } from "#protocol/payload.ts";
import type { EngineFailure } from "../failure.ts";
import { findMessage } from "../log-scan.ts";
import { safeFileName } from "./file-name.ts";
import type { KeptFiles } from "./kept-files.ts";
import { pictureOf } from "./picture.ts";
import type { StagedFiles } from "./staged-files.ts";

type Needs = {
  readonly store: Store;
  readonly endpoint: Pick<Endpoint, "outgoing">;
  readonly transfer: FileTransfer;
  readonly staged: StagedFiles;
  readonly kept: KeptFiles;
  readonly tell: (transfer: TransferView) => void;
};
type Asked = {
  readonly conversationId: ConversationId;
  readonly messageId: MessageId;
  readonly attachmentId: string;
};

/** Enough of a file to see what it is. */
const HEAD_BYTES = 1 << 20;

/**
 * Opens a file.
 *
 * Fails with `engine/unknown-file`, `engine/file-gone`, `engine/cancelled`, `peer/damaged-file` (its size, hash or a
 * chunk's seal is not what the message names), `peer/not-found` and the line's kinds.
 */
export async function openFile(
  needs: Needs,
  asked: Asked,
  signal: AbortSignal | null,
): Promise<Result<OpenedFile, EngineFailure>> {
  const { staged, kept } = needs;
  const own = staged.get(asked.attachmentId);
  if (own !== null) {
    const gathered = createGatherer();
    for await (const piece of staged.read(own.id)) gathered.add(piece);
    return gathered.sizeBytes() === own.sizeBytes
      ? ok(gathered.finish(own.name))
      : err({ kind: "engine/file-gone" });
  }
  const attachment = await findAttachment(needs, asked);
  if (attachment === null) return err({ kind: "engine/unknown-file" });
  const here = await kept.read(asked.attachmentId);
  if (here !== null) {
    const gathered = createGatherer();
    gathered.add(here);
    return ok(gathered.finish(attachment.filename ?? ""));
  }
  return fetchFile(needs, asked, attachment, signal);
}

async function fetchFile(
  { transfer, kept, tell }: Needs,
  { conversationId, messageId, attachmentId }: Asked,
  attachment: Attachment,
  signal: AbortSignal | null,
): Promise<Result<OpenedFile, EngineFailure>> {
  const totalBytes = attachment.size;
  const told = (status: TransferView["status"], doneBytes: number): void =>
    tell({ id: attachmentId, conversationId, status, doneBytes, totalBytes });
  const spool = createBlobSpool((doneBytes) => told("running", Math.min(doneBytes, totalBytes)));
  told("running", 0);
  const isCancelled = (): boolean => signal?.aborted === true;
  try {
    const opened = await transfer.download(conversationId, attachment, spool, signal ?? undefined);
    if (isCancelled()) return err({ kind: "engine/cancelled" });
    if (!opened.ok) return opened;
    const gathered = createGatherer();
    for await (const piece of opened.value) {
      if (isCancelled()) return err({ kind: "engine/cancelled" });
      if (!piece.ok) return piece;
      gathered.add(piece.value);
    }
    const file = gathered.finish(attachment.filename ?? "");
    if (file.picture !== null) {
      const bytes = new Uint8Array(await file.bytes.arrayBuffer());
      await kept.keep({ attachmentId, conversationId, messageId }, bytes);
    }
    return ok(file);
  } finally {
    told("ended", totalBytes);
  }
}

async function findAttachment(
  { store, endpoint }: Needs,
  { conversationId, messageId, attachmentId }: Asked,
): Promise<Attachment | null> {
  const entry = await findMessage(store, conversationId, messageId);
  const payload: Payload | undefined =
    entry?.content.kind === "message"
      ? entry.content.payload
      : endpoint.outgoing().find((one) => one.messageId === messageId)?.payload;
  if (payload?.type === "profile")
    return payload.avatar?.attachment_id === attachmentId ? payload.avatar : null;
  if (payload === undefined || payload.type === "unknown" || !("attachments" in payload))
    return null;
  return payload.attachments?.find((one) => one.attachment_id === attachmentId) ?? null;
}

/**
 * Ciphertext in blobs, which a browser keeps outside this worker's memory and on disk when they grow. A piece is let
 * go once it was read the second time, so ciphertext and plaintext are not both there whole.
 */
function createBlobSpool(onBytes: (doneBytes: number) => void): Spool {
  let blobs: (Blob | null)[] = [];
  let waiting: Bytes[] = [];
  let waitingBytes = 0;
  let doneBytes = 0;
  let reads = 0;
  const settle = (): void => {
    if (waitingBytes > 0) blobs.push(new Blob(waiting));
    waiting = [];
    waitingBytes = 0;
  };
  return {
    async write(piece) {
      waiting.push(piece);
      waitingBytes += piece.length;
      doneBytes += piece.length;
      if (waitingBytes < HEAD_BYTES) return;
      settle();
      onBytes(doneBytes);
    },
    async *read() {
      settle();
      reads += 1;
      const isLast = reads > 1;
      for (const [i, blob] of blobs.entries()) {
        if (blob === null) return;
        yield new Uint8Array(await blob.arrayBuffer());
        if (isLast) blobs[i] = null;
      }
      if (isLast) blobs = [];
    },
  };
}

/** Gathers plaintext into one blob. */
function createGatherer() {
  let head: Bytes = new Uint8Array();
  let sizeBytes = 0;
  let parts: Blob[] = [];
  let waiting: Bytes[] = [];
  let waitingBytes = 0;
  return {
    sizeBytes: () => sizeBytes,
    add(piece: Bytes): void {
      if (head.length < HEAD_BYTES) head = concat(head, piece.subarray(0, HEAD_BYTES));
      sizeBytes += piece.length;
      waiting.push(piece);
      waitingBytes += piece.length;
      if (waitingBytes < HEAD_BYTES) return;
      parts.push(new Blob(waiting));
      waiting = [];
      waitingBytes = 0;
    },
    finish(name: string): OpenedFile {
      const picture = pictureOf(head);
      const type = picture?.mime ?? "application/octet-stream";
      const bytes = new Blob([...parts, ...waiting], { type });
      parts = [];
      waiting = [];
      return { bytes, name: safeFileName(name), picture };
    },
  };
}
