/**
 * What a frame says, once its loose members are read. Pipeline events are known by their ending, because a server may
 * put a namespace before them. Whatever is not known is kept as an event with a name, and required of nobody.
 */
import { displayOf, isJsonObject, textOf, type JsonObject } from "../json.ts";
import type { Json, TaskDraft } from "#peer/channel.ts";
import type { ServerFrame } from "./frame.ts";

export type SolverStep = "start" | "cancelled" | "restarted" | "completed";

export type Reading =
  | { readonly type: "connected" }
  | { readonly type: "heartbeat" }
  | { readonly type: "session-created"; readonly agentName: string }
  | { readonly type: "session-restored"; readonly agentName: string }
  | { readonly type: "state"; readonly signedState: JsonObject | null }
  | { readonly type: "replay-ended" }
  | { readonly type: "thinking"; readonly text: string }
  | { readonly type: "summarizing" }
  | { readonly type: "tool-call"; readonly name: string; readonly args: Json }
  | {
      readonly type: "tool-result";
      readonly isOk: boolean;
      readonly text: string;
      readonly error: string;
      readonly extra: Json;
    }
  | {
      readonly type: "confirm-tool";
      readonly name: string;
      readonly description: string;
      readonly args: Json;
    }
  | {
      readonly type: "confirm-plan";
      readonly summary: string;
      readonly tasks: readonly TaskDraft[];
    }
  | {
      readonly type: "partial";
      readonly text: string;
      readonly isLast: boolean;
      readonly wordCount: number;
    }
  | { readonly type: "answer"; readonly text: string }
  | { readonly type: "interrupted" }
  | { readonly type: "agent-error"; readonly text: string }
  | { readonly type: "system-error"; readonly text: string }
  | {
      readonly type: "retry";
      readonly attempt: number;
      readonly totalAttempts: number;
      readonly delayMs: number;
      readonly errorName: string;
    }
  | {
      readonly type: "control";
      readonly action: string;
      readonly isOk: boolean;
      readonly mode: string;
      readonly taskId: string | null;
    }
  | { readonly type: "plan-started"; readonly question: string }
  | {
      readonly type: "plan-completed";
      readonly tasks: readonly TaskDraft[] | null;
      readonly summary: string;
      readonly statistics: readonly Json[];
    }
  | { readonly type: "plan-cancelled" }
  | { readonly type: "tasks-refused"; readonly text: string }
  | {
      readonly type: "solver";
      readonly step: SolverStep;
      readonly task: TaskDraft;
      readonly summary: string;
      readonly output: Json;
      readonly agentName: string;
      readonly statistics: readonly Json[];
    }
  | { readonly type: "aggregate-started" }
  | { readonly type: "aggregate-completed"; readonly output: Json }
  | {
      readonly type: "pipeline-completed";
      readonly output: Json;
      readonly statistics: readonly Json[];
    }
  /** Known, and of no use to a person. */
  | { readonly type: "ignored" }
  | { readonly type: "unknown"; readonly name: string; readonly text: string };

/** Reads a frame; every frame reads as something. */
export function readFrame(frame: ServerFrame): Reading {
  const { event, content, metadata } = frame;
  switch (event) {
    case "system.connected":
      return { type: "connected" };
    case "system.heartbeat":
      return { type: "heartbeat" };
    case "system.notice":
      return readNotice(frame);
    case "system.error":
      return { type: "system-error", text: displayOf(content) };
    case "agent.session_created":
      return { type: "session-created", agentName: textOf(metadata["agent_name"]) };
    case "agent.state_restored":
      return { type: "session-restored", agentName: textOf(metadata["agent_name"]) };
    case "agent.state_exported": {
      const state = metadata["signed_state"];
      return { type: "state", signedState: isJsonObject(state) ? state : null };
    }
    case "agent.thinking":
      // The line before the summary is the server's own, in one language, and says only that it begins.
      return metadata["streaming"] === true
        ? { type: "summarizing" }
        : { type: "thinking", text: displayOf(content) };
    case "agent.tool_call":
      return {
        type: "tool-call",
        name: textOf(metadata["tool"]) || displayOf(content),
        args: metadata["args"] ?? null,
      };
    case "agent.tool_result":
      return readToolResult(frame);
    case "agent.user_confirm":
      return readConfirm(frame);
    case "agent.partial_answer":
      return {
        type: "partial",
        text: displayOf(content),
        isLast: metadata["is_final"] === true,
        wordCount: typeof metadata["word_count"] === "number" ? metadata["word_count"] : 0,
      };
    case "agent.final_answer":
      return { type: "answer", text: displayOf(content) };
    case "agent.interrupted":
      return { type: "interrupted" };
    case "agent.error":
      return { type: "agent-error", text: displayOf(content) };
    case "agent.llm_message":
    case "agent.session_end":
      return { type: "ignored" };
    default:
      return readPipeline(frame) ?? unknownOf(event, content);
  }
}

