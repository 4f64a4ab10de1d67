/** What the recorded agents did, taken out of the transcripts so that a server can do it again in its own time. */
import { readFileSync } from "node:fs";
import { isObject, type RecordedFrame, type Task, type TranscriptLine } from "./frames.ts";

const VECTORS = new URL("../../../src/channels/vectors/", import.meta.url);

export const linesOf = (name: string): readonly TranscriptLine[] =>
  readFileSync(new URL(`${name}.jsonl`, VECTORS), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as TranscriptLine);

/** A frame of a recording's server or client; one that was no JSON has no event. */
const frameOf = ({ frame }: TranscriptLine): RecordedFrame =>
  isObject(frame) && typeof frame["event"] === "string" ? (frame as RecordedFrame) : { event: "" };

export type ChatStep =
  | { readonly do: "think"; readonly text: string; readonly step: number }
  | {
      readonly do: "tool";
      readonly stepId: string;
      readonly name: string;
      readonly args: object;
      readonly asks: boolean;
      /** Null for a tool that was still running when the recording ended. */
      readonly result: {
        readonly content: string;
        readonly status: string;
        readonly error: string | null;
        readonly extra: unknown;
      } | null;
    }
  | { readonly do: "stream-fails"; readonly content: string };

/** A run of a chat agent: its steps, then a streamed summary of the whole answer. */
export type ChatScript = {
  readonly question: string;
  readonly steps: readonly ChatStep[];
  readonly answer: string;
  /** Ends with this `agent.error` instead of an answer. */
  readonly error: string | null;
};

/** The runs of a chat agent's first connection, by question. */
export function chatScriptsOf(name: string): readonly ChatScript[] {
  const scripts: ChatScript[] = [];
  let steps: ChatStep[] = [];
  let question: string | null = null;
  const end = (answer: string, error: string | null): void => {
    if (question !== null) scripts.push({ question, steps, answer, error });
    question = null;
    steps = [];
  };
  for (const line of linesOf(`myagent/${name}`)) {
    const { conn, dir } = line;
    const { event, content, metadata = {}, step_id } = frameOf(line);
    const text = String(content);
    if (conn !== "A") continue;
    if (dir === "out" && event === "user.message" && question === null) question = text;
    if (dir !== "in" || question === null) continue;
    if (event === "agent.thinking" && metadata["streaming"] !== true)
      steps.push({ do: "think", text, step: Number(metadata["step"]) });
    if (event === "agent.tool_call")
      steps.push({
        do: "tool",
        stepId: String(step_id),
        name: String(metadata["tool"]),
        args: metadata["args"] as object,
        asks: false,
        result: null,
      });
    const last = steps.at(-1);
    if (event === "agent.user_confirm" && last?.do === "tool")
      steps[steps.length - 1] = { ...last, asks: true };
    if (event === "agent.tool_result" && last?.do === "tool") {
      const { status, error, data = null } = metadata;
      const told = typeof error === "string" ? error : null;
      steps[steps.length - 1] = {
        ...last,
        result: { content: text, status: String(status), error: told, extra: data },
      };
    }
    if (event === "agent.interrupted") end("", null);
    if (event === "agent.final_answer") end(text, null);
    if (event === "agent.error" && text.startsWith("流式"))
      steps.push({ do: "stream-fails", content: text });
    if (event === "agent.error" && text.startsWith("Execution")) end("", text);
  }
  end("", null);
  return scripts;
}

/** What a planner made of a question: its tasks, and statistics of the call. */
export function planOf(name: string): {
  readonly tasks: readonly Task[];
  readonly summary: string;
} {
  const planned = linesOf(`myagent/${name}`).find(
    (line) => line.dir === "in" && frameOf(line).event.endsWith("plan.completed"),
  );
  const content = planned === undefined ? {} : frameOf(planned).content;
  const { tasks, plan_summary: summary } = isObject(content) ? content : {};
  return { tasks: tasks as readonly Task[], summary: String(summary) };
}

/** Data lines of a recorded streamed answer, with the time of each. */
export function streamOf(name: string): readonly { readonly t: number; readonly frame: string }[] {
  return linesOf(`tpclaw/${name}`).flatMap(({ dir, t, frame }) =>
    dir === "recv" && typeof frame === "string" ? [{ t, frame }] : [],
  );
}
