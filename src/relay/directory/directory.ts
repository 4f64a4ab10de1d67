/** Reads about accounts: people, devices, sessions, agents, keys, relations. Writes go through the writer. */
import type { Bytes } from "#base/bytes.ts";
import type {
  AccountId,
  AgentId,
  ConversationId,
  DeviceId,
  RelationId,
  UserId,
} from "#protocol/ids.ts";
import type { Backup, Prekey } from "#protocol/rest.ts";
import type { Sql } from "../store/sql.ts";
import type { AgentRow, DeviceRow, PushRow, RelationRow, SessionRow, UserRow } from "./rows.ts";

export type LedgerRowBytes = {
  readonly seq: number;
  readonly prev_hash: Bytes;
  readonly entry: Bytes;
};
export type InviteRow = {
  readonly invite_id: string;
  readonly code: string;
  readonly agent_id: AgentId;
  readonly uses: number;
  readonly max_uses: number | null;
  readonly expires_at: number | null;
};
export type ContactRequestRow = {
  readonly request_id: string;
  readonly from_id: UserId;
  readonly to_id: UserId;
  readonly note_sealed: string | null;
  readonly created_at: number;
};

export type Directory = ReturnType<typeof createDirectory>;

export const createDirectory = (sql: Sql) => ({
  ...readsOfPeople(sql),
  ...readsOfAgents(sql),
  ...readsOfRelations(sql),
  ...readsOfPush(sql),
});

const readsOfPeople = (sql: Sql) => ({
  user: (userId: UserId) =>
    sql.get<UserRow>("SELECT * FROM users WHERE user_id = ?", userId) ?? null,
  userByHandle: (handle: string) =>
    sql.get<UserRow>("SELECT * FROM users WHERE handle = ?", handle) ?? null,
  device: (deviceId: DeviceId) =>
    sql.get<DeviceRow>("SELECT * FROM devices WHERE device_id = ?", deviceId) ?? null,
  devicesOf: (userId: UserId) =>
    sql.all<DeviceRow>("SELECT * FROM devices WHERE user_id = ? ORDER BY created_at", userId),
  session: (sessionId: string) =>
    sql.get<SessionRow>(
      "SELECT session_id, user_id, device_id, expires_at FROM sessions WHERE session_id = ?",
      sessionId,
    ) ?? null,
  backup: (userId: UserId): Backup | null => {
    const row = sql.get<{ body: string }>("SELECT body FROM backups WHERE user_id = ?", userId);
    return row === undefined ? null : (JSON.parse(row.body) as Backup);
  },
  prekeys: (ownerId: AccountId | DeviceId) =>
    sql.all<Prekey>(
      "SELECT kid, suite, certificate FROM prekeys WHERE owner_id = ? ORDER BY position",
      ownerId,
    ),
  accountLedger: (accountId: AccountId, afterSeq: number) =>
    sql.all<LedgerRowBytes>(
      "SELECT seq, prev_hash, entry FROM account_ledger WHERE account_id = ? AND seq > ? ORDER BY seq",
      accountId,
      afterSeq,
    ),
});

const readsOfAgents = (sql: Sql) => ({
  agent: (agentId: AgentId) =>
    sql.get<AgentRow>("SELECT * FROM agents WHERE agent_id = ?", agentId) ?? null,
  agentByToken: (tokenHash: Bytes) =>
    sql.get<AgentRow>("SELECT * FROM agents WHERE token_hash = ?", tokenHash) ?? null,
  agents: () => sql.all<AgentRow>("SELECT * FROM agents ORDER BY created_at, rowid"),
  agentsOf: (userId: UserId) =>
    sql.all<AgentRow>(
      "SELECT * FROM agents WHERE creator_id = ? AND deleted_at IS NULL ORDER BY created_at",
      userId,
    ),
  webhookAgents: () =>
    sql
      .all<{ agent_id: AgentId }>(
        "SELECT agent_id FROM agents WHERE connection_mode = 'webhook' AND governance <> 'blocked'",
      )
      .map((row) => row.agent_id),
  /** Members of a conversation that are reached by webhook. */
  webhookMembers: (conversationId: ConversationId) =>
    sql
      .all<{ agent_id: AgentId }>(
        `SELECT agent_id FROM member JOIN agents ON agent_id = account
         WHERE conv = ? AND connection_mode = 'webhook' AND left_seq IS NULL`,
        conversationId,
      )
      .map((row) => row.agent_id),
  isMember: (conversationId: ConversationId, accountId: AccountId) =>
    sql.get(
      "SELECT 1 FROM member WHERE conv = ? AND account = ? AND left_seq IS NULL",
      conversationId,
      accountId,
    ) !== undefined,
  invite: (code: string) =>
    sql.get<InviteRow>("SELECT * FROM invites WHERE code = ?", code) ?? null,
  invitesOf: (agentId: AgentId) =>
    sql.all<InviteRow>("SELECT * FROM invites WHERE agent_id = ? ORDER BY created_at", agentId),
});

