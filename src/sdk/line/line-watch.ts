/** Follows the line: words for its status, its measure, its end, and whether the agent is alone on it. */
import type { Clock } from "#base/clock.ts";
import type { ConnectionStatus, EndpointEvent } from "#peer/endpoint.ts";
import { HasheeError } from "../agent-error.ts";
import { errorOfFailure } from "../error-of-failure.ts";
import type { DedupeStore } from "../local/dedupe-store.ts";
import type { MetricsRecorder } from "../metrics.ts";
import { createStatusBoard, type StatusBoard } from "./connection-status.ts";
import type { ErrorBoard } from "./error-board.ts";

export interface LineWatch {
  readonly statuses: StatusBoard;
  /** Resolves when the first attempt to connect has succeeded or failed. */
  readonly attempted: Promise<void>;
  tell(status: ConnectionStatus): void;
  hear(event: EndpointEvent): void;
  /** The agent never came to a line and never will. */
  gaveUp(cause: unknown): void;
  /** Whether a message reaches one process once, as far as this process can know. */
  isExactlyOnce(): boolean;
}

/** Creates the watch. `print` writes a warning where people look for them. */
export function createLineWatch(parts: {
  readonly clock: Clock;
  readonly errors: ErrorBoard;
  readonly metrics: MetricsRecorder;
  readonly dedupe: DedupeStore;
  /** Takes no messages: how many serve the agent is not its business. */
  readonly asGuest: boolean;
  readonly print: (line: string) => void;
}): LineWatch {
  const { errors, metrics, dedupe } = parts;
  const statuses = createStatusBoard((run) => runSafely(run, errors));
  const attempt = Promise.withResolvers<void>();
  let processes = 1;
  let hasWarned = false;

  const tell = (status: ConnectionStatus): void => {
    metrics.connected(status.status === "online");
    if (status.status === "online") noticeProcesses(status.connections);
    statuses.tell(status);
    if (["online", "waiting", "stopped"].includes(status.status)) attempt.resolve();
  };

  /** Whether every process that the relay counts works on the same claims. */
  const shareClaims = (): boolean => {
    if (dedupe.reach === "shared" || processes <= 1) return true;
    return dedupe.reach === "local" && processes <= (dedupe.sharers?.() ?? 1);
  };

  const noticeProcesses = (connections: number): void => {
    processes = connections;
    if (parts.asGuest || hasWarned || shareClaims()) return;
    hasWarned = true;
    parts.print(
      "[hashee] several processes serve this agent without a shared dedupe store: after a failure two of them may get the same message",
    );
  };

  const stopped = (error: HasheeError): void => {
    errors.tell(error);
    tell({ status: "stopped", because: error.code, fatal: error.fatal });
  };

  return {
    statuses,
    attempted: attempt.promise,
    tell,
    hear(event) {
      if (event.type === "status") tell(event.status);
      // What passes is retried below; only what never will is anybody's business.
      else if (event.type === "error" && event.fatal)
        errors.tell(errorOfFailure(event.failure, true));
    },
    gaveUp: (cause) =>
      stopped(
        cause instanceof HasheeError ? cause : new HasheeError("INTERNAL", { cause, fatal: true }),
      ),
    isExactlyOnce: () => dedupe.reach !== "memory" && shareClaims(),
  };
}

function runSafely(run: () => unknown, errors: ErrorBoard): void {
  const failed = (cause: unknown): void =>
    errors.tell(new HasheeError("HANDLER_FAILED", { cause }));
  try {
    void Promise.resolve(run()).catch(failed);
  } catch (cause) {
    failed(cause);
  }
}
