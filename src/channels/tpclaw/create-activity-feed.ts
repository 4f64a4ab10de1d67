/** A read-only line to TPCLAW's activity feed: it reports what agents do and takes no chat. SPEC A90–A93. */
import type { Clock } from "#base/clock.ts";
import { createEmitter } from "#base/emitter.ts";
import type { RandomBytes } from "#base/random.ts";
import type { ChannelStatus } from "#peer/channel.ts";
import type { OpenSocket } from "#peer/socket.ts";
import { isJsonObject, parseForeignJson } from "../json.ts";
import { createLine } from "../line.ts";
import { createTimers } from "../timers.ts";
import { reduceActivity, type Activity } from "./activity.ts";
import { createFeedReader, type FeedEvent } from "./feed-frame.ts";

const PING_EVERY_MS = 30_000;
/** A server that has answered a ping answers the next within this, or the line is dead. */
const PONG_WITHIN_MS = 10_000;

export interface ActivityFeed {
  status(): ChannelStatus;
  activity(): Activity;
  /** Called after every change of status or activity. */
  on(listener: () => void): () => void;
  start(): void;
  /** Reports of this agent from now on; where the address names an agent the server keeps to that. */
  watch(agentId: string): void;
  close(): void;
}

/** Creates a feed that is idle until started. `url` names one of the three endpoints there are. */
export function createActivityFeed(options: {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly openSocket: OpenSocket;
  readonly url: string;
}): ActivityFeed {
  const { clock, random } = options;
  const changes = createEmitter<null>();
  const timers = createTimers<"ping" | "pong">(clock);
  let status: ChannelStatus = { status: "idle" };
  let activity: Activity = [];
  let read: (wire: string) => FeedEvent | null = createFeedReader();
  let watched: string | null = null;
  let isAnswering = false;

  const enter = (next: ChannelStatus): void => {
    if (status.status === "closed") return;
    status = next;
    changes.emit(null);
  };
  const ping = (): void => {
    line.send('{"type":"ping"}');
    if (isAnswering) timers.set("pong", PONG_WITHIN_MS, () => line.drop("at-once"));
    timers.set("ping", PING_EVERY_MS, ping);
  };
  const subscribe = (): void => {
    if (watched !== null) line.send(JSON.stringify({ type: "subscribe", agentId: watched }));
  };
  const line = createLine({
    clock,
    random,
    openSocket: options.openSocket,
    url: options.url,
    events: {
      connecting: () => enter({ status: "connecting", since: clock.now() }),
      opened() {
        line.succeeded();
        read = createFeedReader();
        timers.set("ping", PING_EVERY_MS, ping);
        subscribe();
        enter({ status: "online", since: clock.now() });
      },
      text(text) {
        timers.clear("pong");
        isAnswering ||= isPong(text);
        const event = read(text);
        const after = event === null ? activity : reduceActivity(activity, event, clock.now());
        if (after === activity) return;
        activity = after;
        changes.emit(null);
      },
      oversized() {},
      lost() {
        timers.clearAll();
        isAnswering = false;
      },
      waiting: (retryAt) => enter({ status: "waiting", retryAt }),
    },
  });
  return {
    status: () => status,
    activity: () => activity,
    on: (listener) => changes.on(listener),
    start: () => line.start(),
    watch(agentId) {
      watched = agentId;
      subscribe();
    },
    close() {
      timers.clearAll();
      line.close();
      enter({ status: "closed" });
    },
  };
}

/** The one frame that answers one of ours. */
const isPong = (text: string): boolean => {
  const frame = parseForeignJson(text);
  return isJsonObject(frame) && frame["type"] === "pong";
};
