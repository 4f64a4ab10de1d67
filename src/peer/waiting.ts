/** The three ways a task waits here: for an event, for its turn, for time. Each ends when its owner does. */
import type { Clock } from "#base/clock.ts";

export type Signal = { wait(): Promise<void>; fire(): void };

/** One event that many wait for. */
export function createSignal(): Signal {
  let fire = () => {};
  const fired = new Promise<void>((resolve) => {
    fire = resolve;
  });
  return { wait: () => fired, fire };
}

/** At most `count` at once; the rest waits its turn. */
export function createSlots(count: number) {
  let free = count;
  const waiting: (() => void)[] = [];
  const release = (): void => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return {
    async take(): Promise<() => void> {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      return release;
    },
  };
}

/** Waits that a closing owner cuts short, so that no timer outlives it. */
export function createPauses(clock: Clock) {
  const running = new Set<() => void>();
  return {
    wait: (delayMs: number): Promise<void> =>
      new Promise((resolve) => {
        const end = (): void => {
          stop();
          running.delete(end);
          resolve();
        };
        const stop = clock.after(delayMs, end);
        running.add(end);
      }),
    end(): void {
      for (const end of running) end();
    },
  };
}
