/** Collects clean-ups and runs them once, last first. */
export interface Disposer {
  add(cleanUp: () => void): void;
  dispose(): void;
}

/** Creates a disposer; a clean-up added after disposal runs at once. */
export function createDisposer(): Disposer {
  let cleanUps: (() => void)[] | null = [];
  return {
    add(cleanUp) {
      if (cleanUps === null) cleanUp();
      else cleanUps.push(cleanUp);
    },
    dispose() {
      const pending = cleanUps ?? [];
      cleanUps = null;
      for (const cleanUp of pending.reverse()) cleanUp();
    },
  };
}
