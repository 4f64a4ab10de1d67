/** Facts of a channel as cards of a conversation. Cuts are marked; nothing a person decides on is cut. */
import type {
  ChannelFact,
  Json,
  PlanPhase,
  PlanState,
  Prompt,
  TaskStatus,
  TurnOutcome,
} from "#peer/channel.ts";
import type { ApprovalRequestInput, KnownPayload, ProgressCard } from "#sdk/index.ts";

type Artifact = Extract<KnownPayload, { type: "artifact" }>["artifact"];
type Of<Type extends ChannelFact["type"]> = Extract<ChannelFact, { type: Type }>;

const MAX_RESULT = 20_000;
const MAX_LINE = 120;
const MAX_STEPS = 32;
/** Longer arguments cannot be shown whole on a card, and what is not shown whole is not asked. */
export const MAX_DETAIL = 60_000;

export const line = (text: string): string => {
  const one = text.replaceAll(/\s+/g, " ").trim();
  return one.length > MAX_LINE ? `${one.slice(0, MAX_LINE - 1)}…` : one === "" ? "—" : one;
};

const cut = (text: string, most = MAX_RESULT): string =>
  text.length > most ? `${text.slice(0, most)}…` : text;

const jsonOf = (value: Json): string => JSON.stringify(value, null, 2);

const cutJson = (value: Json): Json =>
  jsonOf(value).length > MAX_RESULT ? cut(jsonOf(value)) : value;

/** Ids of cards are short; servers' ids need not be. */
const shortId = (callId: string): string => callId.slice(-64);

export const toolCallCard = ({ callId, name, args }: Of<"tool-call">): Artifact => ({
  subtype: "tool_call",
  title: line(name),
  payload: {
    call_id: shortId(callId),
    tool_name: line(name),
    arguments: cutJson(args),
  },
});

export const toolResponseCard = (
  { callId, outcome, text, error, extra }: Of<"tool-result">,
  name: string,
  durationMs: number,
): Artifact => ({
  subtype: "tool_response",
  title: line(name),
  payload: {
    call_id: shortId(callId),
    status: outcome === "ok" ? "ok" : "error",
    ...(text === "" && extra === null
      ? {}
      : { result: extra === null ? cut(text) : cutJson({ text, extra }) }),
    ...(outcome === "ok"
      ? {}
      : { error: { code: "tool-failed", message: cut(error || text || "—", 2_000) } }),
    duration_ms: durationMs,
  },
});

type ProgressStatus = NonNullable<ProgressCard["status"]>;

const TASK_STATUS: Readonly<Record<TaskStatus, ProgressStatus>> = {
  planned: "pending",
  running: "running",
  done: "done",
  cancelled: "cancelled",
  failed: "failed",
  unknown: "failed",
};

const PHASE_STATUS: Readonly<Record<PlanPhase, ProgressStatus>> = {
  planning: "running",
  confirming: "running",
  solving: "running",
  aggregating: "running",
  done: "done",
  cancelled: "cancelled",
  declined: "cancelled",
  failed: "failed",
  lost: "failed",
};

/** A plan as a progress card; tasks beyond 32 are counted in its message only. */
export function progressCard(plan: PlanState): {
  readonly title: string;
  readonly payload: ProgressCard;
} {
  const ended = plan.tasks.filter(({ status }) => status !== "planned" && status !== "running");
  const share = plan.tasks.length === 0 ? null : (ended.length * 100) / plan.tasks.length;
  const more = plan.tasks.length - MAX_STEPS;
  const status = PHASE_STATUS[plan.phase];
  const isRunning = status === "running";
  return {
    title: line(plan.summary || plan.question),
    payload: {
      percent:
        plan.phase === "done" ? 100 : isRunning && share !== null ? Math.min(99, share) : null,
      status,
      cancellable: isRunning,
      message: more > 0 ? `${plan.phase} · +${more}` : plan.phase,
      steps: plan.tasks.slice(0, MAX_STEPS).map(({ taskId, title, status }) => ({
        id: shortId(taskId === "" ? title : taskId) || "task",
        label: line(title),
        status: TASK_STATUS[status],
      })),
    },
  };
}

const OUTCOME_STATUS: Readonly<Record<TurnOutcome, ProgressStatus>> = {
  done: "done",
  stopped: "cancelled",
  declined: "cancelled",
  failed: "failed",
  "cut-short": "failed",
  lost: "failed",
};

/** A run that takes its time, as a card to stop it by; `outcome` null while it goes on. */
export const workingCard = (
  title: string,
  outcome: TurnOutcome | null,
): { readonly title: string; readonly payload: ProgressCard } => ({
  title,
  payload: {
    percent: outcome === "done" ? 100 : null,
    status: outcome === null ? "running" : OUTCOME_STATUS[outcome],
    cancellable: outcome === null,
  },
});

/** What a person is asked to decide, or null when it cannot be shown whole. */
export function approvalOf({ about }: Prompt, asker: string): ApprovalRequestInput | null {
  const request =
    about.subject === "tool"
      ? { tool: about.name, arguments: about.args }
      : { plan: about.summary, tasks: about.tasks };
  const whole = jsonOf(request as Json);
  if (whole.length > MAX_DETAIL) return null;
  const isTool = about.subject === "tool";
  return {
    title: isTool ? line(`Run ${about.name}`) : "Carry out a plan",
    action: isTool ? "run-tool" : "run-plan",
    summary: isTool ? line(about.description) : line(about.summary),
    request,
    risk: "medium",
    details: isTool
      ? [
          { label: "Tool", value: about.name || "—", kind: "text" },
          { label: "Arguments", value: jsonOf(about.args), kind: "json" },
        ]
      : about.tasks.slice(0, 39).map((task, at) => ({
          label: `Task ${at + 1}`,
          value: jsonOf(task),
          kind: "json" as const,
        })),
    responders: [asker],
  };
}
