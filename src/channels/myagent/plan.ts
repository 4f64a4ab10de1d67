/**
 * The pipeline of one run: plan, tasks, aggregate, result. A task that fails says nothing, so what has not ended when
 * the aggregate begins has failed. Work of an earlier, cancelled run may still arrive under the same ids: a task that
 * is not the one we saw start is not ours. Pure.
 */
import type {
  Json,
  PlanPhase,
  PlanState,
  TaskDraft,
  TaskState,
  TaskStatus,
  TurnOutcome,
} from "#peer/channel.ts";
import { isJsonObject, textOf } from "../json.ts";
import { idOf, type Reading } from "./reading.ts";

export const startPlan = (question: string): PlanState => ({
  phase: "planning",
  question,
  summary: "",
  tasks: [],
  aggregate: "none",
  result: null,
});

/** The plan with other tasks, all still to do. */
export const withTasks = (plan: PlanState, drafts: readonly TaskDraft[]): PlanState => ({
  ...plan,
  tasks: drafts.map(taskOf),
});

export const inPhase = (plan: PlanState, phase: PlanPhase): PlanState => ({ ...plan, phase });

/** The plan after news of one task; the same object when it is not news. */
export function withSolver(
  plan: PlanState,
  news: Extract<Reading, { type: "solver" }>,
  at: number,
): PlanState {
  const id = taskIdOf(news.task);
  const before = plan.tasks.find((task) => task.taskId === id);
  if (before === undefined) {
    if (news.step === "completed") return plan;
    // The server may keep its task list to itself: tasks are then learnt as they begin.
    const added = [...plan.tasks, taskOf(news.task)];
    return withSolver({ ...plan, tasks: added }, news, at);
  }
  const after = taskAfter(before, news, at);
  if (after === before) return plan;
  const tasks = plan.tasks.map((task) => (task === before ? after : task));
  return { ...plan, tasks, phase: isOver(plan.phase) ? plan.phase : "solving" };
}

/** The solvers are through: whoever has not ended by now has failed in silence. */
export const withAggregate = (plan: PlanState): PlanState => ({
  ...withSilentFailures(plan),
  phase: "aggregating",
  aggregate: "running",
});

export const withOutput = (plan: PlanState, output: Json): PlanState => ({
  ...plan,
  aggregate: "done",
  result: { text: readableOf(output), output },
});

export function withPipelineEnd(plan: PlanState, output: Json): PlanState {
  const ended = withSilentFailures(plan);
  const result = output === null ? plan.result : { text: readableOf(output), output };
  return {
    ...ended,
    phase: "done",
    result,
    aggregate: plan.aggregate === "none" ? "none" : "done",
  };
}

/** The plan of a run that is over. */
export function withRunEnd(plan: PlanState, outcome: TurnOutcome): PlanState {
  if (isOver(plan.phase)) return plan;
  const tasks = plan.tasks.map((task) =>
    // A cancelled run's tasks go on at the server, unseen.
    task.status === "running" ? { ...task, status: "unknown" as const } : task,
  );
  return { ...plan, tasks, phase: PHASE_AFTER[outcome] };
}

/** Whether every task has come to an end; true of none. */
export const isSolved = (plan: PlanState): boolean =>
  plan.tasks.length > 0 &&
  plan.tasks.every(({ status }) => status === "done" || status === "cancelled");

export const taskIdOf = (task: TaskDraft): string => idOf(task["id"]) ?? "";

const PHASE_AFTER: Readonly<Record<TurnOutcome, PlanPhase>> = {
  done: "done",
  stopped: "cancelled",
  declined: "declined",
  failed: "failed",
  "cut-short": "lost",
  lost: "lost",
};

const RUNNING_PHASES: readonly PlanPhase[] = ["planning", "confirming", "solving", "aggregating"];

const isOver = (phase: PlanPhase): boolean => !RUNNING_PHASES.includes(phase);

const STATUS_AFTER = {
  start: "running",
  restarted: "running",
  cancelled: "cancelled",
  completed: "done",
} as const satisfies Record<string, TaskStatus>;

function taskAfter(
  before: TaskState,
  news: Extract<Reading, { type: "solver" }>,
  at: number,
): TaskState {
  const status = STATUS_AFTER[news.step];
  if (news.step === "start" || news.step === "restarted") {
    const startedAt = before.status === "running" ? before.startedAt : at;
    return {
      ...before,
      draft: news.task,
      title: titleOf(news.task),
      status,
      startedAt,
      endedAt: null,
    };
  }
  if (news.step === "completed") {
    const isOurs =
      before.status === "running" && JSON.stringify(before.draft) === JSON.stringify(news.task);
    if (!isOurs) return before;
    const { summary, output, agentName } = news;
    return { ...before, status, endedAt: at, summary, output, agentName };
  }
  return before.status === "done" ? before : { ...before, status, endedAt: at };
}

const withSilentFailures = (plan: PlanState): PlanState => ({
  ...plan,
  tasks: plan.tasks.map((task) =>
    task.status === "running" || task.status === "planned"
      ? { ...task, status: "failed" as const }
      : task,
  ),
});

const taskOf = (draft: TaskDraft): TaskState => ({
  taskId: taskIdOf(draft),
  title: titleOf(draft),
  draft,
  status: "planned",
  startedAt: null,
  endedAt: null,
  summary: "",
  output: null,
  agentName: "",
});

const titleOf = (draft: TaskDraft): string =>
  textOf(draft["title"]) || textOf(draft["name"]) || textOf(draft["objective"]) || taskIdOf(draft);

/** The Markdown in a product: reports carry it under `report.content`. */
function readableOf(output: Json): string | null {
  if (typeof output === "string") return output;
  if (!isJsonObject(output)) return null;
  const report = isJsonObject(output["report"]) ? output["report"] : output;
  const text = report["content"] ?? report["markdown"] ?? report["text"];
  return typeof text === "string" ? text : null;
}
