/**
 * Pushes durable entries to sockets, in order and within each socket's window, and moves their cursors.
 * The log is the truth: whatever cannot be pushed at once is read from it when there is room. SPEC P91 to P97.
 */
import type { Clock } from "#base/clock.ts";
import { encodeFrame } from "#protocol/frame.ts";
import type { AccountId, ConversationId } from "#protocol/ids.ts";
import { MAX_PUSHED_BACKLOG, MAX_UNACKED_BYTES, MAX_UNACKED_ENTRIES } from "#protocol/limits.ts";
import type { RelayFrame, RelayFrameOf } from "#protocol/relay-frame.ts";
import { entryToFrame } from "../log/entry-frame.ts";
import { secondsSince, type Metrics } from "../metrics.ts";
import type { InboxRow, LogMember, LogStore, StoredEntry } from "../log/log-store.ts";
import { makeFeed, type Connection, type Feed } from "./connection.ts";
import type { Cursors } from "./cursors.ts";
import type { Guard } from "./guard.ts";
import type { Held } from "../nodes/node-commands.ts";
import { hasOutstanding, type Roster } from "./roster.ts";

const PAGE_BYTES = 1_048_576;
/** Conversations that an agent's `resume.ok` names: all of thousands would not fit a frame. SPEC R64. */
const MOST_NAMED = 2_000;

type Needs = {
  readonly log: LogStore;
  readonly roster: Roster;
  /** Set when an agent's sockets are on several nodes; null: all are here. */
  readonly places: () => SharedPlaces | null;
  /** A socket stands so far in a conversation, or is being brought there. */
  readonly onLevel: (conversationId: ConversationId, seq: number) => void;
  /** Whether entries up to this place are still to be fanned out. */
  readonly isBehind: (conversationId: ConversationId, seq: number) => boolean;
  readonly cursors: Cursors;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly send: (connection: Connection, text: string, type: RelayFrame["type"]) => void;
};

/** What delivery asks of places that several nodes share. */
export type SharedPlaces = {
  holderOf(agentId: AccountId, conversationId: ConversationId, seq: number): Connection | null;
  claim(
    connection: Connection,
    agentId: AccountId,
    conversationIds: readonly ConversationId[],
  ): Promise<readonly Held[]>;
  resumed(connection: Connection, agentId: AccountId, held: readonly Held[]): void;
};

type Behind = RelayFrameOf<"resume.ok">["conversations"][number];

export class Delivery {
  readonly #needs: Needs;
  #spelled: { readonly entry: StoredEntry; readonly live: boolean; readonly text: string } | null =
    null;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** A committed entry: to everyone who may see it. `writer` names the socket it came from. */
  fanOut(entry: StoredEntry, members: readonly LogMember[], writer: string | null): void {
    const { roster } = this.#needs;
    const places = this.#needs.places();
    for (const member of members) {
      const isHidden = member.leftSeq !== null && entry.seq > member.leftSeq;
      if (entry.seq < member.joinedSeq || isHidden) continue;
      if (member.type === "agent" && places !== null) {
        if (!roster.isOnline(member.id)) continue;
        const here = places.holderOf(member.id, entry.conversationId, entry.seq);
        if (here !== null) this.#offer(here, entry, writer);
        continue;
      }
      const holder =
        member.type === "agent" ? roster.holder(member.id, entry.conversationId) : null;
      if (holder !== null) {
        this.#offer(holder, entry, writer);
        continue;
      }
      for (const connection of roster.of(member.id)) {
        // Between signing in and resuming, a socket only notes that there is more.
        if (connection.phase !== "live") noteMissed(connection, entry);
        else if (member.type === "human") this.#offer(connection, entry, writer);
      }
    }
  }

