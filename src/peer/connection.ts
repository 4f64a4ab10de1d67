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
export const createConnection = (options: ConnectionOptions): Connection => new Line(options);

class Line implements Connection {
  readonly #options: ConnectionOptions;
  readonly #clock: ConnectionOptions["clock"];
  readonly #random: ConnectionOptions["random"];
  readonly #log: ConnectionOptions["log"];
  readonly #events = createEmitter<ConnectionEvent>();
  #status: ConnectionStatus = { status: "idle" };
  #socket: Socket | null = null;
  #stopTimer = () => {};
  #stopHeartbeat = () => {};
  /** Tries since the last success; chooses the back-off. */
  #tries = 0;
  #isTokenSuspect = false;
  #lastSentAt = 0;
  #lastHeardAt = 0;
  readonly #triedAt: number[] = [];
  readonly #protocolErrorsAt: number[] = [];

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#log = options.log;
  }

  on(listener: (event: ConnectionEvent) => void): () => void {
    return this.#events.on(listener);
  }

  status(): ConnectionStatus {
    return this.#status;
  }

  start(): void {
    this.#tries = 0;
    this.#connect();
  }

  stop(): void {
    this.#stopFor("closed", null);
  }

  nudge(): void {
    if (
      this.#status.status === "waiting" &&
      untilTryAllowed(this.#triedAt, this.#clock.now()) === 0
    )
      this.#connect();
  }

  send(frame: EndpointFrame): boolean {
    if (this.#status.status !== "online" || this.#socket === null) return false;
    assert(frame.type !== "auth", "the line signs in by itself");
    this.#write(frame);
    return true;
  }

  #enter(signal: Signal, next: ConnectionStatus): boolean {
    if (NEXT[this.#status.status][signal] !== next.status) return false;
    this.#stopTimer();
    this.#stopTimer = () => {};
    this.#status = next;
    this.#events.emit({ type: "status", status: this.#status });
    return true;
  }

  #dropSocket(code: CloseCode): void {
    this.#stopHeartbeat();
    const dropped = this.#socket;
    this.#socket = null;
    if (dropped === null) return;
    dropped.onopen = null;
    dropped.onmessage = null;
    dropped.onclose = null;
    // A browser lets a page close with 1000 and 3000–4999 only.
    dropped.close(code.code >= 4_000 ? code.code : CLOSE.normal.code, code.name);
  }

  #stopFor(because: string, failure: PeerFailure | null): void {
    const wasOnline = this.#status.status === "online";
    this.#dropSocket(CLOSE.normal);
    this.#enter("stop", { status: "stopped", because, fatal: failure !== null });
    if (wasOnline) this.#events.emit({ type: "lost" });
    if (failure !== null) this.#events.emit({ type: "failed", failure });
  }

  #waitFor(because: string, leastMs: number): void {
    const wasOnline = this.#status.status === "online";
    const now = this.#clock.now();
    const delayMs = Math.max(
      leastMs,
      backoffDelayMs(this.#tries, this.#random),
      untilTryAllowed(this.#triedAt, now),
    );
    const waiting = { status: "waiting", since: now, retryAt: now + delayMs, because } as const;
    if (!this.#enter("lost", waiting)) return;
    this.#tries += 1;
    this.#stopTimer = this.#clock.after(delayMs, () => this.#connect());
    if (wasOnline) this.#events.emit({ type: "lost" });
  }

  #lose(close: CloseCode, reason: string): void {
    this.#dropSocket(close);
    this.#log.info("peer.line-lost", { code: close.code });
    const failure = fatalFailure(close, this.#options.agentId !== null || this.#isTokenSuspect);
    if (failure !== null) return this.#stopFor(close.name, failure);
    if (
      close === CLOSE.protocolError &&
      isThirdInAMinute(this.#protocolErrorsAt, this.#clock.now())
    ) {
      return this.#stopFor(close.name, { kind: "peer/refused", code: close.name });
    }
    if (close.action === "stop" && close !== CLOSE.normal) return this.#stopFor(close.name, null);
    if (close.action === "refresh") this.#isTokenSuspect = true;
    if (close === CLOSE.evicted) this.#events.emit({ type: "evicted" });
    const asked = retryAfterMs(reason) ?? 0;
    const leastMs = close.action === "wait" ? Math.max(asked, close.leastWaitMs) : asked;
    // Spread out, or all who were sent away together come back together.
    this.#waitFor(close.name, leastMs * (1 + fractionOf(this.#random)));
  }

  #hear(data: unknown): void {
    this.#lastHeardAt = this.#clock.now();
    const parsed = typeof data === "string" ? parseRelayFrame(data) : null;
    if (parsed === null) return this.#lose(CLOSE.protocolError, "");
    if (!parsed.ok) {
      if (
        parsed.failure.kind === "protocol/unknown-frame" ||
        parsed.failure.kind === "protocol/bad-shape"
      ) {
        this.#log.warn("peer.frame-ignored", { kind: parsed.failure.kind });
        return;
      }
      return this.#lose(CLOSE.protocolError, "");
    }
    const frame = parsed.value;
    if (this.#status.status === "authenticating") {
      if (frame.type === "auth.ok") this.#accept(frame);
      return;
    }
    if (this.#status.status === "online") this.#hearOnline(frame);
  }

  #accept(auth: RelayFrameOf<"auth.ok">): void {
    this.#tries = 0;
    this.#isTokenSuspect = false;
    const connectionId = auth.connection_id ?? "";
    if (!this.#enter("accepted", { status: "online", connectionId, connections: 1 })) return;
    this.#beat();
    this.#events.emit({ type: "online", auth });
  }

  #hearOnline(frame: RelayFrame): void {
    if (frame.type === "pong" || frame.type === "auth.ok") return;
    if (frame.type === "auth.expiring") {
      void this.#renew();
      return;
    }
    if (frame.type === "agent.assignment" && this.#status.status === "online") {
      this.#status = { ...this.#status, connections: frame.connections };
      this.#events.emit({ type: "status", status: this.#status });
    }
    if (frame.type === "session.invalidated") {
      return this.#stopFor("SESSION_INVALIDATED", {
        kind: "peer/session-invalidated",
        reason: frame.reason,
      });
    }
    this.#events.emit({ type: "frame", frame });
  }

  async #renew(): Promise<void> {
    const line = this.#socket;
    const token = await this.#options.tokens.token(true);
    // Another line signs in by itself, with its first frame.
    if (line !== this.#socket) return;
    if (token.ok) this.#write({ type: "auth.renew", access_token: token.value });
    else this.#log.warn("peer.renew-failed", { kind: token.failure.kind });
  }

  #write(frame: EndpointFrame): void {
    this.#lastSentAt = this.#clock.now();
    this.#socket?.send(encodeFrame(frame));
  }

  // Timers of a sleeping laptop fire late: silence is measured, not counted.
  #beat(): void {
    this.#stopHeartbeat = this.#clock.after(PING_INTERVAL_MS / 3, () => {
      const now = this.#clock.now();
      if (now - this.#lastHeardAt >= SILENCE_LIMIT_MS)
        return this.#lose(CLOSE.heartbeatTimeout, "");
      if (now - this.#lastSentAt >= PING_INTERVAL_MS) this.#write({ type: "ping", t: now });
      this.#beat();
    });
  }

  #connect(): void {
    if (
      !this.#enter(this.#status.status === "waiting" ? "due" : "start", {
        status: "connecting",
        tries: this.#tries,
      })
    )
      return;
    this.#triedAt.push(this.#clock.now());
    this.#stopTimer = this.#clock.after(OPEN_WITHIN_MS, () => this.#lose(CLOSE.lost, ""));
    void this.#open();
  }

  async #open(): Promise<void> {
    const opening = this.#status;
    const token = await this.#options.tokens.token(this.#isTokenSuspect);
    if (this.#status !== opening) return;
    if (!token.ok) {
      return isFinal(token.failure)
        ? this.#stopFor(token.failure.kind, token.failure)
        : this.#waitFor(token.failure.kind, retryAfterOf(token.failure));
    }
    const opened = this.#options.openSocket(this.#options.url);
    this.#socket = opened;
    opened.onopen = () => {
      this.#enter("opened", { status: "authenticating" });
      this.#stopTimer = this.#clock.after(2 * AUTH_TIMEOUT_MS, () =>
        this.#lose(CLOSE.authTimeout, ""),
      );
      this.#write({
        type: "auth",
        token: token.value,
        protocol: PROTOCOL,
        connection_hint: this.#options.connectionHint,
        ...(this.#options.agentId === null ? {} : { agent_id: this.#options.agentId }),
      });
    };
    opened.onmessage = ({ data }) => this.#hear(data);
    opened.onclose = ({ code, reason }) => this.#lose(closeOf(code), reason);
  }
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
