/**
 * One conversation with an agent, whatever carries it. Commands go in as data, facts come out as data, and a thread
 * is the fold of the facts. What a channel cannot do is absent from its capabilities, so a screen never offers it.
 * Every implementation passes `channel.contract.ts`.
 */
import type { Brand } from "#base/brand.ts";
import type { Result } from "#base/result.ts";
import type { ChannelFailure } from "./channel-failure.ts";

export type ChannelKind = "relay" | "myagent" | "tpclaw-socket" | "chat-completions";

/** One thing asked of the agent and all that came of it. Its id is chosen by whoever asks. */
export type TurnId = Brand<string, "TurnId">;

/** Any JSON, as an agent's tools and plans carry it. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json };

/** A task as the agent's planner made it: only `id` is agreed, every other member goes back untouched. */
export type TaskDraft = { readonly [name: string]: Json };

export type ChannelCommand =
  /** Waits behind the turns before it: two turns of a channel never run at once. */
  | { readonly type: "send-text"; readonly turnId: TurnId; readonly text: string }
  /** Takes back a turn that has not begun. */
  | { readonly type: "withdraw"; readonly turnId: TurnId }
  /** Ends the open turn; nothing of it lands in the next. */
  | { readonly type: "stop" }
  | {
      readonly type: "answer-prompt";
      readonly promptId: string;
      readonly isConfirmed: boolean;
      /** Plans only: the tasks to run instead; null leaves the plan as it is, an empty list runs none. */
      readonly tasks: readonly TaskDraft[] | null;
    }
  /** Forgets what the agent remembers of this conversation; refused while a turn is open. */
  | { readonly type: "new-session" }
  | {
      readonly type: "solve-tasks";
      readonly turnId: TurnId;
      readonly tasks: readonly TaskDraft[];
      readonly question: string | null;
      readonly planSummary: string | null;
    }
  | { readonly type: "cancel-task"; readonly taskId: string }
  | { readonly type: "restart-task"; readonly taskId: string }
  | { readonly type: "cancel-plan" }
  /** Plans again inside the open turn; while idle it opens `turnId`. */
  | { readonly type: "replan"; readonly turnId: TurnId; readonly question: string | null };

/** `send-text` and `withdraw` are what every channel can. */
export type Capability =
  | Exclude<ChannelCommand["type"], "send-text" | "withdraw">
  | "reasoning"
  | "tools"
  | "usage";

export type ChannelStatus =
  | { readonly status: "idle" }
  | { readonly status: "connecting"; readonly since: number }
  /** The line is there again and the agent's session is not: its server still holds the old line for alive. */
  | { readonly status: "restoring"; readonly since: number }
  | { readonly status: "online"; readonly since: number }
  | { readonly status: "waiting"; readonly retryAt: number }
  /** The server takes the line but no session; another try is the person's choice. */
  | { readonly status: "refused" }
  | { readonly status: "closed" };

export type TurnTrigger = "message" | "tasks" | "replan" | "server";

/**
 * How a turn ended. `cut-short`: the answer stopped without its end. `lost`: the line went and the agent's work with
 * it. `declined`: a plan was not confirmed, by the person or by waiting too long.
 */
export type TurnOutcome = "done" | "stopped" | "declined" | "failed" | "cut-short" | "lost";

export type ToolOutcome = "ok" | "failed";

/** A chart a tool gave along: one value per label and series. */
export type Chart = {
  readonly shape: "bar" | "line" | "pie" | "scatter";
  readonly title: string;
  readonly labels: readonly string[];
  readonly series: readonly { readonly name: string; readonly values: readonly number[] }[];
};

export type Prompt = {
  readonly promptId: string;
  readonly about:
    | {
        readonly subject: "tool";
        readonly name: string;
        readonly description: string;
        readonly args: Json;
      }
    | {
        readonly subject: "plan";
        readonly summary: string;
        readonly tasks: readonly TaskDraft[];
      };
};

/** Why a prompt takes no answer any more. */
export type PromptDeath = "line-lost" | "turn-ended" | "timed-out" | "replayed";

/** `unknown`: the turn ended and nobody said what became of it. */
export type TaskStatus = "planned" | "running" | "done" | "cancelled" | "failed" | "unknown";

export type TaskState = {
  readonly taskId: string;
  readonly title: string;
  readonly draft: TaskDraft;
  readonly status: TaskStatus;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly summary: string;
  readonly output: Json;
  readonly agentName: string;
};

export type PlanPhase =
  | "planning"
  | "confirming"
  | "solving"
  | "aggregating"
  | "done"
  | "cancelled"
  | "declined"
  | "failed"
  | "lost";

/** Plan, tasks, aggregate, result: the whole pipeline at one moment. */
export type PlanState = {
  readonly phase: PlanPhase;
  readonly question: string;
  readonly summary: string;
  readonly tasks: readonly TaskState[];
  readonly aggregate: "none" | "running" | "done";
  /** What the pipeline made; `text` where the output holds a readable text, else only the JSON. */
  readonly result: { readonly text: string | null; readonly output: Json } | null;
};

/** What was asked of a running plan, what the server said to it, and what then happened: three different things. */
export type ControlState = {
  readonly controlId: string;
  readonly action: "cancel-task" | "restart-task" | "cancel-plan" | "replan";
  readonly taskId: string | null;
  readonly said: "accepted" | "refused" | null;
  readonly outcome: "waiting" | "happened" | "nothing";
};

