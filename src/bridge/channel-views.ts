/**
 * What the screen shows of a conversation over a plain channel: turns with their parts, in the order they came.
 * Frozen snapshots, like all views. Times are epoch ms of this device's clock.
 */

export type JsonView =
  | null
  | boolean
  | number
  | string
  | readonly JsonView[]
  | { readonly [name: string]: JsonView };

/** The line to the agent, and what can be asked of it: a control that is not listed is not drawn. */
export type ChannelView = {
  readonly status:
    | { readonly status: "idle" | "refused" | "closed" }
    | { readonly status: "connecting" | "restoring" | "online"; readonly since: number }
    | { readonly status: "waiting"; readonly retryAt: number };
  readonly capabilities: readonly string[];
  readonly agentName: string;
  /** The last sign of life; silence is shown as the time since. */
  readonly heardAt: number | null;
  readonly turns: readonly TurnView[];
  /** What was said outside any turn, newest last. */
  readonly notes: readonly NotePartView[];
};

export type PlainProtocol = "myagent" | "tpclaw-socket" | "tpclaw-chat" | "chat";

/** What stands above a conversation with a plain agent server. */
export type ChannelHeadView = Pick<
  ChannelView,
  "status" | "capabilities" | "agentName" | "heardAt" | "notes"
> & {
  readonly protocol: PlainProtocol;
  /** Without a token that may be in it. */
  readonly url: string;
  /** The model, or the agent's id where the server has several. */
  readonly model: string;
  readonly hasKey: boolean;
  /** Whoever is on the way can read along, not only the server. */
  readonly isReadableOnTheWay: boolean;
};

/** What is typed to add an agent by its address. */
export type PlainAgentInput = {
  readonly protocol: PlainProtocol;
  readonly url: string;
  /** Empty: what the agent calls itself, or its address. */
  readonly name: string;
  /** Null where the protocol has none or its default will do. */
  readonly model: string | null;
  readonly apiKey: string | null;
  /** Chat completions: who keeps the conversation for the model. */
  readonly remembers: "client" | "server";
};

/** What an address means, before anything is sent to it. */
export type AddressView = {
  readonly url: string;
  readonly isLoopback: boolean;
  readonly isReadableOnTheWay: boolean;
  readonly isPrivateNetwork: boolean;
};

/** What a server reports of its agent, whoever asked it: runs, newest last. */
export type ActivityView = {
  readonly status: ChannelView["status"];
  readonly runs: readonly {
    readonly runKey: string;
    readonly agentName: string;
    readonly status: string;
    readonly outcome: "running" | "done" | "failed" | "unseen";
    readonly startedAt: number;
    readonly heardAt: number;
    readonly endedAt: number | null;
    readonly question: string;
    readonly thinking: string;
    readonly text: string;
    readonly error: string;
    readonly progress: { readonly percent: number; readonly text: string } | null;
    readonly tools: readonly {
      readonly callId: string | null;
      readonly name: string;
      readonly args: JsonView;
      readonly status: "running" | "ok" | "failed" | "unknown";
      readonly text: string;
      readonly error: string;
    }[];
    readonly usage: { readonly inputTokens: number; readonly outputTokens: number } | null;
  }[];
};

/** What can be asked of a plain agent beyond a text; only what `capabilities` lists is taken. */
export type ChannelCommandInput =
  | { readonly type: "stop" }
  | {
      readonly type: "answer-prompt";
      readonly promptId: string;
      readonly isConfirmed: boolean;
      readonly tasks: readonly { readonly [name: string]: JsonView }[] | null;
    }
  | { readonly type: "new-session" }
  | {
      readonly type: "solve-tasks";
      readonly tasks: readonly { readonly [name: string]: JsonView }[];
      readonly question: string | null;
      readonly planSummary: string | null;
    }
  | { readonly type: "cancel-task" | "restart-task"; readonly taskId: string }
  | { readonly type: "cancel-plan" }
  | { readonly type: "replan"; readonly question: string | null }
  /** One try at once while the line waits or the server has refused. */
  | { readonly type: "try-again" };

