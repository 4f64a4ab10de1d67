import { Client } from "pg";
import { expect, test, vi } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { silentLog } from "#base/log.ts";
import type { Secret } from "#base/secret.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { sentFromNow } from "../log/statements.contract.ts";
import { talkAndRead, writeEach } from "../log/talk.contract.ts";
import { aWorld, onTestEnd } from "../relay-world.contract.ts";
import { openStore } from "../store/open-store.ts";
import { aDatabase, NO_POSTGRES, tellServer } from "./a-database.contract.ts";

/** Enough of each table that going through it is dearer than finding a row, in whatever a plan compares. */
const FILL = `
INSERT INTO users (user_id, handle, display_name, identity_key, created_at)
  SELECT 'u' || i, 'h' || i, '', '', i FROM generate_series(1, 3000) i;
INSERT INTO devices SELECT 'd' || i, 'u' || i, '', '', NULL, i, i, NULL FROM generate_series(1, 3000) i;
INSERT INTO sessions SELECT 's' || i, 'u' || i, 'd' || i, ('r' || i)::bytea, ('o' || i)::bytea, i, i, i
  FROM generate_series(1, 3000) i;
INSERT INTO login_failures SELECT 'h' || i, 1, i, i FROM generate_series(1, 3000) i;
INSERT INTO conv (id, type, status, next_seq, updated_at)
  SELECT 'c' || i, 'h2h', 'open', 11, i FROM generate_series(1, 3000) i;
INSERT INTO member (conv, account, type, role, joined_seq)
  SELECT 'c' || i, 'u' || 1 + (i * j) % 3000, 'human', 'member', 1
  FROM generate_series(1, 3000) i, generate_series(1, 2) j ON CONFLICT DO NOTHING;
INSERT INTO entry (conv, seq, msg_id, sender_id, sender_type, kind, meta, counts, at)
  SELECT 'c' || i, j, 'm' || i || '-' || j, 'u' || i, 'human', 'message.new', '{}', 1, i * 10 + j
  FROM generate_series(1, 3000) i, generate_series(1, 10) j;
INSERT INTO session_open SELECT 'c' || i, ('s' || j)::bytea, j, ''
  FROM generate_series(1, 1500) i, generate_series(1, 4) j;
INSERT INTO cursor SELECT 'd' || account, conv, 1 FROM member;
INSERT INTO ledger SELECT 'c' || i, 0, '', '', '' FROM generate_series(1, 3000) i;
INSERT INTO artifact SELECT 'c' || i, 'k', 'u' || i, 1, i, i % 2 FROM generate_series(1, 3000) i;
INSERT INTO upload SELECT 'p' || i, 'a' || i, 'c' || i, 'u' || i, 1, NULLIF(i % 2, 0)::text, i
  FROM generate_series(1, 3000) i;
INSERT INTO relations SELECT 'r' || i, 'h2a', 'u' || i, 'a' || i % 9, NULL, 'established', 'c' || i, '[]', i
  FROM generate_series(1, 3000) i;
INSERT INTO idempotency SELECT 'i' || i, '', 200, '', i FROM generate_series(1, 3000) i;
INSERT INTO ticket SELECT 't' || i, '', NULL, i FROM generate_series(1, 3000) i;
INSERT INTO blocks SELECT 'u' || i, 'u' || i + 1, i FROM generate_series(1, 3000) i;
INSERT INTO prekeys SELECT 'd' || i, 0, '', 1, '' FROM generate_series(1, 3000) i;
INSERT INTO account_ledger SELECT 'u' || i, 0, '', '', '' FROM generate_series(1, 3000) i;
INSERT INTO push_subscriptions SELECT 'p' || i, 'u' || i, 'd' || i, 'e' || i, '', '', i
  FROM generate_series(1, 3000) i;
INSERT INTO node SELECT 'n' || i, 0 FROM generate_series(0, 9) i;
INSERT INTO online SELECT 'u' || i, 'n' || i % 10, 'human' FROM generate_series(1, 3000) i;
ANALYZE`;

/** Tables that are as long as there are nodes, agents, sockets of agents, and streams under way. */
const SHORT = new Set([
  "node",
  "meta",
  "chore",
  "agents",
  "agent_set",
  "agent_socket",
  "invites",
  "stream",
]);
/** Indexes of what is seldom: all of it is little. */
const SELDOM = new Set(["conv_damaged"]);
/** What of a conversation's rows is found by more than the conversation. */
const LONG: Readonly<Record<string, RegExp>> = {
  entry: /\b(?:seq|msg_id|at)\b/,
  session_open: /\b(?:sid|first_seq)\b/,
};

type Plan = {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Index Cond"?: string;
  readonly Plans?: readonly Plan[];
};

