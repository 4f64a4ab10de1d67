/**
 * The only list of WebSocket close codes: what each means and what the endpoint does about it.
 * The reason text is the name, optionally followed by ` retry_after=<seconds>`. SPEC P151.
 */

/**
 * stop: the close was wanted. retry: reconnect with back-off. refresh: get a new access token, then retry.
 * wait: retry after `retry_after`, or the code's own least wait. fatal: do not reconnect by yourself.
 */
export type CloseAction = "stop" | "retry" | "refresh" | "wait" | "fatal";

export type CloseCode = {
  readonly code: number;
  readonly name: string;
  readonly action: CloseAction;
  /** Least wait before the next try, where the code asks for one. */
  readonly leastWaitMs: number;
};

const code = (number: number, name: string, action: CloseAction, leastWaitMs = 0): CloseCode => ({
  code: number,
  name,
  action,
  leastWaitMs,
});

export const CLOSE = {
  normal: code(1000, "NORMAL", "stop"),
  goingAway: code(1001, "GOING_AWAY", "retry"),
  lost: code(1006, "LOST", "retry"),
  internal: code(1011, "INTERNAL", "retry"),
  /** Three within a minute are fatal: the two sides do not speak the same language. */
  protocolError: code(4000, "PROTOCOL_ERROR", "retry"),
  authTimeout: code(4001, "AUTH_TIMEOUT", "retry"),
  /** A human refreshes once; for an agent this is fatal, its token has no second form. */
  authFailed: code(4002, "AUTH_FAILED", "refresh"),
  authExpired: code(4003, "AUTH_EXPIRED", "refresh"),
  notFound: code(4004, "NOT_FOUND", "fatal"),
  heartbeatTimeout: code(4005, "HEARTBEAT_TIMEOUT", "retry"),
  sessionInvalidated: code(4006, "SESSION_INVALIDATED", "fatal"),
  blocked: code(4007, "BLOCKED", "fatal"),
  evicted: code(4008, "EVICTED", "wait", 30_000),
  /** The frame that was too large is failed, never repeated. */
  frameTooLarge: code(4009, "FRAME_TOO_LARGE", "retry"),
  flooding: code(4010, "FLOODING", "wait", 30_000),
  slowConsumer: code(4011, "SLOW_CONSUMER", "retry"),
  modeChanged: code(4012, "MODE_CHANGED", "fatal"),
  replaced: code(4013, "REPLACED", "stop"),
  restarting: code(4014, "RESTARTING", "wait"),
  unsupportedProtocol: code(4015, "UNSUPPORTED_PROTOCOL", "fatal"),
} as const satisfies Record<string, CloseCode>;

const closeByCode = new Map<number, CloseCode>(
  Object.values(CLOSE).map((entry) => [entry.code, entry]),
);

/** What an endpoint does after a close; a code nobody knows means retry with back-off. */
export function closeOf(number: number): CloseCode {
  return closeByCode.get(number) ?? code(number, "UNKNOWN", "retry");
}

/** The reason text of a close. */
export const closeReason = (entry: CloseCode, retryAfterS?: number): string =>
  retryAfterS === undefined ? entry.name : `${entry.name} retry_after=${retryAfterS}`;

/** Milliseconds named by ` retry_after=<seconds>` in a close reason, or null; capped at one hour. */
export function retryAfterMs(reason: string): number | null {
  const match = / retry_after=(\d{1,6})$/.exec(reason);
  return match === null ? null : Math.min(Number(match[1]) * 1_000, 3_600_000);
}