  /** Brings a socket level: says where it stands and pushes what it lacks. */
  async resume(
    connection: Connection,
    request: {
      readonly logEpoch: string | null;
      readonly cursors: Readonly<Record<string, number>>;
    },
  ): Promise<void> {
    const { log, cursors } = this.#needs;
    const { principal } = connection;
    if (principal === null) return;
    const rows = await log.inbox(principal.accountId, principal.endpointId);
    if (connection.phase !== "waiting") return;
    for (const { conversationId, lastSeq } of rows) this.#needs.onLevel(conversationId, lastSeq);
    const places = this.#needs.places();
    if (principal.type === "agent" && places !== null) {
      await this.#resumeSharing(connection, principal.accountId, request.logEpoch, rows, places);
      return;
    }
    connection.phase = "live";
    const isReset = request.logEpoch !== null && request.logEpoch !== log.epoch;
    const conversations = rows.flatMap((row) => {
      const asked = isReset ? null : (request.cursors[row.conversationId] ?? null);
      const behind = this.#startFeed(connection, row, asked, isReset);
      // What is still on its way to others here is not told to this one again.
      const { conversationId, lastSeq } = row;
      if (behind === null && this.#needs.isBehind(conversationId, lastSeq))
        connection.feeds.set(conversationId, makeFeed(lastSeq, lastSeq));
      return behind === null ? [] : [behind];
    });
    if (principal.type === "agent") {
      for (const row of rows) cursors.remember(principal.accountId, row.conversationId, row.cursor);
    }
    const status = isReset ? "reset" : "continued";
    this.#sayResumed(connection, status, conversations);
    for (const [conversationId, feed] of connection.feeds) {
      if (feed.sentSeq < feed.lastSeq) connection.behind.add(conversationId);
    }
    this.#catchUpSoon(connection);
  }

  /** The socket has a conversation now, and gets what the agent lacks of it. */
  begin(connection: Connection, { conversationId, cursor, lastSeq }: Held): void {
    const { cursors } = this.#needs;
    const { principal } = connection;
    if (principal === null) return;
    const known = cursors.ofAgent(principal.accountId, conversationId) ?? 0;
    const from = Math.min(Math.max(cursor, known), lastSeq);
    cursors.remember(principal.accountId, conversationId, from);
    connection.feeds.set(conversationId, makeFeed(from, lastSeq));
    if (from === lastSeq) return;
    connection.behind.add(conversationId);
    this.#catchUpSoon(connection);
  }

  /** As {@link Delivery.resume}, for one of an agent's sockets on several nodes: it gets what no other has. */
  async #resumeSharing(
    connection: Connection,
    agentId: AccountId,
    logEpoch: string | null,
    rows: readonly InboxRow[],
    places: SharedPlaces,
  ): Promise<void> {
    const { log } = this.#needs;
    const status = logEpoch !== null && logEpoch !== log.epoch ? "reset" : "continued";
    const wanted = rows.filter((row) => status === "reset" || row.cursor < row.lastSeq);
    const ids = wanted.map(({ conversationId }) => conversationId);
    const held = await places.claim(connection, agentId, ids);
    if (connection.phase !== "waiting") return;
    connection.feeds.clear();
    connection.phase = "live";
    const conversations = held.map(({ conversationId, cursor, lastSeq }): Behind => ({
      conversation_id: conversationId,
      status,
      cursor,
      last_seq: lastSeq,
      pushed: true,
    }));
    this.#sayResumed(connection, status, conversations);
    places.resumed(connection, agentId, held);
  }

