/** The line to the relay as pages see it: online, on its way, offline, or refused for good. */
import type { ConnectionView } from "#bridge/views.ts";
import type { ConnectionStatus } from "#peer/endpoint.ts";
import type { Book } from "./conversations/book.ts";
import type { SessionSinks } from "./session.ts";

/** Keeps the line's state and tells it. What a removal of this device shuts is drawn anew everywhere. */
export function keepLine(sinks: SessionSinks, book: () => Book) {
  let connection: ConnectionView = { status: "connecting", since: null, retryAt: null };
  return {
    view: () => connection,
    become(next: ConnectionView): void {
      const wasRemoved = isRemoved(connection);
      connection = next;
      sinks.emit({ type: "connection", connection });
      if (wasRemoved === isRemoved(connection)) return;
      for (const { id } of book().list()) {
        book().touch(id);
        sinks.redraw(id);
      }
    },
  };
}

export const isRemoved = (connection: ConnectionView): boolean =>
  connection.status === "refused" && connection.reason === "device-removed";

/** The relay ended the session for this reason. */
export const viewEnd = (reason: string): ConnectionView => ({
  status: "refused",
  reason: reason === REMOVED ? "device-removed" : "session-invalidated",
});

/** The relay's word for it, in the frame that ends the session. */
const REMOVED = "device_removed";

function reasonOf(because: string): Extract<ConnectionView, { status: "refused" }>["reason"] {
  // A device that is one of the account's can always sign in by its key.
  if (because.includes("UNAUTHENTICATED") || because.includes("peer/unauthenticated"))
    return "device-removed";
  if (because.includes("BLOCKED")) return "blocked";
  return because.includes("UNSUPPORTED") ? "unsupported-version" : "session-invalidated";
}

/** What the endpoint says of its line, after `before`; `now` in Unix milliseconds. */
export function viewStatus(
  status: ConnectionStatus,
  before: ConnectionView,
  now: number,
): ConnectionView {
  const since =
    before.status === "offline" ? before.since : "since" in before ? before.since : null;
  switch (status.status) {
    case "online":
      return { status: "online" };
    case "idle":
    case "connecting":
    case "authenticating":
      return { status: "connecting", since, retryAt: null };
    case "waiting":
      return { status: "connecting", since: since ?? status.since, retryAt: status.retryAt };
    case "stopped":
      if (before.status === "refused") return before;
      return status.fatal
        ? { status: "refused", reason: reasonOf(status.because) }
        : { status: "offline", since: since ?? now };
  }
}
