/** What a command does to a ready session. The callers have checked that it may be given now. */
import type { ChannelCommand, ChannelFact, Json, TaskDraft } from "#peer/channel.ts";
import type { ChannelFailure } from "#peer/channel-failure.ts";
import { inPhase, startPlan, withTasks } from "./plan.ts";
import { MAX_REQUEST_BYTES, requestSizeBytes, type Request } from "./request.ts";
import { addControl, endRun, openRun, withPlan, type Effects, type Run } from "./run.ts";
import type { Session, SessionStep } from "./session.ts";

/** A command that opens a turn, and so waits for the one before it. */
export type TurnCommand = Extract<ChannelCommand, { type: "send-text" | "solve-tasks" | "replan" }>;
/** A command that acts on the open turn, or on none. */
export type ActCommand = Exclude<
  ChannelCommand,
  { type: "send-text" | "solve-tasks" | "withdraw" }
>;

/** Whether a command opens a turn of its own, and so goes through the queue. */
export const opensTurn = (session: Session, command: ChannelCommand): command is TurnCommand =>
  command.type === "send-text" ||
  command.type === "solve-tasks" ||
  (command.type === "replan" && session.run === null);

/** Why a command may not be given now, or null. */
export function refusalOf(session: Session, command: ChannelCommand): ChannelFailure | null {
  const { type } = command;
  if (type === "withdraw") return null;
  if (type !== "send-text" && !session.capabilities.has(type))
    return { kind: "peer/not-supported", command: type };
  if (type === "send-text" && command.text.trim() === "") return { kind: "peer/empty-text" };
  const limit = MAX_REQUEST_BYTES - ENVELOPE_BYTES;
  if (requestSizeBytes(JSON.stringify(command)) > limit) return { kind: "peer/too-large", limit };
  if (opensTurn(session, command)) return null;
  if (type === "stop") return session.run === null ? { kind: "peer/no-open-turn" } : null;
  if (session.stage !== "ready") return { kind: "peer/offline" };
  if (type === "new-session") return session.run === null ? null : { kind: "peer/turn-open" };
  if (type === "answer-prompt")
    return session.run?.prompt?.promptId === command.promptId
      ? null
      : { kind: "peer/unknown-prompt" };
  return session.run === null ? { kind: "peer/no-open-turn" } : null;
}

/** Room for event name, session id and the members around a text. */
const ENVELOPE_BYTES = 1_024;

/** Opens the run of a turn. */
export function beginTurn(session: Session, command: TurnCommand): SessionStep {
  return step(session, (fx) => {
    const { turnId } = command;
    switch (command.type) {
      case "send-text":
        fx.tell({ type: "turn-started", turnId, trigger: "message" });
        fx.ask({ type: "message", text: command.text });
        return openRun(turnId, "message");
      case "solve-tasks": {
        const { tasks, question, planSummary } = command;
        fx.tell({ type: "turn-started", turnId, trigger: "tasks" });
        fx.ask({ type: "solve-tasks", tasks, question, planSummary });
        const plan = { ...startPlan(question ?? ""), summary: planSummary ?? "" };
        const solving = inPhase(withTasks(plan, tasks), "solving");
        return withPlan(openRun(turnId, "tasks"), solving, fx);
      }
      case "replan":
        fx.tell({ type: "turn-started", turnId, trigger: "replan" });
        fx.ask({ type: "replan", question: command.question });
        return openRun(turnId, "replan");
    }
  });
}

/** Acts on the open run. */
export function act(session: Session, command: ActCommand): SessionStep {
  const { run } = session;
  if (command.type === "new-session")
    return {
      session: { ...session, stage: "creating", signedState: null },
      facts: [],
      requests: [{ type: "create-session", setup: session.setup }],
    };
  if (run === null) return { session, facts: [], requests: [] };
  return step(session, (fx) => actOnRun(run, command, fx));
}

/** Ends the open run without its server. */
export const endOpenRun = (session: Session, outcome: "stopped" | "lost"): SessionStep =>
  step(session, (fx) => (session.run === null ? null : endRun(session.run, outcome, fx)));

/** Ends a run whose cancel was not answered in time; should the answer come, it is not the next run's. */
export function giveUpStop(session: Session): SessionStep {
  const ended = endOpenRun(session, "stopped");
  return { ...ended, session: { ...ended.session, strayCancels: session.strayCancels + 1 } };
}

function actOnRun(
  run: Run,
  command: Exclude<ActCommand, { type: "new-session" }>,
  fx: Effects,
): Run | null {
  switch (command.type) {
    case "stop":
      fx.ask({ type: "cancel" });
      return run;
    case "answer-prompt":
      return answerPrompt(run, command.isConfirmed, command.tasks, fx);
    case "cancel-plan": {
      const asked = addControl(run, { action: "cancel-plan", taskId: null }, fx);
      // While its prompt is open a plan cannot be cancelled, only declined.
      if (run.prompt?.about.subject === "plan") return answerPrompt(asked, false, null, fx);
      fx.ask({ type: "cancel-plan" });
      return asked;
    }
    case "replan": {
      const asked = addControl(run, { action: "replan", taskId: null }, fx);
      fx.ask({ type: "replan", question: command.question });
      // The server accepts it at once and acts only when the prompt is answered.
      return run.prompt?.about.subject === "plan" ? answerPrompt(asked, false, null, fx) : asked;
    }
    case "cancel-task":
    case "restart-task": {
      const { type, taskId } = command;
      fx.ask({ type, taskId: wireTaskId(run, taskId) });
      return addControl(run, { action: type, taskId }, fx);
    }
  }
}

function answerPrompt(
  run: Run,
  isConfirmed: boolean,
  tasks: readonly TaskDraft[] | null,
  fx: Effects,
): Run {
  const { prompt } = run;
  if (prompt === null) return run;
  const { promptId } = prompt;
  const isPlan = prompt.about.subject === "plan";
  const chosen = isPlan && isConfirmed ? tasks : null;
  fx.ask({ type: "response", stepId: promptId, isConfirmed, tasks: chosen });
  fx.tell({ type: "prompt-answered", promptId, isConfirmed });
  const answered = { ...run, prompt: null };
  if (!isPlan || !isConfirmed || run.plan === null) return answered;
  const plan = chosen === null ? run.plan : withTasks(run.plan, chosen);
  return withPlan(answered, inPhase(plan, "solving"), fx);
}

const wireTaskId = (run: Run, taskId: string): Json =>
  run.plan?.tasks.find((task) => task.taskId === taskId)?.draft["id"] ?? taskId;

function step(session: Session, change: (fx: Effects) => Run | null): SessionStep {
  const facts: ChannelFact[] = [];
  const requests: Request[] = [];
  const run = change({
    tell: (fact) => facts.push(fact),
    ask: (request) => requests.push(request),
  });
  return {
    session: { ...session, run, hasMemory: session.hasMemory || run !== null },
    facts,
    requests,
  };
}
