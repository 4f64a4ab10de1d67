/** Runs tasks one at a time per key, in the order they were added; keys do not wait for each other. */
export interface KeyedQueue {
  /** Resolves or rejects as the task does; a failing task does not stop the next. */
  run<Value>(key: string, task: () => Promise<Value>): Promise<Value>;
  /** Whether a task of the key runs or waits. */
  isBusy(key: string): boolean;
}

/** Creates a keyed queue. */
export function createKeyedQueue(): KeyedQueue {
  const tails = new Map<string, Promise<unknown>>();
  return {
    run(key, task) {
      const before = tails.get(key) ?? Promise.resolve();
      const result = before.then(task, task);
      const tail = result
        .catch(() => undefined)
        .then(() => {
          if (tails.get(key) === tail) tails.delete(key);
        });
      tails.set(key, tail);
      return result;
    },
    isBusy: (key) => tails.has(key),
  };
}
