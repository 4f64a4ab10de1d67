/** Sockets of sessions that are over, wherever they were ended. */
import { unreachable } from "#base/invariant.ts";
import { CLOSE } from "#protocol/close-codes.ts";
import type { BusMessage } from "../bus/bus.ts";
import type { EndedSessions } from "../bus/bus-message.ts";
import type { Principal } from "./connection.ts";
import type { Sockets } from "./sockets.ts";

export function endSockets(
  sockets: Sockets,
  { account, ended, reason }: Extract<BusMessage, { kind: "sessions-ended" }>,
): void {
  for (const connection of sockets.roster.of(account)) {
    const { principal } = connection;
    if (principal?.type !== "human" || !isOver(principal, ended)) continue;
    sockets.send(connection, { type: "session.invalidated", reason });
    sockets.close(connection, CLOSE.sessionInvalidated);
  }
}

function isOver(
  { sessionId, endpointId }: Extract<Principal, { type: "human" }>,
  ended: EndedSessions,
): boolean {
  switch (ended.which) {
    case "all":
      return true;
    case "one":
      return sessionId === ended.sessionId;
    case "others":
      return sessionId !== ended.sessionId;
    case "device":
      return endpointId === ended.deviceId;
    default:
      return unreachable(ended);
  }
}
