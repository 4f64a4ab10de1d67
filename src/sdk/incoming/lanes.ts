/**
 * Work in lanes: within one conversation in order and one at a time, over all conversations at most so many at once.
 * Closed until somebody is there to do the work. SPEC §handlers.
 */
export interface Lanes {
  /** Adds work to the end of a lane. A task must not throw. */
  add(lane: string, task: () => Promise<void>): void;
  /** Starts the work; until then it waits in order. */
  open(): void;
  /** Drops what has not begun. */
  stop(): void;
  /** Resolves once nothing runs and, unless stopped or not open, nothing waits. */
  idle(): Promise<void>;
}

/** Creates lanes of which `limit` may run at once. */
export function createLanes(limit: number): Lanes {
  const waitingByLane = new Map<string, (() => Promise<void>)[]>();
  const running = new Set<string>();
  let idlers: (() => void)[] = [];
  let state: "waiting" | "open" | "stopped" = "waiting";

  const pump = (): void => {
    if (state === "open")
      for (const [lane, tasks] of waitingByLane) {
        if (running.size >= limit) break;
        if (!running.has(lane)) start(lane, tasks);
      }
    if (running.size === 0) {
      const told = idlers;
      idlers = [];
      for (const tell of told) tell();
    }
  };

  const start = (lane: string, tasks: (() => Promise<void>)[]): void => {
    const task = tasks.shift();
    if (tasks.length === 0) waitingByLane.delete(lane);
    if (task === undefined) return;
    running.add(lane);
    void Promise.resolve()
      .then(task)
      .finally(() => {
        running.delete(lane);
        // Behind those that waited meanwhile: lanes take turns.
        const more = waitingByLane.get(lane);
        waitingByLane.delete(lane);
        if (more !== undefined) waitingByLane.set(lane, more);
        pump();
      });
  };

  return {
    add(lane, task) {
      if (state === "stopped") return;
      const tasks = waitingByLane.get(lane);
      if (tasks === undefined) waitingByLane.set(lane, [task]);
      else tasks.push(task);
      pump();
    },
    open() {
      if (state === "waiting") state = "open";
      pump();
    },
    stop() {
      state = "stopped";
      waitingByLane.clear();
      pump();
    },
    idle: () =>
      running.size === 0 && (state !== "open" || waitingByLane.size === 0)
        ? Promise.resolve()
        : new Promise((resolve) => idlers.push(resolve)),
  };
}
