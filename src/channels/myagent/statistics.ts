/**
 * Tokens of one run. The server's lists of calls grow over its whole life and all its users, so what was there before
 * the run is left out: by the server's own times, which compare with each other and with nothing else.
 */
import { isJsonObject } from "../json.ts";
import type { Json, Usage } from "#peer/channel.ts";

/** Calls of this run by agent and number; a call is counted once however often it is listed. */
export type CountedCalls = ReadonlyMap<string, { readonly input: number; readonly output: number }>;

/** The calls with those added that began at `since` or later (server time, text). */
export function countCalls(
  before: CountedCalls,
  statistics: readonly Json[],
  since: string,
): CountedCalls {
  const counted = new Map(before);
  for (const call of statistics) {
    if (!isJsonObject(call)) continue;
    const at = call["timestamp"];
    if (typeof at !== "string" || at < since) continue;
    counted.set(`${String(call["agent"])} ${String(call["id"])} ${at}`, {
      input: countOf(call["input_tokens"]),
      output: countOf(call["output_tokens"]),
    });
  }
  return counted;
}

export function usageOf(calls: CountedCalls): Usage {
  let inputTokens = 0;
  let outputTokens = 0;
  for (const call of calls.values()) {
    inputTokens += call.input;
    outputTokens += call.output;
  }
  return { calls: calls.size, inputTokens, outputTokens, isShared: true };
}

const countOf = (value: unknown): number =>
  typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