/** Steps that cost more the more there is: a table or an index gone through, or all of a conversation. */
function stepsThatGrow(plan: Plan, above: Plan | null = null): readonly string[] {
  const kind = plan["Node Type"];
  const table = plan["Relation Name"] ?? "";
  const index = plan["Index Name"] ?? "";
  const condition = plan["Index Cond"] ?? "";
  // The first few of an index in its order are found by it.
  const isCut = above?.["Node Type"] === "Limit";
  const isAll =
    (kind === "Seq Scan" && !SHORT.has(table)) ||
    (kind.startsWith("Index") &&
      condition === "" &&
      !isCut &&
      !SHORT.has(table) &&
      !SELDOM.has(index)) ||
    (kind.startsWith("Index") && condition !== "" && LONG[table]?.test(condition) === false);
  return [
    ...(isAll ? [`${kind} ${table} ${index} ${condition}`] : []),
    ...(plan.Plans ?? []).flatMap((below) => stepsThatGrow(below, plan)),
  ];
}

async function connected(address: Secret<string>): Promise<Client> {
  const client = new Client({ connectionString: address.reveal() });
  await client.connect();
  return client;
}

let filled: Promise<Secret<string>> | null = null;
/** One database of our tables with much in them, for all tests: plans are asked for, and nothing is written. */
const theFilled = (): Promise<Secret<string>> =>
  (filled ??= (async () => {
    const database = await aDatabase();
    const [clock, random] = [createFakeClock(), createSeededRandom(6)];
    await (await openStore({ postgres: database }, { clock, random, log: silentLog })).close();
    const client = await connected(database);
    // Rows that are made to fit need no look at each whether they do.
    await client.query(`SET session_replication_role = replica; ${FILL}`);
    await client.end();
    return database;
  })());

/** How the server would go about each text, whatever its parameters: it goes through a table where nothing else is left. */
async function whatGrows(texts: ReadonlySet<string>): Promise<string[]> {
  const client = await connected(await theFilled());
  onTestEnd(() => client.end());
  await client.query(`SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;
    SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off`);
  const grown: string[] = [];
  const asked = [...texts].filter((text) => /^\s*(?:SELECT|UPDATE|DELETE|WITH)\b/.test(text));
  for (const [i, text] of asked.entries()) {
    await client.query(`PREPARE asked${i} AS ${text}`);
    const { rows: known } = await client.query<{ count: number }>(
      "SELECT cardinality(parameter_types) AS count FROM pg_prepared_statements WHERE name = $1",
      [`asked${i}`],
    );
    const nulls = Array.from({ length: known[0]?.count ?? 0 }, () => "NULL").join(", ");
    const { rows } = await client.query<{ "QUERY PLAN": [{ Plan: Plan }] }>(
      `EXPLAIN (FORMAT JSON) EXECUTE asked${i}${nulls === "" ? "" : `(${nulls})`}`,
    );
    for (const row of rows)
      grown.push(...stepsThatGrow(row["QUERY PLAN"][0].Plan).map((step) => `${step}: ${text}`));
  }
  return grown;
}

test.skipIf(NO_POSTGRES !== null)(
  "[R61] what a server is asked while a conversation runs is found by an index, however much there is",
  async () => {
    const database = await aDatabase();
    const world = await aWorld({ database, isShared: true });
    const texts = sentFromNow();
    await talkAndRead(world, () => undefined);
    await world.clock.advance(1_000);
    for (const part of ["sum(size) OVER", "member_count", "max(seq) AS last"])
      await vi.waitUntil(() => [...texts].some((text) => text.includes(part)), 60_000);
    await world.stop();

    expect(await whatGrows(texts)).toEqual([]);
  },
);

test.skipIf(NO_POSTGRES !== null)(
  "[R61] what a server is given to write is placed by an index, however much there is",
  async () => {
    const database = await aDatabase();
    const [clock, random] = [createFakeClock(), createSeededRandom(4)];
    const store = await openStore({ postgres: database }, { clock, random, log: silentLog });
    onTestEnd(() => store.close());
    const texts = sentFromNow();
    await writeEach(store, clock, () => undefined);

    expect([...texts].some((text) => text.includes("UPDATE conv SET next_seq"))).toBe(true);
    expect(await whatGrows(texts)).toEqual([]);
  },
);

test.skipIf(NO_POSTGRES !== null)(
  "[S15] no index holds what each append changes of its conversation: the row stays on its page",
  async () => {
    const database = await aDatabase();
    const [clock, random] = [createFakeClock(), createSeededRandom(5)];
    const store = await openStore({ postgres: database }, { clock, random, log: silentLog });
    onTestEnd(() => store.close());

    const indexes = await tellServer<{ indexdef: string }>(
      database.reveal(),
      "SELECT indexdef FROM pg_indexes WHERE tablename IN ('conv', 'cursor')",
    );

    expect(indexes.length).toBeGreaterThan(1);
    expect(
      indexes.filter(({ indexdef }) => /updated_at|next_seq|acked_seq/.test(indexdef)),
    ).toEqual([]);
  },
);
