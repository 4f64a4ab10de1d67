/** Tasks that go on beside each other and tasks that go on alone, begun in the order they came. */
export interface Turns {
  beside(task: () => Promise<void>): Promise<void>;
  alone(task: () => Promise<void>): Promise<void>;
}

export function createTurns(): Turns {
  type Waiting = { readonly isAlone: boolean; readonly start: () => void };
  const waiting: Waiting[] = [];
  let running = 0;
  let isOneAlone = false;

  const startNext = (): void => {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const mayStart = next.isAlone ? running === 0 : !isOneAlone;
      if (!mayStart) return;
      waiting.shift();
      running += 1;
      isOneAlone = next.isAlone;
      next.start();
    }
  };
  const take = async (isAlone: boolean, task: () => Promise<void>): Promise<void> => {
    await new Promise<void>((start) => {
      waiting.push({ isAlone, start });
      startNext();
    });
    try {
      await task();
    } finally {
      running -= 1;
      isOneAlone = false;
      startNext();
    }
  };
  return { beside: (task) => take(false, task), alone: (task) => take(true, task) };
}
