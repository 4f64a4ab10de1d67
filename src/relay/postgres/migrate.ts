/** Brings a PostgreSQL database to the newest schema; of several nodes that start at once, one does. SPEC R51. */
import type { Client } from "pg";
import { MIGRATIONS } from "../store/schema.ts";
import { migrationToPostgres } from "./dialect.ts";
import { UnfitDatabase } from "../store/unfit.ts";
import { lossAsSuch } from "./session.ts";

/** "Prly": whoever migrates holds this advisory lock. */
const MIGRATION_LOCK = 0x50726c79;

/**
 * Nodes look for what grew lately; a relay alone on its file never does, and does not pay for the index. It is on
 * entries, whose times only grow: on conversations each append would have to write all of the row's index entries anew.
 */
const BY_AGE = `DROP INDEX IF EXISTS conv_by_update;
  CREATE INDEX IF NOT EXISTS entry_by_age ON entry(at)`;

/**
 * `fill` writes more in the same transaction. Throws {@link UnfitDatabase}, or what `fill` throws; the database is then
 * as it was.
 */
export async function migrate(
  client: Client,
  logEpoch: string,
  fill: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  await lossAsSuch(client.query("BEGIN"));
  try {
    // Others migrate as long as it takes.
    await client.query("SET LOCAL lock_timeout = 0");
    await client.query("SET LOCAL statement_timeout = 0");
    await client.query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
    const version = await schemaVersion(client);
    if (version > MIGRATIONS.length) throw new UnfitDatabase("newer-schema");
    for (const migration of MIGRATIONS.slice(version))
      await client.query(migrationToPostgres(migration));
    await client.query(BY_AGE);
    if (version === 0)
      await client.query("INSERT INTO meta (name, value) VALUES ('log_epoch', $1)", [logEpoch]);
    await client.query(
      `INSERT INTO meta (name, value) VALUES ('schema_version', $1)
       ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
      [String(MIGRATIONS.length)],
    );
    await fill();
    await lossAsSuch(client.query("COMMIT"));
  } catch (fault) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw fault;
  }
}

/** How many migrations it has; 0: it is empty. Throws {@link UnfitDatabase} when it holds somebody else's tables. */
export async function schemaVersion(client: Client): Promise<number> {
  const known = await client.query<{ ours: boolean; tables: number }>(
    `SELECT to_regclass('meta') IS NOT NULL AS ours,
     (SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()) AS tables`,
  );
  const { ours = false, tables = 0 } = known.rows[0] ?? {};
  if (!ours && tables === 0) return 0;
  if (!ours) throw new UnfitDatabase("foreign");
  const marked = await client
    .query<{ value: string }>("SELECT value FROM meta WHERE name = 'schema_version'")
    .catch(() => ({ rows: [] }));
  const version = Number(marked.rows[0]?.value);
  if (!Number.isSafeInteger(version)) throw new UnfitDatabase("foreign");
  return version;
}
