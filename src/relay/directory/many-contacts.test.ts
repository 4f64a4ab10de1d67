import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { silentLog, type LogFields } from "#base/log.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { AgentId, ConversationId, DeviceId, UserId } from "#protocol/ids.ts";
import { tellServer } from "../postgres/a-database.contract.ts";
import { aWorldsDatabase, onTestEnd } from "../relay-world.contract.ts";
import { refuse } from "../failure.ts";
import { openStore, placeOf } from "../store/open-store.ts";
import type { Writer } from "../store/writer.ts";
import { createSqlLog } from "../log/sql-log.ts";
import { everyRelation } from "../http/relations.ts";
import type { Sql } from "../store/sql.ts";
import { createDirectory } from "./directory.ts";
import { createEndings } from "./endings.ts";

const ECHO = "echo" as AgentId;
const CREATOR = "creator" as UserId;
const CLEAR = "clear" as ConversationId;

const COUNTED = (count: number): string =>
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`;

/** An agent with so many people, each in a conversation with it, and one conversation it is not in. */
async function anAgentOfMany(count: number) {
  const folder = mkdtempSync(join(tmpdir(), "parley-many-"));
  onTestEnd(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "log.sqlite");
  const [clock, random, database] = [
    createFakeClock(),
    createSeededRandom(7),
    await aWorldsDatabase(),
  ];
  const store = await openStore(placeOf(database, file, "here"), { clock, random, log: silentLog });
  onTestEnd(() => store.close());
  const rows = `
    INSERT INTO conv (id, type, status, updated_at) ${COUNTED(count)} SELECT 'c' || i, 'h2a', 'open', 1 FROM n;
    INSERT INTO conv (id, type, status, updated_at) VALUES ('${CLEAR}', 'h2a', 'open', 1);
    INSERT INTO member (conv, account, type, role, joined_seq)
      ${COUNTED(count)} SELECT 'c' || i, 'u' || i, 'human', 'owner', 1 FROM n;
    INSERT INTO member (conv, account, type, role, joined_seq)
      ${COUNTED(count)} SELECT 'c' || i, '${ECHO}', 'agent', 'member', 1 FROM n;
    INSERT INTO relations (relation_id, kind, user_id, agent_id, status, conversation_id, granted_scopes, created_at)
      ${COUNTED(count)} SELECT 'r' || i, 'h2a', 'u' || i, '${ECHO}', 'established', 'c' || i, '[]', 1 FROM n`;
  if (database !== null) await tellServer(database.reveal(), rows);
  else {
    const beside = new DatabaseSync(file);
    beside.exec(rows);
    beside.close();
  }
  const made = await store.writer.run("createAgent", {
    now: 1,
    agentId: ECHO,
    creatorId: CREATOR,
    displayName: "",
    description: "",
    connectionMode: "websocket",
    manifest: null,
    manifestHash: null,
    tokenHash: new Uint8Array(32),
  });
  expect(made.ok).toBe(true);
  const directory = createDirectory(store.sql);
  const aNode = () => createEndings({ directory, writer: store.writer, clock, events: silentLog });
  const remove = () =>
    store.writer.run("deleteAgent", {
      now: 2,
      agentId: ECHO,
      tokenHash: new Uint8Array(32).fill(1),
    });
  const standing = async (): Promise<number> =>
    (
      await store.sql.all(
        "SELECT 1 FROM relations WHERE agent_id = ? AND status <> 'revoked'",
        ECHO,
      )
    ).length;
  return { store, directory, clock, aNode, remove, standing };
}

/** The most rows of one read through `sql`, and whether others had a turn between two of them. */
function watched(sql: Sql) {
  const seen = { most: 0, turns: new Set<number>() };
  let turn = 0;
  const count = (): void => {
    turn += 1;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  onTestEnd(() => clearImmediate(next));
  const all: Sql["all"] = async (text, ...params) => {
    seen.turns.add(turn);
    const rows = await sql.all<never>(text, ...params);
    seen.most = Math.max(seen.most, rows.length);
    return rows;
  };
  return { seen, sql: { ...sql, all } };
}

test("[R64] how far an agent of many is, and what it lacks, is read in slices with others' work between them", async () => {
  const { store, clock } = await anAgentOfMany(1_200);
  const { seen, sql } = watched(store.sql);
  const log = await createSqlLog(store.writer, sql, clock, silentLog);
  const endpoint = ECHO as string as DeviceId;
  const behind = ["c1", "c700", "c999"] as ConversationId[];
  for (const conversationId of behind) {
    const ended = { now: 3, relationId: `r${conversationId.slice(1)}`, by: ECHO, to: "revoked" };
    expect((await store.writer.run("changeRelation", ended as never)).ok).toBe(true);
  }
  seen.turns.clear();

  const inbox = await log.inbox(ECHO, endpoint);
  const lacked = await log.behind(ECHO, endpoint);

  expect(new Set(inbox.map(({ conversationId }) => conversationId)).size).toBe(1_200);
  expect(lacked.map(({ conversationId }) => conversationId).toSorted()).toEqual(behind);
  expect(lacked.map(({ cursor, lastSeq }) => [cursor, lastSeq])).toEqual(
    [0, 0, 0].map(() => [0, 1]),
  );
  expect([seen.most, seen.turns.size > 4]).toEqual([500, true]);
});

test("[R64] relations of many are read in slices, and a page goes on where the last one ended", async () => {
  const { store } = await anAgentOfMany(1_200);
  const { seen, sql } = watched(store.sql);
  const { relationsOf, relationsOfAgent } = createDirectory(sql);

  const all = await everyRelation((after, limit) => relationsOf(ECHO, after, limit));
  const [first] = [await relationsOfAgent(ECHO, "", 700)];
  const second = await relationsOfAgent(ECHO, first.at(-1)?.relation_id ?? "", 700);
  const one = await relationsOf("u7" as UserId, "", 10);

  expect(new Set(all.map(({ relation_id }) => relation_id)).size).toBe(1_200);
  expect([...first, ...second].map(({ relation_id }) => relation_id)).toEqual(
    all.map(({ relation_id }) => relation_id),
  );
  expect(one.map(({ relation_id }) => relation_id)).toEqual(["r7"]);
  expect(seen.turns.size).toBeGreaterThan(2);
});

test("[R63] whom an agent talks with is read in pages, each person once, with others' work between them", async () => {
  const { directory } = await anAgentOfMany(600);
  let turns = 0;
  const count = (): void => {
    turns += 1;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  onTestEnd(() => clearImmediate(next));

  const pages: (readonly string[])[] = [];
  const turnsBefore: number[] = [];
  for await (const page of directory.relatedTo(ECHO)) {
    turnsBefore.push(turns);
    pages.push(page.map(({ id }) => id));
  }

  expect(pages.map(({ length }) => length)).toEqual([250, 250, 100]);
  expect(new Set(pages.flat()).size).toBe(600);
  expect(new Set(turnsBefore).size).toBe(3);
});

test("[R63] a deleted agent's relations end a few a commit: what others write meanwhile is stored before the last", async () => {
  const { store, aNode, remove, standing } = await anAgentOfMany(110);
  const done: string[] = [];
  expect((await remove()).ok).toBe(true);

  const ending = aNode()
    .begin()
    .then(({ ok }) => done.push(ok ? "ended" : "failed"));
  const other = store.writer
    .run("quarantine", { now: 3, conversationId: CLEAR })
    .then(({ ok }) => done.push(ok ? "other" : "refused"));
  await Promise.all([ending, other]);

  expect(done).toEqual(["other", "ended"]);
  expect(await standing()).toBe(0);
});

test("[R63] an end that was interrupted goes on at another node, and each relation is told to end once", async () => {
  const { store, directory, aNode, remove, standing } = await anAgentOfMany(60);
  await remove();
  await store.writer.run("endRelations", { now: 3 });
  expect(await standing()).toBe(50);

  const other = aNode();
  await Promise.all([other.goOn(), other.goOn()]);

  expect([await standing(), await directory.hasEndingAgents()]).toEqual([0, false]);
  const told = await store.sql.all<{ conv: string }>(
    "SELECT conv FROM entry WHERE kind = 'relation.revoked'",
  );
  expect([told.length, new Set(told.map(({ conv }) => conv)).size]).toEqual([60, 60]);
});

test("[R63] more than who deletes it would wait for ends by itself", async () => {
  const { aNode, remove, standing } = await anAgentOfMany(560);
  await remove();
  const node = aNode();

  expect((await node.begin()).ok).toBe(true);
  await node.goOn();

  expect(await standing()).toBe(0);
});

test("[R63] a lot that is refused is told to the operator with its code alone, and tried again after longer and longer rests", async () => {
  const { store, directory, clock, remove, standing } = await anAgentOfMany(10);
  await remove();
  let [isFull, tries] = [true, 0];
  const run = ((name: "endRelations", args: { readonly now: number }) => {
    tries += 1;
    return isFull ? Promise.resolve(refuse("STORAGE_FULL")) : store.writer.run(name, args);
  }) as Writer["run"];
  const told: (readonly [string, LogFields | undefined])[] = [];
  const warn = (event: string, fields?: LogFields) => void told.push([event, fields]);
  const events = { ...silentLog, warn };
  const endings = createEndings({ directory, writer: { run }, clock, events });
  const lookFor = async (minutes: number): Promise<void> => {
    for (let i = 0; i < minutes; i++) {
      await endings.goOn();
      await clock.advance(60_000);
    }
  };

  await lookFor(7);
  expect(told).toEqual(
    [60, 120, 240].map((rest_s) => ["ending.refused", { code: "STORAGE_FULL", rest_s }]),
  );
  await lookFor(24 * 60);
  expect(told.at(-1)?.[1]).toEqual({ code: "STORAGE_FULL", rest_s: 3_600 });
  const refused = told.length;
  expect([tries, refused < 32]).toEqual([refused, true]);

  isFull = false;
  await lookFor(60);
  expect([await standing(), told.length]).toEqual([0, refused]);
});
