/**
 * Opens the relay's one database file and brings it to the newest schema.
 * Every acknowledged write survives a kill and a power cut: WAL with `synchronous=FULL`. SPEC S14.
 */
import { DatabaseSync } from "node:sqlite";
import { assert } from "#base/invariant.ts";
import { APPLICATION_ID, MIGRATIONS } from "./schema.ts";
import type { Sql } from "./sql.ts";
import { UnfitDatabase } from "./unfit.ts";

/** The one that stays inside this process; for tests and tools. */
export const IN_MEMORY = ":memory:";

const BUSY_TIMEOUT_MS = 10_000;

/** WAL files of older versions can be corrupted by a reset race. */
const OLDEST_SQLITE = [3, 51, 3] as const;

/** Opens for writing. `logEpoch` names the log when this call creates it. Throws {@link UnfitDatabase}, or what SQLite does. */
export function openForWriting(path: string, logEpoch: string): DatabaseSync {
  assertFreshSqlite();
  const db = new DatabaseSync(path, {
    timeout: BUSY_TIMEOUT_MS,
    enableForeignKeyConstraints: true,
  });
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;");
  migrate(db, logEpoch);
  return db;
}

/** Opens an existing database for reading only. */
export function openForReading(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, readOnly: true });
  db.exec("PRAGMA trusted_schema = OFF;");
  return db;
}

/** Name of this log; another name means another history. */
export async function logEpochOf(sql: Sql): Promise<string> {
  const row = await sql.get<{ value: string }>("SELECT value FROM meta WHERE name = 'log_epoch'");
  assert(row !== undefined, "a migrated database names its log");
  return row.value;
}

// Two processes may open a fresh folder at once; the write lock makes one of them migrate and the other find it done.
function migrate(db: DatabaseSync, logEpoch: string): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    const version = Number(pragma(db, "user_version"));
    const application = pragma(db, "application_id");
    if (version !== 0 && application !== APPLICATION_ID) throw new UnfitDatabase("foreign");
    if (version > MIGRATIONS.length) throw new UnfitDatabase("newer-schema");
    for (const migration of MIGRATIONS.slice(version)) db.exec(migration);
    if (version === 0) {
      db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
      db.prepare("INSERT INTO meta (name, value) VALUES ('log_epoch', ?)").run(logEpoch);
    }
    db.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
    db.exec("COMMIT");
  } catch (fault) {
    db.exec("ROLLBACK");
    throw fault;
  }
}

const pragma = (db: DatabaseSync, name: string): unknown =>
  db.prepare(`PRAGMA ${name}`).get()?.[name];

function assertFreshSqlite(): void {
  const ours = (process.versions.sqlite ?? "0").split(".").map(Number);
  for (const [i, least] of OLDEST_SQLITE.entries()) {
    const part = ours[i] ?? 0;
    if (part > least) return;
    assert(part === least, "SQLite 3.51.3 or newer is needed");
  }
}
