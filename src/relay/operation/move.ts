/**
 * From a file to a server: everything a stopped relay has in its data folder's database goes into an empty PostgreSQL,
 * in one transaction that is looked over before it stands. Files and key stay where they are. SPEC R54.
 */
import { rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Client } from "pg";
import { bytesToHex } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { Secret } from "#base/secret.ts";
import { DATABASE_FILE } from "../data-folder.ts";
import { migrate, schemaVersion } from "../postgres/migrate.ts";
import { connectSafely, createPostgresSql } from "../postgres/session.ts";
import { logEpochOf, openForWriting } from "../store/database.ts";
import { isDamage, isHeld } from "../store/fault.ts";
import type { Param, Sql } from "../store/sql.ts";
import { createSqliteSql } from "../store/sqlite-sql.ts";
import { verifyFolder, verifyRows, type Damage } from "./verify.ts";

/** What the file is called once it has been moved: no relay opens it by mistake. */
export const MOVED_FILE = `${DATABASE_FILE}.moved`;

export type MoveDone = {
  readonly tables: number;
  readonly rows: number;
  readonly conversations: number;
  readonly entries: number;
  readonly files: number;
};
export type MoveFailure =
  | { readonly kind: "relay/no-database" }
  | { readonly kind: "relay/not-a-database" }
  | { readonly kind: "relay/relay-is-running" }
  | { readonly kind: "relay/source-damaged"; readonly damage: readonly Damage[] }
  | { readonly kind: "relay/move-target-in-use" }
  /** What arrived is not what left; nothing of it stands. */
  | { readonly kind: "relay/move-altered"; readonly found: readonly Damage[] };

/** Who lives at the moment: of a relay that has ended, nothing. */
const OF_NODES: ReadonlySet<string> = new Set([
  "node",
  "agent_socket",
  "agent_hold",
  "online",
  "chore",
]);
/** Rows on their way at once. */
const AT_ONCE = 200;

/**
 * Copies the database of `dataFolder` to the server and renames the file to {@link MOVED_FILE}.
 * Files in a bucket are not looked at: `withFiles` is false then.
 * Fails as {@link MoveFailure} says, and then neither place has changed. Rejects as `connectSafely` does.
 */
export async function moveToServer(
  dataFolder: string,
  database: Secret<string>,
  withFiles = true,
): Promise<Result<MoveDone, MoveFailure>> {
  const file = join(dataFolder, DATABASE_FILE);
  if ((await stat(file).catch(() => null)) === null) return err({ kind: "relay/no-database" });
  const source = holdAlone(file);
  if (!source.ok) return source;
  source.value.close();
  const { damage } = await verifyFolder(dataFolder, null, withFiles);
  if (damage.length > 0) return err({ kind: "relay/source-damaged", damage });

  const again = holdAlone(file);
  if (!again.ok) return again;
  const held = again.value;
  const client = await connectSafely(database, true).catch((fault: unknown) => {
    held.close();
    throw fault;
  });
  try {
    if ((await schemaVersion(client)) > 0) return err({ kind: "relay/move-target-in-use" });
    const done = await copyAll(held, client, withFiles ? dataFolder : null);
    held.close();
    await rename(file, join(dataFolder, MOVED_FILE));
    return ok(done);
  } catch (fault) {
    if (fault instanceof Altered) return err({ kind: "relay/move-altered", found: fault.found });
    throw fault;
  } finally {
    await client.end();
    if (held.isOpen) held.close();
  }
}

/** Opens a file that nobody else has open, in the newest form. */
function holdAlone(file: string): Result<DatabaseSync, MoveFailure> {
  const alone = new DatabaseSync(file, { timeout: 0 });
  try {
    // A relay keeps its log open for as long as it lives; only the last to hold it may take it away.
    alone.exec("PRAGMA journal_mode = DELETE");
  } catch (fault) {
    if (isHeld(fault)) return err({ kind: "relay/relay-is-running" });
    if (isDamage(fault)) return err({ kind: "relay/not-a-database" });
    throw fault;
  } finally {
    alone.close();
  }
  const db = openForWriting(file, "");
  db.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT");
  return ok(db);
}

