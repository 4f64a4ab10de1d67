/**
 * Whether a data folder holds what it promises: pages, rows, numbers, hashes, files. Reads only, and may read beside
 * a running relay. SPEC §operation.
 */
import { join } from "node:path";
import type { Bytes } from "#base/bytes.ts";
import type { Secret } from "#base/secret.ts";
import { createDiskBlobs } from "../blobs/disk-blobs.ts";
import { BLOB_FOLDER, DATABASE_FILE } from "../data-folder.ts";
import type { AttachmentId } from "#protocol/ids.ts";
import { isHashOf } from "../entry-hash.ts";
import { openForReading } from "../store/database.ts";
import { isUnknownToSchema } from "../store/fault.ts";
import { MIGRATIONS } from "../store/schema.ts";
import type { Sql } from "../store/sql.ts";
import { createSqliteSql } from "../store/sqlite-sql.ts";

/** What was found wrong: where, as the name of a check, and how many times. */
export type Damage = { readonly check: string; readonly count: number };
export type Verified = {
  readonly conversations: number;
  readonly entries: number;
  readonly files: number;
  /** Empty: all is well. */
  readonly damage: readonly Damage[];
};

/**
 * Reads the whole folder, and the database it has instead of a file of its own. Rejects when there is none. Files in a
 * bucket are the bucket's to check: `withFiles` is false then.
 */
export async function verifyFolder(
  folder: string,
  database: Secret<string> | null = null,
  withFiles = true,
): Promise<Verified> {
  const files = withFiles ? folder : null;
  if (database === null) {
    const db = openForReading(join(folder, DATABASE_FILE));
    try {
      return await verifyFile(createSqliteSql(db), files);
    } finally {
      db.close();
    }
  }
  const { connectTo, createPostgresSql } = await import("../postgres/session.ts");
  const client = await connectTo(database, false);
  try {
    // Pages and references are the server's to check: pg_amcheck, and its constraints.
    return await verifyRows(createPostgresSql(client), files, []);
  } finally {
    await client.end();
  }
}

async function verifyFile(sql: Sql, folder: string | null): Promise<Verified> {
  const pages = { check: "pages", count: await countPageFaults(sql) };
  try {
    const references = (await sql.all("PRAGMA foreign_key_check")).length;
    return await verifyRows(sql, folder, [pages, { check: "references", count: references }]);
  } catch (fault) {
    // A turned byte in what describes the tables leaves others, of which nothing can be counted.
    if (!isUnknownToSchema(fault) || !(await isOfThisVersion(sql))) throw fault;
    const found = [pages, { check: "tables", count: 1 }].filter(({ count }) => count > 0);
    return { conversations: 0, entries: 0, files: 0, damage: found };
  }
}

async function isOfThisVersion(sql: Sql): Promise<boolean> {
  const row = await sql.get<{ user_version: number }>("PRAGMA user_version");
  return row?.user_version === MIGRATIONS.length;
}

/** What every database can be asked, and the files it names, if they lie in a folder. */
export async function verifyRows(
  sql: Sql,
  folder: string | null,
  ownChecks: readonly Damage[],
): Promise<Verified> {
  const entries = await checkEntries(sql);
  const files = folder === null ? { count: 0, damaged: 0 } : await checkFiles(sql, folder);
  const checks: readonly Damage[] = [
    ...ownChecks,
    { check: "holes in a conversation", count: await countHoles(sql) },
    { check: "entries with another hash", count: entries.altered },
    { check: "broken ledgers", count: await countBrokenLedgers(sql) },
    { check: "files missing or altered", count: files.damaged },
  ];
  const { n } = (await sql.get<{ n: number }>("SELECT count(*) AS n FROM conv")) ?? { n: 0 };
  return {
    conversations: n,
    entries: entries.count,
    files: files.count,
    damage: checks.filter(({ count }) => count > 0),
  };
}

async function countPageFaults(sql: Sql): Promise<number> {
  const rows = await sql.all<{ integrity_check: string }>("PRAGMA integrity_check");
  return rows.filter((row) => row.integrity_check !== "ok").length;
}

// Dense from 1: as many rows as the highest number, and the counter right behind it.
async function countHoles(sql: Sql): Promise<number> {
  const row = await sql.get<{ n: number }>(
    `SELECT count(*) AS n FROM conv
     LEFT JOIN (SELECT conv, count(*) AS held, max(seq) AS last FROM entry GROUP BY conv) AS found ON found.conv = conv.id
     WHERE coalesce(found.held, 0) <> conv.next_seq - 1 OR coalesce(found.last, 0) <> conv.next_seq - 1`,
  );
  return row?.n ?? 0;
}

/** Entries looked at together: the largest make a hundred megabytes. */
const ENTRIES_AT_ONCE = 100;

async function checkEntries(
  sql: Sql,
): Promise<{ readonly count: number; readonly altered: number }> {
  let count = 0;
  let altered = 0;
  let last = { conv: "", seq: 0 };
  for (;;) {
    const rows = await sql.all<typeof last & { body: Bytes | null; hash: Bytes | null }>(
      `SELECT conv, seq, body, hash FROM entry WHERE (conv, seq) > (?, ?) ORDER BY conv, seq LIMIT ${ENTRIES_AT_ONCE}`,
      last.conv,
      last.seq,
    );
    count += rows.length;
    altered += rows.filter(({ body, hash }) => body !== null && !isHashOf(hash, body)).length;
    last = rows.at(-1) ?? last;
    if (rows.length < ENTRIES_AT_ONCE) return { count, altered };
  }
}

// Each entry names the hash of the one before it; what an entry says is for its readers to judge.
async function countBrokenLedgers(sql: Sql): Promise<number> {
  let broken = 0;
  for (const table of ["ledger", "account_ledger"]) {
    const owner = table === "ledger" ? "conv" : "account_id";
    const rows = await sql.all<{ entry: Bytes; hash: Bytes }>(`SELECT entry, hash FROM ${table}`);
    const altered = rows.filter(({ entry, hash }) => !isHashOf(hash, entry)).length;
    const unchained = await sql.get<{ n: number }>(
      `SELECT count(*) AS n FROM ${table} AS later
       LEFT JOIN ${table} AS earlier ON earlier.${owner} = later.${owner} AND earlier.seq = later.seq - 1
       WHERE later.seq > 0 AND earlier.hash IS DISTINCT FROM later.prev_hash`,
    );
    broken += altered + (unchained?.n ?? 0);
  }
  return broken;
}

async function checkFiles(
  sql: Sql,
  folder: string,
): Promise<{ readonly count: number; readonly damaged: number }> {
  const blobs = createDiskBlobs(join(folder, BLOB_FOLDER));
  const rows = await sql.all<{ attachment_id: AttachmentId; size: number; sha256: string }>(
    "SELECT attachment_id, size, sha256 FROM upload WHERE sha256 IS NOT NULL",
  );
  let damaged = 0;
  for (const { attachment_id, size, sha256 } of rows) {
    const stored = await blobs.stat(attachment_id);
    if (stored === null || stored.sizeBytes !== size || stored.sha256Hex !== sha256) damaged += 1;
  }
  return { count: rows.length, damaged };
}
