/**
 * Events of TPCLAW's read-only feeds in both shapes there are: an envelope with a lower-case `type` and a `payload`
 * as documented, and flat AG-UI events with an upper-case `type` as the framework sends them.
 */
import {
  displayOf,
  isJsonObject,
  jsonOf,
  parseForeignJson,
  textOf,
  type JsonObject,
} from "../json.ts";
import type { Json } from "#peer/channel.ts";

export type FeedEvent =
  | { readonly type: "run-started"; readonly runKey: string; readonly agentName: string }
  | { readonly type: "run-ended"; readonly runKey: string; readonly usage: FeedUsage | null }
  | { readonly type: "question"; readonly runKey: string; readonly text: string }
  | { readonly type: "text"; readonly runKey: string; readonly text: string }
  | { readonly type: "thinking"; readonly runKey: string; readonly text: string }
  | {
      readonly type: "tool-call";
      readonly runKey: string;
      readonly callId: string | null;
      readonly name: string;
      /** Null when they are told apart from the call. */
      readonly args: Json;
    }
  | {
      readonly type: "tool-args";
      readonly runKey: string;
      readonly callId: string;
      readonly args: Json;
    }
  /** Without an id results belong to calls in their order. */
  | {
      readonly type: "tool-result";
      readonly runKey: string;
      readonly callId: string | null;
      readonly text: string;
    }
  | { readonly type: "tool-failed"; readonly runKey: string; readonly words: string }
  | { readonly type: "run-failed"; readonly runKey: string; readonly words: string }
  | { readonly type: "status"; readonly runKey: string; readonly status: string }
  | {
      readonly type: "progress";
      readonly runKey: string;
      readonly percent: number;
      readonly text: string;
    }
  | { readonly type: "pong" }
  | { readonly type: "ignored" };

export type FeedUsage = { readonly inputTokens: number; readonly outputTokens: number };

/** Reads one text frame of a feed; null for what is no JSON object. A new reader per line: flat events name no run. */
export function createFeedReader(): (wire: string) => FeedEvent | null {
  const roleByMessage = new Map<string, string>();
  let runKey = "";
  return (wire) => {
    const value = parseForeignJson(wire);
    if (!isJsonObject(value)) return null;
    if (value["type"] === "pong") return { type: "pong" };
    if (isJsonObject(value["payload"])) return readEnvelope(value, value["payload"]);
    if (value["type"] === "RUN_STARTED") runKey = textOf(value["runId"]);
    if (value["type"] === "TEXT_MESSAGE_START")
      roleByMessage.set(textOf(value["messageId"]), textOf(value["role"]));
    const isQuestion = roleByMessage.get(textOf(value["messageId"])) === "user";
    if (value["type"] === "TEXT_MESSAGE_END") roleByMessage.delete(textOf(value["messageId"]));
    return readFlat(value, runKey, isQuestion);
  };
}

/** Whether an object is an event of a feed, in either shape. */
export const isFeedFrame = (value: JsonObject): boolean =>
  isJsonObject(value["payload"]) || FLAT_TYPE.test(textOf(value["type"]));

const FLAT_TYPE = /^(RUN|TEXT_MESSAGE|STEP|TOOL_CALL|THINKING|STATE|MESSAGES)_[A-Z_]+$/;

function readEnvelope(event: JsonObject, payload: JsonObject): FeedEvent {
  const runKey = textOf(event["taskId"]);
  const text = displayOf(payload["content"]);
  switch (event["type"]) {
    case "text":
      return { type: "text", runKey, text };
    case "think":
      return { type: "thinking", runKey, text };
    case "tool":
      return {
        type: "tool-call",
        runKey,
        callId: null,
        name: textOf(payload["tool"]),
        args: jsonOf(payload["args"]),
      };
    case "tool_result":
      return { type: "tool-result", runKey, callId: null, text };
    case "done":
      return { type: "run-ended", runKey, usage: null };
    case "error":
      return { type: "run-failed", runKey, words: displayOf(payload["message"]) };
    case "status":
      return { type: "status", runKey, status: textOf(payload["status"]) };
    case "progress":
      return {
        type: "progress",
        runKey,
        percent: numberOf(payload["progress"]),
        text: textOf(payload["message"]),
      };
    default:
      return { type: "ignored" };
  }
}

function readFlat(event: JsonObject, runKey: string, isQuestion: boolean): FeedEvent {
  const callId = textOf(event["toolCallId"]);
  const delta = textOf(event["delta"]);
  switch (event["type"]) {
    case "RUN_STARTED": {
      const input = isJsonObject(event["input"]) ? event["input"] : {};
      return { type: "run-started", runKey, agentName: textOf(input["agentName"]) };
    }
    case "RUN_FINISHED":
      return { type: "run-ended", runKey, usage: usageIn(event["result"]) };
    case "RUN_ERROR":
      return event["code"] === "TOOL_ERROR"
        ? { type: "tool-failed", runKey, words: displayOf(event["message"]) }
        : { type: "run-failed", runKey, words: displayOf(event["message"]) };
    case "TEXT_MESSAGE_CONTENT":
      if (isQuestion) return { type: "question", runKey, text: delta };
      // The feed loses what the agent thinks: such pieces come empty.
      return delta === "" ? { type: "ignored" } : { type: "text", runKey, text: delta };
    case "TOOL_CALL_START":
      return { type: "tool-call", runKey, callId, name: textOf(event["toolCallName"]), args: null };
    case "TOOL_CALL_ARGS":
      return { type: "tool-args", runKey, callId, args: parseForeignJson(delta) ?? delta };
    case "TOOL_CALL_RESULT":
      return { type: "tool-result", runKey, callId, text: displayOf(event["content"]) };
    default:
      return { type: "ignored" };
  }
}

function usageIn(result: unknown): FeedUsage | null {
  const tokens = isJsonObject(result) ? result["tokens"] : null;
  return isJsonObject(tokens)
    ? { inputTokens: numberOf(tokens["prompt"]), outputTokens: numberOf(tokens["completion"]) }
    : null;
}

const numberOf = (value: unknown): number =>
  typeof value === "number" && Number.isFinite(value) ? value : 0;
