/**
 * The live relay: sockets in, frames out. Everything it needs comes in as an argument: log, directory, clock, bus;
 * a socket is a `Link`. Event in (connect, frame, close, tick), effects out; nothing here opens an envelope.
 */
import type { Clock } from "#base/clock.ts";
import { assert, unreachable } from "#base/invariant.ts";
import type { Log } from "#base/log.ts";
import type { RandomBytes } from "#base/random.ts";
import { CLOSE, type CloseCode } from "#protocol/close-codes.ts";
import type { EndpointFrameOf, ParsedEndpointFrame } from "#protocol/endpoint-frame.ts";
import { encodeFrame, parseEndpointFrame } from "#protocol/frame.ts";
import {
  makeId,
  type AccountId,
  type ConversationId,
  type DeviceId,
  type MessageId,
} from "#protocol/ids.ts";
import {
  AUTH_TIMEOUT_MS,
  ACCESS_TOKEN_WARNING_S,
  EPHEMERA_BUFFER_BYTES,
  MAX_BUFFER_BYTES,
  MAX_FRAME_BYTES,
  MAX_IN_FLIGHT,
  MAX_SOCKETS_PER_AGENT,
  MAX_SOCKETS_PER_DEVICE,
  MAX_UNACKED_ENTRIES,
  PING_INTERVAL_MS,
  RESUME_WAIT_MS,
  SILENCE_LIMIT_MS,
} from "#protocol/limits.ts";
import type { RelayFrame, RelayFrameOf } from "#protocol/relay-frame.ts";
import { PROTOCOL } from "#protocol/version.ts";
import type { Admission } from "./admission.ts";
import type { EphemeralBus } from "./bus/bus.ts";
import type { Directory } from "./directory/directory.ts";
import { errorFrame } from "./error-frame.ts";
import { refuse, type RelayFailure } from "./failure.ts";
import { createAudience } from "./live/audience.ts";
import { makeConnection, type Connection, type Link, type Principal } from "./live/connection.ts";
import { createDelivery } from "./live/delivery.ts";
import { createMarks } from "./live/marks.ts";
import { createPosting, type DurableEndpointFrame, type Posting } from "./live/posting.ts";
import type { Rates } from "./live/rates.ts";
import { createRoster } from "./live/roster.ts";
import { signIn, signInHuman, type SignInRefusal } from "./live/sign-in.ts";
import { createStreamDesk } from "./live/stream-desk.ts";
import { createBuckets, takeToken, type Buckets } from "./live/token-bucket.ts";
import type { LogStore } from "./log/log-store.ts";

/** The relay's side of one socket. */
export interface Session {
  receive(text: string): void;
  /** Any sign of life that is no frame. */
  heard(): void;
  closed(): void;
}

export interface Relay {
  readonly posting: Posting;
  readonly buckets: Buckets;
  connect(link: Link, path: "human" | "agent"): Session;
  /** Time passes; called about once a second. */
  tick(): void;
  /** Sends to every socket of an account. */
  tell(accountId: AccountId, frame: RelayFrame): void;
  /** The account's keys changed: everyone who talks with it fetches them again. */
  tellKeysChanged(
    owner: { type: "human" | "agent"; id: AccountId },
    reason: RelayFrameOf<"keys.updated">["reason"],
  ): void;
  markRead(
    accountId: AccountId,
    conversationId: ConversationId,
    seq: number,
  ): ReturnType<LogStore["markRead"]>;
  isOnline(accountId: AccountId): boolean;
  /** Ends the sockets of sessions that are no more. */
  endSessions(
    accountId: AccountId,
    isEnded: (session: { readonly sessionId: string; readonly deviceId: DeviceId }) => boolean,
    reason: RelayFrameOf<"session.invalidated">["reason"],
  ): void;
  /** Writes what is pending and closes every socket for a restart. */
  stop(retryAfterS: number): Promise<void>;
}

const FLOOD_MS = 10_000;
const FLOOD_GAP_MS = 1_500;

