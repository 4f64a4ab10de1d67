/** Writes about a conversation itself: birth, members, ledger, and each account's marks in it. */
import { equalBytes, type Bytes } from "#base/bytes.ts";
import { bytesToBase64 } from "#base/base64.ts";
import { ok, type Result } from "#base/result.ts";
import type { AccountId, ConversationId, DeviceId } from "#protocol/ids.ts";
import { MAX_GROUP_MEMBERS } from "#protocol/limits.ts";
import { checkLedgerPlace, checkWholeLedger, hashOf, NO_HASH } from "../ledger-head.ts";
import { refuse, type RelayFailure } from "../failure.ts";
import type { Command, Transaction } from "../store/transaction.ts";
import { checkMember, systemEntry } from "./append-commands.ts";
import type { CursorMove, Delivered, LedgerAppend, NewConversation, Role } from "./log-store.ts";

export const createConversation: Command<NewConversation, null> = async (tx, conversation) => {
  const { conversationId, now } = conversation;
  const chain = checkWholeLedger(conversation.ledger, "conversation", conversationId);
  if (!chain.ok) return chain;
  if (conversation.members.length > MAX_GROUP_MEMBERS)
    return refuse("GROUP_FULL", { limit: MAX_GROUP_MEMBERS });
  const created = await tx.sql.run(
    "INSERT INTO conv (id, type, status, group_key_version, updated_at) VALUES (?, ?, 'open', ?, ?) ON CONFLICT DO NOTHING",
    conversationId,
    conversation.type,
    chain.value.length - 1,
    now,
  );
  if (created === 0) return refuse("ID_TAKEN");
  for (const [seq, { entry, prevHash, hash }] of chain.value.entries()) {
    await insertLedgerRow(tx, conversationId, seq, { entry, prevHash, hash });
  }
  for (const member of conversation.members) {
    await tx.sql.run(
      "INSERT INTO member (conv, account, type, role, owner_id, joined_seq) VALUES (?, ?, ?, ?, ?, 1)",
      conversationId,
      member.id,
      member.type,
      member.role,
      member.ownerId,
    );
  }
  for (const entry of conversation.entries) await tx.append(entry, now);
  return ok(null);
};

type LedgerCommand = {
  conversationId: ConversationId;
  append: LedgerAppend;
  by: { accountId: AccountId; deviceId: DeviceId };
};

export const appendLedger: Command<LedgerCommand, null> = async (
  tx,
  { conversationId, append, by },
) => {
  const member = await checkMember(tx, conversationId, by.accountId);
  if (!member.ok) return member;
  const head = (await tx.sql.get<{ seq: number; hash: Bytes }>(
    "SELECT seq, hash FROM ledger WHERE conv = ? ORDER BY seq DESC LIMIT 1",
    conversationId,
  )) ?? { seq: -1, hash: NO_HASH };
  if (append.ledgerSeq !== head.seq + 1 || !equalBytes(append.prevHash, head.hash)) {
    return refuse("LEDGER_CONFLICT", {
      head: { ledger_seq: head.seq, hash: bytesToBase64(head.hash) },
    });
  }
  const placed = checkLedgerPlace(append.entry, {
    scope: "conversation",
    id: conversationId,
    seq: append.ledgerSeq,
    prevHash: append.prevHash,
  });
  if (!placed.ok) return placed;
  await insertLedgerRow(tx, conversationId, append.ledgerSeq, {
    ...append,
    hash: hashOf(append.entry),
  });
  const meta = {
    ledger_seq: append.ledgerSeq,
    prev_hash: bytesToBase64(append.prevHash),
    entry: bytesToBase64(append.entry),
  };
  const entry = systemEntry(conversationId, "ledger.appended", meta);
  await tx.append({ ...entry, senderId: by.accountId, senderDeviceId: by.deviceId }, append.now);
  return ok(null);
};

export type GroupChange =
  | { readonly change: "member_added"; readonly id: AccountId; readonly type: "human" | "agent" }
  | { readonly change: "member_removed"; readonly id: AccountId }
  /** A new owner takes the place of the one there was, who is an admin then. */
  | { readonly change: "role"; readonly id: AccountId; readonly role: Role }
  | { readonly change: "closed" }
  | {
      readonly change: "settings";
      readonly membersCanInvite: boolean | null;
      readonly joinApproval: boolean | null;
    };

type GroupCommand = Omit<LedgerCommand, "append"> & {
  readonly now: number;
  readonly append: LedgerAppend | null;
  readonly change: GroupChange;
};

