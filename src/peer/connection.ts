/**
 * One line to the relay, kept alive: token, socket, auth, heartbeat, back-off. The table says which state follows
 * which; every effect is in `enter`. Frames mean nothing here but those of the line itself. SPEC E1–E9.
 */
import { backoffDelayMs } from "#base/backoff.ts";
import type { Clock } from "#base/clock.ts";
import { createEmitter } from "#base/emitter.ts";
import { assert } from "#base/invariant.ts";
import type { Log } from "#base/log.ts";
import type { RandomBytes } from "#base/random.ts";
import { CLOSE, closeOf, retryAfterMs, type CloseCode } from "#protocol/close-codes.ts";
import type { EndpointFrame } from "#protocol/endpoint-frame.ts";
import { encodeFrame, parseRelayFrame } from "#protocol/frame.ts";
import type { AgentId } from "#protocol/ids.ts";
import { AUTH_TIMEOUT_MS, PING_INTERVAL_MS, SILENCE_LIMIT_MS } from "#protocol/limits.ts";
import type { RelayFrame, RelayFrameOf } from "#protocol/relay-frame.ts";
import { PROTOCOL } from "#protocol/version.ts";
import type { ConnectionStatus } from "./endpoint.ts";
import type { PeerFailure } from "./failure.ts";
import type { Tokens } from "./rest.ts";
import type { OpenSocket, Socket } from "./socket.ts";

type State = ConnectionStatus["status"];
type Signal = "start" | "opened" | "accepted" | "lost" | "due" | "stop";

/** Which state follows which; what is not named here does not happen. */
const NEXT: Readonly<Record<State, Partial<Readonly<Record<Signal, State>>>>> = {
  idle: { start: "connecting", stop: "stopped" },
  connecting: { opened: "authenticating", lost: "waiting", stop: "stopped" },
  authenticating: { accepted: "online", lost: "waiting", stop: "stopped" },
  online: { lost: "waiting", stop: "stopped" },
  waiting: { due: "connecting", stop: "stopped" },
  stopped: { start: "connecting" },
};

export type ConnectionEvent =
  | { readonly type: "status"; readonly status: ConnectionStatus }
  | { readonly type: "online"; readonly auth: RelayFrameOf<"auth.ok"> }
  | { readonly type: "frame"; readonly frame: RelayFrame }
  | { readonly type: "lost" }
  | { readonly type: "evicted" }
  | { readonly type: "failed"; readonly failure: PeerFailure };

export interface Connection {
  on(listener: (event: ConnectionEvent) => void): () => void;
  status(): ConnectionStatus;
  start(): void;
  /** Closes the line with 1000; it stays closed until the next start. */
  stop(): void;
  /** One try at once while waiting; never more than 12 tries a minute. */
  nudge(): void;
  /** Whether the frame left; false unless online. */
  send(frame: EndpointFrame): boolean;
}

export type ConnectionOptions = {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly openSocket: OpenSocket;
  /** `ws:` or `wss:` address with path. */
  readonly url: string;
  /** Null for a person's device. */
  readonly agentId: AgentId | null;
  readonly tokens: Tokens;
  /** Names this process, so that it replaces its own dead socket. */
  readonly connectionHint: string;
};

/** A socket that has neither opened nor failed by then is given up. */
const OPEN_WITHIN_MS = 15_000;
const MINUTE_MS = 60_000;
const MAX_TRIES_A_MINUTE = 12;
const MAX_PROTOCOL_ERRORS_A_MINUTE = 3;

