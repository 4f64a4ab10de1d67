import type { Clock } from "#base/clock.ts";

/** Waits for a promise, but not longer. */
export function within(clock: Clock, limitMs: number, promise: Promise<unknown>): Promise<void> {
  return new Promise((done) => {
    const cancel = clock.after(limitMs, done);
    void promise.finally(() => {
      cancel();
      done();
    });
  });
}