export type TurnView = {
  readonly turnId: string;
  readonly trigger: "message" | "tasks" | "replan" | "server";
  readonly status: "queued" | "running" | "ended";
  readonly outcome: "done" | "stopped" | "declined" | "failed" | "cut-short" | "lost" | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly heardAt: number | null;
  readonly parts: readonly TurnPartView[];
  /** The answer as far as it is known. */
  readonly text: string;
  /** `lossy`: pieces with holes; `whole`: the final text. */
  readonly textState: "none" | "streaming" | "lossy" | "whole";
  readonly isSummarizing: boolean;
  readonly plan: PlanView | null;
  readonly usage: UsageView | null;
};

export type TurnPartView =
  | { readonly kind: "reasoning"; readonly partId: string; readonly text: string }
  | ToolPartView
  | PromptPartView
  | ControlPartView
  | NotePartView;

export type ToolPartView = {
  readonly kind: "tool";
  readonly callId: string;
  readonly name: string;
  readonly args: JsonView;
  /** `unknown`: the turn ended without a result. */
  readonly status: "running" | "ok" | "failed" | "unknown";
  readonly text: string;
  readonly error: string;
  readonly extra: JsonView;
  readonly chart: ChartView | null;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly isInternal: boolean;
};

export type ChartView = {
  readonly shape: "bar" | "line" | "pie" | "scatter";
  readonly title: string;
  readonly labels: readonly string[];
  readonly series: readonly { readonly name: string; readonly values: readonly number[] }[];
};

export type PromptPartView = {
  readonly kind: "prompt";
  readonly promptId: string;
  readonly about:
    | {
        readonly subject: "tool";
        readonly name: string;
        readonly description: string;
        readonly args: JsonView;
      }
    | {
        readonly subject: "plan";
        readonly summary: string;
        readonly tasks: readonly { readonly [name: string]: JsonView }[];
      };
  readonly openedAt: number;
  readonly state: "open" | "confirmed" | "denied" | "dead";
  readonly deadBecause: "line-lost" | "turn-ended" | "timed-out" | "replayed" | null;
};

export type ControlPartView = {
  readonly kind: "control";
  readonly controlId: string;
  readonly action: "cancel-task" | "restart-task" | "cancel-plan" | "replan";
  readonly taskId: string | null;
  readonly said: "accepted" | "refused" | null;
  readonly outcome: "waiting" | "happened" | "nothing";
};

/** Words for `notice` and `failure` are found by their kinds; `words` are the server's own. */
export type NotePartView = {
  readonly kind: "note";
  readonly at: number;
  readonly note:
    | {
        readonly kind: "notice";
        readonly notice: string;
        readonly params: Readonly<Record<string, string | number>>;
      }
    | {
        readonly kind: "fault";
        readonly failure: string;
        readonly params: Readonly<Record<string, string | number>>;
        readonly words: string;
      };
};

export type PlanView = {
  readonly phase:
    | "planning"
    | "confirming"
    | "solving"
    | "aggregating"
    | "done"
    | "cancelled"
    | "declined"
    | "failed"
    | "lost";
  readonly question: string;
  readonly summary: string;
  readonly tasks: readonly {
    readonly taskId: string;
    readonly title: string;
    readonly draft: { readonly [name: string]: JsonView };
    readonly status: "planned" | "running" | "done" | "cancelled" | "failed" | "unknown";
    readonly startedAt: number | null;
    readonly endedAt: number | null;
    readonly summary: string;
    readonly output: JsonView;
    readonly agentName: string;
  }[];
  readonly aggregate: "none" | "running" | "done";
  readonly result: { readonly text: string | null; readonly output: JsonView } | null;
};

export type UsageView = {
  readonly calls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly isShared: boolean;
};
