/** Errors that no retry heals wait for the first error handler; with none after a second, one line goes to stderr. */
import type { Clock } from "#base/clock.ts";
import type { HasheeError } from "../agent-error.ts";

export type ErrorHandler = (error: HasheeError) => unknown;

export interface ErrorBoard {
  tell(error: HasheeError): void;
  add(handler: ErrorHandler): () => void;
}

/** How long an error waits for somebody to hear it. */
export const UNHEARD_ERROR_MS = 1_000;

/** Creates the board; `print` writes one line where people look for errors. */
export function createErrorBoard(clock: Clock, print: (line: string) => void): ErrorBoard {
  const handlers = new Set<{ readonly hear: ErrorHandler }>();
  let waiting: HasheeError[] = [];
  let cancelPrint: (() => void) | null = null;

  const printWaiting = (): void => {
    cancelPrint = null;
    // Told once more to a handler that comes later: a line in a log is no hearing.
    for (const error of waiting) print(`[hashee] ${error.code}: ${error.message}`);
  };

  return {
    tell(error) {
      if (handlers.size === 0) {
        waiting.push(error);
        cancelPrint ??= clock.after(UNHEARD_ERROR_MS, printWaiting);
        return;
      }
      for (const handler of [...handlers]) hearSafely(handler.hear, error, print);
    },
    add(hear) {
      const handler = { hear };
      handlers.add(handler);
      cancelPrint?.();
      cancelPrint = null;
      const missed = waiting;
      waiting = [];
      // After the caller's own lines: a handler may use what stands below it.
      if (missed.length > 0)
        queueMicrotask(() => {
          for (const error of missed) hearSafely(hear, error, print);
        });
      return () => handlers.delete(handler);
    },
  };
}

// An error handler that fails has nobody left to tell.
function hearSafely(hear: ErrorHandler, error: HasheeError, print: (line: string) => void): void {
  const failed = (): void => print("[hashee] an error handler threw");
  try {
    void Promise.resolve(hear(error)).catch(failed);
  } catch {
    failed();
  }
}
