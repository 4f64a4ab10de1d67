/**
 * Pushes durable entries to sockets, in order and within each socket's window, and moves their cursors.
 * The log is the truth: whatever cannot be pushed at once is read from it when there is room. SPEC §delivery.
 */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { AccountId, ConversationId } from "#protocol/ids.ts";
import { MAX_PUSHED_BACKLOG, MAX_UNACKED_BYTES, MAX_UNACKED_ENTRIES } from "#protocol/limits.ts";
import { encodeFrame } from "#protocol/frame.ts";
import type { RelayFrameOf } from "#protocol/relay-frame.ts";
import { entryToFrame } from "../log/entry-frame.ts";
import type {
  CursorMove,
  Delivered,
  InboxRow,
  LogMember,
  LogStore,
  StoredEntry,
} from "../log/log-store.ts";
import { makeFeed, type Connection, type Feed, type Principal } from "./connection.ts";
import { hasOutstanding, type Roster } from "./roster.ts";

export interface Delivery {
  /** A committed entry: to everyone who may see it. */
  fanOut(entry: StoredEntry, members: readonly LogMember[], writer: string | null): void;
  /** Brings a socket level: answers where it stands and pushes what it lacks. */
  resume(
    connection: Connection,
    request: {
      readonly logEpoch: string | null;
      readonly cursors: Readonly<Record<string, number>>;
    },
  ): Promise<void>;
  acknowledge(connection: Connection, conversationId: ConversationId, seq: number): void;
  /** Gives the conversations of a closed agent socket to the others. */
  release(connection: Connection): void;
  /** Writes the cursors that moved; resolves when they are on disk. */
  flush(): Promise<void>;
}

const PAGE_BYTES = 1_048_576;
const CURSOR_DELAY_MS = 50;

