import type { Clock } from "./clock.ts";

/** A clock that moves only when told to; for tests and replays. */
export interface FakeClock extends Clock {
  /** Moves time forward, running due timers in order and letting promises settle between them. */
  advance(durationMs: number): Promise<void>;
}

/** Creates a fake clock at `startAt` (epoch ms). */
export function createFakeClock(startAt = Date.UTC(2026, 0, 1)): FakeClock {
  let nowMs = startAt;
  let nextId = 0;
  const timers = new Map<number, { readonly at: number; readonly task: () => void }>();
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };
  return {
    now: () => nowMs,
    after(delayMs, task) {
      const id = nextId++;
      timers.set(id, { at: nowMs + Math.max(0, delayMs), task });
      return () => timers.delete(id);
    },
    async advance(durationMs) {
      const end = nowMs + durationMs;
      await settle();
      for (;;) {
        const due = [...timers].filter(([, timer]) => timer.at <= end);
        due.sort(([idA, a], [idB, b]) => a.at - b.at || idA - idB);
        const first = due[0];
        if (first === undefined) break;
        timers.delete(first[0]);
        nowMs = Math.max(nowMs, first[1].at);
        first[1].task();
        await settle();
      }
      nowMs = end;
      await settle();
    },
  };
}
