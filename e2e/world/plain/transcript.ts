/** What the recorded agents did, taken out of the transcripts so that a server can do it again in its own time. */
import { readFileSync } from "node:fs";

const VECTORS = new URL("../../../src/channels/vectors/", import.meta.url);

export const linesOf = (name: string): readonly any[] =>
  readFileSync(new URL(`${name}.jsonl`, VECTORS), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

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
  for (const { conn, dir, frame } of linesOf(`myagent/${name}`)) {
    if (conn !== "A") continue;
    if (dir === "out" && frame.event === "user.message" && question === null)
      question = frame.content;
    if (dir !== "in" || question === null) continue;
    const { metadata = {} } = frame;
    if (frame.event === "agent.thinking" && metadata.streaming !== true)
      steps.push({ do: "think", text: frame.content, step: metadata.step });
    if (frame.event === "agent.tool_call")
      steps.push({
        do: "tool",
        stepId: frame.step_id,
        name: metadata.tool,
        args: metadata.args,
        asks: false,
        result: null,
      });
    const last = steps.at(-1);
    if (frame.event === "agent.user_confirm" && last?.do === "tool")
      steps[steps.length - 1] = { ...last, asks: true };
    if (frame.event === "agent.tool_result" && last?.do === "tool") {
      const { status, error, data = null } = metadata;
      steps[steps.length - 1] = {
        ...last,
        result: { content: frame.content, status, error, extra: data },
      };
    }
    if (frame.event === "agent.interrupted") end("", null);
    if (frame.event === "agent.final_answer") end(frame.content, null);
    if (frame.event === "agent.error" && frame.content.startsWith("流式"))
      steps.push({ do: "stream-fails", content: frame.content });
    if (frame.event === "agent.error" && frame.content.startsWith("Execution"))
      end("", frame.content);
  }
  end("", null);
  return scripts;
}

/** What a planner made of a question: its tasks, and statistics of the call. */
export function planOf(name: string): { readonly tasks: readonly any[]; readonly summary: string } {
  const frame = linesOf(`myagent/${name}`).find(
    (line) => line.dir === "in" && line.frame.event?.endsWith("plan.completed"),
  )?.frame;
  return { tasks: frame.content.tasks, summary: frame.content.plan_summary };
}

/** Data lines of a recorded streamed answer, with the time of each. */
export function streamOf(name: string): readonly { readonly t: number; readonly frame: string }[] {
  return linesOf(`tpclaw/${name}`).flatMap(({ dir, t, frame }) =>
    dir === "recv" && frame !== undefined ? [{ t, frame }] : [],
  );
}
