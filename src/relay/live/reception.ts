/** Lets sockets in: the first frame, the welcome, the renewal of a token, and the time a stranger has. SPEC P82. */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import { CLOSE } from "#protocol/close-codes.ts";
import type { EndpointFrameOf, ParsedEndpointFrame } from "#protocol/endpoint-frame.ts";
import type { AgentId, DeviceId, UserId } from "#protocol/ids.ts";
import {
  ACCESS_TOKEN_WARNING_S,
  AUTH_TIMEOUT_MS,
  MAX_FRAME_BYTES,
  MAX_IN_FLIGHT,
  MAX_UNACKED_ENTRIES,
  PING_INTERVAL_MS,
  SILENCE_LIMIT_MS,
} from "#protocol/limits.ts";
import { PROTOCOL } from "#protocol/version.ts";
import type { Admission } from "../admission.ts";
import type { Directory } from "../directory/directory.ts";
import type { AgentStanding } from "../directory/rows.ts";
import { factsOf } from "../json-log.ts";
import type { Metrics } from "../metrics.ts";
import type { AgentPlaces } from "../nodes/agent-places.ts";
import type { Connection, Principal } from "./connection.ts";
import { endOfAgent, signIn, signInHuman, type SignInRefusal } from "./sign-in.ts";
import type { Sockets } from "./sockets.ts";

type Needs = {
  readonly sockets: Sockets;
  readonly admission: Admission;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly events: Log;
  readonly metrics: Metrics;
  readonly logEpoch: string;
  /** Set when an agent's sockets are on several nodes. */
  readonly places: () => AgentPlaces | null;
  /** The account's first socket is there. */
  readonly onArrived: (principal: Principal) => void;
};

/** When a socket tries again that could not be given a place. */
const RETRY_AFTER_S = 1;

export class Reception {
  readonly #needs: Needs;
  #isReviewing = false;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** A frame of a socket that nobody knows yet. */
  receive(connection: Connection, frame: ParsedEndpointFrame): Promise<void> | void {
    const { sockets } = this.#needs;
    if (frame.type === "ping") return sockets.send(connection, { type: "pong", t: frame.t });
    return frame.type === "auth" && connection.phase === "new"
      ? this.#authenticate(connection, frame)
      : sockets.close(connection, CLOSE.protocolError);
  }

  /** A token renewed in place; the socket stays the same endpoint's. */
  async renew(
    connection: Connection,
    principal: Principal,
    frame: EndpointFrameOf<"auth.renew">,
  ): Promise<void> {
    const signed = await signInHuman(this.#needs, frame.access_token);
    const isSame =
      signed.ok &&
      signed.value.principal.accountId === principal.accountId &&
      signed.value.principal.endpointId === principal.endpointId;
    if (!isSame) {
      this.#needs.sockets.close(connection, CLOSE.authFailed);
      return;
    }
    connection.principal = signed.value.principal;
    connection.expiresAt = signed.value.expiresAt;
    connection.warnedOfExpiry = false;
    this.#welcome(connection, signed.value.principal, frame.req);
    await this.#lookAgain(connection);
  }

  /** Strangers who took too long, sockets nothing is heard of, tokens that end. */
  tick(connection: Connection, now: number): void {
    const { sockets } = this.#needs;
    const { phase, expiresAt, openedAt } = connection;
    if (phase === "new" || phase === "signing-in") {
      if (now - openedAt >= AUTH_TIMEOUT_MS) sockets.close(connection, CLOSE.authTimeout);
      return;
    }
    if (now - connection.heardAt >= SILENCE_LIMIT_MS) {
      sockets.close(connection, CLOSE.heartbeatTimeout);
      return;
    }
    if (now - connection.pingedAt >= PING_INTERVAL_MS) {
      connection.pingedAt = now;
      connection.link.ping();
    }
    if (expiresAt === null) return;
    const leftMs = expiresAt - now;
    if (leftMs <= 0) sockets.close(connection, CLOSE.authExpired);
    else if (leftMs <= ACCESS_TOKEN_WARNING_S * 1_000 && !connection.warnedOfExpiry) {
      connection.warnedOfExpiry = true;
      sockets.send(connection, {
        type: "auth.expiring",
        expires_in_seconds: Math.round(leftMs / 1_000),
      });
    }
  }

  /** As {@link Reception.reviewSoon}, for all sockets of agents. */
  reviewAllSoon(): void {
    // One look at a time: a slow database is not asked faster than it answers.
    if (this.#isReviewing) return;
    this.#isReviewing = true;
    void this.#reviewAll(this.#needs.sockets.all())
      .catch((fault: unknown) => this.#needs.events.warn("review.failed", factsOf(fault)))
      .finally(() => {
        this.#isReviewing = false;
      });
  }

  /**
   * Ends an agent's socket when its agent was shut out, or given another token or mode, since; takes over its limits.
   * An agent that cannot be read just now is looked at again with the next tick.
   */
  reviewSoon(connection: Connection): void {
    void this.#reviewAll([connection]).catch((fault: unknown) =>
      this.#needs.events.warn("review.failed", factsOf(fault)),
    );
  }

  async #reviewAll(connections: readonly Connection[]): Promise<void> {
    const { directory } = this.#needs;
    const ids = new Set(
      connections.flatMap(({ principal }) =>
        principal?.type === "agent" ? [principal.accountId as AgentId] : [],
      ),
    );
    const agents = await directory.standingsOf([...ids]);
    for (const connection of connections) {
      const { principal } = connection;
      if (principal?.type !== "agent" || !ids.has(principal.accountId as AgentId)) continue;
      this.#judge(connection, principal, agents.get(principal.accountId as AgentId) ?? null);
    }
  }

  #judge(
    connection: Connection,
    principal: Extract<Principal, { type: "agent" }>,
    agent: AgentStanding | null,
  ): void {
    const end = endOfAgent(agent, connection.tokenHash);
    if (end !== null) this.#needs.sockets.close(connection, end);
    else if (agent !== null && principal.messagesPerSecond !== agent.messages_per_second)
      connection.principal = { ...principal, messagesPerSecond: agent.messages_per_second };
  }

