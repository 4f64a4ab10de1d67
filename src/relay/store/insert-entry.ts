import { hash } from "node:crypto";
import { assert } from "#base/invariant.ts";
import type { NewEntry, StoredEntry } from "../log/log-store.ts";
import type { Sql } from "./sql.ts";

/** Appends to a conversation: the row lock on its counter is what makes the order dense. SPEC S13. */
export async function insertEntry(sql: Sql, entry: NewEntry, now: number): Promise<StoredEntry> {
  const place = await sql.get<{ seq: number }>(
    "UPDATE conv SET next_seq = next_seq + 1, updated_at = ? WHERE id = ? RETURNING next_seq - 1 AS seq",
    now,
    entry.conversationId,
  );
  assert(place !== undefined, "entries go to conversations that exist");
  const stored = inPlace(entry, place.seq, now);
  await runInsert(sql, INSERT, stored);
  if (entry.sessionOpen !== null) {
    await sql.run(
      "INSERT INTO session_open (conv, sid, first_seq, bytes) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
      entry.conversationId,
      entry.sessionOpen.sid,
      place.seq,
      entry.sessionOpen.bytes,
    );
  }
  return stored;
}

/** The row of an entry that has its place; false: a message of this id is there already, and nothing is changed. */
export const insertRow = async (sql: Sql, stored: StoredEntry): Promise<boolean> =>
  (await runInsert(sql, INSERT_IF_NEW, stored)) === 1;

const INSERT = `INSERT INTO entry (conv, seq, msg_id, sender_id, sender_type, sender_dev, kind, meta, body, hash, counts, at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const INSERT_IF_NEW = `${INSERT} ON CONFLICT (conv, msg_id) WHERE msg_id IS NOT NULL DO NOTHING`;

const runInsert = (sql: Sql, text: string, entry: StoredEntry): Promise<number> =>
  sql.run(
    text,
    entry.conversationId,
    entry.seq,
    entry.messageId,
    entry.senderId,
    entry.senderType,
    entry.senderDeviceId,
    entry.kind,
    JSON.stringify(entry.meta),
    entry.body,
    entry.body === null ? null : hash("sha256", entry.body, "buffer"),
    entry.countsUnread ? 1 : 0,
    entry.at,
  );

/** The entry as it stands in the log. */
export const inPlace = (entry: NewEntry, seq: number, at: number): StoredEntry => ({
  ...entry,
  seq,
  at,
  recalledAt: null,
  sessionOpen: entry.sessionOpen?.bytes ?? null,
});
