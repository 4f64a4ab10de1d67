/**
 * The live relay: event in (connect, frame, close, tick), effects out. What it needs comes in as an argument; a socket
 * is a `Link`. This file says who hears what; the rules are in live/. Nothing here opens an envelope.
 * It is long because every frame's way is to be seen in one place.
 */
import type { Clock } from "#base/clock.ts";
import { createEmitter } from "#base/emitter.ts";
import { unreachable } from "#base/invariant.ts";
import type { Log } from "#base/log.ts";
import type { RandomBytes } from "#base/random.ts";
import { CLOSE } from "#protocol/close-codes.ts";
import type { EndpointFrameOf, ParsedEndpointFrame } from "#protocol/endpoint-frame.ts";
import type { ProtocolFailure } from "#protocol/failure.ts";
import { parseEndpointFrame } from "#protocol/frame.ts";
import type { AccountId, AgentId, ConversationId } from "#protocol/ids.ts";
import { RESUME_WAIT_MS } from "#protocol/limits.ts";
import type { RelayFrame, RelayFrameOf } from "#protocol/relay-frame.ts";
import type { Admission } from "./admission.ts";
import type { BusMessage, EphemeralBus } from "./bus/bus.ts";
import type { EndedSessions } from "./bus/bus-message.ts";
import type { Directory } from "./directory/directory.ts";
import { errorFrame } from "./error-frame.ts";
import { refuse } from "./failure.ts";
import { createAudience, type Audience } from "./live/audience.ts";
import type { Connection, Link, Principal } from "./live/connection.ts";
import { Cursors } from "./live/cursors.ts";
import { Delivery } from "./live/delivery.ts";
import { Marks } from "./live/marks.ts";
import { endSockets } from "./live/ended-sessions.ts";
import { Posting } from "./live/posting.ts";
import { Storing } from "./live/storing.ts";
import { Presence } from "./live/presence.ts";
import type { Rates } from "./live/rates.ts";
import { Reception } from "./live/reception.ts";
import { Sockets } from "./live/sockets.ts";
import { StreamDesk } from "./live/stream-desk.ts";
import { createGuard, type Guard } from "./live/guard.ts";
import { isFlooding } from "./live/flooding.ts";
import { createBuckets, type Buckets } from "./live/token-bucket.ts";
import { factsOf } from "./json-log.ts";
import type { LogStore, StoredEntry } from "./log/log-store.ts";
import { joinOthers } from "./nodes/join-others.ts";
import type { Shared, Together } from "./nodes/together.ts";
import type { Metrics } from "./metrics.ts";
import { within } from "./within.ts";

/** The relay's side of one socket. */
export interface Session {
  receive(text: string): void;
  /** Any sign of life that is no frame. */
  heard(): void;
  /** It ended, by this close code. */
  closed(code: number): void;
}

export type RelayNeeds = {
  readonly log: LogStore;
  readonly directory: Directory;
  readonly admission: Admission;
  readonly bus: EphemeralBus;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly events: Log;
  readonly metrics: Metrics;
  readonly rates: Rates;
  /** The database that other relays stand on too; absent: this one is alone. */
  readonly shared?: Shared;
};

const FLOOD_RETRY_S = 30;
const NOBODY: ReadonlyMap<AccountId, Principal["type"]> = new Map();
const DRAIN_LIMIT_MS = 5_000;

export class Relay {
  readonly posting: Posting;
  readonly buckets: Buckets;
  readonly #needs: RelayNeeds;
  readonly #sockets: Sockets;
  readonly #guard: Guard;
  readonly #reception: Reception;
  readonly #audience: Audience;
  readonly #cursors: Cursors;
  readonly #delivery: Delivery;
  readonly #marks: Marks;
  readonly #presence: Presence;
  readonly #streams: StreamDesk;
  /** Null: this relay is alone. */
  readonly together: Together | null;
  readonly #storing: Storing;
  readonly #buried = createEmitter<null>();
  readonly #grown = createEmitter<ConversationId>();
  /** What sockets that ended leave behind, on its way out of the database. */
  readonly #leaving = new Set<Promise<void>>();
  /** Accounts that came and whom the other nodes cannot see yet. */
  readonly #arriving = new Map<AccountId, Promise<void>>();
  readonly #stop = new AbortController();
  #isExpiring = false;
  #retryAfterS = 0;

