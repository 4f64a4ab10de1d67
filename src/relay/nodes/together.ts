/**
 * What makes several relays on one database behave as one: entries of others are shown here, an agent's sockets share
 * one set of places, accounts are here when they are anywhere, chores have one hand. A relay that is alone has none of
 * this and pays for none of it.
 */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { RandomBytes } from "#base/random.ts";
import type { AccountId, ConversationId, StreamId } from "#protocol/ids.ts";
import type { BusMessage, EphemeralBus } from "../bus/bus.ts";
import { factsOf } from "../json-log.ts";
import { changesMembers } from "../live/audience.ts";
import type { Connection, Principal } from "../live/connection.ts";
import type { Cursors } from "../live/cursors.ts";
import type { Roster } from "../live/roster.ts";
import type { LogStore, MemberType, StoredEntry } from "../log/log-store.ts";
import { allAmong, type Sql } from "../store/sql.ts";
import type { Writer } from "../store/writer.ts";
import { AgentPlaces } from "./agent-places.ts";
import { Arrivals, type Concern } from "./arrivals.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Hints, type Place } from "./hints.ts";
import type { Departed, Ended, Heard, Held } from "./node-commands.ts";

/**
 * Appends younger than this are looked at again each second, in case nobody told of them: room for clocks that differ
 * and for transactions that commit late.
 */
const LOOK_BACK_MS = 15_000;

export type Shared = { readonly writer: Writer; readonly sql: Sql };

type Needs = Shared & {
  readonly log: LogStore;
  readonly bus: EphemeralBus;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly events: Log;
  readonly roster: Roster;
  readonly isOpen: (connectionId: string) => boolean;
  readonly cursors: Pick<Cursors, "write">;
  readonly concernOf: (conversationId: ConversationId, shownSeq: number | null) => Promise<Concern>;
  readonly forgetMembers: (conversationId: ConversationId) => void;
  readonly writerOf: (entry: StoredEntry) => string | null;
  readonly onGrown: (conversationId: ConversationId) => void;
  readonly show: (entry: StoredEntry, writer: string | null) => void;
  readonly begin: (connection: Connection, held: Held) => void;
  readonly announce: (agentId: AccountId, fence: number, connections: number) => void;
  /** Accounts that are nowhere any more. */
  readonly onDeparted: (departed: readonly Departed[]) => void;
  /** A socket of an agent lost its place. */
  readonly onDisplaced: (connection: Connection) => void;
  /** The others have given this node up: whatever is open here has to come back anew. */
  readonly onBuried: () => void;
};

export class Together {
  readonly places: AgentPlaces;
  readonly #needs: Needs;
  readonly #heartbeat: Heartbeat;
  readonly #arrivals: Arrivals;
  readonly #hints: Hints;
  readonly #chores = new Set<string>();
  #looking = false;
  #isTelling = false;

