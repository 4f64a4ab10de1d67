import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createClient } from "redis";
import { createFakeClock } from "#base/fake-clock.ts";
import { silentLog } from "#base/log.ts";
import type { AgentId, ConversationId } from "#protocol/ids.ts";
import { startRedis, type RealServer } from "#sdk/shared/real-servers.contract.ts";
import { createMetrics } from "../metrics.ts";
import { anId, onTestEnd } from "../relay-world.contract.ts";
import { aSign, describeBus, listenTo } from "./bus.contract.ts";
import type { EphemeralBus } from "./bus.ts";
import { encodeBusMessage } from "./bus-message.ts";
import { createMemoryBus } from "./memory-bus.ts";
import { openRedisBus } from "./redis-bus.ts";

describeBus("memory", (count) => {
  const bus = createMemoryBus();
  return Promise.resolve(Array.from({ length: count }, () => bus));
});

describe.skipIf(startRedis === null)("Redis", () => {
  let server: RealServer;
  beforeAll(async () => {
    if (startRedis !== null) server = await startRedis();
  });
  afterAll(() => server.stop());

  /** Waits for the server, however long it takes: only the clock's owner ends the wait. */
  const open = async (channel: string, address = server.address, clock = createFakeClock()) => {
    const metrics = createMetrics();
    const needs = { clock, events: silentLog, metrics, nodeId: anId<string>() };
    const bus = await openRedisBus({ ...needs, address, channel });
    onTestEnd(() => bus.close());
    return { bus, metrics };
  };
  const connect = async (count: number): Promise<EphemeralBus[]> => {
    const channel = anId<string>();
    const opened = await Promise.all(Array.from({ length: count }, () => open(channel)));
    return opened.map(({ bus }) => bus);
  };

  describeBus("over a server", connect);

  test("[R40] nodes of another deployment on the same server hear nothing", async () => {
    const [{ bus: here }, { bus: near }, { bus: elsewhere }] = await Promise.all([
      open("one"),
      open("one"),
      open("another"),
    ]);
    const [neighbour, stranger] = [listenTo(near), listenTo(elsewhere)];

    here.publish(aSign());
    await neighbour.until(1);
    elsewhere.publish(aSign());

    expect(stranger.heard).toHaveLength(1);
    expect(neighbour.heard).toHaveLength(1);
  });

  test("[R40] what is no message of a node, or holds no frame of the protocol, is dropped and counted", async () => {
    const { bus, metrics } = await open("checked");
    const heard = listenTo(bus);
    const stranger = await createClient({ url: server.address }).connect();
    onTestEnd(() => stranger.destroy());
    const from = anId<string>();
    const sign = aSign();
    const bad = [
      "no JSON",
      "{}",
      JSON.stringify({ from, message: { kind: "unheard-of" } }),
      JSON.stringify({ from, message: { ...sign, to: ["nobody"] } }),
      JSON.stringify({ from, message: { ...sign, frame: { ...sign.frame, state: "maybe" } } }),
      JSON.stringify({ from, message: { ...sign, frame: { type: "made.up" } } }),
    ];
    const good = encodeBusMessage(from, {
      kind: "freed",
      agent: anId<AgentId>(),
      conversation: anId<ConversationId>(),
    });

    for (const text of [...bad, good]) await stranger.publish("checked", text);
    await heard.until(1);

    expect(heard.heard.map(({ kind }) => kind)).toEqual(["freed"]);
    expect(metrics.text()).toContain(
      `parley_relay_bus_messages_total{direction="refused"} ${bad.length}`,
    );
  });

  test("[R41] without its server a node hears itself, says so, and is heard again when the server is back", async () => {
    if (startRedis === null) return;
    const first = await startRedis();
    const [{ bus: here, metrics }, { bus: there }] = await Promise.all([
      open("restarted", first.address),
      open("restarted", first.address),
    ]);
    const [own, other] = [listenTo(here), listenTo(there)];
    const stateOf = async (bus: EphemeralBus, state: "up" | "down"): Promise<void> => {
      while (bus.state() !== state) await new Promise((next) => setImmediate(next));
    };
    const before = here.state();

    await first.stop();
    await Promise.all([stateOf(here, "down"), stateOf(there, "down")]);
    here.publish(aSign());
    const alone = { own: own.heard.length, other: other.heard.length, text: metrics.text() };
    // The line that speaks may learn of its end after the line that listens did.
    const lost = 'parley_relay_bus_messages_total{direction="lost"} 1';
    while (!metrics.text().includes(lost)) await new Promise((next) => setImmediate(next));
    const second = await startRedis(Number(new URL(first.address).port));
    onTestEnd(() => second.stop());
    await Promise.all([stateOf(here, "up"), stateOf(there, "up")]);
    here.publish(aSign());
    await other.until(1);

    expect(before).toBe("up");
    expect(alone).toMatchObject({ own: 1, other: 0 });
    expect(alone.text).toContain("parley_relay_bus_up 0");
    // What was said meanwhile is not told late.
    expect(other.heard).toHaveLength(1);
    expect(metrics.text()).toContain("parley_relay_bus_up 1");
  });

  test("[R41] a node starts without its server", async () => {
    const clock = createFakeClock();
    const opening = open("nowhere", "redis://127.0.0.1:1", clock);
    await clock.advance(2_000);
    const { bus } = await opening;

    const state = bus.state();
    await bus.close();

    expect(state).toBe("down");
  });
});