/** One change of a group: routing table, ledger entry and announcement stand or fall together. */
export const changeGroup: Command<GroupCommand, null> = async (tx, command) => {
  const { conversationId, by, change, now } = command;
  const allowed = await checkMayChange(tx, command);
  if (!allowed.ok) return allowed;
  if (change.change === "member_added") {
    const added = await addMember(tx, conversationId, change, by.accountId);
    if (!added.ok) return added;
  }
  if (command.append !== null) {
    const appended = await appendLedger(tx, { conversationId, append: command.append, by });
    if (!appended.ok) return appended;
    await tx.sql.run(
      "UPDATE conv SET group_key_version = group_key_version + 1 WHERE id = ?",
      conversationId,
    );
  }
  const meta = {
    change: change.change,
    by: by.accountId,
    ...("id" in change ? { subject_id: change.id } : {}),
  };
  const { seq } = await tx.append(systemEntry(conversationId, "group.updated", meta), now);
  if (change.change === "member_removed") {
    await tx.sql.run(
      "UPDATE member SET left_seq = ? WHERE conv = ? AND account = ?",
      seq,
      conversationId,
      change.id,
    );
  } else if (change.change === "role") {
    if (change.role === "owner")
      await tx.sql.run(
        "UPDATE member SET role = 'admin' WHERE conv = ? AND account = ?",
        conversationId,
        by.accountId,
      );
    await tx.sql.run(
      "UPDATE member SET role = ? WHERE conv = ? AND account = ?",
      change.role,
      conversationId,
      change.id,
    );
  } else if (change.change === "closed") {
    await tx.sql.run("UPDATE conv SET status = 'revoked' WHERE id = ?", conversationId);
  } else if (change.change === "settings") {
    await tx.sql.run(
      `UPDATE conv SET members_can_invite = coalesce(?, members_can_invite),
       join_approval = coalesce(?, join_approval) WHERE id = ?`,
      flag(change.membersCanInvite),
      flag(change.joinApproval),
      conversationId,
    );
  }
  return ok(null);
};

export const advanceCursors: Command<readonly CursorMove[], readonly Delivered[]> = async (
  tx,
  moves,
) => {
  const delivered: Delivered[] = [];
  for (const { endpointId, accountId, conversationId, seq } of moves) {
    const member = await tx.sql.get<{
      last: number;
      left_seq: number | null;
      delivered_seq: number;
    }>(
      `SELECT next_seq - 1 AS last, left_seq, delivered_seq
       FROM member JOIN conv ON id = conv WHERE conv = ? AND account = ?`,
      conversationId,
      accountId,
    );
    if (member === undefined) continue;
    const reached = Math.min(seq, member.last, member.left_seq ?? member.last);
    await tx.sql.run(
      `INSERT INTO cursor (recipient_dev, conv, acked_seq) VALUES (?, ?, ?)
       ON CONFLICT (recipient_dev, conv) DO UPDATE SET acked_seq = excluded.acked_seq
       WHERE cursor.acked_seq < excluded.acked_seq`,
      endpointId,
      conversationId,
      reached,
    );
    if (reached <= member.delivered_seq) continue;
    const moved = await tx.sql.run(
      "UPDATE member SET delivered_seq = ? WHERE conv = ? AND account = ? AND delivered_seq < ?",
      reached,
      conversationId,
      accountId,
      reached,
    );
    if (moved > 0) delivered.push({ accountId, conversationId, seq: reached });
  }
  return ok(delivered);
};

export const markRead: Command<
  { conversationId: ConversationId; accountId: AccountId; seq: number },
  { readSeq: number; moved: boolean }
> = async (tx, { conversationId, accountId, seq }) => {
  const row = await tx.sql.get<{ read_seq: number; last: number }>(
    "SELECT read_seq, next_seq - 1 AS last FROM member JOIN conv ON id = conv WHERE conv = ? AND account = ?",
    conversationId,
    accountId,
  );
  if (row === undefined) return refuse("NOT_MEMBER");
  const readSeq = Math.max(row.read_seq, Math.min(seq, row.last));
  const moved = readSeq > row.read_seq;
  if (moved) {
    await tx.sql.run(
      "UPDATE member SET read_seq = ? WHERE conv = ? AND account = ?",
      readSeq,
      conversationId,
      accountId,
    );
  }
  return ok({ readSeq, moved });
};

export const flagConversation: Command<
  {
    conversationId: ConversationId;
    accountId: AccountId;
    mutedUntil: number | null | undefined;
    pinned: boolean | undefined;
    archived: boolean | undefined;
  },
  null
> = async (tx, { conversationId, accountId, mutedUntil, pinned, archived }) => {
  const changed = await tx.sql.run(
    `UPDATE member SET muted_until = CASE WHEN ? = 1 THEN ? ELSE muted_until END, pinned = coalesce(?, pinned),
     archived = coalesce(?, archived) WHERE conv = ? AND account = ?`,
    mutedUntil === undefined ? 0 : 1,
    mutedUntil ?? null,
    flag(pinned),
    flag(archived),
    conversationId,
    accountId,
  );
  return changed === 0 ? refuse("NOT_MEMBER") : ok(null);
};

const flag = (value: boolean | null | undefined): number | null =>
  value === null || value === undefined ? null : Number(value);

