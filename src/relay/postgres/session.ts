/**
 * Connections to PostgreSQL as the relay needs them: values as SQLite gives them, limits on every wait, and a server
 * that keeps what it has said it keeps. SPEC R50.
 */
import { Client, types as builtIn, type ClientBase, type ClientConfig, type QueryResult } from "pg";
import { assert } from "#base/invariant.ts";
import type { Secret } from "#base/secret.ts";
import { ConnectionLost, sqlStateOf } from "../store/fault.ts";
import { UnfitDatabase, type Unfit } from "../store/unfit.ts";
import { placeholders, toParam } from "./dialect.ts";
import type { Param, Sql } from "../store/sql.ts";

const OLDEST_VERSION = 140_000;
const CONNECT_WITHIN_MS = 5_000;
/** Longer than the server's own limit: when this one ends a wait, the server is gone. */
const ANSWER_WITHIN_MS = 35_000;
/** Compiling a plan takes longer than any of ours runs. */
const SET_LIMITS = `SELECT set_config('jit', 'off', false),
  set_config('statement_timeout', '30s', false), set_config('lock_timeout', '20s', false),
  set_config('idle_in_transaction_session_timeout', '15s', false)`;
const READ_SETTINGS = `SELECT current_setting('server_version_num')::int AS version, current_setting('fsync') AS fsync,
  current_setting('synchronous_commit') AS synchronous_commit, current_setting('data_checksums') AS checksums,
  pg_is_in_recovery() AS standby`;

const BYTEA = 17;
const INT8 = 20;
const NUMERIC = 1700;

function toNumber(text: string): number {
  const number = Number(text);
  assert(Number.isSafeInteger(number), "counts, times and sums stay below 2^53");
  return number;
}

const parseBytea = builtIn.getTypeParser(BYTEA) as (text: string) => Buffer;

/** Whole numbers as numbers, bytes as plain arrays of their own. */
const types: ClientConfig["types"] = {
  getTypeParser: (oid: number, format?: "text" | "binary") => {
    if (format !== "binary" && (oid === INT8 || oid === NUMERIC)) return toNumber;
    if (format !== "binary" && oid === BYTEA)
      return (text: string) => new Uint8Array(parseBytea(text));
    return builtIn.getTypeParser(oid, format as "text");
  },
};

export const clientConfig = (address: Secret<string>): ClientConfig => ({
  connectionString: address.reveal(),
  types,
  application_name: "parley-relay",
  connectionTimeoutMillis: CONNECT_WITHIN_MS,
  query_timeout: ANSWER_WITHIN_MS,
  keepAlive: true,
});

/** What the server says of itself. */
export type ServerSettings = {
  readonly version: number;
  readonly fsync: string;
  readonly synchronous_commit: string;
  readonly checksums: string;
  readonly standby: boolean;
};

/** What every session of ours is told first. */
export const setLimits = async (client: ClientBase): Promise<void> => {
  await client.query(SET_LIMITS);
};

/** A connection of one's own. Rejects with {@link ConnectionLost}; what the server is like is for the caller to ask. */
export async function connectTo(address: Secret<string>, pipeline: boolean): Promise<Client> {
  const client = new Client({ ...clientConfig(address), pipeline });
  // A broken line is reported by the query that meets it.
  client.on("error", () => undefined);
  try {
    await client.connect();
    await setLimits(client);
    return client;
  } catch (fault) {
    void client.end().catch(() => undefined);
    throw new ConnectionLost("no server took the connection", { cause: fault });
  }
}

export async function readSettings(client: Client): Promise<ServerSettings> {
  const { rows } = await lossAsSuch(client.query<ServerSettings>(READ_SETTINGS));
  const [settings] = rows;
  assert(settings !== undefined, "a server has settings");
  return settings;
}

/** Why an acknowledged write would not be safe there; null: it would. SPEC S15. */
export function unfitnessOf(settings: ServerSettings): Unfit | null {
  if (settings.version < OLDEST_VERSION) return "too-old";
  if (settings.fsync !== "on") return "fsync-off";
  const isSynchronous = ["on", "remote_apply"].includes(settings.synchronous_commit);
  if (!isSynchronous) return "synchronous-commit-off";
  return settings.standby ? "standby" : null;
}

/** A connection whose commits are on disk when they are answered. Rejects as {@link connectTo}, or {@link UnfitDatabase}. */
export async function connectSafely(address: Secret<string>, pipeline: boolean): Promise<Client> {
  const client = await connectTo(address, pipeline);
  const because = unfitnessOf(await readSettings(client));
  if (because === null) return client;
  await client.end().catch(() => undefined);
  throw new UnfitDatabase(because);
}

/** Shutdowns and refused connections: the server ends the session with them. */
const ENDS_SESSION = /^(08|28|3D|25P03|53300|55000|57P0[1-5])/;

/** Whatever the driver says of a broken line, as {@link ConnectionLost}. */
export async function lossAsSuch<Value>(answered: Promise<Value>): Promise<Value> {
  try {
    return await answered;
  } catch (fault) {
    const state = sqlStateOf(fault);
    if (state === null || ENDS_SESSION.test(state))
      throw new ConnectionLost("the line broke", { cause: fault });
    throw fault;
  }
}

type Querying = {
  query(query: { name: string; text: string; values: Param[] }): Promise<QueryResult>;
};

const statementByText = new Map<string, { readonly name: string; readonly text: string }>();

function statementOf(text: string): { readonly name: string; readonly text: string } {
  const known = statementByText.get(text);
  if (known !== undefined) return known;
  const statement = { name: `parley-${statementByText.size}`, text: placeholders(text) };
  statementByText.set(text, statement);
  return statement;
}

/** {@link Sql} over a connection or a pool of them. */
export function createPostgresSql(line: Querying): Sql {
  const query = (text: string, params: readonly Param[]): Promise<QueryResult> =>
    lossAsSuch(line.query({ ...statementOf(text), values: params.map(toParam) }));
  return {
    async all<Row>(text: string, ...params: readonly Param[]) {
      return (await query(text, params)).rows as Row[];
    },
    async get<Row>(text: string, ...params: readonly Param[]) {
      return (await query(text, params)).rows[0] as Row | undefined;
    },
    async run(text, ...params) {
      return (await query(text, params)).rowCount ?? 0;
    },
  };
}