  constructor(needs: Needs) {
    const { bus, clock } = needs;
    this.#needs = needs;
    this.#heartbeat = new Heartbeat({
      ...needs,
      used: () => this.#agentSockets().map(({ id, usedAt }) => ({ connectionId: id, usedAt })),
      onHeard: (heard, openBefore) => this.#compare(heard, openBefore),
      onEnded: (ended) => this.#ended(ended),
      onBuried: () => {
        this.#chores.clear();
        needs.onBuried();
      },
    });
    this.places = new AgentPlaces({ ...needs, nodeId: () => this.#heartbeat.nodeId });
    this.#arrivals = new Arrivals({ ...needs, forget: needs.forgetMembers });
    this.#hints = new Hints(clock, (places) => {
      // A bus tells its own node at once, which has heard it already.
      this.#isTelling = true;
      bus.publish({ kind: "appended", places });
      this.#isTelling = false;
    });
  }

  get nodeId(): string {
    return this.#heartbeat.nodeId;
  }

  /** Rejects when the database cannot be written. */
  start(): Promise<void> {
    return this.#heartbeat.join();
  }

  /** Once a second. */
  tick(): void {
    void this.#heartbeat.beat();
    void this.#look();
  }

  /** What this node brought is told at once by others. */
  async stop(): Promise<void> {
    this.#hints.stop();
    const ended = await this.#heartbeat.leave();
    if (ended !== null) this.#ended(ended);
  }

  committed(entry: StoredEntry, writer: string | null): void {
    this.#arrivals.committed(entry, writer);
    this.#hints.add([entry.conversationId, entry.seq, changesMembers(entry.kind)]);
  }

  /** A socket here stands so far in a conversation, or is being brought there. */
  level(conversationId: ConversationId, seq: number): void {
    this.#arrivals.level(conversationId, seq);
  }

  /** Whether entries up to this place are still on their way to those who are here. */
  isBehind(conversationId: ConversationId, seq: number): boolean {
    return this.#arrivals.isBehind(conversationId, seq);
  }

  hear(message: BusMessage): void {
    if (message.kind === "appended" && this.#isTelling) return;
    if (message.kind === "appended")
      for (const place of message.places) void this.#arrivals.heard(place);
    else if (message.kind === "sockets") void this.places.refresh(message.agent);
    else if (message.kind === "freed") this.places.want(message.agent, message.conversation, 0);
  }

  /** An account's first socket is here; whether it is the first anywhere. */
  async arrive({ accountId, type }: Principal): Promise<boolean> {
    const { writer } = this.#needs;
    const presence = { account: accountId, type, nodeId: this.nodeId };
    const arrived = await writer.run("arrive", presence);
    return arrived.ok && arrived.value.isFirst;
  }

  /** Its last socket here is gone; whether it was the last anywhere. */
  async depart(accountId: AccountId): Promise<boolean> {
    const { writer, roster } = this.#needs;
    const departed = await writer.run("depart", { account: accountId, nodeId: this.nodeId });
    // Who came back meanwhile is here.
    const again = roster.of(accountId)[0]?.principal;
    if (again != null) await this.arrive(again);
    return departed.ok && departed.value.isLast && again == null;
  }

  async isOnline(accountId: AccountId): Promise<boolean> {
    const { sql } = this.#needs;
    return (await sql.get("SELECT 1 FROM online WHERE account = ?", accountId)) !== undefined;
  }

  /** Who of these is anywhere. */
  async onlineAmong(ids: readonly AccountId[]): Promise<ReadonlyMap<AccountId, MemberType>> {
    const text = "SELECT DISTINCT account, type FROM online WHERE account IN";
    const rows = await allAmong<Departed>(this.#needs.sql, text, ids);
    return new Map(rows.map(({ account, type }) => [account, type]));
  }

  /** Whether a stream has begun and not ended, at whatever node. */
  async isStreaming(conversationId: ConversationId, streamId: StreamId): Promise<boolean> {
    const row = await this.#needs.sql.get(
      "SELECT 1 FROM stream WHERE conv = ? AND stream_id = ?",
      conversationId,
      streamId,
    );
    return row !== undefined;
  }

  /** Makes a live stream this node's; whether it still is live. */
  async takeStream(conversationId: ConversationId, streamId: StreamId): Promise<boolean> {
    const { writer } = this.#needs;
    const moved = await writer.run("moveStream", { conversationId, streamId, nodeId: this.nodeId });
    return moved.ok && moved.value;
  }

  /** A chore that one node does at a time; whether it is this one. It stays its own until it drops it or dies. */
  async takeChore(name: string): Promise<boolean> {
    if (this.#chores.has(name)) return true;
    const taken = await this.#needs.writer.run("takeChore", { name, nodeId: this.nodeId });
    if (taken.ok && taken.value) this.#chores.add(name);
    return this.#chores.has(name);
  }

  async dropChore(name: string): Promise<void> {
    this.#chores.delete(name);
    await this.#needs.writer.run("dropChore", { name, nodeId: this.nodeId });
  }

  #agentSockets(): readonly Connection[] {
    return this.#needs.roster.all().filter(({ principal }) => principal?.type === "agent");
  }

  // A socket that was here before the look and has no row was put out while nobody could tell us.
  #compare(heard: Heard, openBefore: readonly string[]): void {
    const rightful = new Set(heard.sockets.map(({ connection_id }) => connection_id));
    const lost = new Set(openBefore.filter((id) => !rightful.has(id)));
    for (const connection of this.#agentSockets())
      if (lost.has(connection.id)) this.#needs.onDisplaced(connection);
    this.places.compare(heard);
  }

  #ended({ agents, departed }: Ended): void {
    for (const agentId of agents) this.places.tellChanged(agentId);
    this.#needs.onDeparted(departed);
  }

  // What a lost hint would have told.
  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const { sql, clock, events } = this.#needs;
    try {
      const since = clock.now() - LOOK_BACK_MS;
      const rows = await sql.all<{ id: ConversationId; last: number }>(
        // With an upper bound too: without one a database that plans ahead reckons with a third of all entries.
        "SELECT conv AS id, max(seq) AS last FROM entry WHERE at >= ? AND at < ? GROUP BY conv",
        since,
        Number.MAX_SAFE_INTEGER,
      );
      for (const { id, last } of rows) void this.#arrivals.heard([id, last, true] satisfies Place);
    } catch (fault) {
      events.warn("look.failed", factsOf(fault));
    } finally {
      this.#looking = false;
    }
  }
}