  // What ended while a socket was signing in could not end that socket: it was not known yet.
  async #lookAgain(connection: Connection): Promise<void> {
    const { sockets, directory } = this.#needs;
    const { principal } = connection;
    if (principal?.type === "agent") await this.#reviewAll([connection]);
    else if (principal !== null && (await directory.session(principal.sessionId)) === null)
      sockets.close(connection, CLOSE.sessionInvalidated);
  }

  async #authenticate(connection: Connection, frame: EndpointFrameOf<"auth">): Promise<void> {
    const { sockets } = this.#needs;
    connection.phase = "signing-in";
    const signed = await signIn(this.#needs, connection.path, frame);
    if (connection.phase !== "signing-in") return;
    if (!signed.ok) {
      this.#refuse(connection, signed.failure);
      return;
    }
    const { principal, expiresAt, tokenHash } = signed.value;
    connection.hint = frame.connection_hint ?? null;
    connection.expiresAt = expiresAt;
    connection.tokenHash = tokenHash;
    const places = principal.type === "agent" ? this.#needs.places() : null;
    const fence = places === null ? null : await this.#enter(connection, principal, places);
    if (connection.phase !== "signing-in") return;
    const isFirst = !sockets.roster.isOnline(principal.accountId);
    sockets.admit(connection, principal, fence);
    this.#welcome(connection, principal, frame.req);
    if (places !== null) places.tellChanged(principal.accountId);
    else if (principal.type === "agent") sockets.announceAssignment(principal.accountId);
    if (isFirst) this.#needs.onArrived(principal);
    await this.#lookAgain(connection);
  }

  /** A place among the agent's sockets on all nodes; the socket is closed when there is none to be had. */
  async #enter(
    connection: Connection,
    { accountId }: Principal,
    places: AgentPlaces,
  ): Promise<number | null> {
    const entered = await places.enter(connection, accountId).catch((fault: unknown) => {
      this.#needs.events.warn("places.failed", factsOf(fault));
      return null;
    });
    if (entered?.ok === true) {
      // It went while it was let in: nobody else would give its place back.
      if (connection.phase !== "signing-in") await places.leave(connection, accountId);
      return entered.value.fence;
    }
    this.#needs.sockets.close(connection, CLOSE.restarting, RETRY_AFTER_S);
    return null;
  }

  #refuse(connection: Connection, { reason, message, close }: SignInRefusal): void {
    const { sockets, events, metrics } = this.#needs;
    events.info("auth.refused", { path: connection.path, reason });
    metrics.count("auth_failures_total", { reason });
    sockets.send(connection, {
      type: "auth.error",
      reason,
      message,
      i18n_key: `error.auth.${reason}`,
    });
    sockets.close(connection, close);
  }

  #welcome(connection: Connection, principal: Principal, req: string | undefined): void {
    const { sockets, clock, logEpoch } = this.#needs;
    const { expiresAt } = connection;
    const fence = sockets.fenceOf(principal.accountId);
    sockets.send(connection, {
      type: "auth.ok",
      req,
      protocol: PROTOCOL,
      ...identityOf(principal),
      connection_id: connection.id,
      log_epoch: logEpoch,
      server_time: new Date(clock.now()).toISOString(),
      ...(expiresAt === null ? {} : { expires_at: new Date(expiresAt).toISOString() }),
      ...(fence === null ? {} : { fence }),
      limits: {
        max_frame_bytes: MAX_FRAME_BYTES,
        max_unacked: MAX_UNACKED_ENTRIES,
        max_in_flight: MAX_IN_FLIGHT,
      },
    });
  }
}

type Identity = { user_id?: UserId; agent_id?: AgentId; device_id: DeviceId };

const identityOf = ({ type, accountId, endpointId }: Principal): Identity =>
  type === "human"
    ? { user_id: accountId as UserId, device_id: endpointId }
    : { agent_id: accountId as AgentId, device_id: endpointId };