  constructor(needs: RelayNeeds) {
    const { log, clock, bus, rates } = needs;
    const frameBurst = rates.frames.burst;
    const buckets = createBuckets(() => clock.now());
    const audience = createAudience(log, needs.events);
    const sockets = new Sockets({
      ...needs,
      frameBurst,
      sharesPlaces: needs.shared !== undefined,
      onLeft: (left, who) => this.#left(left, who),
    });
    const shared = { ...needs, buckets, audience, sockets };
    this.#needs = needs;
    this.buckets = buckets;
    this.#audience = audience;
    this.#sockets = sockets;
    this.#guard = createGuard(sockets, needs.events);
    this.posting = new Posting({ ...shared, nodeId: () => this.together?.nodeId ?? null });
    this.#marks = new Marks(shared);
    this.#presence = new Presence({
      ...shared,
      onlineAmong: async (ids) => (await this.together?.onlineAmong(ids)) ?? NOBODY,
    });
    this.#streams = new StreamDesk({ ...shared, elsewhere: () => this.together });
    this.#storing = new Storing({ ...shared, posting: this.posting, streams: this.#streams });
    this.#cursors = new Cursors({
      ...needs,
      onDelivered: (delivered) =>
        void this.#marks
          .tellDelivered(delivered)
          .catch((fault: unknown) => needs.events.warn("marks.failed", factsOf(fault))),
    });
    this.#delivery = new Delivery({
      ...needs,
      roster: sockets.roster,
      places: () => this.together?.places ?? null,
      onLevel: (conversationId, seq) => this.together?.level(conversationId, seq),
      isBehind: (conversationId, seq) => this.together?.isBehind(conversationId, seq) ?? false,
      guard: this.#guard,
      cursors: this.#cursors,
      send: (connection, text, type) => sockets.sendText(connection, text, type),
    });
    this.#reception = new Reception({
      ...shared,
      logEpoch: log.epoch,
      places: () => this.together?.places ?? null,
      onArrived: (principal) => this.#arrived(principal),
    });
    this.together =
      needs.shared === undefined
        ? null
        : joinOthers({
            ...shared,
            ...needs.shared,
            posting: this.posting,
            cursors: this.#cursors,
            delivery: this.#delivery,
            presence: this.#presence,
            streams: this.#streams,
            show: (entry, writer) => this.#show(entry, writer),
            onGrown: (conversationId) => this.#grown.emit(conversationId),
            onBuried: () => this.#buried.emit(null),
          });
    log.onAppended((entry, writer) => this.#appended(entry, writer));
    bus.onMessage((message) => this.#hearNode(message));
  }

  connect(link: Link, path: Connection["path"]): Session {
    const connection = this.#sockets.open(link, path);
    if (this.stopping.aborted) this.#sockets.close(connection, CLOSE.restarting, this.#retryAfterS);
    return {
      receive: (text) => this.#receive(connection, text),
      heard: () => {
        connection.heardAt = this.#needs.clock.now();
      },
      closed: (code) => this.#sockets.gone(connection, code),
    };
  }

  /** Time passes; called about once a second. After this process `stoodStill` nobody's silence counts. */
  tick(stoodStill = false): void {
    const now = this.#needs.clock.now();
    if (!stoodStill) {
      for (const connection of this.#sockets.all())
        this.#guard(connection, () => this.#tickSocket(connection, now));
      this.#streams.tick(now);
    }
    this.#reception.reviewAllSoon();
    this.together?.tick();
    if (this.#isExpiring) return;
    this.#isExpiring = true;
    void this.#expireArtifacts(now).finally(() => {
      this.#isExpiring = false;
    });
  }

  /** Brings the gauges up to this moment. */
  measure(): void {
    const { metrics } = this.#needs;
    const known = this.#sockets.all().filter(({ principal }) => principal !== null);
    for (const kind of ["human", "agent"] as const) {
      const open = known.filter(({ path }) => path === kind);
      metrics.set("connections", open.length, { kind });
      const unacked = open.reduce((sum, { unackedCount }) => sum + unackedCount, 0);
      metrics.set("unacked", unacked, { kind });
    }
    metrics.set("streams_active", this.#streams.liveCount());
  }

  /** Whether the account has a socket, at whatever node. */
  async isOnline(accountId: AccountId): Promise<boolean> {
    return (
      this.#sockets.roster.isOnline(accountId) ||
      (this.together !== null && (await this.together.isOnline(accountId)))
    );
  }

  /** Tells of each conversation that has more than before, whoever appended it. */
  onGrown(listener: (conversationId: ConversationId) => void): () => void {
    return this.#grown.on(listener);
  }

  /** Tells of each agent whose settings changed, at whatever node. */
  onAgentChanged(listener: (agentId: AgentId) => void): () => void {
    return this.#needs.bus.onMessage((message) => {
      if (message.kind === "agent-changed") listener(message.agent);
    });
  }

  /** Tells that other nodes took this one for dead: what it had is others' now. */
  onBuried(listener: () => void): () => void {
    return this.#buried.on(listener);
  }

  /** Sends to every socket of an account. */
  tell(accountId: AccountId, frame: RelayFrame): void {
    this.#needs.bus.publish({
      kind: "frame",
      to: [accountId],
      frame,
      except: null,
      droppable: false,
    });
  }

  /** The account's keys changed: everyone who talks with it fetches them again. */
  async tellKeysChanged(
    owner: { readonly type: "human" | "agent"; readonly id: AccountId },
    reason: RelayFrameOf<"keys.updated">["reason"],
  ): Promise<void> {
    const { directory, bus, events } = this.#needs;
    const named = owner.type === "human" ? { user_id: owner.id } : { agent_id: owner.id };
    const frame = { type: "keys.updated", ...named, reason } as RelayFrameOf<"keys.updated">;
    const tell = (to: readonly AccountId[]): void =>
      bus.publish({ kind: "frame", to, frame, except: null, droppable: false });
    tell([owner.id]);
    try {
      for await (const related of directory.relatedTo(owner.id)) tell(related.map(({ id }) => id));
    } catch (fault) {
      // The keys are stored: who is not told finds them when it next looks.
      events.warn("keys.untold", factsOf(fault));
    }
  }

  markRead(
    accountId: AccountId,
    conversationId: ConversationId,
    seq: number,
  ): ReturnType<LogStore["markRead"]> {
    return this.#marks.markRead(accountId, conversationId, seq, null);
  }

  /** Looks at once whether the agent's sockets may stay; a tick does it as well. */
  reviewAgent(agentId: AgentId): void {
    this.#needs.bus.publish({ kind: "agent-changed", agent: agentId });
  }

  /** Ends the sockets of sessions that are no more. */
  endSessions(
    accountId: AccountId,
    ended: EndedSessions,
    reason: RelayFrameOf<"session.invalidated">["reason"],
  ): void {
    this.#needs.bus.publish({ kind: "sessions-ended", account: accountId, ended, reason });
  }

  /** Aborted when it is about to stop and takes nothing more. */
  get stopping(): AbortSignal {
    return this.#stop.signal;
  }

  /**
   * Hears nothing more, answers what it has taken, then closes every socket for a restart and writes what is pending.
   * A disk that does not answer is waited for `DRAIN_LIMIT_MS` at most: what has no ack is sent again.
   */
  async stop(retryAfterS: number): Promise<void> {
    this.#retryAfterS = retryAfterS;
    this.#stop.abort();
    await within(this.#needs.clock, DRAIN_LIMIT_MS, this.#storing.drained());
    for (const connection of this.#sockets.all()) {
      this.#sockets.close(connection, CLOSE.restarting, retryAfterS);
    }
    await this.#cursors.write();
    const left = Promise.allSettled(this.#leaving).then(() => this.together?.stop());
    await within(this.#needs.clock, DRAIN_LIMIT_MS, left);
  }

  #appended(entry: StoredEntry, writer: string | null): void {
    this.#needs.metrics.count("appends_total", { entry: entry.kind });
    this.#streams.follow(entry);
    this.#grown.emit(entry.conversationId);
    if (this.together === null) this.#show(entry, writer);
    else this.together.committed(entry, writer);
  }

  #show(entry: StoredEntry, writer: string | null): void {
    this.#audience.withMembers(entry, (members) => this.#delivery.fanOut(entry, members, writer));
  }

  #arrived(principal: Principal): void {
    const { together } = this;
    if (together === null) return this.#presence.tell(principal, "online");
    const { accountId } = principal;
    const arriving = this.#track(async () => {
      if (await together.arrive(principal)) this.#presence.tell(principal, "online");
    }).finally(() => {
      if (this.#arriving.get(accountId) === arriving) this.#arriving.delete(accountId);
    });
    this.#arriving.set(accountId, arriving);
  }

  // What a socket leaves behind in the database goes with it, or with its node.
  #track(task: () => Promise<void>): Promise<void> {
    const running = task()
      .catch((fault: unknown) => this.#needs.events.warn("leave.failed", factsOf(fault)))
      .finally(() => this.#leaving.delete(running));
    this.#leaving.add(running);
    return running;
  }

  async #expireArtifacts(now: number): Promise<void> {
    const { log, events } = this.#needs;
    try {
      if (await log.hasExpiredArtifacts(now)) await log.expireArtifacts(now);
    } catch (fault) {
      events.warn("expiry.failed", factsOf(fault));
    }
  }

  #hearNode(message: BusMessage): void {
    switch (message.kind) {
      case "frame":
        return this.#sockets.spread(message);
      case "sessions-ended":
        return endSockets(this.#sockets, message);
      case "reply":
        return this.#sockets.reply(message);
      case "displaced": {
        const connection = this.#sockets.find(message.connection);
        return connection === null ? undefined : this.#sockets.displace(connection, message.by);
      }
      case "stream-pull":
      case "streams-resume":
      case "stream-stop":
      case "stream-moved":
        void this.#track(() => this.#streams.hear(message));
        return;
      case "agent-changed":
        for (const connection of this.#sockets.roster.of(message.agent))
          this.#reception.reviewSoon(connection);
        return;
      default:
        return this.together?.hear(message);
    }
  }

  #left(connection: Connection, principal: Principal): void {
    const { together } = this;
    const { accountId } = principal;
    const isLast = !this.#sockets.roster.isOnline(accountId);
    if (together === null) {
      this.#delivery.release(connection);
      if (isLast) this.#presence.tell(principal, "offline");
      return;
    }
    void this.#track(async () => {
      if (principal.type === "agent") {
        await together.places.leave(connection, accountId);
        await this.#delivery.forgetCursors(accountId);
      }
      if (isLast && (await together.depart(accountId))) this.#presence.tell(principal, "offline");
    });
  }

  #receive(connection: Connection, text: string): void {
    if (connection.phase === "closed" || this.stopping.aborted) return;
    const now = this.#needs.clock.now();
    connection.heardAt = now;
    if (isFlooding(connection, this.#needs.rates, now)) {
      this.#sockets.close(connection, CLOSE.flooding, FLOOD_RETRY_S);
      return;
    }
    const frame = parseEndpointFrame(text);
    if (frame.ok)
      this.#needs.metrics.count("frames_total", { direction: "in", type: frame.value.type });
    if (!frame.ok) this.#receiveUnparsed(connection, frame.failure);
    else this.#guard(connection, () => this.#hear(connection, frame.value, now));
  }

  #hear(connection: Connection, frame: ParsedEndpointFrame, now: number): Promise<unknown> | void {
    if (connection.resuming !== null)
      return connection.resuming.then(() => this.#hear(connection, frame, now));
    if (connection.phase === "closed") return undefined;
    const { principal } = connection;
    if (principal === null) return this.#reception.receive(connection, frame);
    if (!IDLE_FRAMES.has(frame.type)) connection.usedAt = now;
    return this.#dispatch(connection, principal, frame);
  }

  #receiveUnparsed(connection: Connection, failure: ProtocolFailure): void {
    // What nobody knows may be from a later version; what nobody can parse is no frame.
    if (failure.kind === "protocol/unknown-frame") {
      this.#needs.metrics.count("unknown_frames_total");
      return;
    }
    if (failure.kind !== "protocol/bad-shape" || connection.principal === null) {
      this.#sockets.close(connection, CLOSE.protocolError);
      return;
    }
    const { path, req } = failure;
    this.#sockets.send(connection, errorFrame(refuse("BAD_FRAME", { path }).failure, { req }));
  }

  #dispatch(
    connection: Connection,
    principal: Principal,
    frame: ParsedEndpointFrame,
  ): Promise<unknown> | void {
    switch (frame.type) {
      case "auth":
        return this.#sockets.close(connection, CLOSE.protocolError);
      case "auth.renew":
        return this.#reception.renew(connection, principal, frame);
      case "ping":
        return this.#sockets.send(connection, { type: "pong", t: frame.t });
      case "resume":
        return this.#resume(connection, principal, frame);
      case "message.ack":
        return this.#delivery.acknowledge(connection, frame.conversation_id, frame.seq);
      case "message.read":
        return this.#marks.read(connection, principal, frame.conversation_id, frame.seq);
      case "typing.start":
        return this.#marks.typing(connection, principal, frame.conversation_id, "start");
      case "typing.stop":
        return this.#marks.typing(connection, principal, frame.conversation_id, "stop");
      case "presence.set":
        return this.#presence.set(principal, frame.state === "active" ? "online" : "away");
      case "stream.delta":
        return this.#streams.delta(connection, principal, frame);
      case "stream.pull":
        return this.#streams.pull(connection, principal, frame);
      case "stream.abort":
        return this.#streams.isAuthor(principal, frame.stream_id)
          ? this.#storing.take(connection, principal, frame)
          : this.#streams.requestStop(connection, principal, frame);
      case "control.send":
        return frame.durable
          ? this.#storing.take(connection, principal, frame)
          : this.#marks.control(connection, principal, frame.conversation_id, frame.record);
      case "message.send":
      case "message.recall":
      case "reaction.set":
      case "stream.start":
      case "stream.done":
        return this.#storing.take(connection, principal, frame);
      default:
        return unreachable(frame);
    }
  }

  #resume(
    connection: Connection,
    principal: Principal,
    frame: EndpointFrameOf<"resume"> | null,
  ): Promise<void> | void {
    if (connection.phase !== "waiting" || connection.resuming !== null) return undefined;
    const resumed = this.#bringLevel(connection, principal, frame);
    connection.resuming = resumed
      .catch(() => undefined)
      .then(() => {
        connection.resuming = null;
      });
    return resumed;
  }

  async #bringLevel(
    connection: Connection,
    principal: Principal,
    frame: EndpointFrameOf<"resume"> | null,
  ): Promise<void> {
    const request = { logEpoch: frame?.log_epoch ?? null, cursors: frame?.cursors ?? {} };
    // Whoever has been told that this socket is level may rely on it: another one of the account may go now.
    await this.#arriving.get(principal.accountId);
    await this.#delivery.resume(connection, request);
    await this.#presence.introduce(connection, principal);
    await this.#streams.resume(connection, frame?.streams ?? {});
  }

  #tickSocket(connection: Connection, now: number): Promise<unknown> | void {
    this.#reception.tick(connection, now);
    const { principal, phase, signedInAt } = connection;
    const isWaitedFor = phase === "waiting" && now - signedInAt >= RESUME_WAIT_MS;
    return principal !== null && isWaitedFor
      ? this.#resume(connection, principal, null)
      : undefined;
  }
}

/** Frames that do not count as use of an agent's socket. */
const IDLE_FRAMES: ReadonlySet<ParsedEndpointFrame["type"]> = new Set([
  "ping",
  "typing.start",
  "typing.stop",
]);
