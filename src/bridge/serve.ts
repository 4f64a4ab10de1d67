/**
 * The worker's end of the bridge: answers calls, passes aborts on, tells events.
 * Calls are heard from the first moment and wait until there is something to answer them. SPEC §port.
 */
import { err, type Result } from "#base/result.ts";
import { isCallName } from "./call-names.ts";
import type { EngineCalls } from "./calls.ts";
import type { EngineEvent } from "./events.ts";
import type { BridgeFailure } from "./failure.ts";
import {
  isTyped,
  listenTo,
  type BridgePort,
  type CallOptions,
  type PageMessage,
  type WorkerMessage,
} from "./port.ts";

/** One served page. */
export interface BridgeServer {
  emit(event: EngineEvent): void;
  /** Stops listening, aborts what runs and tells the page that nobody answers here any more. */
  close(): void;
}

type AnyCall = (input: unknown, options: CallOptions) => Promise<Result<unknown, BridgeFailure>>;

/**
 * Serves one page.
 *
 * `target` is asked at each call: it may be another engine after a take-over, and a call waits while it is pending.
 * `onFault` hears what a call threw; the page gets `bridge/fault` and no detail.
 */
export function serve(
  port: BridgePort,
  target: () => Promise<EngineCalls>,
  onFault: (error: unknown, call: string) => void,
): BridgeServer {
  const running = new Map<number, AbortController>();
  const post = (message: WorkerMessage<EngineEvent>): void => port.postMessage(message);

  const answer = async (id: number, name: unknown, input: unknown): Promise<void> => {
    const abort = new AbortController();
    running.set(id, abort);
    const result = await run(name, input, abort.signal);
    // After close or abort nobody waits for this id.
    if (running.delete(id)) post({ type: "answer", id, result });
  };
  const run = async (
    name: unknown,
    input: unknown,
    signal: AbortSignal,
  ): Promise<Result<unknown, BridgeFailure>> => {
    if (!isCallName(name)) return err({ kind: "bridge/unknown-call" });
    try {
      const calls = await target();
      if (signal.aborted) return err({ kind: "bridge/cancelled" });
      const call = calls[name].bind(calls) as AnyCall;
      return await call(input, { signal });
    } catch (error) {
      onFault(error, name);
      return err({ kind: "bridge/fault" });
    }
  };

  const stop = listenTo(port, (message) => {
    if (!isTyped(message)) return;
    const heard = message as PageMessage;
    switch (heard.type) {
      case "hello":
        return post({ type: "ready" });
      case "call":
        return void answer(heard.id, heard.name, heard.input);
      case "abort": {
        running.get(heard.id)?.abort();
        running.delete(heard.id);
      }
    }
  });
  post({ type: "ready" });
  return {
    emit: (event) => post({ type: "event", event }),
    close() {
      stop();
      for (const abort of running.values()) abort.abort();
      running.clear();
      post({ type: "gone" });
    },
  };
}
