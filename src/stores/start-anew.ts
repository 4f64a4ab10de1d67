import type { Stores } from "./create-stores.ts";

/** When the page last started anew by itself, kept beside the page while its tab lives. */
export type LastStart = { load(): number | null; save(at: number): void };

/** What dies again so soon would die for ever. */
const AT_MOST_EVERY_MS = 60_000;

/**
 * The worker has died, and with it the keys and the line: starts the page anew, which brings back all that is stored.
 * Not where words would be lost that were never stored, nor again and again: then it is said, and the page stays.
 */
export async function startAnew(
  { clock, notices, saveDrafts }: Pick<Stores, "clock" | "notices" | "saveDrafts">,
  lastStart: LastStart,
  reload: () => void,
): Promise<void> {
  const now = clock.now();
  const last = lastStart.load();
  const isAgain = last !== null && now - last < AT_MOST_EVERY_MS && now >= last;
  if (isAgain || !(await saveDrafts())) return notices.showFailure({ kind: "bridge/gone" });
  lastStart.save(now);
  reload();
}
