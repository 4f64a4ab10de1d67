/**
 * One run of a session: from what we asked to its end. At most one is open per session. What the server says it will
 * do and what then happens are kept apart in `controls`. Pure but for the {@link Effects} it is given.
 */
import type {
  ChannelFact,
  ControlState,
  PlanState,
  Prompt,
  PromptDeath,
  TurnId,
  TurnOutcome,
  TurnTrigger,
} from "#peer/channel.ts";
import { withRunEnd } from "./plan.ts";
import type { Request } from "./request.ts";
import { countCalls, usageOf, type CountedCalls } from "./statistics.ts";
import type { Json } from "#peer/channel.ts";

export type Run = {
  readonly turnId: TurnId;
  readonly trigger: TurnTrigger;
  /** Whether anything of it came back: until then a refusal is about the request that opened it. */
  readonly hasBegun: boolean;
  /** The line is gone; whether the run had ended before shows in the replay. */
  readonly isSuspended: boolean;
  readonly text: string;
  /** Step ids start again with every run and retry; a call's own frame names it. */
  readonly callIdByStep: ReadonlyMap<string, string>;
  readonly prompt: Prompt | null;
  readonly plan: PlanState | null;
  readonly controls: readonly ControlState[];
  /** Server time of the first pipeline frame; tokens are counted from there. */
  readonly since: string | null;
  readonly calls: CountedCalls;
};

/** What a step does to the world: facts for the thread, requests for the line. */
export interface Effects {
  tell(fact: ChannelFact): void;
  ask(request: Request): void;
}

export const openRun = (turnId: TurnId, trigger: TurnTrigger): Run => ({
  turnId,
  trigger,
  hasBegun: false,
  isSuspended: false,
  text: "",
  callIdByStep: new Map(),
  prompt: null,
  plan: null,
  controls: [],
  since: null,
  calls: new Map(),
});

/** The run with another plan, told if it is another. */
export function withPlan(run: Run, plan: PlanState, fx: Effects): Run {
  if (plan === run.plan) return run;
  fx.tell({ type: "plan", turnId: run.turnId, plan });
  return { ...run, plan };
}

/** The run with one more thing asked of its plan. */
export function addControl(
  run: Run,
  control: Pick<ControlState, "action" | "taskId">,
  fx: Effects,
): Run {
  const added: ControlState = {
    ...control,
    controlId: `${run.turnId}/${run.controls.length + 1}`,
    said: null,
    outcome: "waiting",
  };
  fx.tell({ type: "control", turnId: run.turnId, control: added });
  return { ...run, controls: [...run.controls, added] };
}

/** The run after some of its waiting controls got another face. */
export function withControls(
  run: Run,
  isMeant: (control: ControlState) => boolean,
  change: Partial<Pick<ControlState, "said" | "outcome">>,
  fx: Effects,
): Run {
  const controls = run.controls.map((control) => {
    if (control.outcome !== "waiting" || !isMeant(control)) return control;
    const changed = { ...control, ...change };
    fx.tell({ type: "control", turnId: run.turnId, control: changed });
    return changed;
  });
  return { ...run, controls };
}

/** The run without its open prompt. */
export function withoutPrompt(run: Run, because: PromptDeath, fx: Effects): Run {
  if (run.prompt === null) return run;
  fx.tell({ type: "prompt-died", promptId: run.prompt.promptId, because });
  return { ...run, prompt: null };
}

/** The run with the tokens of a list of calls. */
export function withCalls(run: Run, statistics: readonly Json[], fx: Effects): Run {
  if (run.since === null || statistics.length === 0) return run;
  const calls = countCalls(run.calls, statistics, run.since);
  if (calls.size === run.calls.size) return run;
  fx.tell({ type: "usage", turnId: run.turnId, usage: usageOf(calls) });
  return { ...run, calls };
}

/** Tells everything that ends with a run. */
export function endRun(
  run: Run,
  outcome: TurnOutcome,
  fx: Effects,
  prompt: PromptDeath = "turn-ended",
): null {
  const unprompted = withoutPrompt(run, prompt, fx);
  // A plan is cancelled at its prompt by declining it.
  const isPlanOver = outcome === "declined" || outcome === "stopped";
  const cancelled = withControls(
    unprompted,
    ({ action }) => action === "cancel-plan" && isPlanOver,
    { outcome: "happened" },
    fx,
  );
  withControls(cancelled, () => true, { outcome: "nothing" }, fx);
  if (run.plan !== null) withPlan(run, withRunEnd(run.plan, outcome), fx);
  fx.tell({ type: "turn-ended", turnId: run.turnId, outcome });
  return null;
}
