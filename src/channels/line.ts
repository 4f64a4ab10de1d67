/**
 * A socket that is kept: opened, opened again after a loss with growing waits, given up on when it neither opens nor
 * fails. What the frames mean is the channel's affair; whether the server is still there, too.
 */
import { backoffDelayMs } from "#base/backoff.ts";
import type { Clock } from "#base/clock.ts";
import type { RandomBytes } from "#base/random.ts";
import type { OpenSocket, Socket } from "#peer/socket.ts";

/** A socket that has neither opened nor failed by then is given up. */
const OPEN_WITHIN_MS = 15_000;
/** A frame over this is dropped: the agent's longest product is far below, and parsing it would freeze the page. */
export const MAX_INCOMING_CHARACTERS = 32 * 1_024 * 1_024;

export type LineEvents = {
  connecting(): void;
  opened(): void;
  text(text: string): void;
  /** A frame that is binary or over {@link MAX_INCOMING_CHARACTERS}. */
  oversized(): void;
  /** `hadOpened` false: nobody answered at all. */
  lost(code: number | null, hadOpened: boolean): void;
  waiting(retryAt: number): void;
};

export interface Line {
  start(): void;
  /** False while there is no open socket. */
  send(text: string): boolean;
  isOpen(): boolean;
  /** Another try at once while waiting. */
  nudge(): void;
  /** Closes the socket, and opens another after the usual wait (`at-once`: without). */
  drop(when: "later" | "at-once"): void;
  /** The line has proved good: the next wait is the shortest again. */
  succeeded(): void;
  close(): void;
}

/** Creates a line that is idle until started. */
export function createLine(options: {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly openSocket: OpenSocket;
  readonly url: string;
  readonly events: LineEvents;
}): Line {
  const { clock, random, events } = options;
  let socket: Socket | null = null;
  let hasOpened = false;
  let tries = 0;
  let stopTimer: (() => void) | null = null;
  let isClosed = false;

  const clearTimer = (): void => {
    stopTimer?.();
    stopTimer = null;
  };

  const detach = (): void => {
    clearTimer();
    const old = socket;
    socket = null;
    hasOpened = false;
    if (old === null) return;
    old.onopen = null;
    old.onmessage = null;
    old.onclose = null;
    old.close();
  };

  const wait = (): void => {
    const delayMs = backoffDelayMs(tries, random);
    tries += 1;
    stopTimer = clock.after(delayMs, open);
    events.waiting(clock.now() + delayMs);
  };

  const lose = (code: number | null, when: "later" | "at-once"): void => {
    const hadOpened = hasOpened;
    detach();
    if (isClosed) return;
    events.lost(code, hadOpened);
    if (isClosed || socket !== null) return;
    if (when === "at-once") open();
    else wait();
  };

  /** A browser throws at an address that its page may not even try, such as a plain one from a page over TLS. */
  const tryOpen = (): Socket | null => {
    try {
      return options.openSocket(options.url);
    } catch {
      return null;
    }
  };

  function open(): void {
    clearTimer();
    if (isClosed || socket !== null) return;
    events.connecting();
    const opened = tryOpen();
    if (opened === null) {
      stopTimer = clock.after(0, () => lose(null, "later"));
      return;
    }
    socket = opened;
    stopTimer = clock.after(OPEN_WITHIN_MS, () => lose(null, "later"));
    opened.onopen = () => {
      clearTimer();
      hasOpened = true;
      events.opened();
    };
    opened.onmessage = ({ data }) => {
      if (typeof data !== "string" || data.length > MAX_INCOMING_CHARACTERS) events.oversized();
      else events.text(data);
    };
    opened.onclose = ({ code }) => lose(code, "later");
  }

  return {
    start: open,
    isOpen: () => hasOpened,
    send(text) {
      if (!hasOpened || socket === null) return false;
      socket.send(text);
      return true;
    },
    nudge() {
      if (socket === null && stopTimer !== null) open();
    },
    drop: (when) => {
      if (socket !== null) lose(null, when);
    },
    succeeded() {
      tries = 0;
    },
    close() {
      isClosed = true;
      detach();
    },
  };
}
