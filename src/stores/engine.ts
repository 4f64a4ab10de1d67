import type { EngineCalls } from "#bridge/calls.ts";
import type { EngineEvent } from "#bridge/events.ts";

/** The worker as the stores know it: questions that are answered, and facts that come unasked. */
export interface Engine {
  readonly calls: EngineCalls;
  /** Adds a listener; the returned function removes it. */
  readonly onEvent: (listener: (event: EngineEvent) => void) => () => void;
}

/** What a screen needs to know about a question it asked. */
export type Progress<Failure> =
  | { readonly status: "idle" }
  | { readonly status: "busy" }
  | { readonly status: "failed"; readonly failure: Failure };
