/** Locks an account that nobody has touched for as long as its person chose. SPEC §door. */
import type { Clock } from "#base/clock.ts";
import type { Store } from "#peer/store.ts";
import { loadRecord, putRecord, TABLE } from "./records.ts";

const ROW = "touched";
/** How often it is looked at; a timer that slept with the computer is made up for at the next look. */
const LOOK_EVERY_MS = 10_000;
/** Touches are written down at most this often: a restart judges by them. */
const WRITE_EVERY_MS = 30_000;

export interface IdleLock {
  /** Somebody used the keyboard, the pointer or a finger. */
  touch(): void;
  close(): void;
}

/** What is open now and after how many minutes it is to be locked; null where nothing is, or never. */
export type Idleness = { readonly store: Store; readonly afterMinutes: number } | null;

/** Looks at the clock and calls `lock` once nobody touched anything for long enough. */
export function createIdleLock(options: {
  readonly clock: Clock;
  readonly open: () => Idleness;
  readonly lock: () => Promise<unknown>;
}): IdleLock {
  const { clock, open, lock } = options;
  let touchedAt = clock.now();
  let writtenAt = 0;
  let stop = (): void => {};
  const isOver = (): boolean => {
    const found = open();
    return found !== null && isIdle(touchedAt, found.afterMinutes, clock.now());
  };
  const look = (): void => {
    stop = clock.after(LOOK_EVERY_MS, look);
    if (isOver()) void lock();
  };
  look();
  return {
    touch() {
      // The computer slept, and whoever woke it may be somebody else.
      const isLate = isOver();
      touchedAt = clock.now();
      if (isLate) return void lock();
      const found = open();
      if (found === null || touchedAt - writtenAt < WRITE_EVERY_MS) return;
      writtenAt = touchedAt;
      void noteTouch(found.store, touchedAt);
    },
    close: () => stop(),
  };
}

/** Keeps when the account was touched; times are epoch ms of this device. */
export const noteTouch = (store: Store, at: number) =>
  store.commit({ puts: [putRecord(TABLE.account, ROW, { at })] });

/** Whether an account that is opened after a pause is to stay closed. */
export async function wasIdle(store: Store, afterMinutes: number, now: number): Promise<boolean> {
  const touched = await loadRecord<{ readonly at: number }>(store, TABLE.account, ROW);
  return touched !== null && isIdle(touched.at, afterMinutes, now);
}

const isIdle = (touchedAt: number, afterMinutes: number, now: number): boolean =>
  now - touchedAt >= afterMinutes * 60_000;
