/** Time that passes when a journey says so: in the page and in its workers, with every timer that is due by then. */
import type { Person } from "./person.ts";

type TimeSeam = { leap(ms: number): void };

/** Runs in a page or a worker as it starts; a timer that was set before keeps its own time. */
function installTime(): void {
  const scope = globalThis as typeof globalThis & Partial<TimeSeam>;
  const realNow = Date.now.bind(Date);
  const { setTimeout: startTimer, clearTimeout: stopTimer } = scope;
  const waiting = new Map<unknown, { readonly dueAt: number; readonly run: () => void }>();
  let leaptMs = 0;
  Date.now = () => realNow() + leaptMs;
  const start = (
    task: (...given: unknown[]) => void,
    delayMs = 0,
    ...given: unknown[]
  ): unknown => {
    const run = (): void => {
      waiting.delete(timer);
      task(...given);
    };
    const timer: unknown = startTimer(run, delayMs);
    waiting.set(timer, { dueAt: Date.now() + delayMs, run });
    return timer;
  };
  const stop = (timer: unknown): void => {
    waiting.delete(timer);
    stopTimer(timer as number);
  };
  Object.assign(scope, {
    setTimeout: start,
    clearTimeout: stop,
    leap(ms: number) {
      leaptMs += ms;
      const due = [...waiting].filter(([, { dueAt }]) => dueAt <= Date.now());
      for (const [timer, { run }] of due.toSorted(([, a], [, b]) => a.dueAt - b.dueAt)) {
        stopTimer(timer as number);
        run();
      }
    },
  } satisfies Record<string, unknown>);
}

/** Before the app is opened: this page and its workers get time that can leap. */
export async function bringTime({ page }: Person): Promise<void> {
  await page.addInitScript(installTime);
  // A worker that ends before it has heard of it needs no time.
  page.on("worker", (worker) => void worker.evaluate(installTime).catch(() => undefined));
}

/** So many minutes later. */
export async function letMinutesPass(person: Person, minutes: number): Promise<void> {
  const leap = (ms: number): void => (globalThis as unknown as TimeSeam).leap(ms);
  const ms = minutes * 60_000;
  const { page } = person;
  await Promise.all([
    page.evaluate(leap, ms),
    ...page.workers().map((worker) =>
      worker.evaluate(leap, ms).catch((fault: unknown) => {
        // No time passes for a worker that has ended.
        if (page.workers().includes(worker)) throw fault;
      }),
    ),
  ]);
}
