/**
 * What crosses between page and worker: calls with ids, their answers, aborts and events. Knows no product word.
 * Any pair that can post and hear messages will do: a worker, a MessagePort, a channel between tabs. SPEC §port.
 */
import type { Result } from "#base/result.ts";
import type { BridgeFailure } from "./failure.ts";

/** The three members of a MessagePort, Worker or BroadcastChannel that the bridge uses. */
export interface BridgePort {
  postMessage(message: unknown): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  removeEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  /** MessagePorts hear nothing until started. */
  start?(): void;
}

/** Page to worker. */
export type PageMessage =
  | { readonly type: "hello" }
  | {
      readonly type: "call";
      readonly id: number;
      readonly name: string;
      readonly input: unknown;
    }
  | { readonly type: "abort"; readonly id: number };

/** Worker to page. `gone` is its last word. */
export type WorkerMessage<Event> =
  | { readonly type: "ready" }
  | {
      readonly type: "answer";
      readonly id: number;
      readonly result: Result<unknown, BridgeFailure>;
    }
  | { readonly type: "event"; readonly event: Event }
  | { readonly type: "gone" };

/** What a caller may add to any call. */
export type CallOptions = { readonly signal?: AbortSignal };

/** Listens until the returned function is called. */
export function listenTo(port: BridgePort, hear: (message: unknown) => void): () => void {
  const listener = (event: { readonly data: unknown }): void => hear(event.data);
  port.addEventListener("message", listener);
  port.start?.();
  return () => port.removeEventListener("message", listener);
}

/** Whether a message has a `type` at all; other traffic on a shared port is not ours. */
export const isTyped = (message: unknown): message is { readonly type: unknown } =>
  typeof message === "object" && message !== null && "type" in message;
