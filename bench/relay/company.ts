/**
 * B14: what the size of a company costs. A conversation of 200,000 entries against one of 100, and an agent of 20,000
 * people against one of 100, asked in turn in one run: by REST and at sign-in, on a file and, where it is installed, on
 * PostgreSQL. Run: node bench/relay/company.ts
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Client } from "pg";
import WebSocket from "ws";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { systemRandom } from "../../src/base/random.ts";
import { Secret } from "../../src/base/secret.ts";
import type { ConversationId, DeviceId } from "../../src/protocol/ids.ts";
import { DATABASE_FILE } from "../../src/relay/data-folder.ts";
import { aMessage, anId, type Account } from "../../src/relay/hand-made.contract.ts";
import { createOperator } from "../../src/relay/operator.ts";
import { createRelayServer } from "../../src/relay/relay-server.ts";
import { startPostgres } from "../../src/sdk/shared/real-servers.contract.ts";
import { median, setting } from "../machine.ts";
import { quantile, report } from "../report.ts";

const ENTRIES = setting("BENCH_ENTRIES", 200_000);
const PEOPLE = setting("BENCH_PEOPLE", 20_000);
const FEW = 100;
const ROUNDS = setting("BENCH_ROUNDS", 200);
const SIGN_INS = Math.ceil(ROUNDS / 10);
const LOOKS_AT_TURNS = 5;
const GOAL = { ratio: 1.5, heldMs: 20 };
/** An envelope of a message of 1 KiB. */
const BODY = new Uint8Array(1_548).fill(7);
const MUCH = { perSecond: 1_000_000, burst: 1_000_000 };

/** An agent with so many people, each in a conversation with it, and a conversation of so many entries. */
type Side = {
  readonly agent: Account;
  readonly talk: ConversationId;
  readonly people: number;
  readonly entries: number;
};

/** Where a relay stands, and how its database is filled beside it. */
type Place = {
  readonly name: string;
  readonly database: Secret<string> | null;
  blob(bytes: Uint8Array): string;
  tell(folder: string, texts: readonly string[]): Promise<void>;
};

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

const onFile: Place = {
  name: "SQLite",
  database: null,
  blob: (bytes) => `x'${hexOf(bytes)}'`,
  async tell(folder, texts) {
    const db = new DatabaseSync(join(folder, DATABASE_FILE));
    for (const text of texts) db.exec(text);
    db.close();
  },
};

const onServer = (address: string): Place => ({
  name: "PostgreSQL",
  database: new Secret(address),
  blob: (bytes) => `'\\x${hexOf(bytes)}'::bytea`,
  async tell(_folder, texts) {
    const client = new Client({ connectionString: address });
    await client.connect();
    for (const text of [...texts, "VACUUM ANALYZE"]) await client.query(text);
    await client.end();
  },
});

