/** The log over SQLite: writes by the one writer, reads by a connection of this thread. SPEC S14. */
import type { Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { AccountId, ConversationId, DeviceId, MessageId, UserId } from "#protocol/ids.ts";
import { isHashOf } from "../entry-hash.ts";
import { isDamage } from "../store/disk-fault.ts";
import { logEpochOf } from "../store/database.ts";
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
export function createSqliteLog(writer: Writer, sql: Sql, clock: Clock, events: Log): LogStore {
  const damaged = new Set(
    sql
      .all<{ id: ConversationId }>("SELECT id FROM conv WHERE damaged_at IS NOT NULL")
      .map(({ id }) => id),
  );
  const quarantine = (conversationId: ConversationId, because: "page" | "hash"): void => {
    if (damaged.has(conversationId)) return;
    damaged.add(conversationId);
    events.error("conversation.quarantined", { because, count: damaged.size });
    void writer.run("quarantine", { now: clock.now(), conversationId });
  };
  /** What `read` gives, or `instead` when the conversation is, or turns out to be, damaged. */
  const reading = <Value>(
    conversationId: ConversationId,
    instead: Value,
    read: () => Value | "altered",
  ): Promise<Value> => {
    if (damaged.has(conversationId)) return Promise.resolve(instead);
    try {
      const value = read();
      if (value !== "altered") return Promise.resolve(value);
      quarantine(conversationId, "hash");
    } catch (fault) {
      if (!isDamage(fault)) throw fault;
      quarantine(conversationId, "page");
    }
    return Promise.resolve(instead);
  };
  return {
    isDamaged: (conversationId) => damaged.has(conversationId),
    damagedCount: () => damaged.size,
    epoch: logEpochOf(sql),
    onAppended: writer.onAppended,
    append: (request, tag) => writer.run("appendMessage", request, tag),
    recall: (request, tag) => writer.run("recallMessage", request, tag),
    failStream: (failure) => writer.run("failStream", failure),
    orphanStreams: (now) => writer.run("orphanStreams", { now }),
    expireArtifacts: (now) => writer.run("expireArtifacts", { now }),
    hasExpiredArtifacts: (now) =>
      sql.get(
        "SELECT 1 FROM artifact WHERE expired = 0 AND expires_at IS NOT NULL AND expires_at <= ? LIMIT 1",
        now,
      ) !== undefined,
    createConversation: (conversation) => writer.run("createConversation", conversation),
    members: (conversationId) => Promise.resolve(readMembers(sql, conversationId)),
    appendLedger: (conversationId, append, by) =>
      writer.run("appendLedger", { conversationId, append, by }),
    ledgerAfter: (conversationId, afterSeq) =>
      Promise.resolve(readLedger(sql, conversationId, afterSeq)),
    sessionOpen: (conversationId, sid) =>
      Promise.resolve(
        sql.get<{ bytes: Bytes }>(
          "SELECT bytes FROM session_open WHERE conv = ? AND sid = ?",
          conversationId,
          sid,
        )?.bytes ?? null,
      ),
    page: (request) => reading(request.conversationId, [], () => readPage(sql, request)),
    seqOf: (conversationId, messageId) =>
      reading(
        conversationId,
        null,
        () =>
          sql.get<{ seq: number }>(
            "SELECT seq FROM entry WHERE conv = ? AND msg_id = ?",
            conversationId,
            messageId,
          )?.seq ?? null,
      ),
    inbox: (accountId, endpointId) => Promise.resolve(readInbox(sql, accountId, endpointId)),
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

const ENTRY = `SELECT entry.*, session_open.bytes AS open_bytes FROM entry
  LEFT JOIN session_open ON session_open.conv = entry.conv AND session_open.first_seq = entry.seq`;

function readPage(sql: Sql, request: PageRequest): readonly StoredEntry[] | "altered" {
  const { conversationId, after, before, maxEntries, maxBytes } = request;
  const upwards = after !== null || before === null;
  const rows = sql.each<EntryRow>(
    `${ENTRY} WHERE entry.conv = ? AND entry.seq > ? AND entry.seq < ?
     ORDER BY entry.seq ${upwards ? "ASC" : "DESC"} LIMIT ?`,
    conversationId,
    after ?? 0,
    before ?? Number.MAX_SAFE_INTEGER,
    maxEntries,
  );
  const page: StoredEntry[] = [];
  let sizeBytes = 0;
  for (const row of rows) {
    sizeBytes += (row.body?.length ?? 0) + (row.open_bytes?.length ?? 0);
    if (sizeBytes > maxBytes && page.length > 0) break;
    if (row.body !== null && !isHashOf(row.hash, row.body)) return "altered";
    page.push(rowToEntry(row));
  }
  return upwards ? page : page.toReversed();
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

const readMembers = (sql: Sql, conversationId: ConversationId): readonly LogMember[] =>
  sql
    .all<{
      account: AccountId;
      type: MemberType;
      role: Role;
      owner_id: UserId | null;
      joined_seq: number;
      left_seq: number | null;
    }>(
      "SELECT account, type, role, owner_id, joined_seq, left_seq FROM member WHERE conv = ?",
      conversationId,
    )
    .map((row) => ({
      id: row.account,
      type: row.type,
      role: row.role,
      ownerId: row.owner_id,
      joinedSeq: row.joined_seq,
      leftSeq: row.left_seq,
    }));

const readLedger = (sql: Sql, conversationId: ConversationId, afterSeq: number) =>
  sql
    .all<{ seq: number; prev_hash: Bytes; entry: Bytes }>(
      "SELECT seq, prev_hash, entry FROM ledger WHERE conv = ? AND seq > ? ORDER BY seq",
      conversationId,
      afterSeq,
    )
    .map((row) => ({ ledgerSeq: row.seq, prevHash: row.prev_hash, entry: row.entry }));

const readInbox = (sql: Sql, accountId: AccountId, endpointId: DeviceId): readonly InboxRow[] =>
  sql
    .all<{ conv: ConversationId; cursor: number; last: number; joined_seq: number }>(
      `SELECT member.conv, coalesce(acked_seq, joined_seq - 1) AS cursor, joined_seq,
         min(next_seq - 1, coalesce(left_seq, next_seq - 1)) AS last
       FROM member JOIN conv ON conv.id = member.conv
       LEFT JOIN cursor ON cursor.conv = member.conv AND recipient_dev = ?
       WHERE account = ?`,
      endpointId,
      accountId,
    )
    .map((row) => ({
      conversationId: row.conv,
      cursor: Math.max(row.cursor, row.joined_seq - 1),
      lastSeq: row.last,
      joinedSeq: row.joined_seq,
    }));
