/**
 * One process at a time on one host. The lock is the operating system's, taken through SQLite, so it ends with its
 * holder however that one dies: no process ids to compare, no lock files to break.
 */
import { systemClock, type Clock } from "#base/clock.ts";
import { openDatabase } from "./sqlite.ts";

/** Takes the lock and returns its release, or null while somebody else holds it. `path`: a file for the lock alone. */
export function tryLock(path: string): (() => void) | null {
  const database = openDatabase(path, { timeout: 0 });
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (isBusy(error)) return null;
    throw error;
  }
  return () => database.close();
}

/** Runs a task under the lock, waiting for it as long as its holder lives. */
export async function withLock<Value>(
  path: string,
  task: () => Promise<Value>,
  clock: Clock = systemClock,
): Promise<Value> {
  let release = tryLock(path);
  while (release === null) {
    await new Promise<void>((resolve) => {
      clock.after(RETRY_MS, resolve);
    });
    release = tryLock(path);
  }
  try {
    return await task();
  } finally {
    release();
  }
}

// Short against a person's patience, long against the work done under a lock.
const RETRY_MS = 25;
const SQLITE_BUSY = 5;

/** Whether SQLite refused because another connection holds the file. */
export const isBusy = (error: unknown): boolean =>
  error instanceof Error && (error as { errcode?: unknown }).errcode === SQLITE_BUSY;
