/** Reads about accounts: people, devices, sessions, agents, keys, relations. Writes go through the writer. */
import { setImmediate as othersTurn } from "node:timers/promises";
import type { Bytes } from "#base/bytes.ts";
import type {
  AccountId,
  AgentId,
  ConversationId,
  DeviceId,
  RelationId,
  UserId,
} from "#protocol/ids.ts";
import { MAX_UNREAD_COUNT } from "#protocol/limits.ts";
import type { Backup, Prekey } from "#protocol/rest.ts";
import { allAmong, orNull, type Sql } from "../store/sql.ts";
import type {
  AgentRow,
  AgentStanding,
  DeviceRow,
  PushRow,
  RelationRow,
  SessionRow,
  UserRow,
  WayRow,
} from "./rows.ts";

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
  readonly approval: number;
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
    orNull(sql.get<UserRow>("SELECT * FROM users WHERE user_id = ?", userId)),
  userByHandle: (handle: string) =>
    orNull(sql.get<UserRow>("SELECT * FROM users WHERE handle = ?", handle)),
  device: (deviceId: DeviceId) =>
    orNull(sql.get<DeviceRow>("SELECT * FROM devices WHERE device_id = ?", deviceId)),
  devicesOf: (userId: UserId) =>
    sql.all<DeviceRow>("SELECT * FROM devices WHERE user_id = ? ORDER BY created_at", userId),
  session: (sessionId: string) =>
    orNull(
      sql.get<SessionRow>(
        "SELECT session_id, user_id, device_id, expires_at FROM sessions WHERE session_id = ?",
        sessionId,
      ),
    ),
  backup: async (userId: UserId): Promise<Backup | null> => {
    const row = await sql.get<{ body: string }>(
      "SELECT body FROM backups WHERE user_id = ?",
      userId,
    );
    return row === undefined ? null : (JSON.parse(row.body) as Backup);
  },
  waysOf: (userId: UserId) =>
    sql.all<WayRow>("SELECT * FROM ways WHERE user_id = ? ORDER BY created_at, method_id", userId),
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

const STANDINGS = `SELECT agent_id, deleted_at, governance, connection_mode, token_hash, messages_per_second
  FROM agents WHERE agent_id IN`;

const readsOfAgents = (sql: Sql) => ({
  agent: (agentId: AgentId) =>
    orNull(sql.get<AgentRow>("SELECT * FROM agents WHERE agent_id = ?", agentId)),
  /** How those there are of the agents named stand. */
  standingsOf: async (ids: readonly AgentId[]): Promise<ReadonlyMap<AgentId, AgentStanding>> => {
    const rows = await allAmong<AgentStanding>(sql, STANDINGS, ids);
    return new Map(rows.map((row) => [row.agent_id, row]));
  },
  /** Whether a deleted agent has relations that are still to be ended. */
  hasEndingAgents: async () =>
    (await sql.get("SELECT 1 FROM agents WHERE is_ending = 1 LIMIT 1")) !== undefined,
  agentByToken: (tokenHash: Bytes) =>
    orNull(sql.get<AgentRow>("SELECT * FROM agents WHERE token_hash = ?", tokenHash)),
  agents: () => sql.all<AgentRow>("SELECT * FROM agents ORDER BY created_at, agent_id"),
  agentsOf: (userId: UserId) =>
    sql.all<AgentRow>(
      "SELECT * FROM agents WHERE creator_id = ? AND deleted_at IS NULL ORDER BY created_at",
      userId,
    ),
  webhookAgents: async () => {
    const rows = await sql.all<{ agent_id: AgentId }>(
      "SELECT agent_id FROM agents WHERE connection_mode = 'webhook' AND governance <> 'blocked'",
    );
    return rows.map((row) => row.agent_id);
  },
  /** Members of a conversation that are reached by webhook. */
  webhookMembers: async (conversationId: ConversationId) => {
    const rows = await sql.all<{ agent_id: AgentId }>(
      `SELECT agent_id FROM member JOIN agents ON agent_id = account
       WHERE conv = ? AND connection_mode = 'webhook' AND left_seq IS NULL`,
      conversationId,
    );
    return rows.map((row) => row.agent_id);
  },
  isMember: async (conversationId: ConversationId, accountId: AccountId) => {
    const row = await sql.get(
      "SELECT 1 FROM member WHERE conv = ? AND account = ? AND left_seq IS NULL",
      conversationId,
      accountId,
    );
    return row !== undefined;
  },
  invite: (code: string) =>
    orNull(sql.get<InviteRow>("SELECT * FROM invites WHERE code = ?", code)),
  invitesOf: (agentId: AgentId) =>
    sql.all<InviteRow>("SELECT * FROM invites WHERE agent_id = ? ORDER BY created_at", agentId),
  /** Agents shown to newcomers, the oldest first; those whose link or standing ended are left out. */
  offers: () =>
    sql.all<{ code: string; fingerprint: string }>(
      `SELECT offers.code, fingerprint FROM offers
       JOIN agents ON agents.agent_id = offers.agent_id JOIN invites ON invites.code = offers.code
       WHERE deleted_at IS NULL AND governance <> 'blocked' ORDER BY offers.agent_id`,
    ),
});

