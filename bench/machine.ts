/** What every figure must be read with, and the small arithmetic of benches. */
import { availableParallelism, cpus, loadavg } from "node:os";

/** One line: runtime, processor, and how busy the machine was before the bench began. */
export const machineLine = (): string =>
  `Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model.trim() ?? "unknown"}, load ${loadavg()[0]?.toFixed(1) ?? "?"}`;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** `reached` or by how much it was missed; a smaller ratio is better unless `least` is asked for. */
export const verdict = (ratio: number, goal: number, least = false): string =>
  (least ? ratio >= goal : ratio <= goal) ? "reached" : "MISSED";

/** A number from the environment, so that a bench may be run short. */
export const setting = (name: string, otherwise: number): number =>
  Number(process.env[name] ?? otherwise);
