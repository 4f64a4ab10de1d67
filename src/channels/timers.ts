/** One timer for each wait there is, by name: setting it again starts it anew. */
import type { Clock } from "#base/clock.ts";

export interface Timers<Name extends string> {
  set(name: Name, delayMs: number, task: () => void): void;
  clear(name: Name): void;
  clearAll(): void;
}

/** Creates timers of which none runs. */
export function createTimers<Name extends string>(clock: Clock): Timers<Name> {
  const stops = new Map<Name, () => void>();
  const clear = (name: Name): void => {
    stops.get(name)?.();
    stops.delete(name);
  };
  return {
    clear,
    set(name, delayMs, task) {
      clear(name);
      stops.set(name, clock.after(delayMs, task));
    },
    clearAll() {
      for (const name of [...stops.keys()]) clear(name);
    },
  };
}