/** Nobody knows what it is, so nobody needs all of it. */
const MAX_UNKNOWN_CHARACTERS = 300;

const unknownOf = (name: string, content: unknown): Reading => ({
  type: "unknown",
  name,
  text: displayOf(content).slice(0, MAX_UNKNOWN_CHARACTERS),
});

function readNotice({ content, metadata }: ServerFrame): Reading {
  const number = (name: string): number =>
    typeof metadata[name] === "number" ? metadata[name] : 0;
  if (typeof metadata["attempt"] === "number")
    return {
      type: "retry",
      attempt: number("attempt"),
      totalAttempts: number("total_attempts"),
      delayMs: Math.round(number("retry_delay_seconds") * 1_000),
      errorName: textOf(metadata["error_type"]),
    };
  const action = textOf(metadata["action"]);
  if (action === "replay") return { type: "replay-ended" };
  if (action === "") return unknownOf("system.notice", content);
  return {
    type: "control",
    action,
    isOk: metadata["ok"] === true,
    mode: textOf(metadata["mode"]),
    taskId: idOf(metadata["task_id"]),
  };
}

function readToolResult({ content, metadata }: ServerFrame): Reading {
  const isOk = metadata["status"] !== "failed";
  const text = displayOf(content);
  return {
    type: "tool-result",
    isOk,
    // A tool that gave only an error is written as Python writes nothing.
    text: !isOk && text === "None" ? "" : text,
    error: displayOf(metadata["error"]),
    extra: metadata["data"] ?? null,
  };
}

function readConfirm({ metadata }: ServerFrame): Reading {
  if (metadata["scope"] === "plan")
    return {
      type: "confirm-plan",
      summary: textOf(metadata["plan_summary"]),
      tasks: tasksOf(metadata["tasks"]) ?? [],
    };
  return {
    type: "confirm-tool",
    name: textOf(metadata["tool_name"]),
    description: textOf(metadata["tool_description"]),
    args: metadata["tool_args"] ?? null,
  };
}

const PIPELINE = /(?:^|\.)(plan|solver|aggregate|pipeline)\.([a-z_]+)$/;
const SOLVER_STEPS: readonly string[] = ["start", "cancelled", "restarted", "completed"];

function readPipeline(frame: ServerFrame): Reading | null {
  const [, subject, step = ""] = PIPELINE.exec(frame.event) ?? [];
  const content = isJsonObject(frame.content) ? frame.content : {};
  const statistics = listOf(frame.metadata["statistics"]);
  if (subject === "solver" && SOLVER_STEPS.includes(step))
    return readSolver(step as SolverStep, content, statistics);
  switch (`${subject}.${step}`) {
    case "plan.start":
      return { type: "plan-started", question: displayOf(content["question"]) };
    case "plan.completed":
      return {
        type: "plan-completed",
        tasks: tasksOf(content["tasks"]),
        summary: textOf(content["plan_summary"]),
        statistics,
      };
    case "plan.cancelled":
      return { type: "plan-cancelled" };
    case "plan.coercion_error":
      return {
        type: "tasks-refused",
        text: textOf(content["error"]) || textOf(content["message"]),
      };
    case "aggregate.start":
      return { type: "aggregate-started" };
    case "aggregate.completed":
      return { type: "aggregate-completed", output: content["output"] ?? null };
    case "pipeline.completed":
      return {
        type: "pipeline-completed",
        output: content["aggregate_output"] ?? null,
        statistics,
      };
    default:
      return null;
  }
}

function readSolver(step: SolverStep, content: JsonObject, statistics: readonly Json[]): Reading {
  const result = isJsonObject(content["result"]) ? content["result"] : {};
  return {
    type: "solver",
    step,
    task: isJsonObject(content["task"]) ? content["task"] : {},
    summary: textOf(result["summary"]),
    output: result["output"] ?? null,
    agentName: textOf(result["agent_name"]),
    statistics,
  };
}

/** Ids are numbers or texts, and a text names the same task as the number. */
export const idOf = (value: unknown): string | null =>
  typeof value === "number" || typeof value === "string" ? String(value) : null;

const listOf = (value: unknown): readonly Json[] => (Array.isArray(value) ? value : []);

const tasksOf = (value: unknown): readonly TaskDraft[] | null =>
  Array.isArray(value) ? value.filter(isJsonObject) : null;
