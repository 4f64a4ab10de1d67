/** A clock that can be set: what a laptop's does when it wakes, when its battery was empty, when somebody turns it back. */
import { systemClock, type Clock } from "../../src/base/clock.ts";

export interface LeapingClock extends Clock {
  /** Time passes at once: everything due meanwhile is due now. */
  sleep(ms: number): void;
  /** The shown time changes, forwards or back; no time passes. */
  set(byMs: number): void;
}

/** Sleeps; resolves when what was due meanwhile is done. */
export async function elapse(clock: LeapingClock, ms: number): Promise<void> {
  clock.sleep(ms);
  await new Promise<void>((resolve) => void clock.after(0, resolve));
}

type Timer = { readonly dueAt: number; readonly task: () => void; cancel: () => void };

export function createLeapingClock(real: Clock = systemClock): LeapingClock {
  const timers = new Set<Timer>();
  let [shownAheadMs, sleptMs] = [0, 0];
  const passed = (): number => real.now() + sleptMs;
  const arm = (timer: Timer): void => {
    timer.cancel = real.after(Math.max(0, timer.dueAt - passed()), () => {
      timers.delete(timer);
      timer.task();
    });
  };
  return {
    now: () => passed() + shownAheadMs,
    after(delayMs, task) {
      const timer: Timer = { dueAt: passed() + delayMs, task, cancel: () => {} };
      timers.add(timer);
      arm(timer);
      return () => {
        timers.delete(timer);
        timer.cancel();
      };
    },
    sleep(ms) {
      sleptMs += ms;
      for (const timer of [...timers]) {
        timer.cancel();
        arm(timer);
      }
    },
    set(byMs) {
      shownAheadMs += byMs;
    },
  };
}
