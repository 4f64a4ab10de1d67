import type { Clock } from "#base/clock.ts";

/** Runs one task for any number of wishes within a short time. */
export interface Gatherer {
  wish(): void;
  close(): void;
}

/** Creates a gatherer: `task` runs once, `delayMs` (as it is then) after the first wish since it last ran. */
export function createGatherer(
  clock: Clock,
  delayMs: number | (() => number),
  task: () => void,
): Gatherer {
  let stop: (() => void) | null = null;
  let isClosed = false;
  return {
    wish() {
      if (isClosed || stop !== null) return;
      stop = clock.after(typeof delayMs === "number" ? delayMs : delayMs(), () => {
        stop = null;
        task();
      });
    },
    close() {
      isClosed = true;
      stop?.();
    },
  };
}
