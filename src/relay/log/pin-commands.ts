/** Which messages a conversation keeps at hand: said in the log, so that everybody agrees. */
import { ok } from "#base/result.ts";
import type { AccountId, ConversationId, MessageId } from "#protocol/ids.ts";
import { refuse } from "../failure.ts";
import type { Command } from "../store/transaction.ts";
import { systemEntry } from "./append-commands.ts";
import type { Role } from "./log-store.ts";

/** Pins or releases; what is so already is no news. */
export const pinMessage: Command<
  {
    readonly now: number;
    readonly conversationId: ConversationId;
    readonly messageId: MessageId;
    readonly by: AccountId;
    readonly pinned: boolean;
  },
  null
> = async (tx, { now, conversationId, messageId, by, pinned }) => {
  const member = await tx.sql.get<{ role: Role; type: string }>(
    `SELECT member.role, conv.type FROM member JOIN conv ON id = conv
     WHERE conv = ? AND account = ? AND left_seq IS NULL`,
    conversationId,
    by,
  );
  if (member === undefined) return refuse("NOT_MEMBER");
  if (member.type === "group" && member.role === "member") return refuse("ROLE_REQUIRED");
  const message = await tx.sql.get(
    "SELECT 1 FROM entry WHERE conv = ? AND msg_id = ? AND recalled_at IS NULL",
    conversationId,
    messageId,
  );
  if (message === undefined) return refuse("NOT_FOUND");
  const changed = pinned
    ? await tx.sql.run(
        "INSERT INTO pin (conv, msg_id, pinned_by, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        conversationId,
        messageId,
        by,
        now,
      )
    : await tx.sql.run("DELETE FROM pin WHERE conv = ? AND msg_id = ?", conversationId, messageId);
  if (changed === 0) return ok(null);
  const meta = {
    message_id: messageId,
    pinned,
    pinned_by: by,
    pinned_at: new Date(now).toISOString(),
  };
  await tx.append(systemEntry(conversationId, "message.pinned", meta), now);
  return ok(null);
};
