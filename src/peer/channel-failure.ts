/**
 * What can go wrong between us and an agent, as plain data. The server's words travel beside a failure, never in it.
 */

/** Guesses at why an address does not answer, likeliest first; a browser does not say which it is. */
export type UnreachableCause =
  | "server-down"
  | "wrong-path"
  | "cross-origin-refused"
  | "mixed-content"
  | "private-network"
  | "certificate"
  /** The page itself was served with a list of addresses it may speak to. */
  | "page-policy";

export type ChannelFailure =
  // Answers to a command.
  | { readonly kind: "peer/offline" }
  | { readonly kind: "peer/closed" }
  /** This kind of channel, or this server, cannot do it. */
  | { readonly kind: "peer/not-supported"; readonly command: string }
  | { readonly kind: "peer/empty-text" }
  /** Over the server's frame limit: sending it would end the connection. */
  | { readonly kind: "peer/too-large"; readonly limit: number }
  | { readonly kind: "peer/unknown-prompt" }
  /** No queued turn has this id, or it has been used before. */
  | { readonly kind: "peer/unknown-turn" }
  /** There is nothing running that this could act on. */
  | { readonly kind: "peer/no-open-turn" }
  /** It has to wait until the open turn has ended. */
  | { readonly kind: "peer/turn-open" }

  // Told by facts.
  /** Nothing answers at the address. */
  | { readonly kind: "peer/unreachable"; readonly causes: readonly UnreachableCause[] }
  /** The line went in mid-turn. */
  | { readonly kind: "peer/line-lost"; readonly code: number | null }
  /** The server wants a key or another one. */
  | { readonly kind: "peer/unauthorized" }
  | { readonly kind: "peer/http-status"; readonly status: number }
  /** The server gives no session. */
  | { readonly kind: "peer/session-refused" }
  /** The server did not take a request; what runs, runs on. */
  | {
      readonly kind: "peer/request-refused";
      readonly because: "busy" | "not-supported" | "bad-request" | "other";
    }
  /** The agent failed and the turn with it. */
  | { readonly kind: "peer/agent-failed" }
  /** The agent's streamed summary failed; the turn goes on. */
  | { readonly kind: "peer/summary-failed" }
  /** Tasks the server could not read. */
  | { readonly kind: "peer/tasks-refused" }
  /** The stream ended without its end. */
  | { readonly kind: "peer/cut-short" }
  /** The server only reports activity here and takes no chat. */
  | { readonly kind: "peer/no-chat-here" }
  /** A frame of the server over our own limit was dropped. */
  | { readonly kind: "peer/frame-too-large"; readonly limit: number };