export function createDelivery(needs: {
  readonly log: LogStore;
  readonly clock: Clock;
  readonly events: Log;
  readonly roster: Roster;
  readonly send: (connection: Connection, text: string) => void;
  readonly onDelivered: (delivered: Delivered) => void;
}): Delivery {
  const { log, clock, roster, send } = needs;
  const moveByKey = new Map<string, CursorMove>();
  /** Cursors of agents that are connected, newer than the ones on disk. */
  const agentCursors = new Map<AccountId, Map<ConversationId, number>>();
  let flushing: (() => void) | null = null;

  const moveCursor = (principal: Principal, conversationId: ConversationId, seq: number): void => {
    const { endpointId, accountId } = principal;
    if (principal.type === "agent") cursorsOf(accountId).set(conversationId, seq);
    const key = `${endpointId} ${conversationId}`;
    // Two sockets of one device may be at different places; the further one counts.
    const furthest = Math.max(seq, moveByKey.get(key)?.seq ?? 0);
    moveByKey.set(key, { endpointId, accountId, conversationId, seq: furthest });
    flushing ??= clock.after(CURSOR_DELAY_MS, () => void flush());
  };

  const flush = async (): Promise<void> => {
    flushing?.();
    flushing = null;
    const moves = [...moveByKey.values()];
    moveByKey.clear();
    if (moves.length === 0) return;
    const moved = await log.advanceCursors(moves);
    if (moved.ok) for (const delivered of moved.value) needs.onDelivered(delivered);
    // A lost cursor costs a repeated delivery, which receivers drop.
    else needs.events.warn("cursors.failed", { code: moved.failure.code });
  };

  const cursorsOf = (agentId: AccountId): Map<ConversationId, number> => {
    let cursors = agentCursors.get(agentId);
    if (cursors === undefined) {
      cursors = new Map();
      agentCursors.set(agentId, cursors);
    }
    return cursors;
  };

  // One entry usually goes to several sockets in a row.
  let spelled: { entry: StoredEntry; live: boolean; text: string } | null = null;
  const textOf = (entry: StoredEntry, live: boolean): string => {
    if (spelled?.entry !== entry || spelled.live !== live) {
      spelled = { entry, live, text: encodeFrame(entryToFrame(entry, live)) };
    }
    return spelled.text;
  };

  const push = (connection: Connection, feed: Feed, entry: StoredEntry, live: boolean): void => {
    feed.sentSeq = entry.seq;
    if (
      connection.principal?.type === "agent" &&
      entry.senderId === connection.principal.accountId
    ) {
      passOver(connection, feed, entry);
      return;
    }
    feed.pushedSeq = entry.seq;
    const bytes = 1.4 * ((entry.body?.length ?? 0) + (entry.sessionOpen?.length ?? 0)) + 512;
    feed.unacked.push({ seq: entry.seq, bytes });
    connection.unackedCount += 1;
    connection.unackedBytes += bytes;
    send(connection, textOf(entry, live));
  };

  // The endpoint's own entry needs no acknowledgement, once everything before it has one.
  const passOver = (connection: Connection, feed: Feed, entry: StoredEntry): void => {
    if (feed.ackedSeq < feed.pushedSeq || connection.principal === null) return;
    feed.ackedSeq = entry.seq;
    moveCursor(connection.principal, entry.conversationId, entry.seq);
  };

  const feedFor = (
    connection: Connection,
    conversationId: ConversationId,
    beforeSeq: number,
  ): Feed => {
    let feed = connection.feeds.get(conversationId);
    if (feed === undefined) {
      const agentId =
        connection.principal?.type === "agent" ? connection.principal.accountId : null;
      const known = agentId === null ? undefined : cursorsOf(agentId).get(conversationId);
      const from = Math.min(known ?? beforeSeq, beforeSeq);
      feed = makeFeed(from, beforeSeq);
      connection.feeds.set(conversationId, feed);
    }
    return feed;
  };

  const offer = (connection: Connection, entry: StoredEntry, writer: string | null): void => {
    const feed = feedFor(connection, entry.conversationId, entry.seq - 1);
    feed.lastSeq = Math.max(feed.lastSeq, entry.seq);
    const isNext = feed.sentSeq === entry.seq - 1;
    if (isNext && connection.id === writer) {
      feed.sentSeq = entry.seq;
      passOver(connection, feed, entry);
    } else if (isNext && hasRoom(connection)) {
      push(connection, feed, entry, true);
    } else if (feed.sentSeq < entry.seq) {
      connection.behind.add(entry.conversationId);
      void pump(connection);
    }
  };

  const pump = async (connection: Connection): Promise<void> => {
    if (connection.pumping) return;
    connection.pumping = true;
    for (const conversationId of connection.behind) {
      const feed = connection.feeds.get(conversationId);
      while (feed !== undefined && feed.sentSeq < feed.lastSeq && hasRoom(connection)) {
        const page = await log.page({
          conversationId,
          after: feed.sentSeq,
          before: feed.lastSeq + 1,
          maxEntries: MAX_UNACKED_ENTRIES - connection.unackedCount,
          maxBytes: PAGE_BYTES,
        });
        if (connection.phase !== "live" || page.length === 0) break;
        for (const entry of page)
          if (entry.seq === feed.sentSeq + 1) push(connection, feed, entry, false);
      }
      if (connection.phase !== "live") break;
      if (feed === undefined || feed.sentSeq >= feed.lastSeq)
        connection.behind.delete(conversationId);
      if (!hasRoom(connection)) break;
    }
    connection.pumping = false;
  };

  const isOthers = (connection: Connection, row: InboxRow): boolean =>
    connection.principal?.type === "agent" &&
    roster
      .of(connection.principal.accountId)
      .some(
        (other) =>
          other !== connection &&
          other.phase === "live" &&
          hasOutstanding(other, row.conversationId),
      );

  // Where the socket really is: an agent's processes share one cursor, a person's device knows its own best.
  const startOf = (connection: Connection, row: InboxRow, asked: number | undefined): number => {
    const known = asked === undefined || asked > row.lastSeq ? row.cursor : asked;
    const agent = connection.principal?.type === "agent" ? connection.principal : null;
    const start =
      agent === null
        ? known
        : Math.max(known, row.cursor, cursorsOf(agent.accountId).get(row.conversationId) ?? 0);
    return Math.min(Math.max(start, row.joinedSeq - 1), row.lastSeq);
  };

  return {
    fanOut(entry, members, writer) {
      for (const member of members) {
        if (entry.seq < member.joinedSeq || (member.leftSeq !== null && entry.seq > member.leftSeq))
          continue;
        if (member.type === "agent") {
          const holder = roster.holder(member.id, entry.conversationId);
          if (holder !== null) offer(holder, entry, writer);
          else for (const connection of roster.of(member.id)) noteMissed(connection, entry);
          continue;
        }
        for (const connection of roster.of(member.id)) {
          if (connection.phase === "live") offer(connection, entry, writer);
          // Between signing in and resuming: only note that there is more.
          else noteMissed(connection, entry);
        }
      }
    },

    async resume(connection, { logEpoch, cursors }) {
      const { principal } = connection;
      if (principal === null) return;
      const rows = await log.inbox(principal.accountId, principal.endpointId);
      if (connection.phase !== "waiting") return;
      connection.phase = "live";
      const isReset = logEpoch !== null && logEpoch !== log.epoch;
      const conversations: RelayFrameOf<"resume.ok">["conversations"] = [];
      for (const row of rows) {
        const { conversationId } = row;
        const asked = isReset ? undefined : cursors[conversationId];
        const rolledBack = asked !== undefined && asked > row.lastSeq;
        const lastSeq = Math.max(row.lastSeq, connection.feeds.get(conversationId)?.lastSeq ?? 0);
        connection.feeds.delete(conversationId);
        const cursor = startOf(connection, row, asked);
        const status = isReset || rolledBack ? ("reset" as const) : ("continued" as const);
        if ((cursor >= lastSeq && status === "continued") || isOthers(connection, row)) continue;
        const pushed = principal.type === "agent" || lastSeq - cursor <= MAX_PUSHED_BACKLOG;
        const sentSeq = pushed ? cursor : lastSeq;
        const feed = makeFeed(cursor, lastSeq);
        connection.feeds.set(conversationId, { ...feed, sentSeq, pushedSeq: sentSeq });
        conversations.push({
          conversation_id: conversationId,
          status,
          cursor,
          last_seq: lastSeq,
          pushed,
        });
      }
      const status = isReset ? "reset" : "continued";
      send(
        connection,
        encodeFrame({ type: "resume.ok", status, log_epoch: log.epoch, conversations }),
      );
      if (principal.type === "agent") {
        const known = cursorsOf(principal.accountId);
        for (const row of rows) {
          known.set(row.conversationId, Math.max(known.get(row.conversationId) ?? 0, row.cursor));
        }
      }
      for (const [conversationId, feed] of connection.feeds) {
        if (feed.sentSeq < feed.lastSeq) connection.behind.add(conversationId);
      }
      void pump(connection);
    },

    acknowledge(connection, conversationId, seq) {
      const { principal } = connection;
      if (principal === null) return;
      const feed = connection.feeds.get(conversationId);
      if (feed === undefined) {
        // Level since the resume: what it pulled by itself may still move its cursor. The log caps it.
        moveCursor(principal, conversationId, seq);
        return;
      }
      const reached = Math.min(seq, feed.lastSeq);
      if (reached <= feed.ackedSeq) return;
      feed.ackedSeq = reached;
      feed.sentSeq = Math.max(feed.sentSeq, reached);
      dropAcknowledged(connection, feed, reached);
      // Own entries right behind the acknowledged ones need none of their own.
      if (feed.ackedSeq >= feed.pushedSeq) feed.ackedSeq = feed.sentSeq;
      moveCursor(principal, conversationId, feed.ackedSeq);
      if (connection.behind.size > 0) void pump(connection);
    },

    release(connection) {
      const { principal } = connection;
      if (principal?.type !== "agent") return;
      const { accountId } = principal;
      for (const [conversationId, feed] of connection.feeds) {
        if (!hasOutstanding(connection, conversationId)) continue;
        const heir = roster.holder(accountId, conversationId);
        if (heir === null) continue;
        const from = cursorsOf(accountId).get(conversationId) ?? feed.ackedSeq;
        heir.feeds.set(conversationId, makeFeed(from, feed.lastSeq));
        heir.behind.add(conversationId);
        void pump(heir);
      }
      if (!roster.isOnline(accountId)) agentCursors.delete(accountId);
    },

    flush,
  };
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
