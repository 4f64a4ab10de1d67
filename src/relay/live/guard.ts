/** What fails under one socket (a damaged page, a bug of ours) ends that socket, never the relay. SPEC S17. */
import type { Log } from "#base/log.ts";
import { CLOSE } from "#protocol/close-codes.ts";
import { factsOf } from "../json-log.ts";
import type { Connection } from "./connection.ts";
import type { Sockets } from "./sockets.ts";

/** Runs a task for a socket, now or over time. */
export type Guard = (connection: Connection, task: () => Promise<unknown> | void) => void;

export function createGuard(sockets: Sockets, events: Log): Guard {
  const fail = (connection: Connection, fault: unknown): void => {
    events.error("socket.failed", factsOf(fault));
    sockets.close(connection, CLOSE.internal);
  };
  return (connection, task) => {
    try {
      task()?.catch((fault: unknown) => fail(connection, fault));
    } catch (fault) {
      fail(connection, fault);
    }
  };
}
