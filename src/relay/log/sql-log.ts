/** The log over a database: writes by its writer, reads by another connection. SPEC S13. */
import type { Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { AccountId, ConversationId, DeviceId, MessageId, UserId } from "#protocol/ids.ts";
import { isHashOf } from "../entry-hash.ts";
import { isDamage } from "../store/fault.ts";
import { logEpochOf } from "../store/database.ts";
import { cutSlice, inSlices, lastOfCut, lastOfFull, SLICE, type CutRow } from "../store/slices.ts";
import type { Sql } from "../store/sql.ts";
import type { Writer } from "../store/writer.ts";
import type {
  EntryKind,
  InboxRow,
  LogMember,
  LogStore,
  MemberType,
  PageRequest,
  Role,
  StoredEntry,
} from "./log-store.ts";

/**
 * Creates the log. `sql` reads what `writer` committed. A conversation whose pages are damaged, or with an entry that
 * has another hash than when it was written, is put into quarantine; the others are not concerned. SPEC S17.
 */
export async function createSqlLog(
  writer: Writer,
  sql: Sql,
  clock: Clock,
  events: Log,
): Promise<LogStore> {
  const found = await sql.all<{ id: ConversationId }>(
    "SELECT id FROM conv WHERE damaged_at IS NOT NULL",
  );
  const damaged = new Set(found.map(({ id }) => id));
  const epoch = await logEpochOf(sql);
  const quarantine = (conversationId: ConversationId, because: "page" | "hash"): void => {
    if (damaged.has(conversationId)) return;
    damaged.add(conversationId);
    events.error("conversation.quarantined", { because, count: damaged.size });
    void writer.run("quarantine", { now: clock.now(), conversationId });
  };
  /** What `read` gives, or `instead` when the conversation is, or turns out to be, damaged. */
  const reading = async <Value>(
    conversationId: ConversationId,
    instead: Value,
    read: () => Promise<Value | "altered">,
  ): Promise<Value> => {
    if (damaged.has(conversationId)) return instead;
    try {
      const value = await read();
      if (value !== "altered") return value;
      quarantine(conversationId, "hash");
    } catch (fault) {
      if (!isDamage(fault)) throw fault;
      quarantine(conversationId, "page");
    }
    return instead;
  };
  return {
    isDamaged: (conversationId) => damaged.has(conversationId),
    damagedCount: () => damaged.size,
    epoch,
    onAppended: writer.onAppended,
    append: (request, tag) => writer.run("appendMessage", request, tag),
    recall: (request, tag) => writer.run("recallMessage", request, tag),
    failStream: (failure) => writer.run("failStream", failure),
    orphanStreams: (now) => writer.run("orphanStreams", { now }),
    expireArtifacts: (now) => writer.run("expireArtifacts", { now }),
    async hasExpiredArtifacts(now) {
      const row = await sql.get<{ expires_at: number }>(
        "SELECT expires_at FROM artifact WHERE expired = 0 AND expires_at IS NOT NULL ORDER BY expires_at LIMIT 1",
      );
      return row !== undefined && row.expires_at <= now;
    },
    createConversation: (conversation) => writer.run("createConversation", conversation),
    members: (conversationId) => readMembers(sql, conversationId),
    appendLedger: (conversationId, append, by) =>
      writer.run("appendLedger", { conversationId, append, by }),
    ledgerAfter: (conversationId, afterSeq) => readLedger(sql, conversationId, afterSeq),
    async sessionOpen(conversationId, sid) {
      const row = await sql.get<{ bytes: Bytes }>(
        "SELECT bytes FROM session_open WHERE conv = ? AND sid = ?",
        conversationId,
        sid,
      );
      return row?.bytes ?? null;
    },
    page: (request) => reading(request.conversationId, [], () => readPage(sql, request)),
    seqOf: (conversationId, messageId) =>
      reading(conversationId, null, async () => {
        const row = await sql.get<{ seq: number }>(
          "SELECT seq FROM entry WHERE conv = ? AND msg_id = ?",
          conversationId,
          messageId,
        );
        return row?.seq ?? null;
      }),
    inbox: (accountId, endpointId) => readInbox(sql, accountId, endpointId),
    behind: (accountId, endpointId) => readBehind(sql, accountId, endpointId),
    async placeIn(conversationId, accountId, endpointId) {
      const row = await sql.get<PlaceRow>(PLACE, endpointId, accountId, conversationId);
      return row === undefined ? null : placeOf(row);
    },
    advanceCursors: (moves) => writer.run("advanceCursors", moves),
    markRead: (conversationId, accountId, seq) =>
      writer.run("markRead", { conversationId, accountId, seq }),
  };
}

type EntryRow = {
  readonly conv: ConversationId;
  readonly seq: number;
  readonly msg_id: MessageId | null;
  readonly sender_id: AccountId | null;
  readonly sender_type: StoredEntry["senderType"];
  readonly sender_dev: DeviceId | null;
  readonly kind: EntryKind;
  readonly meta: string;
  readonly body: Bytes | null;
  readonly hash: Bytes | null;
  readonly counts: number;
  readonly at: number;
  readonly recalled_at: number | null;
  readonly open_bytes: Bytes | null;
};

// Sizes first, so that no more bodies are read than the page may hold; the first entry is given whatever its size.
// Bounds and lookups, not joins: whatever a database thinks of its tables, it goes through the page's rows alone.
const pageSql = (direction: "ASC" | "DESC"): string =>
  `WITH page AS MATERIALIZED (
     SELECT min(seq) AS lowest, max(seq) AS highest
     FROM (
       SELECT seq, size, sum(size) OVER (ORDER BY seq ${direction}) AS total
       FROM (
         SELECT seq, coalesce(length(body), 0) + coalesce(
           (SELECT length(bytes) FROM session_open WHERE conv = entry.conv AND first_seq = seq), 0) AS size
         FROM entry WHERE conv = ? AND seq > ? AND seq < ? ORDER BY seq ${direction} LIMIT ?
       ) AS sized
     ) AS placed
     WHERE total <= ? OR total = size
   )
   SELECT entry.*,
     (SELECT bytes FROM session_open WHERE conv = entry.conv AND first_seq = entry.seq) AS open_bytes
   FROM entry
   WHERE conv = ? AND seq >= (SELECT lowest FROM page) AND seq <= (SELECT highest FROM page)
   ORDER BY seq`;
const UPWARDS = pageSql("ASC");
const DOWNWARDS = pageSql("DESC");

async function readPage(
  sql: Sql,
  request: PageRequest,
): Promise<readonly StoredEntry[] | "altered"> {
  const { conversationId, after, before, maxEntries, maxBytes } = request;
  const rows = await sql.all<EntryRow>(
    after !== null || before === null ? UPWARDS : DOWNWARDS,
    conversationId,
    after ?? 0,
    before ?? Number.MAX_SAFE_INTEGER,
    maxEntries,
    maxBytes,
    conversationId,
  );
  const isWhole = rows.every((row) => row.body === null || isHashOf(row.hash, row.body));
  return isWhole ? rows.map(rowToEntry) : "altered";
}

const rowToEntry = (row: EntryRow): StoredEntry => ({
  conversationId: row.conv,
  seq: row.seq,
  kind: row.kind,
  messageId: row.msg_id,
  senderId: row.sender_id,
  senderType: row.sender_type,
  senderDeviceId: row.sender_dev,
  meta: JSON.parse(row.meta) as StoredEntry["meta"],
  body: row.body,
  sessionOpen: row.open_bytes,
  countsUnread: row.counts === 1,
  at: row.at,
  recalledAt: row.recalled_at,
});

async function readMembers(
  sql: Sql,
  conversationId: ConversationId,
): Promise<readonly LogMember[]> {
  const rows = await sql.all<{
    account: AccountId;
    type: MemberType;
    role: Role;
    owner_id: UserId | null;
    joined_seq: number;
    left_seq: number | null;
  }>(
    "SELECT account, type, role, owner_id, joined_seq, left_seq FROM member WHERE conv = ?",
    conversationId,
  );
  return rows.map((row) => ({
    id: row.account,
    type: row.type,
    role: row.role,
    ownerId: row.owner_id,
    joinedSeq: row.joined_seq,
    leftSeq: row.left_seq,
  }));
}

async function readLedger(sql: Sql, conversationId: ConversationId, afterSeq: number) {
  const rows = await sql.all<{ seq: number; prev_hash: Bytes; entry: Bytes }>(
    "SELECT seq, prev_hash, entry FROM ledger WHERE conv = ? AND seq > ? ORDER BY seq",
    conversationId,
    afterSeq,
  );
  return rows.map((row) => ({ ledgerSeq: row.seq, prevHash: row.prev_hash, entry: row.entry }));
}

async function readInbox(
  sql: Sql,
  accountId: AccountId,
  endpointId: DeviceId,
): Promise<InboxRow[]> {
  const rows: InboxRow[] = [];
  const read = (after: string) => sql.all<PlaceRow>(INBOX, endpointId, accountId, after);
  for await (const slice of inSlices(read, lastOfFull(convOf))) rows.push(...slice.map(placeOf));
  return rows;
}

async function readBehind(
  sql: Sql,
  accountId: AccountId,
  endpointId: DeviceId,
): Promise<InboxRow[]> {
  const rows: InboxRow[] = [];
  const read = (after: string) => sql.all<PlaceRow & CutRow>(BEHIND, endpointId, accountId, after);
  for await (const slice of inSlices(read, lastOfCut<PlaceRow & CutRow>(convOf)))
    rows.push(...slice.map(placeOf).filter(({ cursor, lastSeq }) => cursor < lastSeq));
  return rows;
}

type PlaceRow = {
  readonly conv: ConversationId;
  readonly cursor: number;
  readonly last: number;
  readonly left_seq: number | null;
  readonly joined_seq: number;
};

// A cursor is looked up for each: to join them is right or a thousand times too dear, as the statistics are.
const PLACES = `SELECT conv, coalesce(
    (SELECT acked_seq FROM cursor WHERE recipient_dev = ? AND cursor.conv = member.conv), joined_seq - 1
  ) AS cursor, joined_seq, left_seq, next_seq - 1 AS last
  FROM member JOIN conv ON conv.id = member.conv
  WHERE account = ?`;
const INBOX = `${PLACES} AND conv > ? ORDER BY conv LIMIT ${SLICE}`;
const BEHIND = cutSlice(INBOX, "conv", "cursor < last");
const PLACE = `${PLACES} AND conv = ?`;

const convOf = ({ conv }: PlaceRow): string => conv;

const placeOf = (row: PlaceRow): InboxRow => ({
  conversationId: row.conv,
  cursor: Math.max(row.cursor, row.joined_seq - 1),
  lastSeq: Math.min(row.last, row.left_seq ?? row.last),
  joinedSeq: row.joined_seq,
});
