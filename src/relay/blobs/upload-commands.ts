/** Writes about encrypted files: who may put how many bytes where. */
import { ok, type Result } from "#base/result.ts";
import type { AccountId, AttachmentId, ConversationId } from "#protocol/ids.ts";
import { MAX_OPEN_UPLOADS } from "#protocol/limits.ts";
import { refuse, type RelayFailure } from "../failure.ts";
import type { Command, Transaction } from "../store/transaction.ts";
import { checkMember } from "../log/append-commands.ts";

/** From announcing a file to its confirmation. */
export const UPLOAD_LIFETIME_MS = 3_600_000;
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
> = async (tx, { now, uploadId, attachmentId, conversationId, uploader, sizeBytes }) => {
  const member = await checkMember(tx, conversationId, uploader);
  if (!member.ok) return refuse("NOT_CONVERSATION_MEMBER_UPLOAD");
  const open = await tx.sql.get<{ n: number }>(
    `SELECT count(*) AS n FROM upload JOIN agents ON agent_id = uploader
     WHERE uploader = ? AND sha256 IS NULL AND upload.created_at > ?`,
    uploader,
    now - UPLOAD_LIFETIME_MS,
  );
  if ((open?.n ?? 0) >= MAX_OPEN_UPLOADS)
    return refuse("QUOTA_EXCEEDED", { limit: MAX_OPEN_UPLOADS });
  const quota = await checkQuota(tx, { now, conversationId, uploader, sizeBytes });
  if (!quota.ok) return quota;
  await tx.sql.run(
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

export const confirmUpload: Command<{ uploadId: string; sha256: string }, null> = async (
  tx,
  { uploadId, sha256 },
) =>
  (await tx.sql.run("UPDATE upload SET sha256 = ? WHERE upload_id = ?", sha256, uploadId)) === 0
    ? refuse("NOT_FOUND")
    : ok(null);

export const dropUpload: Command<{ uploadId: string }, null> = async (tx, { uploadId }) => {
  await tx.sql.run("DELETE FROM upload WHERE upload_id = ?", uploadId);
  return ok(null);
};

// Everybody's limit counts one conversation; one that the operator gave an agent counts all of its conversations.
async function checkQuota(
  tx: Transaction,
  upload: {
    readonly now: number;
    readonly conversationId: ConversationId;
    readonly uploader: AccountId;
    readonly sizeBytes: number;
  },
): Promise<Result<null, RelayFailure>> {
  const agent = await tx.sql.get<{ daily_bytes: number | null }>(
    "SELECT daily_bytes FROM agents WHERE agent_id = ?",
    upload.uploader,
  );
  const own = agent?.daily_bytes;
  const used = await tx.sql.get<{ bytes: number }>(
    `SELECT coalesce(sum(size), 0) AS bytes FROM upload
     WHERE uploader = ? AND created_at > ? AND (conv = ? OR ? = 1)`,
    upload.uploader,
    upload.now - DAY_MS,
    upload.conversationId,
    own == null ? 0 : 1,
  );
  const limit = own ?? DAILY_BYTES;
  return (used?.bytes ?? 0) + upload.sizeBytes > limit
    ? refuse("QUOTA_EXCEEDED", { limit })
    : ok(null);
}
