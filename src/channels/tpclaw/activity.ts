/** What an activity feed has reported: runs with their tools, newest last. Pure; both shapes of events end here. */
import type { Json } from "#peer/channel.ts";
import type { FeedEvent, FeedUsage } from "./feed-frame.ts";

export type ActivityTool = {
  readonly callId: string | null;
  readonly name: string;
  readonly args: Json;
  readonly status: "running" | "ok" | "failed" | "unknown";
  readonly text: string;
  readonly error: string;
};

export type ActivityRun = {
  readonly runKey: string;
  readonly agentName: string;
  readonly status: string;
  /** `unseen`: the line went before its end; what became of it is not told again. */
  readonly outcome: "running" | "done" | "failed" | "unseen";
  readonly startedAt: number;
  readonly heardAt: number;
  readonly endedAt: number | null;
  readonly question: string;
  readonly thinking: string;
  readonly text: string;
  readonly error: string;
  readonly progress: { readonly percent: number; readonly text: string } | null;
  readonly tools: readonly ActivityTool[];
  readonly usage: FeedUsage | null;
};

export type Activity = readonly ActivityRun[];

/** A panel shows the latest; a feed that never ends must not fill the memory. */
const MAX_RUNS = 50;
const MAX_TEXT = 100_000;

/** The activity after one event. An event of a run whose beginning was not heard begins it. */
export function reduceActivity(before: Activity, event: FeedEvent, at: number): Activity {
  if (event.type === "pong" || event.type === "ignored") return before;
  const last = before.findLastIndex((run) => run.runKey === event.runKey);
  const known = before[last];
  const isOver = known === undefined || known.outcome !== "running";
  if (isOver && event.type === "run-ended") {
    // A failed run is told as ended once more, with what it cost.
    return known === undefined
      ? before
      : before.with(last, { ...known, usage: event.usage ?? known.usage });
  }
  const isNew = isOver || event.type === "run-started";
  const run = reduceRun(isNew ? startRun(event.runKey, at) : known, event, at);
  return isNew ? [...before, run].slice(-MAX_RUNS) : before.with(last, run);
}

/** The activity once nobody reports: what ran goes on unseen. */
export const withoutSight = (before: Activity, at: number): Activity =>
  before.map((run) =>
    run.outcome === "running" ? { ...closed(run, at), outcome: "unseen" as const } : run,
  );

const startRun = (runKey: string, at: number): ActivityRun => ({
  runKey,
  agentName: "",
  status: "",
  outcome: "running",
  startedAt: at,
  heardAt: at,
  endedAt: null,
  question: "",
  thinking: "",
  text: "",
  error: "",
  progress: null,
  tools: [],
  usage: null,
});

type RunEvent = Exclude<FeedEvent, { type: "pong" | "ignored" }>;

function reduceRun(before: ActivityRun, event: RunEvent, at: number): ActivityRun {
  const run = { ...before, heardAt: at };
  switch (event.type) {
    case "run-started":
      return { ...run, agentName: event.agentName };
    case "run-ended":
      return { ...closed(run, at), outcome: "done", usage: event.usage };
    case "run-failed":
      return { ...closed(run, at), outcome: "failed", error: event.words };
    case "question":
      return { ...run, question: grown(run.question, event.text) };
    case "text":
      return { ...run, text: grown(run.text, event.text) };
    case "thinking":
      return { ...run, thinking: grown(run.thinking, event.text) };
    case "status":
      return { ...run, status: event.status };
    case "progress":
      return { ...run, progress: { percent: event.percent, text: event.text } };
    case "tool-call": {
      const { callId, name, args } = event;
      const tool = { callId, name, args, status: "running", text: "", error: "" } as const;
      return { ...run, tools: [...run.tools, tool] };
    }
    case "tool-args":
      return withTool(run, event.callId, (tool) => ({ ...tool, args: event.args }));
    case "tool-result":
      return withTool(run, event.callId, (tool) => ({
        ...tool,
        status: tool.status === "failed" ? "failed" : "ok",
        text: event.text,
      }));
    case "tool-failed":
      return withLastTool(run, event.words);
  }
}

const grown = (text: string, piece: string): string => (text + piece).slice(0, MAX_TEXT);

const closed = (run: ActivityRun, at: number): ActivityRun => ({
  ...run,
  endedAt: at,
  tools: run.tools.map((tool) =>
    tool.status === "running" ? { ...tool, status: "unknown" as const } : tool,
  ),
});

/** The tool of an id; without one the oldest that still runs. */
function withTool(
  run: ActivityRun,
  callId: string | null,
  change: (tool: ActivityTool) => ActivityTool,
): ActivityRun {
  const at =
    callId === null
      ? run.tools.findIndex(({ status }) => status === "running")
      : run.tools.findLastIndex((tool) => tool.callId === callId);
  const tool = run.tools[at];
  return tool === undefined ? run : { ...run, tools: run.tools.with(at, change(tool)) };
}

/** A failing tool is named by nothing but its place: after its result, before its end. */
function withLastTool(run: ActivityRun, error: string): ActivityRun {
  const tool = run.tools.at(-1);
  return tool === undefined
    ? { ...run, error }
    : { ...run, tools: [...run.tools.slice(0, -1), { ...tool, status: "failed", error }] };
}
