/** What each reading of the server does to the open run. Returns null when the run is over. */
import type { ControlState, Prompt } from "#peer/channel.ts";
import { parseChart } from "../chart.ts";
import { textOf } from "../json.ts";
import { meaningOfError } from "./error-meaning.ts";
import { identityOf, type ServerFrame } from "./frame.ts";
import {
  inPhase,
  isSolved,
  startPlan,
  taskIdOf,
  withAggregate,
  withOutput,
  withPipelineEnd,
  withSolver,
  withTasks,
} from "./plan.ts";
import type { Reading } from "./reading.ts";
import { endRun, withCalls, withControls, withoutPrompt, withPlan } from "./run.ts";
import type { Effects, Run } from "./run.ts";

type Of<Type extends Reading["type"]> = Extract<Reading, { type: Type }>;

/** The agent's tool for ending its own run. */
const CLOSING_TOOL = "terminate";

/** The run after one reading that concerns it. */
export function reduceRun(
  before: Run,
  reading: Reading,
  frame: ServerFrame,
  at: number,
  fx: Effects,
): Run | null {
  const run = isSignOfRun(reading) ? { ...before, hasBegun: true } : before;
  switch (reading.type) {
    case "thinking":
      return addThought(run, reading, frame, fx);
    case "summarizing":
      fx.tell({ type: "summarizing", turnId: run.turnId });
      return run;
    case "tool-call":
      return addCall(run, reading, frame, fx);
    case "tool-result":
      return addResult(run, reading, frame, fx);
    case "confirm-tool":
    case "confirm-plan":
      return openPrompt(run, reading, frame, fx);
    case "partial":
      return addPartial(run, reading, frame, fx);
    case "answer":
      return addAnswer(run, reading, fx);
    case "interrupted":
      return endRun(run, "stopped", fx);
    case "agent-error":
    case "system-error":
      return addError(run, reading, fx);
    case "retry":
      return addRetry(run, reading, fx);
    case "control":
      return addControlAnswer(run, reading, fx);
    case "unknown":
      fx.tell({
        type: "notice",
        turnId: run.turnId,
        notice: { kind: "server-event", name: reading.name, text: reading.text },
      });
      return run;
    default:
      return reducePipeline(run, reading, frame, at, fx);
  }
}

const isSignOfRun = ({ type }: Reading): boolean =>
  type !== "agent-error" && type !== "system-error" && type !== "unknown" && type !== "partial";

function addThought(run: Run, { text }: Of<"thinking">, frame: ServerFrame, fx: Effects): Run {
  const partId = identityOf(frame) ?? `${run.turnId}/${frame.seq}`;
  if (text !== "") fx.tell({ type: "reasoning", turnId: run.turnId, partId, offset: 0, text });
  return run;
}

function addCall(run: Run, reading: Of<"tool-call">, frame: ServerFrame, fx: Effects): Run {
  const callId = identityOf(frame) ?? `${run.turnId}/${frame.seq}`;
  const { name, args } = reading;
  const isInternal = name === CLOSING_TOOL;
  fx.tell({ type: "tool-call", turnId: run.turnId, callId, name, args, isInternal });
  if (frame.stepId === null) return run;
  return { ...run, callIdByStep: new Map(run.callIdByStep).set(frame.stepId, callId) };
}

function addResult(run: Run, reading: Of<"tool-result">, frame: ServerFrame, fx: Effects): Run {
  const { turnId } = run;
  const name = textOf(frame.metadata["tool"]);
  let callId = run.callIdByStep.get(frame.stepId ?? "");
  if (callId === undefined) {
    callId = identityOf(frame) ?? `${turnId}/${frame.seq}`;
    const isInternal = name === CLOSING_TOOL;
    fx.tell({ type: "tool-call", turnId, callId, name, args: null, isInternal });
  }
  fx.tell({
    type: "tool-result",
    turnId,
    callId,
    outcome: reading.isOk ? "ok" : "failed",
    text: reading.text,
    error: reading.error,
    extra: reading.extra,
    chart: parseChart(reading.extra),
  });
  // The server does not say that a prompt ran out of time: the tool just goes on without it.
  return run.prompt?.about.subject === "tool" ? withoutPrompt(run, "timed-out", fx) : run;
}