export type RelayNeeds = {
  readonly log: LogStore;
  readonly directory: Directory;
  readonly admission: Admission;
  readonly bus: EphemeralBus;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly events: Log;
  readonly rates: Rates;
};

export function createRelay(needs: RelayNeeds): Relay {
  const { log, directory, bus, clock, random, events, rates } = needs;
  const connections = new Set<Connection>();
  const fenceByAgent = new Map<AccountId, number>();
  const roster = createRoster();
  const audience = createAudience(log);
  const buckets = createBuckets(() => clock.now());
  const posting = createPosting({ log, clock, buckets, rates });

  const sendText = (connection: Connection, text: string): void => {
    if (connection.phase === "closed") return;
    if (connection.link.bufferedBytes() > MAX_BUFFER_BYTES) close(connection, CLOSE.slowConsumer);
    else connection.link.send(text);
  };
  const send = (connection: Connection, frame: RelayFrame): void =>
    sendText(connection, encodeFrame(frame));

  const delivery = createDelivery({
    log,
    clock,
    events,
    roster,
    send: sendText,
    onDelivered: (delivered) => void marks.tellDelivered(delivered),
  });
  const marks = createMarks({ log, directory, audience, bus, buckets, rates, clock, roster });
  const streams = createStreamDesk({ log, audience, bus, buckets, rates, clock, roster, send });

  log.onAppended((entry, writer) => {
    streams.follow(entry, writer);
    audience.withMembers(entry, (members) => delivery.fanOut(entry, members, writer));
  });
  bus.onMessage(({ to, frame, except, droppable }) => {
    const text = encodeFrame(frame);
    for (const accountId of to) {
      for (const connection of roster.of(accountId)) {
        const isFull = droppable && connection.link.bufferedBytes() > EPHEMERA_BUFFER_BYTES;
        if (connection.id !== except && !isFull) sendText(connection, text);
      }
    }
  });

  const close = (connection: Connection, code: CloseCode, retryAfterS?: number): void => {
    if (connection.phase === "closed") return;
    leave(connection);
    events.info("socket.closed", { path: connection.path, code: code.code });
    connection.link.close(code, retryAfterS);
  };

  const leave = (connection: Connection): void => {
    connection.phase = "closed";
    connections.delete(connection);
    roster.remove(connection);
    const { principal } = connection;
    if (principal === null) return;
    delivery.release(connection);
    if (principal.type === "agent") announceAssignment(principal.accountId);
    if (!roster.isOnline(principal.accountId)) marks.tellPresence(principal, "offline");
  };

  const announceAssignment = (agentId: AccountId): void => {
    const fence = (fenceByAgent.get(agentId) ?? 0) + 1;
    fenceByAgent.set(agentId, fence);
    const open = roster.of(agentId);
    for (const connection of open) {
      send(connection, { type: "agent.assignment", fence, connections: open.length });
    }
  };

  // Makes room for one more socket of the same endpoint.
  const evict = (principal: Principal, hint: string | null): void => {
    const sameEndpoint = (other: Connection): boolean =>
      other.principal?.endpointId === principal.endpointId;
    for (const other of roster.of(principal.accountId).filter(sameEndpoint)) {
      if (hint !== null && other.hint === hint) close(other, CLOSE.replaced);
    }
    const most = principal.type === "agent" ? MAX_SOCKETS_PER_AGENT : MAX_SOCKETS_PER_DEVICE;
    const open = roster.of(principal.accountId).filter(sameEndpoint);
    const oldestFirst = open.toSorted((a, b) => a.usedAt - b.usedAt);
    for (const other of oldestFirst.slice(0, Math.max(0, open.length - most + 1)))
      close(other, CLOSE.evicted);
  };

  const authenticate = async (
    connection: Connection,
    frame: EndpointFrameOf<"auth">,
  ): Promise<void> => {
    connection.phase = "signing-in";
    const signed = await signIn(needs, connection.path, frame);
    if (connection.phase !== "signing-in") return;
    if (!signed.ok) {
      refuseSignIn(connection, signed.failure);
      return;
    }
    const { principal, expiresAt } = signed.value;
    const isFirst = !roster.isOnline(principal.accountId);
    connection.hint = frame.connection_hint ?? null;
    evict(principal, connection.hint);
    connection.principal = principal;
    connection.expiresAt = expiresAt;
    connection.phase = "waiting";
    connection.signedInAt = clock.now();
    connection.usedAt = clock.now();
    roster.add(connection);
    connection.link.onSignedIn();
    sendWelcome(connection, principal, frame.req);
    if (principal.type === "agent") announceAssignment(principal.accountId);
    if (isFirst) marks.tellPresence(principal, "online");
  };

  const refuseSignIn = (connection: Connection, refusal: SignInRefusal): void => {
    events.info("auth.refused", { path: connection.path, reason: refusal.reason });
    const i18n_key = `error.auth.${refusal.reason}`;
    send(connection, {
      type: "auth.error",
      reason: refusal.reason,
      message: refusal.message,
      i18n_key,
    });
    close(connection, refusal.close);
  };

  const sendWelcome = (
    connection: Connection,
    principal: Principal,
    req: string | undefined,
  ): void => {
    const { expiresAt } = connection;
    send(connection, {
      type: "auth.ok",
      req,
      protocol: PROTOCOL,
      connection_id: connection.id,
      log_epoch: log.epoch,
      server_time: new Date(clock.now()).toISOString(),
      limits: {
        max_frame_bytes: MAX_FRAME_BYTES,
        max_unacked: MAX_UNACKED_ENTRIES,
        max_in_flight: MAX_IN_FLIGHT,
      },
      ...(expiresAt === null ? {} : { expires_at: new Date(expiresAt).toISOString() }),
      ...identityOf(principal),
    });
  };

  const renew = async (
    connection: Connection,
    principal: Principal,
    frame: EndpointFrameOf<"auth.renew">,
  ): Promise<void> => {
    const signed = await signInHuman(needs, frame.access_token);
    if (connection.phase === "closed") return;
    const isSame =
      signed.ok &&
      signed.value.principal.accountId === principal.accountId &&
      signed.value.principal.endpointId === principal.endpointId;
    if (!isSame) {
      close(connection, CLOSE.authFailed);
      return;
    }
    connection.principal = signed.value.principal;
    connection.expiresAt = signed.value.expiresAt;
    connection.warnedOfExpiry = false;
    sendWelcome(connection, signed.value.principal, frame.req);
  };

  const resume = async (
    connection: Connection,
    frame: EndpointFrameOf<"resume"> | null,
  ): Promise<void> => {
    if (connection.phase !== "waiting") return;
    await delivery.resume(connection, {
      logEpoch: frame?.log_epoch ?? null,
      cursors: frame?.cursors ?? {},
    });
    if (connection.principal === null) return;
    marks.tellPeersPresence(connection.principal, (presence) => send(connection, presence));
    await streams.resume(connection, frame?.streams ?? {});
  };

  const store = async (
    connection: Connection,
    principal: Principal,
    frame: DurableEndpointFrame,
  ): Promise<void> => {
    const ids = {
      req: frame.req,
      ...messageIdOf(frame),
      ...("stream_id" in frame ? { stream_id: frame.stream_id } : {}),
    };
    if (connection.inFlight >= MAX_IN_FLIGHT) {
      answerFailure(connection, refuse("TOO_MANY_IN_FLIGHT").failure, ids);
      return;
    }
    connection.inFlight += 1;
    const stored = await posting.post(principal, frame, connection.id);
    connection.inFlight -= 1;
    if (!stored.ok) {
      answerFailure(connection, stored.failure, ids);
      return;
    }
    const message_id = ids.client_message_id ?? makeId<MessageId>(clock.now(), random);
    send(connection, {
      type: "message.ack",
      req: frame.req,
      conversation_id: frame.conversation_id,
      client_message_id: message_id,
      message_id,
      conversation_seq: stored.value.seq,
      created_at: new Date(stored.value.at).toISOString(),
      ...(stored.value.duplicate ? { duplicate: true } : {}),
    });
    if (frame.type === "stream.start")
      streams.welcomeAuthor(connection, principal, frame.stream_id);
  };

  const answerFailure = (
    connection: Connection,
    failure: RelayFailure,
    ids: Parameters<typeof errorFrame>[1],
  ): void => send(connection, errorFrame(failure, ids));

  const receiveFirst = (connection: Connection, frame: ParsedEndpointFrame): void => {
    if (frame.type === "ping") send(connection, { type: "pong", t: frame.t });
    else if (frame.type === "auth" && connection.phase === "new")
      void authenticate(connection, frame);
    else close(connection, CLOSE.protocolError);
  };

  const receiveSignedIn = (
    connection: Connection,
    principal: Principal,
    frame: ParsedEndpointFrame,
  ): void => {
    switch (frame.type) {
      case "auth":
        close(connection, CLOSE.protocolError);
        return;
      case "auth.renew":
        if (principal.type === "human") void renew(connection, principal, frame);
        return;
      case "ping":
        send(connection, { type: "pong", t: frame.t });
        return;
      case "resume":
        void resume(connection, frame);
        return;
      case "message.ack":
        delivery.acknowledge(connection, frame.conversation_id, frame.seq);
        return;
      case "message.read":
        void marks.read(principal, frame.conversation_id, frame.seq, connection.id);
        return;
      case "typing.start":
      case "typing.stop":
        void marks.typing(
          principal,
          frame.conversation_id,
          frame.type === "typing.start",
          connection.id,
        );
        return;
      case "presence.set":
        marks.tellPresence(principal, frame.state === "active" ? "online" : "away");
        return;
      case "stream.delta":
        void streams.delta(connection, principal, frame);
        return;
      case "stream.pull":
        void streams.pull(connection, principal, frame);
        return;
      case "stream.abort":
        if (streams.isAuthor(principal, frame.stream_id)) void store(connection, principal, frame);
        else void streams.requestStop(connection, principal, frame);
        return;
      case "control.send":
        if (frame.durable) void store(connection, principal, frame);
        else void marks.control(principal, frame.conversation_id, frame.record, connection.id);
        return;
      case "message.send":
      case "message.recall":
      case "reaction.set":
      case "stream.start":
      case "stream.done":
        void store(connection, principal, frame);
        return;
      default:
        unreachable(frame);
    }
  };

  const isFlooding = (connection: Connection, now: number): boolean => {
    if (takeToken(connection.frames, rates.frames, now) === 0) return false;
    // A flood is one long stretch without a quiet second, not many bursts.
    if (now - connection.floodedAt > FLOOD_GAP_MS) connection.floodingSince = now;
    connection.floodedAt = now;
    return now - connection.floodingSince >= FLOOD_MS;
  };

  const receive = (connection: Connection, text: string): void => {
    if (connection.phase === "closed") return;
    const now = clock.now();
    connection.heardAt = now;
    if (isFlooding(connection, now)) {
      close(connection, CLOSE.flooding, 30);
      return;
    }
    const frame = parseEndpointFrame(text);
    if (!frame.ok) {
      if (frame.failure.kind === "protocol/unknown-frame") return;
      if (frame.failure.kind !== "protocol/bad-shape" || connection.principal === null) {
        close(connection, CLOSE.protocolError);
        return;
      }
      const { path, req } = frame.failure;
      answerFailure(connection, refuse("BAD_FRAME", { path }).failure, { req });
      return;
    }
    if (connection.principal === null) receiveFirst(connection, frame.value);
    else {
      if (!IDLE_FRAMES.has(frame.value.type)) connection.usedAt = now;
      receiveSignedIn(connection, connection.principal, frame.value);
    }
  };

  const tickConnection = (connection: Connection, now: number): void => {
    const { phase, expiresAt } = connection;
    if (phase === "new" || phase === "signing-in") {
      if (now - connection.openedAt >= AUTH_TIMEOUT_MS) close(connection, CLOSE.authTimeout);
      return;
    }
    if (now - connection.heardAt >= SILENCE_LIMIT_MS) {
      close(connection, CLOSE.heartbeatTimeout);
      return;
    }
    if (expiresAt !== null && expiresAt <= now) {
      close(connection, CLOSE.authExpired);
      return;
    }
    if (
      expiresAt !== null &&
      !connection.warnedOfExpiry &&
      expiresAt - now <= ACCESS_TOKEN_WARNING_S * 1_000
    ) {
      connection.warnedOfExpiry = true;
      send(connection, {
        type: "auth.expiring",
        expires_in_seconds: Math.round((expiresAt - now) / 1_000),
      });
    }
    if (phase === "waiting" && now - connection.signedInAt >= RESUME_WAIT_MS)
      void resume(connection, null);
    if (now - connection.pingedAt >= PING_INTERVAL_MS) {
      connection.pingedAt = now;
      connection.link.ping();
    }
  };

  return {
    posting,
    buckets,
    connect(link, path) {
      const now = clock.now();
      const id = makeId(now, random) as string;
      const connection = makeConnection(id, link, path, now, rates.frames.burst);
      connections.add(connection);
      return {
        receive: (text) => receive(connection, text),
        heard: () => {
          connection.heardAt = clock.now();
        },
        closed: () => {
          if (connection.phase !== "closed") leave(connection);
        },
      };
    },
    tick() {
      const now = clock.now();
      for (const connection of connections) tickConnection(connection, now);
      streams.tick(now);
      if (log.hasExpiredArtifacts(now)) void log.expireArtifacts(now);
    },
    tell: (accountId, frame) =>
      bus.publish({ to: [accountId], frame, except: null, droppable: false }),
    tellKeysChanged({ type, id }, reason) {
      const owner = type === "human" ? { user_id: id } : { agent_id: id };
      const frame = { type: "keys.updated", ...owner, reason } as RelayFrameOf<"keys.updated">;
      const to = new Set([id, ...directory.relatedTo(id)]);
      bus.publish({ to: [...to], frame, except: null, droppable: false });
    },
    markRead: (accountId, conversationId, seq) =>
      marks.markRead(accountId, conversationId, seq, null),
    isOnline: (accountId) => roster.isOnline(accountId),
    endSessions(accountId, isEnded, reason) {
      for (const connection of roster.of(accountId)) {
        const { principal } = connection;
        if (principal?.type !== "human") continue;
        if (!isEnded({ sessionId: principal.sessionId, deviceId: principal.endpointId })) continue;
        send(connection, { type: "session.invalidated", reason });
        close(connection, CLOSE.sessionInvalidated);
      }
    },
    async stop(retryAfterS) {
      for (const connection of [...connections]) close(connection, CLOSE.restarting, retryAfterS);
      assert(connections.size === 0, "every socket is closed");
      await delivery.flush();
    },
  };
}

/** Frames that do not count as use of an agent's socket. */
const IDLE_FRAMES: ReadonlySet<ParsedEndpointFrame["type"]> = new Set([
  "ping",
  "typing.start",
  "typing.stop",
]);

const identityOf = (principal: Principal): Partial<RelayFrameOf<"auth.ok">> =>
  principal.type === "human"
    ? ({ user_id: principal.accountId, device_id: principal.endpointId } as Partial<
        RelayFrameOf<"auth.ok">
      >)
    : ({ agent_id: principal.accountId, device_id: principal.endpointId } as Partial<
        RelayFrameOf<"auth.ok">
      >);

// A control record or an unsigned recall has no id of its own; its ack then names one made for it.
const messageIdOf = (frame: DurableEndpointFrame): { client_message_id?: MessageId | undefined } =>
  "client_message_id" in frame ? { client_message_id: frame.client_message_id } : {};
