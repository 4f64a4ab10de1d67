/** PostgreSQL as the shared place of an agent's processes. Tables are made when they are missing. */
import type { Bytes } from "#base/bytes.ts";
import type { Client, Pool, PoolClient } from "pg";
import {
  bring,
  CLAIM_TTL_MS,
  type SharedClaim,
  type SharedPlace,
  type SharedSettings,
} from "./shared-place.ts";

/** Connects and makes the tables. Rejects when the server cannot be reached. */
export async function openPostgresPlace(
  address: string,
  settings: SharedSettings,
): Promise<SharedPlace> {
  const { default: pg } = await bring("pg", () => import("pg"));
  const pool = new pg.Pool({ connectionString: address, max: 4 });
  // A lost idle connection is replaced at the next query.
  pool.on("error", () => undefined);
  await makeTables(pool);
  await pool.query(
    "DELETE FROM parley_claim WHERE finished AND claimed_at < now() - $1::interval",
    [`${CLAIM_TTL_MS} milliseconds`],
  );
  return new PostgresPlace(pool, () => new pg.Client({ connectionString: address }), settings);
}

class PostgresPlace implements SharedPlace {
  readonly #pool: Pool;
  readonly #openClient: () => Client;
  readonly #settings: SharedSettings;

  constructor(pool: Pool, openClient: () => Client, settings: SharedSettings) {
    this.#pool = pool;
    this.#openClient = openClient;
    this.#settings = settings;
  }

  async claim({ conversationId, key, work }: SharedClaim): Promise<boolean> {
    await this.#live();
    const { agentId, owner } = this.#settings;
    const made = await this.#pool.query(
      `INSERT INTO parley_claim (agent_id, conversation_id, key, owner, finished, work)
       VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
      [agentId, conversationId, key, owner, work === null, work && Buffer.from(work)],
    );
    return made.rowCount === 1;
  }

  async finish({ conversationId, key }: SharedClaim): Promise<void> {
    await this.#pool.query(
      `UPDATE parley_claim SET finished = true, work = NULL
       WHERE agent_id = $1 AND conversation_id = $2 AND key = $3`,
      [this.#settings.agentId, conversationId, key],
    );
  }

  async takeOver(): Promise<readonly SharedClaim[]> {
    await this.#live();
    const taken = await this.#inTurn((client) =>
      client.query<ClaimRow>(
        `WITH taken AS (
           UPDATE parley_claim AS claim SET owner = $2
           WHERE agent_id = $1 AND NOT finished AND owner <> $2
             AND NOT EXISTS (SELECT 1 FROM parley_process AS process
                             WHERE process.owner = claim.owner AND alive_until > now())
           RETURNING conversation_id, key, work, claimed_at)
         SELECT conversation_id, key, work FROM taken ORDER BY claimed_at, conversation_id, key`,
        [this.#settings.agentId, this.#settings.owner],
      ),
    );
    return taken.rows.map(({ conversation_id, key, work }) => ({
      conversationId: conversation_id,
      key,
      work: work && new Uint8Array(work),
    }));
  }

  async read(name: string): Promise<Bytes | null> {
    const found = await this.#pool.query<{ value: Buffer }>(
      "SELECT value FROM parley_record WHERE agent_id = $1 AND name = $2",
      [this.#settings.agentId, name],
    );
    const value = found.rows[0]?.value;
    return value === undefined ? null : new Uint8Array(value);
  }

  async write(name: string, value: Bytes): Promise<void> {
    await this.#pool.query(
      `INSERT INTO parley_record (agent_id, name, value) VALUES ($1, $2, $3)
       ON CONFLICT (agent_id, name) DO UPDATE SET value = excluded.value`,
      [this.#settings.agentId, name, Buffer.from(value)],
    );
  }

  async remove(name: string): Promise<void> {
    await this.#pool.query("DELETE FROM parley_record WHERE agent_id = $1 AND name = $2", [
      this.#settings.agentId,
      name,
    ]);
  }

  async list(prefix: string): Promise<readonly string[]> {
    const found = await this.#pool.query<{ name: string }>(
      "SELECT name FROM parley_record WHERE agent_id = $1 AND starts_with(name, $2) ORDER BY name",
      [this.#settings.agentId, prefix],
    );
    return found.rows.map(({ name }) => name);
  }

  /** The lock belongs to a connection of its own, and the server ends it with that. */
  async tryLock(): Promise<(() => Promise<void>) | null> {
    const client = this.#openClient();
    client.on("error", () => undefined);
    await client.connect();
    const got = await client.query<{ got: boolean }>(
      "SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS got",
      [`parley ${this.#settings.agentId}`],
    );
    if (got.rows[0]?.got === true) return () => client.end();
    await client.end();
    return null;
  }

  async close(): Promise<void> {
    // What it leaves unfinished is free at once.
    await this.#pool
      .query("DELETE FROM parley_process WHERE owner = $1", [this.#settings.owner])
      .catch(() => undefined);
    await this.#pool.end();
  }

  /** One heir at a time: the next one sees what this one took, and that it lives. */
  async #inTurn<Value>(task: (client: PoolClient) => Promise<Value>): Promise<Value> {
    const client = await this.#pool.connect();
    try {
      await client.query("BEGIN");
      await client.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [
        `parley heirs ${this.#settings.agentId}`,
      ]);
      const value = await task(client);
      await client.query("COMMIT");
      client.release();
      return value;
    } catch (fault) {
      // The connection goes, and what it began with it.
      client.release(true);
      throw fault;
    }
  }

  async #live(): Promise<void> {
    await this.#pool.query(
      `INSERT INTO parley_process (owner, alive_until) VALUES ($1, now() + $2::interval)
       ON CONFLICT (owner) DO UPDATE SET alive_until = excluded.alive_until`,
      [this.#settings.owner, `${this.#settings.leaseMs} milliseconds`],
    );
  }
}

type ClaimRow = {
  readonly conversation_id: string;
  readonly key: string;
  readonly work: Buffer | null;
};

/** Processes that start together make the tables one after the other. */
async function makeTables(pool: Pool): Promise<void> {
  await pool.query(`
    BEGIN;
    SELECT pg_advisory_xact_lock(7236832109);
    CREATE TABLE IF NOT EXISTS parley_claim (
      agent_id text NOT NULL,
      conversation_id text NOT NULL,
      key text NOT NULL,
      owner text NOT NULL,
      claimed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      finished boolean NOT NULL,
      work bytea,
      PRIMARY KEY (agent_id, conversation_id, key));
    CREATE INDEX IF NOT EXISTS parley_claim_open ON parley_claim (agent_id, owner) WHERE NOT finished;
    CREATE TABLE IF NOT EXISTS parley_process (
      owner text PRIMARY KEY,
      alive_until timestamptz NOT NULL);
    CREATE TABLE IF NOT EXISTS parley_record (
      agent_id text NOT NULL,
      name text NOT NULL,
      value bytea NOT NULL,
      PRIMARY KEY (agent_id, name));
    COMMIT;
  `);
}
