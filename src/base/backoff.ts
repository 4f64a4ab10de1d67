import type { RandomBytes } from "./random.ts";

/**
 * Delay before try number `tries` (0 for the first): 1, 2, 4, 8, 16, 30, 30 … s times 0.5 to 1.0.
 *
 * Source: protocol SPEC, back-off rule.
 */
export function backoffDelayMs(tries: number, random: RandomBytes): number {
  const ceilingMs = Math.min(30_000, 1_000 * 2 ** Math.min(tries, 5));
  return Math.round(ceilingMs * (0.5 + (random(1)[0] ?? 0) / 510));
}

/** Delay before try number `retries` (0 for the first) of a connection that is ours alone: twice the one before, up to the longest. */
export const doubledDelayMs = (retries: number, firstMs: number, longestMs: number): number =>
  Math.min(longestMs, firstMs * 2 ** retries);
