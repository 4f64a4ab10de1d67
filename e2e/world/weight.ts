/** What a living program holds: memory after a garbage collection, and descriptors. Linux only. */
import { readdirSync } from "node:fs";
import type { Program } from "./processes.ts";

/** What Node is told so that a program can be weighed. */
export const WEIGHABLE: readonly string[] = [
  "--expose-gc",
  "--import",
  "./e2e/world/weighing-hook.ts",
];

export type Weight = {
  /** Of the main thread's heap, less the code that V8 makes of it. */
  readonly objects: number;
  /** The same of all its other threads. */
  readonly inThreads: number;
  readonly external: number;
  readonly arrayBuffers: number;
  readonly rss: number;
};

export const weigh = (program: Program): Promise<Weight> =>
  program.asks("weight") as Promise<Weight>;

/** How many a process has open. */
export const descriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

export type Sample = { readonly atMs: number; readonly value: number };

/** By least squares, per hour; needs two samples at different times. */
export function slopePerHour(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number): number =>
    samples.reduce((sum, one) => sum + of(one), 0) / samples.length;
  const [at, value] = [mean((one) => one.atMs), mean((one) => one.value)];
  const over = samples.reduce((sum, one) => sum + (one.atMs - at) * (one.value - value), 0);
  const under = samples.reduce((sum, one) => sum + (one.atMs - at) ** 2, 0);
  return (over / under) * 3_600_000;
}
