/** What is on the wires of the plain servers, as far as their fakes look at it. Everything else stays unknown. */

/** A frame of a MyAgent client, with the members the server reads; what they hold is the client's affair. */
export type ClientFrame = {
  readonly event: string;
  readonly session_id?: string;
  readonly step_id?: string;
  readonly content?: unknown;
  readonly signed_state?: unknown;
  readonly last_event_id?: unknown;
  readonly last_seq?: unknown;
};

/** Members of a content that is an object. */
export type ClientContent = {
  readonly confirmed?: unknown;
  readonly tasks?: unknown;
  readonly task_id?: unknown;
  readonly question?: string;
  readonly last_event_id?: unknown;
  readonly last_seq?: unknown;
};

export const isObject = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The members of a content; none where it is no object. */
export const contentOf = (content: unknown): ClientContent => (isObject(content) ? content : {});

export type Task = { readonly id?: unknown; readonly title?: string; readonly objective?: string };

/** A state as the server signs it. */
export type SessionState = {
  readonly session_id: string;
  readonly current_step: number;
  readonly agent_state: string;
  readonly memory_snapshot: string;
  readonly metadata: { readonly session_state: "idle" | "running" };
};

/** A frame of a MyAgent server as it was recorded. */
export type RecordedFrame = {
  readonly event: string;
  readonly session_id?: string;
  readonly content?: unknown;
  readonly step_id?: string | null;
  readonly metadata?: { readonly [name: string]: unknown };
};

/** A line of a recording; which members it has follows from `dir`. */
export type TranscriptLine = {
  readonly t: number;
  readonly conn?: string;
  readonly dir: string;
  readonly frame?: unknown;
  readonly rest?: string;
};

/** A frame of a TPCLAW socket's client. */
export type SocketFrame = {
  readonly type: string;
  readonly agentId?: string;
  readonly sessionId?: string;
  readonly message?: string;
};

/** What a chat completion is asked with. */
export type CompletionRequest = {
  readonly model: string;
  readonly stream?: boolean;
  readonly sessionId?: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
};
