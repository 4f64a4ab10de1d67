/**
 * A bus over Redis pub/sub. Its loss degrades and breaks nothing: this process goes on hearing itself, others hear
 * nothing until the connection, which comes back by itself, is there again. Nothing waits for Redis. SPEC R41.
 */
import { createClient } from "redis";
import { createEmitter } from "#base/emitter.ts";
import { doubledDelayMs } from "#base/backoff.ts";
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { Metrics } from "../metrics.ts";
import { within } from "../within.ts";
import { encodeBusMessage, parseBusMessage } from "./bus-message.ts";
import type { BusMessage, EphemeralBus } from "./bus.ts";

const PAUSE_MS = { first: 50, longest: 1_000 };
/** A start does not wait longer for a broker that is not there. */
const START_WAIT_MS = 2_000;
/** Finds a connection that died without a word. */
const PING_MS = 5_000;
/** Bytes that may wait for the broker; a stall loses what is beyond. */
const MAX_WAITING = 4_096;

export type BusNeeds = {
  readonly address: string;
  /** Names the deployment: nodes on the same name hear each other. */
  readonly channel: string;
  readonly nodeId: string;
  readonly clock: Clock;
  readonly events: Log;
  readonly metrics: Metrics;
};

/** Connects, or starts without connection and goes on trying. */
export async function openRedisBus(needs: BusNeeds): Promise<EphemeralBus> {
  const { address, channel, nodeId, clock, events, metrics } = needs;
  const heard = createEmitter<BusMessage>();
  const listening = clientFor(address);
  const speaking = clientFor(address);
  let isListening = false;
  let state: "up" | "down" = "down";
  let waiting = 0;

  const look = (): void => {
    const next = isListening && listening.isReady && speaking.isReady ? "up" : "down";
    metrics.set("bus_up", next === "up" ? 1 : 0);
    if (next === state) return;
    state = next;
    if (next === "up") events.info("bus.up");
    else events.warn("bus.down");
  };
  const hear = (text: string): void => {
    const parsed = parseBusMessage(text);
    if (!parsed.ok) {
      metrics.count("bus_messages_total", { direction: "refused" });
      events.warn("bus.refused", { kind: parsed.failure.kind });
    } else if (parsed.value.from !== nodeId) {
      metrics.count("bus_messages_total", { direction: "in" });
      heard.emit(parsed.value.message);
    }
  };
  const lose = (): void => metrics.count("bus_messages_total", { direction: "lost" });

  for (const client of [listening, speaking]) {
    client.on("ready", look);
    client.on("reconnecting", look);
    client.on("end", look);
    client.on("error", look);
  }
  look();
  const started = Promise.all([
    speaking.connect(),
    listening.connect().then(async () => {
      await listening.subscribe(channel, hear);
      isListening = true;
    }),
  ]).then(look, look);
  await within(clock, START_WAIT_MS, started);

  return {
    publish(message) {
      heard.emit(message);
      if (!speaking.isReady || waiting >= MAX_WAITING) return lose();
      waiting += 1;
      speaking
        .publish(channel, encodeBusMessage(nodeId, message))
        .then(() => metrics.count("bus_messages_total", { direction: "out" }), lose)
        .finally(() => {
          waiting -= 1;
        });
    },
    onMessage: heard.on,
    state: () => state,
    close() {
      listening.destroy();
      speaking.destroy();
      return Promise.resolve();
    },
  };
}

const clientFor = (address: string) =>
  createClient({
    url: address,
    // What could not leave at once is late: it is lost rather than told out of its time.
    disableOfflineQueue: true,
    pingInterval: PING_MS,
    socket: {
      reconnectStrategy: (retries) => doubledDelayMs(retries, PAUSE_MS.first, PAUSE_MS.longest),
    },
  });