const readsOfPush = (sql: Sql) => ({
  pushSubscription: (deviceId: DeviceId) =>
    orNull(sql.get<PushRow>("SELECT * FROM push_subscriptions WHERE device_id = ?", deviceId)),
  /** Subscribed devices of the members, but the writer's and those who muted the conversation. */
  pushedDevices: (conversationId: ConversationId, writer: AccountId | null, now: number) =>
    sql.all<{ device_id: DeviceId }>(
      `SELECT device_id FROM member JOIN push_subscriptions ON user_id = account
       WHERE conv = ? AND left_seq IS NULL AND account IS DISTINCT FROM ? AND coalesce(muted_until, 0) <= ?`,
      conversationId,
      writer,
      now,
    ),
  /** Up to which seq a device has stored a conversation. */
  cursorOf: async (deviceId: DeviceId, conversationId: ConversationId) => {
    const row = await sql.get<{ acked_seq: number }>(
      "SELECT acked_seq FROM cursor WHERE recipient_dev = ? AND conv = ?",
      deviceId,
      conversationId,
    );
    return row?.acked_seq ?? 0;
  },
  /** Unread messages in all conversations, at most {@link MAX_UNREAD_COUNT}. */
  unreadOf: async (userId: UserId) => {
    const row = await sql.get<{ n: number }>(
      `SELECT count(*) AS n FROM (SELECT 1 FROM member AS own JOIN entry ON entry.conv = own.conv
       WHERE own.account = ? AND own.left_seq IS NULL AND entry.seq > own.read_seq
       AND entry.seq >= own.joined_seq AND entry.counts = 1 AND entry.sender_id <> own.account
       LIMIT ${MAX_UNREAD_COUNT}) AS counted`,
      userId,
    );
    return row?.n ?? 0;
  },
});

const readsOfRelations = (sql: Sql) => ({
  relation: (relationId: RelationId) =>
    orNull(sql.get<RelationRow>("SELECT * FROM relations WHERE relation_id = ?", relationId)),
  relationOf: (conversationId: ConversationId) =>
    orNull(
      sql.get<RelationRow>("SELECT * FROM relations WHERE conversation_id = ?", conversationId),
    ),
  /** Up to `limit` relations of either side, oldest first, that came after the one named; "" begins. */
  relationsOf: (accountId: AccountId, after: string, limit: number) =>
    sql.all<RelationRow>(RELATIONS, accountId, after, limit),
  /** As {@link Directory.relationsOf}, with the people's names. */
  relationsOfAgent: (agentId: AgentId, after: string, limit: number) =>
    sql.all<RelationRow & { handle: string | null; display_name: string | null }>(
      `SELECT relations.*, handle, display_name FROM relations LEFT JOIN users USING (user_id)
       WHERE agent_id = ? AND relation_id > ? ORDER BY relation_id LIMIT ?`,
      agentId,
      after,
      limit,
    ),
  contactRequest: (requestId: string) =>
    orNull(
      sql.get<ContactRequestRow>("SELECT * FROM contact_requests WHERE request_id = ?", requestId),
    ),
  contactRequestsOf: (userId: UserId) =>
    sql.all<ContactRequestRow>(
      `SELECT * FROM contact_requests WHERE from_id = ?1 OR (to_id = ?1 AND NOT EXISTS (
         SELECT 1 FROM blocks WHERE user_id = ?1 AND blocked_id = from_id)) ORDER BY created_at`,
      userId,
    ),
  blocksOf: (userId: UserId) =>
    sql.all<{ blocked_id: UserId; created_at: number }>(
      "SELECT blocked_id, created_at FROM blocks WHERE user_id = ? ORDER BY created_at",
      userId,
    ),
  remarksOf: (userId: UserId) =>
    sql.all<{ contact_id: AccountId; remark_sealed: string }>(
      "SELECT contact_id, remark_sealed FROM remark WHERE user_id = ? ORDER BY contact_id",
      userId,
    ),
  /**
   * Everyone who shares a conversation with the account but itself, each once: those its keys matter to. In pages, with
   * others' work between them.
   */
  async *relatedTo(accountId: AccountId): AsyncGenerator<readonly Related[]> {
    const known = new Set<AccountId>([accountId]);
    let last = "";
    for (let isMore = true; isMore;) {
      const rows = await sql.all<RelatedRow>(RELATED, accountId, last, RELATED_PAGE);
      const page: Related[] = [];
      for (const { account, type, presence } of rows) {
        if (known.has(account)) continue;
        known.add(account);
        page.push({ id: account, isShown: type === "agent" || presence === 1 });
      }
      if (page.length > 0) yield page;
      const conversations = new Set(rows.map(({ conv }) => conv));
      isMore = conversations.size === RELATED_PAGE;
      for (const conv of conversations) if (conv > last) last = conv;
      if (isMore) await othersTurn();
    }
  },
});

// Ids begin with the time. Each side by its own index, cut before they are put together.
const relationsBy = (side: string): string =>
  `SELECT * FROM (SELECT * FROM relations WHERE ${side} = ?1 AND relation_id > ?2
     ORDER BY relation_id LIMIT ?3) AS by_${side}`;
const RELATIONS = `SELECT * FROM (
    ${["user_id", "agent_id", "peer_user_id"].map(relationsBy).join(" UNION ALL ")}
  ) AS own ORDER BY relation_id LIMIT ?3`;

/** `isShown`: the account lets those it shares a conversation with see when it is here, as agents always do. */
export type Related = { readonly id: AccountId; readonly isShown: boolean };

type RelatedRow = {
  readonly conv: ConversationId;
  readonly account: AccountId;
  readonly type: "human" | "agent";
  readonly presence: number | null;
};

/** Conversations of a page. */
const RELATED_PAGE = 250;
// The account is in each itself, so that each conversation of a page is seen.
const RELATED = `SELECT own.conv, other.account, other.type, presence
  FROM (SELECT conv FROM member WHERE account = ? AND conv > ? AND left_seq IS NULL ORDER BY conv LIMIT ?) AS own
  JOIN member AS other ON other.conv = own.conv LEFT JOIN users ON user_id = other.account
  WHERE other.left_seq IS NULL`;
