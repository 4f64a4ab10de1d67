/** A read-only line to TPCLAW's activity feed: it reports what agents do and takes no chat. SPEC A90–A93. */
import type { Clock } from "#base/clock.ts";
import { createEmitter } from "#base/emitter.ts";
import type { RandomBytes } from "#base/random.ts";
import type { ChannelStatus } from "#peer/channel.ts";
import type { OpenSocket } from "#peer/socket.ts";
import { createLine } from "../line.ts";
import { reduceActivity, withoutSight, type Activity } from "./activity.ts";
import { createFeedReader, type FeedEvent } from "./feed-frame.ts";
import { createHeartbeat } from "./heartbeat.ts";

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
  let status: ChannelStatus = { status: "idle" };
  let activity: Activity = [];
  let read: (wire: string) => FeedEvent | null = createFeedReader();
  let watched: string | null = null;

  const enter = (next: ChannelStatus): void => {
    if (status.status === "closed") return;
    status = next;
    changes.emit(null);
  };
  const heartbeat = createHeartbeat({
    clock,
    ping: () => line.send('{"type":"ping"}'),
    onDead: () => line.drop("at-once"),
    onSilence() {},
  });
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
        heartbeat.begin();
        subscribe();
        enter({ status: "online", since: clock.now() });
      },
      text(text) {
        const event = read(text);
        heartbeat.heard(event?.type === "pong");
        const after = event === null ? activity : reduceActivity(activity, event, clock.now());
        if (after === activity) return;
        activity = after;
        changes.emit(null);
      },
      oversized() {},
      lost() {
        heartbeat.stop();
        activity = withoutSight(activity, clock.now());
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
      heartbeat.stop();
      line.close();
      enter({ status: "closed" });
    },
  };
}