class Altered extends Error {
  override readonly name = "Altered";
  readonly found: readonly Damage[];
  constructor(found: readonly Damage[]) {
    super("what arrived is not what left");
    this.found = found;
  }
}

async function copyAll(
  source: DatabaseSync,
  client: Client,
  dataFolder: string | null,
): Promise<MoveDone> {
  const [from, to] = [createSqliteSql(source), createPostgresSql(client)];
  const tables = tablesOf(source).filter(({ name }) => !OF_NODES.has(name));
  let rows = 0;
  let done: MoveDone | null = null;
  // One transaction with the making of the tables: all of it stands, or the server is as empty as before.
  await migrate(client, await logEpochOf(from), async () => {
    await client.query("SET LOCAL idle_in_transaction_session_timeout = 0");
    for (const table of tables) rows += await copyTable(source, to, table);
    const found = await differences(from, to, tables);
    if (found.length > 0) throw new Altered(found);
    const { conversations, entries, files, damage } = await verifyRows(to, dataFolder, []);
    if (damage.length > 0) throw new Altered(damage);
    done = { tables: tables.length, rows, conversations, entries, files };
  });
  if (done === null) throw new Error("a move that ends has counted");
  return done;
}

type Table = { readonly name: string; readonly columns: readonly string[] };

/** In the order they were made: what is referred to comes first. */
function tablesOf(source: DatabaseSync): readonly Table[] {
  const made = source
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .all() as { readonly name: string }[];
  return made.map(({ name }) => ({
    name,
    columns: source
      .prepare(`SELECT name FROM pragma_table_info('${name}')`)
      .all()
      .map((column) => String(column["name"])),
  }));
}

async function copyTable(source: DatabaseSync, to: Sql, { name, columns }: Table): Promise<number> {
  const list = columns.join(", ");
  // The server's own marks of its form are there already.
  const also = name === "meta" ? " ON CONFLICT (name) DO UPDATE SET value = excluded.value" : "";
  const insert = `INSERT INTO ${name} (${list}) VALUES (${columns.map(() => "?").join(", ")})${also}`;
  let count = 0;
  let waiting: Promise<number>[] = [];
  for (const row of source.prepare(`SELECT ${list} FROM ${name}`).iterate()) {
    waiting.push(to.run(insert, ...columns.map((column) => row[column] as Param)));
    count += 1;
    if (waiting.length < AT_ONCE) continue;
    await Promise.all(waiting);
    waiting = [];
  }
  await Promise.all(waiting);
  return count;
}

type Head = { readonly id: string; readonly next_seq: number; readonly hash: Uint8Array | null };

/** Where each conversation stands, and the hash of its last entry. */
const HEADS = `SELECT id, next_seq, hash FROM conv
  LEFT JOIN entry ON entry.conv = conv.id AND entry.seq = conv.next_seq - 1`;

/** Tables with another number of rows, and conversations with another head. */
async function differences(
  from: Sql,
  to: Sql,
  tables: readonly Table[],
): Promise<readonly Damage[]> {
  const countOf = async (sql: Sql, { name }: Table): Promise<number> =>
    // The server notes the form of its tables here, the file in its own head.
    (
      await sql.get<{ n: number }>(
        `SELECT count(*) AS n FROM ${name}${name === "meta" ? " WHERE name <> 'schema_version'" : ""}`,
      )
    )?.n ?? 0;
  const found: Damage[] = [];
  for (const table of tables) {
    const missing = (await countOf(from, table)) - (await countOf(to, table));
    if (missing !== 0) found.push({ check: `rows of ${table.name}`, count: Math.abs(missing) });
  }
  const headsOf = async (sql: Sql): Promise<ReadonlyMap<string, string>> => {
    const heads = await sql.all<Head>(HEADS);
    return new Map(
      heads.map(({ id, next_seq, hash }) => [
        id,
        `${next_seq} ${bytesToHex(hash ?? new Uint8Array())}`,
      ]),
    );
  };
  const [left, arrived] = [await headsOf(from), await headsOf(to)];
  const other = [...left].filter(([id, head]) => arrived.get(id) !== head).length;
  if (other > 0) found.push({ check: "heads of conversations", count: other });
  return found;
}