/** Tokens of one turn. `isShared`: taken from counters that other users of the server move too. */
export type Usage = {
  readonly calls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly isShared: boolean;
};

export type Notice =
  | {
      readonly kind: "retry";
      readonly attempt: number;
      readonly totalAttempts: number;
      readonly delayMs: number;
      readonly errorName: string;
    }
  /** The agent has forgotten what was said so far. */
  | {
      readonly kind: "memory-lost";
      readonly because: "reconnected" | "server-retried" | "new-session";
    }
  /** The server is there and says nothing to a chat; perhaps it offers none at this address. */
  | { readonly kind: "no-answer-yet" }
  /** The server does not answer heartbeats: it may be fine, or the line may be dead. */
  | { readonly kind: "no-heartbeat" }
  /** The model stopped at a limit of its own; the answer is as long as it gets. */
  | { readonly kind: "answer-limited"; readonly because: string }
  /** Frames that could not be read, since the line opened. */
  | { readonly kind: "unreadable-frames"; readonly count: number }
  /** Something the server says that no rule here knows. */
  | { readonly kind: "server-event"; readonly name: string; readonly text: string };

export type ChannelFact =
  | { readonly type: "status"; readonly status: ChannelStatus }
  | { readonly type: "capabilities"; readonly capabilities: readonly Capability[] }
  /** What the server calls its agent. */
  | { readonly type: "agent-name"; readonly name: string }
  /** A sign of life that says nothing else. */
  | { readonly type: "alive" }
  | { readonly type: "turn-queued"; readonly turnId: TurnId }
  | { readonly type: "turn-withdrawn"; readonly turnId: TurnId }
  | { readonly type: "turn-started"; readonly turnId: TurnId; readonly trigger: TurnTrigger }
  /** Once for every turn that started. */
  | { readonly type: "turn-ended"; readonly turnId: TurnId; readonly outcome: TurnOutcome }
  /** What the agent thinks, in pieces or whole; each part grows at its end. */
  | {
      readonly type: "reasoning";
      readonly turnId: TurnId;
      readonly partId: string;
      readonly offset: number;
      readonly text: string;
    }
  /** A piece of the answer; `offset` in UTF-16 units. Lossy pieces are a hint until `answer` replaces them. */
  | {
      readonly type: "text";
      readonly turnId: TurnId;
      readonly offset: number;
      readonly text: string;
      readonly isLossy: boolean;
    }
  /** The whole answer; it replaces every piece. */
  | { readonly type: "answer"; readonly turnId: TurnId; readonly text: string }
  /** The last step has begun: the agent writes its answer. */
  | { readonly type: "summarizing"; readonly turnId: TurnId }
  /** A call, again with the same id when more of it is known. */
  | {
      readonly type: "tool-call";
      readonly turnId: TurnId;
      readonly callId: string;
      readonly name: string;
      readonly args: Json;
      /** The agent's own way to finish; not worth a row. */
      readonly isInternal: boolean;
    }
  | {
      readonly type: "tool-result";
      readonly turnId: TurnId;
      readonly callId: string;
      readonly outcome: ToolOutcome;
      readonly text: string;
      readonly error: string;
      readonly extra: Json;
      readonly chart: Chart | null;
    }
  | { readonly type: "prompt-opened"; readonly turnId: TurnId; readonly prompt: Prompt }
  /** Sent; no server confirms that it was heard. */
  | { readonly type: "prompt-answered"; readonly promptId: string; readonly isConfirmed: boolean }
  | { readonly type: "prompt-died"; readonly promptId: string; readonly because: PromptDeath }
  | { readonly type: "plan"; readonly turnId: TurnId; readonly plan: PlanState }
  | { readonly type: "control"; readonly turnId: TurnId; readonly control: ControlState }
  | { readonly type: "usage"; readonly turnId: TurnId; readonly usage: Usage }
  | { readonly type: "notice"; readonly turnId: TurnId | null; readonly notice: Notice }
  /** Something failed; `words` are the server's own, for the person and for no log. */
  | {
      readonly type: "fault";
      readonly turnId: TurnId | null;
      readonly failure: ChannelFailure;
      readonly words: string;
    };

/** A fact and when it was learnt, by our clock: servers' clocks are not asked. */
export type ChannelEvent = ChannelFact & { readonly at: number };

export interface Channel {
  readonly kind: ChannelKind;
  capabilities(): ReadonlySet<Capability>;
  status(): ChannelStatus;
  on(listener: (event: ChannelEvent) => void): () => void;
  /** Connects, and again after every loss. */
  start(): void;
  /**
   * Takes a command; what comes of it is told by facts.
   *
   * Fails with `peer/not-supported`, `peer/empty-text`, `peer/too-large`, `peer/unknown-prompt`,
   * `peer/unknown-turn`, `peer/no-open-turn`, `peer/turn-open`, `peer/offline`, `peer/closed`; then nothing changed.
   */
  run(command: ChannelCommand): Result<null, ChannelFailure>;
  /** One try at once while waiting or refused. */
  nudge(): void;
  /** Ends the open turn as lost and closes for good. */
  close(): void;
}