/** Creates a connection that is idle until started. */
export function createConnection(options: ConnectionOptions): Connection {
  const { clock, random, log } = options;
  const events = createEmitter<ConnectionEvent>();
  let status: ConnectionStatus = { status: "idle" };
  let socket: Socket | null = null;
  let stopTimer = () => {};
  let stopHeartbeat = () => {};
  /** Tries since the last success; chooses the back-off. */
  let tries = 0;
  let isTokenSuspect = false;
  let lastSentAt = 0;
  let lastHeardAt = 0;
  const triedAt: number[] = [];
  const protocolErrorsAt: number[] = [];

  const enter = (signal: Signal, next: ConnectionStatus): boolean => {
    if (NEXT[status.status][signal] !== next.status) return false;
    stopTimer();
    stopTimer = () => {};
    status = next;
    events.emit({ type: "status", status });
    return true;
  };

  const dropSocket = (code: CloseCode): void => {
    stopHeartbeat();
    const dropped = socket;
    socket = null;
    if (dropped === null) return;
    dropped.onopen = null;
    dropped.onmessage = null;
    dropped.onclose = null;
    // A browser lets a page close with 1000 and 3000–4999 only.
    dropped.close(code.code >= 4_000 ? code.code : CLOSE.normal.code, code.name);
  };

  const stopFor = (because: string, failure: PeerFailure | null): void => {
    const wasOnline = status.status === "online";
    dropSocket(CLOSE.normal);
    enter("stop", { status: "stopped", because, fatal: failure !== null });
    if (wasOnline) events.emit({ type: "lost" });
    if (failure !== null) events.emit({ type: "failed", failure });
  };

  const waitFor = (because: string, leastMs: number): void => {
    const wasOnline = status.status === "online";
    const now = clock.now();
    const delayMs = Math.max(leastMs, backoffDelayMs(tries, random), untilTryAllowed(triedAt, now));
    const waiting = { status: "waiting", since: now, retryAt: now + delayMs, because } as const;
    if (!enter("lost", waiting)) return;
    tries += 1;
    stopTimer = clock.after(delayMs, connect);
    if (wasOnline) events.emit({ type: "lost" });
  };

  const lose = (close: CloseCode, reason: string): void => {
    dropSocket(close);
    log.info("peer.line-lost", { code: close.code });
    const failure = fatalFailure(close, options.agentId !== null || isTokenSuspect);
    if (failure !== null) return stopFor(close.name, failure);
    if (close === CLOSE.protocolError && isThirdInAMinute(protocolErrorsAt, clock.now())) {
      return stopFor(close.name, { kind: "peer/refused", code: close.name });
    }
    if (close.action === "stop" && close !== CLOSE.normal) return stopFor(close.name, null);
    if (close.action === "refresh") isTokenSuspect = true;
    if (close === CLOSE.evicted) events.emit({ type: "evicted" });
    const asked = retryAfterMs(reason) ?? 0;
    const leastMs = close.action === "wait" ? Math.max(asked, close.leastWaitMs) : asked;
    // Spread out, or all who were sent away together come back together.
    waitFor(close.name, leastMs * (1 + fractionOf(random)));
  };

  const hear = (data: unknown): void => {
    lastHeardAt = clock.now();
    const parsed = typeof data === "string" ? parseRelayFrame(data) : null;
    if (parsed === null) return lose(CLOSE.protocolError, "");
    if (!parsed.ok) {
      if (
        parsed.failure.kind === "protocol/unknown-frame" ||
        parsed.failure.kind === "protocol/bad-shape"
      ) {
        log.warn("peer.frame-ignored", { kind: parsed.failure.kind });
        return;
      }
      return lose(CLOSE.protocolError, "");
    }
    const frame = parsed.value;
    if (status.status === "authenticating") {
      if (frame.type === "auth.ok") accept(frame);
      return;
    }
    if (status.status === "online") hearOnline(frame);
  };

  const accept = (auth: RelayFrameOf<"auth.ok">): void => {
    tries = 0;
    isTokenSuspect = false;
    const connectionId = auth.connection_id ?? "";
    if (!enter("accepted", { status: "online", connectionId, connections: 1 })) return;
    beat();
    events.emit({ type: "online", auth });
  };

  const hearOnline = (frame: RelayFrame): void => {
    if (frame.type === "pong" || frame.type === "auth.ok") return;
    if (frame.type === "auth.expiring") {
      void renew();
      return;
    }
    if (frame.type === "agent.assignment" && status.status === "online") {
      status = { ...status, connections: frame.connections };
      events.emit({ type: "status", status });
    }
    if (frame.type === "session.invalidated") {
      return stopFor("SESSION_INVALIDATED", {
        kind: "peer/session-invalidated",
        reason: frame.reason,
      });
    }
    events.emit({ type: "frame", frame });
  };

  const renew = async (): Promise<void> => {
    const token = await options.tokens.token(true);
    if (token.ok) write({ type: "auth.renew", access_token: token.value });
    else log.warn("peer.renew-failed", { kind: token.failure.kind });
  };

  const write = (frame: EndpointFrame): void => {
    lastSentAt = clock.now();
    socket?.send(encodeFrame(frame));
  };

  // Timers of a sleeping laptop fire late: silence is measured, not counted.
  const beat = (): void => {
    stopHeartbeat = clock.after(PING_INTERVAL_MS / 3, () => {
      const now = clock.now();
      if (now - lastHeardAt >= SILENCE_LIMIT_MS) return lose(CLOSE.heartbeatTimeout, "");
      if (now - lastSentAt >= PING_INTERVAL_MS) write({ type: "ping", t: now });
      beat();
    });
  };

  const connect = (): void => {
    if (!enter(status.status === "waiting" ? "due" : "start", { status: "connecting", tries }))
      return;
    triedAt.push(clock.now());
    stopTimer = clock.after(OPEN_WITHIN_MS, () => lose(CLOSE.lost, ""));
    void open();
  };

  const open = async (): Promise<void> => {
    const opening = status;
    const token = await options.tokens.token(isTokenSuspect);
    if (status !== opening) return;
    if (!token.ok) {
      return isFinal(token.failure)
        ? stopFor(token.failure.kind, token.failure)
        : waitFor(token.failure.kind, retryAfterOf(token.failure));
    }
    const opened = options.openSocket(options.url);
    socket = opened;
    opened.onopen = () => {
      enter("opened", { status: "authenticating" });
      stopTimer = clock.after(2 * AUTH_TIMEOUT_MS, () => lose(CLOSE.authTimeout, ""));
      write({
        type: "auth",
        token: token.value,
        protocol: PROTOCOL,
        connection_hint: options.connectionHint,
        ...(options.agentId === null ? {} : { agent_id: options.agentId }),
      });
    };
    opened.onmessage = ({ data }) => hear(data);
    opened.onclose = ({ code, reason }) => lose(closeOf(code), reason);
  };

  return {
    on: (listener) => events.on(listener),
    status: () => status,
    start() {
      tries = 0;
      connect();
    },
    stop: () => stopFor("closed", null),
    nudge() {
      if (status.status === "waiting" && untilTryAllowed(triedAt, clock.now()) === 0) connect();
    },
    send(frame) {
      if (status.status !== "online" || socket === null) return false;
      assert(frame.type !== "auth", "the line signs in by itself");
      write(frame);
      return true;
    },
  };
}

