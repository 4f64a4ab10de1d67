/**
 * The page's end of the bridge: every call becomes a message with an id and a promise of its answer.
 * A far end that is gone fails what is pending and everything after it, so that no screen waits for ever. SPEC §port.
 */
import { createEmitter } from "#base/emitter.ts";
import { err, type Result } from "#base/result.ts";
import { CALL_NAMES } from "./call-names.ts";
import type { CallName, EngineCalls } from "./calls.ts";
import type { EngineEvent } from "./events.ts";
import type { BridgeFailure } from "./failure.ts";
import {
  isTyped,
  listenTo,
  type BridgePort,
  type CallOptions,
  type WorkerMessage,
} from "./port.ts";

/** {@link EngineCalls} with a signal for callers who may lose interest: `calls.search(input, { signal })`. */
export type CancellableCalls = {
  readonly [Name in CallName]: Parameters<EngineCalls[Name]> extends []
    ? (input?: undefined, options?: CallOptions) => ReturnType<EngineCalls[Name]>
    : (
        input: Parameters<EngineCalls[Name]>[0],
        options?: CallOptions,
      ) => ReturnType<EngineCalls[Name]>;
};

/** One connected engine. */
export interface BridgeClient {
  readonly calls: CancellableCalls;
  /** Adds a listener; the returned function removes it. */
  onEvent(listener: (event: EngineEvent) => void): () => void;
  /** The far end said goodbye or was found dead. */
  onGone(listener: () => void): () => void;
  /** Tells the client that the far end is dead: for the page's `worker.onerror`. */
  fail(): void;
  close(): void;
}

type Pending = {
  readonly name: CallName;
  readonly input: unknown;
  readonly settle: (result: Result<unknown, BridgeFailure>) => void;
};

/**
 * Connects to an engine behind `port`.
 *
 * Calls fail with what the engine answers, and with `bridge/gone` (the far end died) or the kind that is to be said
 * instead, `bridge/cancelled` (the signal aborted) and `bridge/fault` (a bug in the engine).
 */
export function connect(
  port: BridgePort,
  { kind: goneKind }: BridgeFailure = { kind: "bridge/gone" },
): BridgeClient {
  const events = createEmitter<EngineEvent>();
  const gone = createEmitter<null>();
  const pendingById = new Map<number, Pending>();
  let nextId = 1;
  // Messages to an end that does not listen yet may be lost (tabs), so calls wait for its first word.
  let status: "waiting" | "ready" | "gone" = "waiting";

  const finish = (id: number, result: Result<unknown, BridgeFailure>): void => {
    const pending = pendingById.get(id);
    pendingById.delete(id);
    pending?.settle(result);
  };
  const leave = (): void => {
    if (status === "gone") return;
    status = "gone";
    stop();
    for (const id of [...pendingById.keys()]) finish(id, err({ kind: goneKind }));
    gone.emit(null);
  };
  const post = (id: number, { name, input }: Pending): void =>
    port.postMessage({ type: "call", id, name, input });

  const call = (
    name: CallName,
    input: unknown,
    options?: CallOptions,
  ): Promise<Result<unknown, BridgeFailure>> => {
    const signal = options?.signal;
    if (status === "gone") return Promise.resolve(err({ kind: goneKind }));
    if (signal?.aborted === true) return Promise.resolve(err({ kind: "bridge/cancelled" }));
    const id = nextId++;
    return new Promise((resolve) => {
      const abort = (): void => {
        if (status === "ready") port.postMessage({ type: "abort", id });
        finish(id, err({ kind: "bridge/cancelled" }));
      };
      const settle = (result: Result<unknown, BridgeFailure>): void => {
        signal?.removeEventListener("abort", abort);
        resolve(result);
      };
      const pending = { name, input, settle };
      pendingById.set(id, pending);
      signal?.addEventListener("abort", abort, { once: true });
      if (status === "ready") post(id, pending);
    });
  };

  const stop = listenTo(port, (message) => {
    if (!isTyped(message)) return;
    const heard = message as WorkerMessage<EngineEvent>;
    switch (heard.type) {
      case "ready": {
        if (status !== "waiting") return;
        status = "ready";
        for (const [id, pending] of pendingById) post(id, pending);
        return;
      }
      case "answer":
        return finish(heard.id, heard.result);
      case "event":
        return events.emit(heard.event);
      case "gone":
        return leave();
    }
  });
  port.postMessage({ type: "hello" });

  const calls = Object.fromEntries(
    CALL_NAMES.map((name) => [
      name,
      (input?: unknown, options?: CallOptions) => call(name, input, options),
    ]),
  );
  return {
    calls: calls as unknown as CancellableCalls,
    onEvent: (listener) => events.on(listener),
    onGone: (listener) => gone.on(listener),
    fail: leave,
    close: leave,
  };
}
