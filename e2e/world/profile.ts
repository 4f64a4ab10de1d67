const { env } = import.meta as { readonly env?: { readonly MODE?: string } };

/** How long the stories run: short in the gate, long with `npm run soak`; in a browser its configuration says so. */
export const isSoak = env?.MODE === "soak" || process.env["PARLEY_PROFILE"] === "soak";

/** The number for the gate, and the one for a soak. */
export const rounds = (gate: number, soak: number): number => (isSoak ? soak : gate);

/**
 * The duration that a limit is held against: a soak has its machine to itself, and the slowest counts; the gate's may
 * stand still for seconds, and the quickest shows what the program needs.
 */
export const timed = (durationsMs: readonly number[]): number =>
  isSoak ? Math.max(...durationsMs) : Math.min(...durationsMs);

/** Time for a story, generous: a story that waits for what never comes is to fail with its own words. */
export const timeoutMs = (gate: number, soak: number): { readonly timeout: number } => ({
  timeout: isSoak ? soak : gate,
});