/** What ends the line for good; null while another try makes sense. */
function fatalFailure(close: CloseCode, wasRefreshed: boolean): PeerFailure | null {
  if (close === CLOSE.sessionInvalidated)
    return { kind: "peer/session-invalidated", reason: close.name };
  if (close === CLOSE.notFound) return { kind: "peer/not-found" };
  if (close === CLOSE.blocked) return { kind: "peer/blocked" };
  if (close.action === "fatal") return { kind: "peer/refused", code: close.name };
  // A device gets one more try with a fresh token; an agent's token has no second form.
  if (close === CLOSE.authFailed && wasRefreshed)
    return { kind: "peer/unauthenticated", reason: close.name };
  return null;
}

const isFinal = (failure: PeerFailure): boolean =>
  failure.kind === "peer/unauthenticated" ||
  failure.kind === "peer/session-invalidated" ||
  failure.kind === "peer/not-found";

const retryAfterOf = (failure: PeerFailure): number =>
  "retryAfterMs" in failure ? (failure.retryAfterMs ?? 0) : 0;

function untilTryAllowed(triedAt: number[], now: number): number {
  while (triedAt[0] !== undefined && triedAt[0] <= now - MINUTE_MS) triedAt.shift();
  const oldest = triedAt[triedAt.length - MAX_TRIES_A_MINUTE];
  return oldest === undefined ? 0 : oldest + MINUTE_MS - now;
}

function isThirdInAMinute(times: number[], now: number): boolean {
  times.push(now);
  return times.filter((at) => at > now - MINUTE_MS).length >= MAX_PROTOCOL_ERRORS_A_MINUTE;
}

const fractionOf = (random: RandomBytes): number => (random(1)[0] ?? 0) / 255;