  // A person's list is what a device fetches by; an agent is given every entry, named or not.
  #sayResumed(
    connection: Connection,
    status: RelayFrameOf<"resume.ok">["status"],
    behind: readonly Behind[],
  ): void {
    const { log, metrics } = this.#needs;
    const isAgent = connection.principal?.type === "agent";
    const conversations = isAgent ? behind.slice(0, MOST_NAMED) : [...behind];
    const frame = { type: "resume.ok", status, log_epoch: log.epoch, conversations } as const;
    this.#needs.send(connection, encodeFrame(frame), frame.type);
    metrics.count("resumes_total", { status });
  }

  /** Everything up to `seq` is stored at this endpoint. */
  acknowledge(connection: Connection, conversationId: ConversationId, seq: number): void {
    const { principal } = connection;
    if (principal === null) return;
    const feed = connection.feeds.get(conversationId);
    if (feed === undefined) {
      // Level since it resumed: what it pulled by itself may still move its cursor. The log caps it.
      this.#needs.cursors.claim(principal, conversationId, seq);
      return;
    }
    const reached = Math.min(seq, feed.lastSeq);
    if (reached <= feed.ackedSeq) return;
    feed.ackedSeq = reached;
    feed.sentSeq = Math.max(feed.sentSeq, reached);
    dropAcknowledged(connection, feed, reached);
    // Own entries right behind the acknowledged ones need no acknowledgement of their own.
    if (feed.ackedSeq >= feed.pushedSeq) feed.ackedSeq = feed.sentSeq;
    this.#needs.cursors.move(principal, conversationId, feed.ackedSeq);
    if (connection.behind.size > 0) this.#catchUpSoon(connection);
  }

  /** Gives what an agent's closed socket had not acknowledged to another of its sockets. */
  release(connection: Connection): void {
    const { roster, cursors } = this.#needs;
    const { principal } = connection;
    if (principal?.type !== "agent") return;
    for (const [conversationId, feed] of connection.feeds) {
      if (!hasOutstanding(connection, conversationId)) continue;
      const heir = roster.holder(principal.accountId, conversationId);
      if (heir === null) continue;
      const from = cursors.ofAgent(principal.accountId, conversationId) ?? feed.ackedSeq;
      heir.feeds.set(conversationId, makeFeed(from, feed.lastSeq));
      heir.behind.add(conversationId);
      this.#catchUpSoon(heir);
    }
    void this.forgetCursors(principal.accountId);
  }

  /** Of an agent that is not here any more; once they are on disk, since it may come back at once. */
  async forgetCursors(agentId: AccountId): Promise<void> {
    const { roster, cursors } = this.#needs;
    if (roster.isOnline(agentId)) return;
    await cursors.write();
    if (!roster.isOnline(agentId)) cursors.forget(agentId);
  }

  #startFeed(
    connection: Connection,
    row: InboxRow,
    asked: number | null,
    isReset: boolean,
  ): Behind | null {
    const { conversationId } = row;
    const lastSeq = Math.max(row.lastSeq, connection.feeds.get(conversationId)?.lastSeq ?? 0);
    connection.feeds.delete(conversationId);
    const cursor = this.#startOf(connection, row, asked);
    const knowsMore = asked !== null && asked > row.lastSeq;
    const status = isReset || knowsMore ? "reset" : "continued";
    if (this.#isOthers(connection, conversationId)) return null;
    if (cursor >= lastSeq && status === "continued") return null;
    const pushed = connection.principal?.type === "agent" || lastSeq - cursor <= MAX_PUSHED_BACKLOG;
    const sentSeq = pushed ? cursor : lastSeq;
    connection.feeds.set(conversationId, {
      ...makeFeed(cursor, lastSeq),
      sentSeq,
      pushedSeq: sentSeq,
    });
    return { conversation_id: conversationId, status, cursor, last_seq: lastSeq, pushed };
  }

  // An agent's processes share one cursor; a person's device knows best where it is.
  #startOf(connection: Connection, row: InboxRow, asked: number | null): number {
    const known = asked === null || asked > row.lastSeq ? row.cursor : asked;
    const { principal } = connection;
    const start =
      principal?.type === "agent"
        ? Math.max(
            known,
            row.cursor,
            this.#needs.cursors.ofAgent(principal.accountId, row.conversationId) ?? 0,
          )
        : known;
    return Math.min(Math.max(start, row.joinedSeq - 1), row.lastSeq);
  }

  #isOthers(connection: Connection, conversationId: ConversationId): boolean {
    if (connection.principal?.type !== "agent") return false;
    const siblings = this.#needs.roster.of(connection.principal.accountId);
    return siblings.some(
      (other) =>
        other !== connection && other.phase === "live" && hasOutstanding(other, conversationId),
    );
  }

  #offer(connection: Connection, entry: StoredEntry, writer: string | null): void {
    const feed = this.#feedFor(connection, entry.conversationId, entry.seq - 1);
    feed.lastSeq = Math.max(feed.lastSeq, entry.seq);
    const isNext = feed.sentSeq === entry.seq - 1;
    if (isNext && connection.id === writer) {
      feed.sentSeq = entry.seq;
      this.#passOver(connection, feed, entry);
    } else if (isNext && hasRoom(connection)) {
      this.#push(connection, feed, entry, true);
    } else if (feed.sentSeq < entry.seq) {
      connection.behind.add(entry.conversationId);
      this.#catchUpSoon(connection);
    }
  }

  #feedFor(connection: Connection, conversationId: ConversationId, beforeSeq: number): Feed {
    const existing = connection.feeds.get(conversationId);
    if (existing !== undefined) return existing;
    const { principal } = connection;
    const known =
      principal?.type === "agent"
        ? this.#needs.cursors.ofAgent(principal.accountId, conversationId)
        : null;
    const feed = makeFeed(Math.min(known ?? beforeSeq, beforeSeq), beforeSeq);
    connection.feeds.set(conversationId, feed);
    return feed;
  }

  #push(connection: Connection, feed: Feed, entry: StoredEntry, live: boolean): void {
    feed.sentSeq = entry.seq;
    if (
      connection.principal?.type === "agent" &&
      entry.senderId === connection.principal.accountId
    ) {
      this.#passOver(connection, feed, entry);
      return;
    }
    feed.pushedSeq = entry.seq;
    const { clock, metrics } = this.#needs;
    const text = this.#spell(entry, live);
    if (live) metrics.observe("delivery_lag_seconds", secondsSince(clock.now(), entry.at));
    feed.unacked.push({ seq: entry.seq, bytes: text.length });
    connection.unackedCount += 1;
    connection.unackedBytes += text.length;
    this.#needs.send(connection, text, entry.kind);
  }

  // The endpoint's own entry needs no acknowledgement, once everything before it has one.
  #passOver(connection: Connection, feed: Feed, entry: StoredEntry): void {
    if (feed.ackedSeq < feed.pushedSeq || connection.principal === null) return;
    feed.ackedSeq = entry.seq;
    this.#needs.cursors.move(connection.principal, entry.conversationId, entry.seq);
  }

  #catchUpSoon(connection: Connection): void {
    this.#needs.guard(connection, () => this.#pump(connection));
  }

  async #pump(connection: Connection): Promise<void> {
    if (connection.pumping) return;
    connection.pumping = true;
    for (const conversationId of connection.behind) {
      const feed = connection.feeds.get(conversationId);
      if (feed !== undefined) await this.#catchUp(connection, conversationId, feed);
      if (feed === undefined || feed.sentSeq >= feed.lastSeq)
        connection.behind.delete(conversationId);
      if (connection.phase !== "live" || !hasRoom(connection)) break;
    }
    connection.pumping = false;
  }

  async #catchUp(
    connection: Connection,
    conversationId: ConversationId,
    feed: Feed,
  ): Promise<void> {
    const isWanted = (): boolean =>
      connection.phase === "live" && feed.sentSeq < feed.lastSeq && hasRoom(connection);
    while (isWanted()) {
      const fromSeq = feed.sentSeq;
      const page = await this.#needs.log.page({
        conversationId,
        after: feed.sentSeq,
        before: feed.lastSeq + 1,
        maxEntries: MAX_UNACKED_ENTRIES - connection.unackedCount,
        maxBytes: PAGE_BYTES,
      });
      for (const entry of page) {
        if (isWanted() && entry.seq === feed.sentSeq + 1) {
          this.#push(connection, feed, entry, false);
        }
      }
      if (feed.sentSeq === fromSeq) return;
    }
  }

  // One entry usually goes to several sockets in a row.
  #spell(entry: StoredEntry, live: boolean): string {
    if (this.#spelled?.entry !== entry || this.#spelled.live !== live) {
      this.#spelled = { entry, live, text: encodeFrame(entryToFrame(entry, live)) };
    }
    return this.#spelled.text;
  }
}

const hasRoom = (connection: Connection): boolean =>
  connection.unackedCount < MAX_UNACKED_ENTRIES && connection.unackedBytes < MAX_UNACKED_BYTES;

function noteMissed(connection: Connection, entry: StoredEntry): void {
  const feed = connection.feeds.get(entry.conversationId);
  if (feed !== undefined) feed.lastSeq = entry.seq;
  else connection.feeds.set(entry.conversationId, makeFeed(entry.seq - 1, entry.seq));
}

function dropAcknowledged(connection: Connection, feed: Feed, seq: number): void {
  let dropped = 0;
  for (const { seq: pushedSeq, bytes } of feed.unacked) {
    if (pushedSeq > seq) break;
    dropped += 1;
    connection.unackedBytes -= bytes;
  }
  feed.unacked.splice(0, dropped);
  connection.unackedCount -= dropped;
}