const counted = (count: number): string =>
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`;

function rowsOf({ agent, talk, people, entries }: Side, blob: Place["blob"]): readonly string[] {
  const each = counted(people);
  const id = `'${agent.id.slice(0, 24)}' || (100000000000 + i)`;
  const envelope = `${blob(BODY)}, ${blob(createHash("sha256").update(BODY).digest())}`;
  const member = "INSERT INTO member (conv, account, type, role, joined_seq)";
  const cursor = "INSERT INTO cursor (recipient_dev, conv, acked_seq)";
  const entry =
    "INSERT INTO entry (conv, seq, msg_id, sender_id, sender_type, kind, meta, body, hash, counts, at)";
  const conv = "INSERT INTO conv (id, type, status, next_seq, updated_at)";
  return [
    `${conv} ${each} SELECT ${id}, 'h2a', 'open', 2, i FROM n`,
    `${member} ${each} SELECT ${id}, 'u' || i, 'human', 'owner', 1 FROM n`,
    `${member} ${each} SELECT ${id}, '${agent.id}', 'agent', 'member', 1 FROM n`,
    `${cursor} ${each} SELECT '${agent.id}', ${id}, 1 FROM n`,
    `${entry} ${each} SELECT ${id}, 1, 'm' || i, 'u' || i, 'human', 'message.new', '{}', ${envelope}, 1, i FROM n`,
    `INSERT INTO relations
       (relation_id, kind, user_id, agent_id, status, conversation_id, granted_scopes, created_at)
       ${each} SELECT ${id}, 'h2a', 'u' || i, '${agent.id}', 'established', ${id}, '[]', i FROM n`,
    `${conv} VALUES ('${talk}', 'group', 'open', ${entries + 1}, 1)`,
    `${member} VALUES ('${talk}', '${agent.id}', 'agent', 'member', 1)`,
    `${cursor} VALUES ('${agent.id}', '${talk}', ${entries})`,
    `${entry} ${counted(entries)} SELECT '${talk}', i, 'm' || i, 'u' || i % 7, 'human', 'message.new', '{}',
       ${envelope}, 1, i FROM n`,
  ];
}

/** Milliseconds of each call, first to last. */
type Times = number[];

async function timed(times: Times, task: () => Promise<void>): Promise<void> {
  const from = performance.now();
  await task();
  times.push(performance.now() - from);
}

/**
 * Processor time of the dearest turn of the event loop while the task runs: what others wait for, whatever else the
 * machine does. Turns are watched by spinning, so that nothing is timed meanwhile.
 */
async function dearestTurnMs(task: () => Promise<void>): Promise<number> {
  let [dearest, isOver] = [0, false];
  const spent = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  };
  let before = spent();
  const look = (): void => {
    const now = spent();
    dearest = Math.max(dearest, now - before);
    before = now;
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  await task();
  isOver = true;
  return dearest;
}

/** Runs a task for both sides in turn, and says how the times compare. */
async function compare(
  question: string,
  rounds: number,
  sides: { readonly much: Side; readonly little: Side },
  task: (side: Side) => Promise<void>,
): Promise<void> {
  const times = { much: [] as Times, little: [] as Times };
  for (let i = 0; i < rounds; i++) {
    await timed(times.little, () => task(sides.little));
    await timed(times.much, () => task(sides.much));
  }
  const turns: number[] = [];
  for (let i = 0; i < LOOKS_AT_TURNS; i++) turns.push(await dearestTurnMs(() => task(sides.much)));
  const heldMs = median(turns);
  const said = (of: Times): string =>
    `p50 ${quantile(of, 0.5).toFixed(1)} ms, p95 ${quantile(of, 0.95).toFixed(1)} ms`;
  const ratio = quantile(times.much, 0.5) / quantile(times.little, 0.5);
  const isWhole = question.includes("all are looked at");
  report({
    id: "B14",
    question,
    figure: `${said(times.much)}; dearest turn of the event loop ${heldMs.toFixed(1)} ms of processor`,
    peer: said(times.little),
    ratio,
    goal: isWhole ? `a turn of ${GOAL.heldMs} ms at most` : `ratio ${GOAL.ratio}`,
    isMet: isWhole ? heldMs <= GOAL.heldMs : ratio <= GOAL.ratio,
  });
}

async function measureAt(place: Place): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "parley-company-"));
  const { database } = place;
  const rates = { rest: MUCH, restByAddress: MUCH, agentMessages: MUCH, frames: MUCH };
  const begun = performance.now();
  const relay = await createRelayServer({ dataFolder: folder, database, log: silentLog, rates });
  const operator = await createOperator(folder, systemClock, systemRandom, database);
  const aSide = async (people: number, entries: number): Promise<Side> => {
    const made = await operator.createAgent("Desk", "");
    if (!made.ok) throw new Error(made.failure.code);
    const { agent_id: id, token } = made.value;
    const agent = { type: "agent", id, deviceId: id as string as DeviceId, token } as const;
    return { agent, talk: anId<ConversationId>(), people, entries };
  };
  const sides = { much: await aSide(PEOPLE, ENTRIES), little: await aSide(FEW, FEW) };
  await operator.close();
  for (const side of [sides.little, sides.much]) await place.tell(folder, rowsOf(side, place.blob));
  console.log(`${place.name}: filled in ${((performance.now() - begun) / 1_000).toFixed(0)} s`);

  const ask = async ({ agent }: Side, path: string, body?: object): Promise<unknown[]> => {
    const answer = await fetch(`${relay.url}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${agent.token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return ((await answer.json()) as { data: unknown[] }).data;
  };
  const askPage = async (side: Side, path: string): Promise<void> => {
    if ((await ask(side, path)).length < 50) throw new Error(`${path}: too short a page`);
  };
  const on = `on ${place.name}`;
  await compare(`newest page of ${ENTRIES} entries ${on}`, ROUNDS, sides, (side) =>
    askPage(side, `/conversations/${side.talk}/messages?limit=50`),
  );
  await compare(`page in the middle of ${ENTRIES} entries ${on}`, ROUNDS, sides, (side) =>
    askPage(side, `/conversations/${side.talk}/messages?limit=50&before=${side.entries / 2 + 25}`),
  );
  await compare(`append to ${ENTRIES} entries ${on}`, ROUNDS, sides, async (side) => {
    const { type: _implied, ...message } = aMessage(side.talk, side.agent, 7, 1_024);
    await ask(side, `/agents/${side.agent.id}/messages`, message);
  });
  await compare(`page of ${PEOPLE} conversations by id ${on}`, ROUNDS, sides, (side) =>
    askPage(side, "/conversations?order=id&limit=50"),
  );
  await compare(`page of ${PEOPLE} relations ${on}`, ROUNDS, sides, (side) =>
    askPage(side, "/relations?limit=50"),
  );
  await compare(
    `newest page of ${PEOPLE} conversations, for which all are looked at, ${on}`,
    SIGN_INS,
    sides,
    (side) => askPage(side, "/conversations?limit=50"),
  );
  await compare(
    `sign-in of an agent of ${PEOPLE} people, for which all are looked at, ${on}`,
    SIGN_INS,
    sides,
    ({ agent }) => signIn(relay.url, agent),
  );
  await relay.close();
  rmSync(folder, { recursive: true, force: true });
}

/** A socket from its first frame until it is level. */
async function signIn(url: string, agent: Account): Promise<void> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws/agent`);
  const level = new Promise<void>((resolve, reject) => {
    socket.on("message", (bytes) => {
      const { type } = JSON.parse((bytes as Buffer).toString()) as { type: string };
      if (type === "auth.ok")
        socket.send(JSON.stringify({ type: "resume", log_epoch: null, cursors: null }));
      if (type === "resume.ok") resolve();
    });
    socket.on("close", (code) => reject(new Error(`closed ${code}`)));
  });
  await once(socket, "open");
  socket.send(JSON.stringify({ type: "auth", token: agent.token, agent_id: agent.id }));
  await level;
  socket.close(1000);
}

await measureAt(onFile);
const server = await startPostgres?.(["fsync=on", "max_wal_size=4GB"]);
if (server === undefined) console.log("PostgreSQL is not installed: nothing said of it");
else {
  await measureAt(onServer(server.address));
  await server.stop();
}
