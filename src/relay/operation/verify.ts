/**
 * Whether a data folder holds what it promises: pages, rows, numbers, hashes, files. Reads only, and may read beside
 * a running relay. SPEC §operation.
 */
import { join } from "node:path";
import type { Bytes } from "#base/bytes.ts";
import { createDiskBlobs } from "../blobs/disk-blobs.ts";
import { BLOB_FOLDER, DATABASE_FILE } from "../data-folder.ts";
import type { AttachmentId } from "#protocol/ids.ts";
import { isHashOf } from "../entry-hash.ts";
import { openForReading } from "../store/database.ts";
import { createSql, type Sql } from "../store/sql.ts";

/** What was found wrong: where, as the name of a check, and how many times. */
export type Damage = { readonly check: string; readonly count: number };
export type Verified = {
  readonly conversations: number;
  readonly entries: number;
  readonly files: number;
  /** Empty: all is well. */
  readonly damage: readonly Damage[];
};

/** Reads the whole folder. Rejects when there is no database in it. */
export async function verifyFolder(folder: string): Promise<Verified> {
  const db = openForReading(join(folder, DATABASE_FILE));
  const sql = createSql(db);
  const entries = checkEntries(sql);
  const files = await checkFiles(sql, folder);
  const checks: readonly Damage[] = [
    { check: "pages", count: countPageFaults(sql) },
    { check: "references", count: sql.all("PRAGMA foreign_key_check").length },
    { check: "holes in a conversation", count: countHoles(sql) },
    { check: "entries with another hash", count: entries.altered },
    { check: "broken ledgers", count: countBrokenLedgers(sql) },
    { check: "files missing or altered", count: files.damaged },
  ];
  const { n } = sql.get<{ n: number }>("SELECT count(*) AS n FROM conv") ?? { n: 0 };
  db.close();
  return {
    conversations: n,
    entries: entries.count,
    files: files.count,
    damage: checks.filter(({ count }) => count > 0),
  };
}

const countPageFaults = (sql: Sql): number =>
  sql
    .all<{ integrity_check: string }>("PRAGMA integrity_check")
    .filter((row) => row.integrity_check !== "ok").length;

// Dense from 1: as many rows as the highest number, and the counter right behind it.
const countHoles = (sql: Sql): number =>
  sql.get<{ n: number }>(
    `SELECT count(*) AS n FROM conv
     LEFT JOIN (SELECT conv, count(*) AS rows, max(seq) AS last FROM entry GROUP BY conv) AS held ON held.conv = conv.id
     WHERE coalesce(held.rows, 0) <> conv.next_seq - 1 OR coalesce(held.last, 0) <> conv.next_seq - 1`,
  )?.n ?? 0;

function checkEntries(sql: Sql): { readonly count: number; readonly altered: number } {
  let count = 0;
  let altered = 0;
  for (const row of sql.each<{ body: Bytes | null; hash: Bytes | null }>(
    "SELECT body, hash FROM entry",
  )) {
    count += 1;
    if (row.body !== null && !isHashOf(row.hash, row.body)) altered += 1;
  }
  return { count, altered };
}

// Each entry names the hash of the one before it; what an entry says is for its readers to judge.
const countBrokenLedgers = (sql: Sql): number =>
  ["ledger", "account_ledger"].reduce((sum, table) => {
    const owner = table === "ledger" ? "conv" : "account_id";
    const rows = sql.all<{ entry: Bytes; hash: Bytes }>(`SELECT entry, hash FROM ${table}`);
    const altered = rows.filter(({ entry, hash }) => !isHashOf(hash, entry)).length;
    const unchained = sql.get<{ n: number }>(
      `SELECT count(*) AS n FROM ${table} AS later
       LEFT JOIN ${table} AS earlier ON earlier.${owner} = later.${owner} AND earlier.seq = later.seq - 1
       WHERE later.seq > 0 AND earlier.hash IS NOT later.prev_hash`,
    );
    return sum + altered + (unchained?.n ?? 0);
  }, 0);

async function checkFiles(
  sql: Sql,
  folder: string,
): Promise<{ readonly count: number; readonly damaged: number }> {
  const blobs = createDiskBlobs(join(folder, BLOB_FOLDER));
  const rows = sql.all<{ attachment_id: AttachmentId; size: number; sha256: string }>(
    "SELECT attachment_id, size, sha256 FROM upload WHERE sha256 IS NOT NULL",
  );
  let damaged = 0;
  for (const { attachment_id, size, sha256 } of rows) {
    const stored = await blobs.stat(attachment_id);
    if (stored === null || stored.sizeBytes !== size || stored.sha256Hex !== sha256) damaged += 1;
  }
  return { count: rows.length, damaged };
}
