/** Pings on a line of TPCLAW's, and what answers to them say of it: that it lives, that it is dead, or nothing at all. */
import type { Clock } from "#base/clock.ts";
import { createTimers } from "../timers.ts";

const PING_EVERY_MS = 30_000;
/** A server that has answered a ping answers the next within this, or the line is dead. */
const PONG_WITHIN_MS = 10_000;
/** Three pings without any frame: worth a word, no more; a server that never answers may be fine. */
const NO_HEARTBEAT_AFTER_MS = 95_000;

export interface Heartbeat {
  /** A line has opened. */
  begin(): void;
  /** Any frame is a sign of life; a pong is a promise of more. */
  heard(isPong: boolean): void;
  stop(): void;
}

/** Creates a heartbeat that is still. */
export function createHeartbeat(options: {
  readonly clock: Clock;
  readonly ping: () => void;
  readonly onDead: () => void;
  /** Once for each silence of a server that promised nothing. */
  readonly onSilence: () => void;
}): Heartbeat {
  const { clock } = options;
  const timers = createTimers<"ping" | "pong">(clock);
  let hasPong = false;
  let isSilenceTold = false;
  let heardAt = 0;

  const beat = (): void => {
    options.ping();
    timers.set("ping", PING_EVERY_MS, beat);
    if (hasPong) timers.set("pong", PONG_WITHIN_MS, options.onDead);
    if (isSilenceTold || clock.now() - heardAt < NO_HEARTBEAT_AFTER_MS) return;
    isSilenceTold = true;
    options.onSilence();
  };

  return {
    begin() {
      hasPong = false;
      isSilenceTold = false;
      heardAt = clock.now();
      timers.set("ping", PING_EVERY_MS, beat);
    },
    heard(isPong) {
      hasPong ||= isPong;
      isSilenceTold = false;
      heardAt = clock.now();
      timers.clear("pong");
    },
    stop: () => timers.clearAll(),
  };
}
