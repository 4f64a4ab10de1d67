/** Writes about encrypted files: who may put how many bytes where. */
import { ok } from "#base/result.ts";
import type { AccountId, AttachmentId, ConversationId } from "#protocol/ids.ts";
import { refuse } from "../failure.ts";
import type { Command } from "../store/transaction.ts";
import { checkMember } from "../log/append-commands.ts";

const DAY_MS = 86_400_000;
/** Bytes one account may upload to one conversation in a day. */
const DAILY_BYTES = 1_073_741_824;

export const startUpload: Command<
  {
    readonly now: number;
    readonly uploadId: string;
    readonly attachmentId: AttachmentId;
    readonly conversationId: ConversationId;
    readonly uploader: AccountId;
    readonly sizeBytes: number;
  },
  null
> = (tx, { now, uploadId, attachmentId, conversationId, uploader, sizeBytes }) => {
  if (!checkMember(tx, conversationId, uploader).ok)
    return refuse("NOT_CONVERSATION_MEMBER_UPLOAD");
  const used = tx.sql.get<{ bytes: number }>(
    "SELECT coalesce(sum(size), 0) AS bytes FROM upload WHERE conv = ? AND created_at > ? AND uploader = ?",
    conversationId,
    now - DAY_MS,
    uploader,
  );
  if ((used?.bytes ?? 0) + sizeBytes > DAILY_BYTES)
    return refuse("QUOTA_EXCEEDED", { limit: DAILY_BYTES });
  tx.sql.run(
    "INSERT INTO upload (upload_id, attachment_id, conv, uploader, size, created_at) VALUES (?, ?, ?, ?, ?, ?)",
    uploadId,
    attachmentId,
    conversationId,
    uploader,
    sizeBytes,
    now,
  );
  return ok(null);
};

export const confirmUpload: Command<{ uploadId: string; sha256: string }, null> = (
  tx,
  { uploadId, sha256 },
) =>
  tx.sql.run("UPDATE upload SET sha256 = ? WHERE upload_id = ?", sha256, uploadId) === 0
    ? refuse("NOT_FOUND")
    : ok(null);

export const dropUpload: Command<{ uploadId: string }, null> = (tx, { uploadId }) => {
  tx.sql.run("DELETE FROM upload WHERE upload_id = ?", uploadId);
  return ok(null);
};
