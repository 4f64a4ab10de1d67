/** What an error text of the server means for the run. There are no codes, only these texts. */
import type { ChannelFailure } from "#peer/channel-failure.ts";

export type ErrorMeaning = {
  readonly failure: ChannelFailure;
  /** Whether the run is over. */
  readonly endsRun: boolean;
};

/** The one refusal that says nothing about a run of ours that is under way. */
export const BUSY = "Agent is currently running";
/** While the server takes the old line for alive. */
export const STILL_ACTIVE = "Session already active";
export const SESSION_FAILED = "Failed to create session";
/** A coercion error of `solve_tasks` is followed by this prefix and ends the run. */
const EXECUTION = "Execution error:";
/** The server's own words when the streamed summary breaks; a summary in one piece follows. */
const SUMMARY_FAILED = "流式生成出错";

const SESSION_GONE = [
  "Session not found",
  "Session does not belong to this connection",
  "Session is closed",
  "Session is not active",
];

/** Reads an `agent.error`. */
export function meaningOfError(text: string): ErrorMeaning {
  if (text.startsWith(EXECUTION)) return { failure: { kind: "peer/agent-failed" }, endsRun: true };
  if (SESSION_GONE.some((start) => text.startsWith(start)))
    return { failure: { kind: "peer/session-refused" }, endsRun: true };
  if (text.startsWith(SUMMARY_FAILED))
    return { failure: { kind: "peer/summary-failed" }, endsRun: false };
  return { failure: { kind: "peer/request-refused", because: refusalOf(text) }, endsRun: false };
}

function refusalOf(text: string): "busy" | "not-supported" | "bad-request" | "other" {
  if (text.startsWith(BUSY)) return "busy";
  if (text.startsWith("Agent does not support")) return "not-supported";
  return /^(Missing |Message content cannot be empty|Replan requires)/.test(text)
    ? "bad-request"
    : "other";
}