function openPrompt(
  before: Run,
  reading: Of<"confirm-tool"> | Of<"confirm-plan">,
  frame: ServerFrame,
  fx: Effects,
): Run {
  const promptId = frame.stepId ?? identityOf(frame) ?? `${before.turnId}/${frame.seq}`;
  const prompt = promptOf(promptId, reading);
  const run = withoutPrompt(before, "timed-out", fx);
  fx.tell({ type: "prompt-opened", turnId: run.turnId, prompt });
  if (frame.originalEventId !== null) {
    // Only the line that brought a prompt can take its answer.
    fx.tell({ type: "prompt-died", promptId, because: "replayed" });
    return run;
  }
  if (reading.type === "confirm-tool") return { ...run, prompt };
  const plan = run.plan ?? { ...startPlan(""), summary: reading.summary };
  const listed = plan.tasks.length > 0 ? plan : withTasks(plan, reading.tasks);
  return withPlan({ ...run, prompt }, inPhase(listed, "confirming"), fx);
}

function promptOf(promptId: string, reading: Of<"confirm-tool"> | Of<"confirm-plan">): Prompt {
  if (reading.type === "confirm-plan") {
    const { summary, tasks } = reading;
    return { promptId, about: { subject: "plan", summary, tasks } };
  }
  const { name, description, args } = reading;
  return { promptId, about: { subject: "tool", name, description, args } };
}

/** Pieces, some of which the server has dropped; those replayed are the last of many and tell nothing. */
function addPartial(run: Run, { text }: Of<"partial">, frame: ServerFrame, fx: Effects): Run {
  // Before anything else of this run, a piece is a late one of the run before.
  if (!run.hasBegun || frame.originalEventId !== null || text === "") return run;
  fx.tell({ type: "text", turnId: run.turnId, offset: run.text.length, text, isLossy: true });
  return { ...run, text: run.text + text };
}

function addAnswer(run: Run, { text }: Of<"answer">, fx: Effects): null {
  fx.tell({ type: "answer", turnId: run.turnId, text });
  const phase = run.plan?.phase;
  if (phase === "failed") return endRun(run, "failed", fx);
  if (phase === "cancelled") return endRun(run, "stopped", fx);
  // Nothing else is answered while a plan waits for its confirmation.
  if (phase === "confirming") return endRun(run, "declined", fx, "timed-out");
  return endRun(run, "done", fx);
}

function addError(
  run: Run,
  { type, text }: Of<"agent-error"> | Of<"system-error">,
  fx: Effects,
): Run | null {
  const meaning =
    type === "agent-error"
      ? meaningOfError(text)
      : { failure: { kind: "peer/request-refused", because: "other" } as const, endsRun: false };
  fx.tell({ type: "fault", turnId: run.turnId, failure: meaning.failure, words: text });
  if (meaning.endsRun) return endRun(run, "failed", fx);
  if (meaning.failure.kind !== "peer/request-refused") return run;
  const unanswered = run.controls.find((one) => one.outcome === "waiting" && one.said === null);
  if (unanswered !== undefined) {
    const refused = { said: "refused", outcome: "nothing" } as const;
    return withControls(run, (one) => one.controlId === unanswered.controlId, refused, fx);
  }
  return run.hasBegun ? run : endRun(run, "failed", fx);
}

function addRetry(run: Run, reading: Of<"retry">, fx: Effects): Run {
  const { turnId } = run;
  const { attempt, totalAttempts, delayMs, errorName } = reading;
  fx.tell({
    type: "notice",
    turnId,
    notice: { kind: "retry", attempt, totalAttempts, delayMs, errorName },
  });
  // A retry begins with an empty memory, the conversation so far included.
  fx.tell({
    type: "notice",
    turnId,
    notice: { kind: "memory-lost", because: "server-retried" },
  });
  if (run.text !== "") fx.tell({ type: "text", turnId, offset: 0, text: "", isLossy: true });
  return { ...withoutPrompt(run, "turn-ended", fx), text: "", callIdByStep: new Map() };
}

