import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { silentLog } from "#base/log.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { AgentId, DeviceId } from "#protocol/ids.ts";
import { createMemoryBus } from "../bus/memory-bus.ts";
import { makeConnection } from "../live/connection.ts";
import { createRoster } from "../live/roster.ts";
import { createSqlLog } from "../log/sql-log.ts";
import { anId, onTestEnd } from "../relay-world.contract.ts";
import { openStore } from "../store/open-store.ts";
import { Together } from "./together.ts";

const link = {
  bufferedBytes: () => 0,
  send: () => undefined,
  onSignedIn: () => undefined,
  ping: () => undefined,
  close: () => undefined,
};

/** One database, and as many nodes on it as are made: each with a bus of its own, so that only rows tell them of each other. */
async function aDatabase() {
  const folder = mkdtempSync(join(tmpdir(), "parley-together-"));
  onTestEnd(() => rmSync(folder, { recursive: true, force: true }));
  const [clock, random] = [createFakeClock(), createSeededRandom(7)];
  const place = { file: join(folder, "log.sqlite"), writes: "here" } as const;
  const { writer, sql, close } = await openStore(place, { clock, random, log: silentLog });
  onTestEnd(close);
  const log = await createSqlLog(writer, sql, clock, silentLog);
  const aNode = async () => {
    const [bus, roster] = [createMemoryBus(), createRoster()];
    const announced: (readonly [fence: number, connections: number])[] = [];
    const state = { hasBuried: false };
    const heard = { announced: (): void => undefined, buried: (): void => undefined };
    const node = new Together({
      writer,
      sql,
      log,
      bus,
      clock,
      random,
      events: silentLog,
      roster,
      isOpen: () => true,
      cursors: { write: () => Promise.resolve() },
      concernOf: () => Promise.resolve({ startSeq: null, hasSocket: false }),
      forgetMembers: () => undefined,
      writerOf: () => null,
      onGrown: () => undefined,
      show: () => undefined,
      begin: () => undefined,
      announce: (_agentId, fence, connections) => {
        announced.push([fence, connections]);
        heard.announced();
      },
      onDeparted() {
        state.hasBuried = true;
      },
      onDisplaced: () => undefined,
      onBuried: () => heard.buried(),
    });
    bus.onMessage((message) => node.hear(message));
    await node.start();
    return {
      node,
      roster,
      announced,
      hasBuried: () => state.hasBuried,
      next: (what: keyof typeof heard) =>
        new Promise<void>((resolve) => {
          heard[what] = resolve;
        }),
    };
  };
  /** A socket of the agent at a node, or, without one, the row that a killed node left of it. */
  const aSocket = async (agentId: AgentId, at: Awaited<ReturnType<typeof aNode>> | null) => {
    const connection = makeConnection(anId<string>(), link, "agent", 0, 1);
    const endpointId = agentId as string as DeviceId;
    connection.principal = {
      type: "agent",
      accountId: agentId,
      endpointId,
      messagesPerSecond: null,
    };
    connection.phase = "live";
    if (at !== null) {
      at.roster.add(connection);
      await at.node.places.enter(connection, agentId);
      return connection.id;
    }
    const nodeId = anId<string>();
    await writer.run("joinNodes", { nodeId });
    const place = { agentId, connectionId: connection.id, hint: null, most: 3, used: [], now: 1 };
    await writer.run("openAgentSocket", { ...place, nodeId });
    return nodeId;
  };
  return { clock, writer, aNode, aSocket };
}

test("[R45] a node that was buried has its chores no longer: whoever took them does them alone", async () => {
  const { writer, aNode } = await aDatabase();
  const [old, other] = [await aNode(), await aNode()];
  const { nodeId } = old.node;
  expect(await old.node.takeChore("letters")).toBe(true);

  await writer.run("endNode", { nodeId, beat: null, now: 1 });
  const taken = await other.node.takeChore("letters");
  const buried = old.next("buried");
  old.node.tick();
  await buried;
  while (old.node.nodeId === nodeId) await Promise.resolve();
  const kept = await old.node.takeChore("letters");
  await other.node.stop();

  expect([taken, kept]).toEqual([true, false]);
  expect(await old.node.takeChore("letters")).toBe(true);
});

test("[R45] who buries a node looks at once at the agents that had sockets there", async () => {
  const { clock, aNode, aSocket } = await aDatabase();
  const living = await aNode();
  const agentId = anId<AgentId>();
  await aSocket(agentId, living);
  await aSocket(agentId, null);
  await living.node.places.refresh(agentId);
  const before = living.announced.at(-1)?.[1];
  const told = living.next("announced");

  while (!living.hasBuried()) {
    await clock.advance(1_000);
    if (!living.hasBuried()) living.node.tick();
  }
  // No further sign of life brings it.
  await told;

  expect(before).toBe(2);
  expect(living.announced.at(-1)?.[1]).toBe(1);
});

test("[R45] who hears nothing from the bus finds with a sign of life that an agent's sockets elsewhere are buried", async () => {
  const { clock, writer, aNode, aSocket } = await aDatabase();
  const living = await aNode();
  const agentId = anId<AgentId>();
  await aSocket(agentId, living);
  const nodeId = await aSocket(agentId, null);
  await living.node.places.refresh(agentId);
  const before = living.announced.at(-1);
  const told = living.next("announced");

  await writer.run("endNode", { nodeId, beat: null, now: 1 });
  await clock.advance(1_000);
  living.node.tick();
  await told;

  const after = living.announced.at(-1);
  expect([before?.[1], after?.[1]]).toEqual([2, 1]);
  expect(after?.[0]).toBeGreaterThan(before?.[0] ?? Infinity);
});

test("[R46] who comes back while their leaving is written is here, and nobody is told otherwise", async () => {
  const { aNode, aSocket } = await aDatabase();
  const here = await aNode();
  const agentId = anId<AgentId>();
  await aSocket(agentId, here);
  const first = await here.node.arrive({
    type: "agent",
    accountId: agentId,
    endpointId: agentId as string as DeviceId,
    messagesPerSecond: null,
  });

  const isGone = await here.node.depart(agentId);

  expect([first, isGone]).toEqual([true, false]);
  expect(await here.node.isOnline(agentId)).toBe(true);
});
