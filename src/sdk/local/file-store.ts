/**
 * The peer layer's {@link Store} on one SQLite file: a commit is a transaction that is on the disk when it returns.
 * One process at a time; who comes second is told so and takes another file. Keys lie in the vault beside it, so
 * nothing here is sealed again: the folder's mode is the protection, as it is for the keys.
 */
import { chmodSync } from "node:fs";
import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import type { Bytes } from "#base/bytes.ts";
import { err, ok } from "#base/result.ts";
import type { PeerFailure } from "#peer/failure.ts";
import type { Batch, LogRow, Store } from "#peer/store.ts";
import { isBusy } from "./folder-lock.ts";
import { openDatabase } from "./sqlite.ts";

/** The file's one connection, with its tables; null while another process has it. */
export function openStoreDatabase(path: string): DatabaseSync | null {
  const database = openDatabase(path, { timeout: 0 });
  try {
    // Before the first write: files that SQLite puts beside it take its mode.
    chmodSync(path, 0o600);
    database.exec(SCHEMA);
    return database;
  } catch (error) {
    database.close();
    if (isBusy(error)) return null;
    throw error;
  }
}

/** Opens the store of a file, or returns null while another process has it open. */
export function openFileStore(path: string): Store | null {
  const database = openStoreDatabase(path);
  if (database === null) return null;
  const statements = prepareAll(database);
  // Work that a closing agent did not wait for finds nothing any more, and can write nothing either.
  const ifOpen = async <Value>(nothing: Value, read: () => Value): Promise<Value> =>
    database.isOpen ? read() : nothing;
  return {
    get: (table, key) => ifOpen(null, () => bytesOf(statements.get.get(table, key)?.["value"])),
    list: (table, prefix = "") =>
      ifOpen([], () =>
        statements.list.all(table, prefix, endOfPrefix(prefix)).map((row) => ({
          key: String(row["key"]),
          value: bytesOf(row["value"]) ?? new Uint8Array(),
        })),
      ),
    logBefore: (conversationId, beforeSeq, limit) =>
      ifOpen([], () =>
        statements.logBefore
          .all(conversationId, beforeSeq, Math.max(0, limit))
          .map(rowOf)
          .reverse(),
      ),
    logAfter: (conversationId, afterSeq, limit) =>
      ifOpen([], () =>
        statements.logAfter.all(conversationId, afterSeq, Math.max(0, limit)).map(rowOf),
      ),
    logAt: (conversationId, seq) =>
      ifOpen(null, () => bytesOf(statements.logAt.get(conversationId, seq)?.["row"])),
    async commit(batch) {
      if (!database.isOpen) return err({ kind: "peer/store-closed" });
      try {
        database.exec("BEGIN IMMEDIATE");
        applyBatch(statements, batch);
        database.exec("COMMIT");
        return ok(null);
      } catch (error) {
        if (database.isTransaction) database.exec("ROLLBACK");
        return err(failureOf(error));
      }
    },
    async close() {
      if (database.isOpen) database.close();
    },
  };
}

type Statements = Readonly<Record<keyof typeof STATEMENTS, StatementSync>>;

const prepareAll = (database: DatabaseSync): Statements =>
  Object.fromEntries(
    Object.entries(STATEMENTS).map(([name, sql]) => [name, database.prepare(sql)]),
  ) as Statements;

function applyBatch(statements: Statements, batch: Batch): void {
  for (const conversationId of batch.dropLogs ?? []) statements.dropLog.run(conversationId);
  for (const { table, key } of batch.deletes ?? []) statements.remove.run(table, key);
  for (const { table, key, value } of batch.puts ?? []) statements.put.run(table, key, value);
  for (const { conversationId, seq, row } of batch.log ?? [])
    statements.logPut.run(conversationId, seq, row);
}

const bytesOf = (value: SQLOutputValue | undefined): Bytes | null =>
  value instanceof Uint8Array ? new Uint8Array(value) : null;

const rowOf = (row: Record<string, SQLOutputValue>): LogRow => ({
  seq: Number(row["seq"]),
  row: bytesOf(row["row"]) ?? new Uint8Array(),
});

// The last code point sorts behind every key that begins with the prefix.
const endOfPrefix = (prefix: string): string => `${prefix}\u{10ffff}`;

const SQLITE_FULL = 13;
const failureOf = (error: unknown): PeerFailure =>
  (error as { errcode?: unknown }).errcode === SQLITE_FULL
    ? { kind: "peer/store-full" }
    : { kind: "peer/store-failed" };

// An exclusive connection holds its lock until it closes or its process ends.
const SCHEMA = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  BEGIN IMMEDIATE;
  CREATE TABLE IF NOT EXISTS record (
    tbl TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (tbl, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS log (
    conversation_id TEXT NOT NULL, seq INTEGER NOT NULL, row BLOB NOT NULL, PRIMARY KEY (conversation_id, seq)
  ) STRICT;
  COMMIT;
`;

const STATEMENTS = {
  get: "SELECT value FROM record WHERE tbl = ? AND key = ?",
  list: "SELECT key, value FROM record WHERE tbl = ? AND key >= ? AND key < ? ORDER BY key",
  put: "INSERT INTO record (tbl, key, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
  remove: "DELETE FROM record WHERE tbl = ? AND key = ?",
  logAt: "SELECT row FROM log WHERE conversation_id = ? AND seq = ?",
  logBefore:
    "SELECT seq, row FROM log WHERE conversation_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
  logAfter: "SELECT seq, row FROM log WHERE conversation_id = ? AND seq > ? ORDER BY seq LIMIT ?",
  logPut:
    "INSERT INTO log (conversation_id, seq, row) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET row = excluded.row",
  dropLog: "DELETE FROM log WHERE conversation_id = ?",
} as const;