const ACTIONS: Readonly<Record<string, ControlState["action"]>> = {
  cancel_task: "cancel-task",
  restart_task: "restart-task",
  cancel_plan: "cancel-plan",
  replan: "replan",
};

/** The server's word; whether it is true shows in what follows. */
function addControlAnswer(run: Run, reading: Of<"control">, fx: Effects): Run {
  // An idle session answers a replan by starting over, without an `ok`.
  if (reading.mode === "restart") return run;
  const asked = run.controls.find(
    (control) =>
      control.said === null &&
      control.outcome === "waiting" &&
      control.action === ACTIONS[reading.action] &&
      (reading.taskId === null || control.taskId === reading.taskId),
  );
  if (asked === undefined) return run;
  return withControls(
    run,
    (control) => control.controlId === asked.controlId,
    reading.isOk ? { said: "accepted" } : { said: "refused", outcome: "nothing" },
    fx,
  );
}

function reducePipeline(
  run: Run,
  reading: Reading,
  frame: ServerFrame,
  at: number,
  fx: Effects,
): Run | null {
  const timed = { ...run, since: run.since ?? frame.serverTime };
  const plan = run.plan ?? startPlan("");
  switch (reading.type) {
    case "plan-started": {
      const replanned = withControls(timed, isReplan, { outcome: "happened" }, fx);
      return withPlan(replanned, startPlan(reading.question), fx);
    }
    case "plan-completed": {
      // The plan that was to be replaced is finished instead.
      const kept = withControls(timed, isReplan, { outcome: "nothing" }, fx);
      const listed = reading.tasks === null ? plan : withTasks(plan, reading.tasks);
      const planned = { ...listed, summary: reading.summary, phase: "solving" as const };
      return withCalls(withPlan(kept, planned, fx), reading.statistics, fx);
    }
    case "plan-cancelled": {
      const isCancel = ({ action }: ControlState): boolean => action === "cancel-plan";
      const cancelled = withControls(timed, isCancel, { outcome: "happened" }, fx);
      return withPlan(cancelled, inPhase(plan, "cancelled"), fx);
    }
    case "tasks-refused": {
      const failure = { kind: "peer/tasks-refused" } as const;
      fx.tell({ type: "fault", turnId: run.turnId, failure, words: reading.text });
      return withPlan(timed, inPhase(plan, "failed"), fx);
    }
    case "solver":
      return addSolver(timed, reading, at, fx);
    case "aggregate-started":
      return withPlan(timed, withAggregate(plan), fx);
    case "aggregate-completed":
      return withPlan(timed, withOutput(plan, reading.output), fx);
    case "pipeline-completed":
      return withCalls(
        withPlan(timed, withPipelineEnd(plan, reading.output), fx),
        reading.statistics,
        fx,
      );
    default:
      return run;
  }
}

const isReplan = ({ action }: ControlState): boolean => action === "replan";

function addSolver(before: Run, reading: Of<"solver">, at: number, fx: Effects): Run | null {
  const taskId = taskIdOf(reading.task);
  const settle = (run: Run, action: ControlState["action"], outcome: "happened" | "nothing"): Run =>
    withControls(
      run,
      (control) => control.action === action && (control.taskId ?? taskId) === taskId,
      { outcome },
      fx,
    );
  const plan = withSolver(before.plan ?? startPlan(""), reading, at);
  let run = withCalls(withPlan(before, plan, fx), reading.statistics, fx);
  if (reading.step === "start") run = settle(run, "replan", "nothing");
  if (reading.step === "cancelled") run = settle(run, "cancel-task", "happened");
  if (reading.step === "restarted") run = settle(run, "restart-task", "happened");
  if (reading.step === "completed" && plan !== before.plan)
    run = settle(run, "cancel-task", "nothing");
  const isRestarting = run.controls.some(
    (control) => control.action === "restart-task" && control.outcome === "waiting",
  );
  // Tasks solved alone have no other end than their last one.
  return run.trigger === "tasks" && !isRestarting && isSolved(plan) ? endRun(run, "done", fx) : run;
}