async function insertLedgerRow(
  tx: Transaction,
  conversationId: ConversationId,
  seq: number,
  row: { readonly entry: Bytes; readonly prevHash: Bytes; readonly hash: Bytes },
): Promise<void> {
  await tx.sql.run(
    "INSERT INTO ledger (conv, seq, prev_hash, hash, entry) VALUES (?, ?, ?, ?, ?)",
    conversationId,
    seq,
    row.prevHash,
    row.hash,
    row.entry,
  );
}

type GroupRow = {
  readonly role: Role;
  readonly type: string;
  readonly status: string;
  readonly members_can_invite: number;
};

/** Tells every writer of a group to open a new session. */
export const rotateGroup: Command<
  { readonly now: number; readonly conversationId: ConversationId; readonly by: AccountId },
  { readonly groupKeyVersion: number }
> = async (tx, { now, conversationId, by }) => {
  const change = { change: "settings", membersCanInvite: null, joinApproval: null } as const;
  const allowed = await checkMayChange(tx, { conversationId, by: { accountId: by }, change });
  if (!allowed.ok) return allowed;
  const row = await tx.sql.get<{ group_key_version: number }>(
    "UPDATE conv SET group_key_version = group_key_version + 1 WHERE id = ? RETURNING group_key_version",
    conversationId,
  );
  const groupKeyVersion = row?.group_key_version ?? 0;
  const meta = { group_key_version: groupKeyVersion, rotated_by: by };
  await tx.append(systemEntry(conversationId, "system.group_key_rotated", meta), now);
  return ok({ groupKeyVersion });
};

// A routing rule only: whom the ledger lets act is for its readers to judge.
async function checkMayChange(
  tx: Transaction,
  command: Pick<GroupCommand, "conversationId" | "change"> & {
    readonly by: Pick<GroupCommand["by"], "accountId">;
  },
): Promise<Result<null, RelayFailure>> {
  const { conversationId, by, change } = command;
  const row = await tx.sql.get<GroupRow>(
    `SELECT member.role, conv.type, conv.status, members_can_invite FROM member JOIN conv ON id = conv
     WHERE conv = ? AND account = ? AND left_seq IS NULL`,
    conversationId,
    by.accountId,
  );
  if (row === undefined) return refuse("NOT_MEMBER");
  if (row.type !== "group") return refuse("FORBIDDEN");
  if (row.status !== "open") return refuse("RELATION_REVOKED");
  if (change.change === "member_removed") {
    const subject = await tx.sql.get<{ role: Role }>(
      "SELECT role FROM member WHERE conv = ? AND account = ? AND left_seq IS NULL",
      conversationId,
      change.id,
    );
    if (subject === undefined) return refuse("NOT_FOUND");
    if (subject.role === "owner") return refuse("ROLE_REQUIRED");
    if (change.id === by.accountId) return ok(null);
  }
  if (change.change === "role") {
    const subject = await tx.sql.get(
      "SELECT 1 FROM member WHERE conv = ? AND account = ? AND left_seq IS NULL",
      conversationId,
      change.id,
    );
    if (subject === undefined) return refuse("NOT_FOUND");
  }
  const needsOwner = change.change === "role" || change.change === "closed";
  const mayInvite = change.change === "member_added" && row.members_can_invite === 1;
  const suffices = row.role === "owner" || (row.role === "admin" && !needsOwner) || mayInvite;
  if (!suffices) return refuse("ROLE_REQUIRED");
  // Nobody takes the owner's place by giving it up.
  const isOwnRole = change.change === "role" && change.id === by.accountId;
  return isOwnRole ? refuse("FORBIDDEN") : ok(null);
}

async function addMember(
  tx: Transaction,
  conversationId: ConversationId,
  member: { readonly id: AccountId; readonly type: "human" | "agent" },
  by: AccountId,
): Promise<Result<null, RelayFailure>> {
  const count = await tx.sql.get<{ n: number }>(
    "SELECT count(*) AS n FROM member WHERE conv = ? AND left_seq IS NULL",
    conversationId,
  );
  if ((count?.n ?? 0) >= MAX_GROUP_MEMBERS)
    return refuse("GROUP_FULL", { limit: MAX_GROUP_MEMBERS });
  const place = await tx.sql.get<{ next_seq: number }>(
    "SELECT next_seq FROM conv WHERE id = ?",
    conversationId,
  );
  await tx.sql.run(
    `INSERT INTO member (conv, account, type, role, owner_id, joined_seq) VALUES (?, ?, ?, 'member', ?, ?)
     ON CONFLICT (conv, account) DO UPDATE SET left_seq = NULL, role = 'member', archived = 0,
     joined_seq = excluded.joined_seq WHERE member.left_seq IS NOT NULL`,
    conversationId,
    member.id,
    member.type,
    member.type === "agent" ? by : null,
    place?.next_seq ?? 1,
  );
  return ok(null);
}