const readsOfPush = (sql: Sql) => ({
  pushSubscription: (deviceId: DeviceId) =>
    sql.get<PushRow>("SELECT * FROM push_subscriptions WHERE device_id = ?", deviceId) ?? null,
  /** Subscribed devices of the members, but the writer's and those who muted the conversation. */
  pushedDevices: (conversationId: ConversationId, writer: AccountId | null, now: number) =>
    sql.all<{ device_id: DeviceId }>(
      `SELECT device_id FROM member JOIN push_subscriptions ON user_id = account
       WHERE conv = ? AND left_seq IS NULL AND account IS NOT ? AND coalesce(muted_until, 0) <= ?`,
      conversationId,
      writer,
      now,
    ),
  /** Up to which seq a device has stored a conversation. */
  cursorOf: (deviceId: DeviceId, conversationId: ConversationId) =>
    sql.get<{ acked_seq: number }>(
      "SELECT acked_seq FROM cursor WHERE recipient_dev = ? AND conv = ?",
      deviceId,
      conversationId,
    )?.acked_seq ?? 0,
  /** Unread messages in all conversations. */
  unreadOf: (userId: UserId) =>
    sql.get<{ n: number }>(
      `SELECT count(*) AS n FROM member AS own JOIN entry ON entry.conv = own.conv
       WHERE own.account = ? AND own.left_seq IS NULL AND entry.seq > own.read_seq
       AND entry.seq >= own.joined_seq AND entry.counts = 1 AND entry.sender_id <> own.account`,
      userId,
    )?.n ?? 0,
});

const readsOfRelations = (sql: Sql) => ({
  relation: (relationId: RelationId) =>
    sql.get<RelationRow>("SELECT * FROM relations WHERE relation_id = ?", relationId) ?? null,
  relationOf: (conversationId: ConversationId) =>
    sql.get<RelationRow>("SELECT * FROM relations WHERE conversation_id = ?", conversationId) ??
    null,
  relationsOf: (accountId: AccountId) =>
    sql.all<RelationRow>(
      "SELECT * FROM relations WHERE user_id = ?1 OR agent_id = ?1 OR peer_user_id = ?1 ORDER BY created_at",
      accountId,
    ),
  relationsOfAgent: (agentId: AgentId) =>
    sql.all<RelationRow>("SELECT * FROM relations WHERE agent_id = ? ORDER BY created_at", agentId),
  contactRequest: (requestId: string) =>
    sql.get<ContactRequestRow>("SELECT * FROM contact_requests WHERE request_id = ?", requestId) ??
    null,
  contactRequestsOf: (userId: UserId) =>
    sql.all<ContactRequestRow>(
      "SELECT * FROM contact_requests WHERE from_id = ?1 OR to_id = ?1 ORDER BY created_at",
      userId,
    ),
  blocksOf: (userId: UserId) =>
    sql.all<{ blocked_id: UserId; created_at: number }>(
      "SELECT blocked_id, created_at FROM blocks WHERE user_id = ? ORDER BY created_at",
      userId,
    ),
  /** Everyone who shares a conversation with the account, itself included: those its keys matter to. */
  relatedTo: (accountId: AccountId) =>
    sql
      .all<{ account: AccountId }>(
        `SELECT DISTINCT other.account FROM member AS own JOIN member AS other USING (conv)
         WHERE own.account = ? AND own.left_seq IS NULL AND other.left_seq IS NULL`,
        accountId,
      )
      .map((row) => row.account),
});
