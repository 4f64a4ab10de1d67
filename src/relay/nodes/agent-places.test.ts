import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as othersTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { silentLog } from "#base/log.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { AccountId, AgentId, ConversationId } from "#protocol/ids.ts";
import { createMemoryBus } from "../bus/memory-bus.ts";
import { makeConnection } from "../live/connection.ts";
import { bestSocketFor, createRoster } from "../live/roster.ts";
import { createSqlLog } from "../log/sql-log.ts";
import { aLedger, anId, onTestEnd } from "../relay-world.contract.ts";
import { openStore } from "../store/open-store.ts";
import { AgentPlaces } from "./agent-places.ts";

const link = {
  bufferedBytes: () => 0,
  send: () => undefined,
  onSignedIn: () => undefined,
  ping: () => undefined,
  close: () => undefined,
};

/** An agent in a conversation, and the places of its sockets at one node; a look at them may be answered late. */
async function anAgentsPlaces() {
  const folder = mkdtempSync(join(tmpdir(), "parley-places-"));
  onTestEnd(() => rmSync(folder, { recursive: true, force: true }));
  const [clock, random] = [createFakeClock(), createSeededRandom(1)];
  const store = await openStore(
    { file: join(folder, "log.sqlite"), writes: "here" },
    { clock, random, log: silentLog },
  );
  onTestEnd(() => store.close());
  const nodeId = anId<string>();
  await store.writer.run("joinNodes", { nodeId });
  const agentId = anId<AccountId>();
  const late: (() => void)[] = [];
  const state = { isSlow: false, isBroken: false };
  const told: string[] = [];
  const roster = createRoster();
  const begun = Promise.withResolvers<string>();
  const rows = async (): Promise<number> =>
    (await store.sql.all("SELECT connection_id FROM agent_socket")).length;
  const rowsAtWrite: number[] = [];
  const places = new AgentPlaces({
    nodeId: () => nodeId,
    writer: store.writer,
    sql: {
      ...store.sql,
      async all<Row>(text: string, ...params: readonly string[]) {
        if (state.isBroken) throw new Error("the line broke");
        const rows = await store.sql.all<Row>(text, ...params);
        if (state.isSlow) await new Promise<void>((resolve) => late.push(resolve));
        return rows;
      },
    },
    bus: createMemoryBus(),
    clock,
    events: { ...silentLog, warn: (event) => void told.push(event) },
    roster,
    isOpen: () => true,
    cursors: {
      async write() {
        rowsAtWrite.push(await rows());
      },
    },
    begin: ({ id }) => begun.resolve(id),
    announce: () => undefined,
  });
  const enter = async () => {
    const connection = makeConnection(anId<string>(), link, "agent", 0, 1);
    await places.enter(connection, agentId);
    const endpointId = agentId as never;
    connection.principal = {
      type: "agent",
      accountId: agentId,
      endpointId,
      messagesPerSecond: null,
    };
    connection.phase = "live";
    roster.add(connection);
    return connection;
  };
  const log = await createSqlLog(store.writer, store.sql, clock, silentLog);
  const meet = async (conversationId: ConversationId) => {
    const member = { id: agentId, type: "agent", role: "owner", ownerId: null } as const;
    const ledger = aLedger(1, conversationId, 2);
    await log.createConversation({
      now: 0,
      conversationId,
      type: "group",
      members: [member],
      ledger,
      entries: [],
    });
  };
  return {
    agentId: agentId as AgentId,
    clock,
    places,
    state,
    told,
    late,
    enter,
    meet,
    begun,
    rows,
    rowsAtWrite,
  };
}

test("[R44] of two looks at an agent's sockets the older one, answered last, counts for nothing", async () => {
  const { agentId, clock, places, state, late, enter, meet, begun } = await anAgentsPlaces();
  const { id: first } = await enter();
  state.isSlow = true;
  const older = places.refresh(agentId);
  await expect.poll(() => late.length).toBe(1);
  state.isSlow = false;
  const { id: second } = await enter();
  const live = makeConnection(second, link, "agent", 0, 1);
  await places.claim(live, agentId, []);
  late[0]?.();
  await older;
  let conversationId = anId<ConversationId>();
  while (bestSocketFor(conversationId, [first, second]) !== second)
    conversationId = anId<ConversationId>();
  await meet(conversationId);

  places.want(agentId, conversationId, 1);
  await clock.advance(0);

  expect(await begun.promise).toBe(second);
});

test("[R44] what a leaving socket acknowledged is written before its place is another's", async () => {
  const { agentId, places, enter, rows, rowsAtWrite } = await anAgentsPlaces();
  const connection = await enter();

  await places.leave(connection, agentId);

  expect(rowsAtWrite).toEqual([1]);
  expect(await rows()).toBe(0);
});

test("[R44] a look that fails once a socket is level is told to the operator, and the node goes on", async () => {
  const { places, enter, agentId, state, told } = await anAgentsPlaces();
  const connection = await enter();
  state.isBroken = true;

  places.resumed(connection, agentId, []);
  await othersTurn();

  expect(told).toEqual(["places.failed"]);
});
