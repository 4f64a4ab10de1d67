/** How every bench says what it found: figure, peer, ratio, goal, machine. */
import { readFileSync } from "node:fs";
import { machineLine } from "./machine.ts";

export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}

/** Processor time that a process has used so far, all its threads together. Linux only: clock ticks are 10 ms. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

export type Finding = {
  readonly id: string;
  readonly question: string;
  readonly figure: string;
  readonly peer?: string;
  readonly ratio?: number;
  readonly goal: string;
  readonly isMet: boolean;
};

/** Prints a finding and remembers in the exit code whether it missed its goal. */
export function report({ id, question, figure, peer, ratio, goal, isMet }: Finding): void {
  console.log(
    [
      `${id}  ${question}`,
      `    figure   ${figure}`,
      ...(peer === undefined ? [] : [`    peer     ${peer}`]),
      ...(ratio === undefined ? [] : [`    ratio    ${ratio.toFixed(3)}`]),
      `    goal     ${goal}: ${isMet ? "met" : "missed"}`,
      `    machine  ${machineLine()}`,
    ].join("\n"),
  );
  if (!isMet) process.exitCode = 1;
}

export const thousands = (value: number): string => Math.round(value).toLocaleString("en");
