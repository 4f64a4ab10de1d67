/**
 * An agent's sockets when they are on several nodes: three in all, each conversation one's own. The database says who
 * has what; a node remembers what its sockets have and what they still want. Whoever lost its row has lost its place,
 * wherever its process thinks it is. SPEC R44, P96 to P98.
 */
import { setImmediate as othersTurn } from "node:timers/promises";
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import { createKeyedQueue } from "#base/queue.ts";
import { ok, type Result } from "#base/result.ts";
import type { AccountId, AgentId, ConversationId } from "#protocol/ids.ts";
import { MAX_SOCKETS_PER_AGENT } from "#protocol/limits.ts";
import type { EphemeralBus } from "../bus/bus.ts";
import type { RelayFailure } from "../failure.ts";
import { factsOf } from "../json-log.ts";
import type { Connection } from "../live/connection.ts";
import type { Cursors } from "../live/cursors.ts";
import { bestSocketFor, hasOutstanding, type Roster } from "../live/roster.ts";
import { cutSlice, inSlices, lastOfCut, SLICE, type CutRow } from "../store/slices.ts";
import type { Sql } from "../store/sql.ts";
import type { Writer } from "../store/writer.ts";
import type { Held } from "./node-commands.ts";

type Needs = {
  readonly nodeId: () => string;
  readonly writer: Writer;
  readonly sql: Sql;
  readonly bus: EphemeralBus;
  readonly clock: Clock;
  readonly events: Log;
  readonly roster: Roster;
  /** Whether a socket of this id is open here, signed in or not. */
  readonly isOpen: (connectionId: string) => boolean;
  readonly cursors: Pick<Cursors, "write">;
  /** The socket has the conversation now and gets what the agent lacks. */
  readonly begin: (connection: Connection, held: Held) => void;
  /** The agent has so many sockets, since this change. */
  readonly announce: (agentId: AccountId, fence: number, connections: number) => void;
};

type SocketSet = { readonly fence: number; readonly ids: readonly string[] };
type Want = { readonly agentId: AccountId; readonly conversationId: ConversationId; seq: number };

type LackRow = CutRow & {
  readonly conv: ConversationId;
  readonly last: number;
  readonly lacks: number;
};

/** Conversations that a socket asks for in one command. */
const HELD_AT_ONCE = 100;
// What an agent lacks and no socket of it has.
const LACKED = cutSlice(
  `SELECT member.conv, next_seq - 1 AS last, CASE WHEN left_seq IS NULL
       AND next_seq - 1 > coalesce((SELECT acked_seq FROM cursor
         WHERE cursor.conv = member.conv AND recipient_dev = member.account), joined_seq - 1)
       AND NOT EXISTS (SELECT 1 FROM agent_hold
         WHERE agent_hold.agent_id = member.account AND agent_hold.conv = member.conv)
     THEN 1 ELSE 0 END AS lacks
   FROM member JOIN conv ON conv.id = member.conv
   WHERE account = ? AND member.conv > ? ORDER BY member.conv LIMIT ${SLICE}`,
  "conv",
  "lacks = 1",
);

const keyOf = (agentId: AccountId, conversationId: ConversationId): string =>
  `${agentId} ${conversationId}`;

export class AgentPlaces {
  readonly #needs: Needs;
  readonly #setByAgent = new Map<AccountId, SocketSet>();
  readonly #holderByKey = new Map<string, Connection>();
  /** Conversations that a socket here should have and has not got yet. */
  readonly #wantByKey = new Map<string, Want>();
  readonly #refreshing = createKeyedQueue();

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** A place for a socket that has proven who it is. Fails as the database does. */
  async enter(
    connection: Connection,
    agentId: AccountId,
  ): Promise<Result<{ readonly fence: number }, RelayFailure>> {
    const { writer, clock, nodeId, bus, roster } = this.#needs;
    const opened = await writer.run("openAgentSocket", {
      agentId: agentId as AgentId,
      connectionId: connection.id,
      nodeId: nodeId(),
      hint: connection.hint,
      most: MAX_SOCKETS_PER_AGENT,
      used: roster.of(agentId).map(({ id, usedAt }) => ({ connectionId: id, usedAt })),
      now: clock.now(),
    });
    if (!opened.ok) return opened;
    for (const { connectionId, by } of opened.value.displaced)
      bus.publish({ kind: "displaced", connection: connectionId, by });
    return ok({ fence: opened.value.fence });
  }

  /** Gives up a socket's place: what it acknowledged is written first, so that the next one does not repeat it. */
  async leave(connection: Connection, agentId: AccountId): Promise<void> {
    const { writer, clock, cursors } = this.#needs;
    // What it has, it has a feed of; others have much more.
    for (const conversationId of connection.feeds.keys()) {
      const key = keyOf(agentId, conversationId);
      if (this.#holderByKey.get(key) === connection) this.#holderByKey.delete(key);
    }
    await cursors.write();
    const gone = { agentId: agentId as AgentId, connectionId: connection.id, now: clock.now() };
    await writer.run("closeAgentSocket", gone);
    this.tellChanged(agentId);
  }

  /** Everybody looks at the agent's sockets again. */
  tellChanged(agentId: AccountId): void {
    this.#needs.bus.publish({ kind: "sockets", agent: agentId as AgentId });
  }

  /**
   * The socket here that gets an entry at this place, or null: another node's does, or one of ours once it has got the
   * conversation. Work in progress stays where it is until it is acknowledged.
   */
  holderOf(agentId: AccountId, conversationId: ConversationId, seq: number): Connection | null {
    const key = keyOf(agentId, conversationId);
    const holder = this.#holderByKey.get(key);
    if (holder === undefined || holder.phase === "closed") {
      this.want(agentId, conversationId, seq);
      return null;
    }
    const best = this.#bestFor(agentId, conversationId);
    if (best === null || best === holder.id || hasOutstanding(holder, conversationId))
      return holder;
    this.#holderByKey.delete(key);
    holder.feeds.delete(conversationId);
    this.want(agentId, conversationId, seq);
    void this.#free(holder, agentId, conversationId);
    return null;
  }

  /** There is something up to this place: if one of our sockets should have it, it gets it as soon as it is free. */
  want(agentId: AccountId, conversationId: ConversationId, seq: number): void {
    const connection = this.#noteWant(agentId, conversationId, seq);
    if (connection !== null) this.#takeSoon(connection, [conversationId]);
  }

  /** The socket here that may ask for it now, or null. */
  #noteWant(agentId: AccountId, conversationId: ConversationId, seq: number): Connection | null {
    const key = keyOf(agentId, conversationId);
    if (this.#holderByKey.has(key)) return null;
    const best = this.#bestFor(agentId, conversationId);
    const connection = this.#needs.roster.of(agentId).find(({ id }) => id === best);
    if (connection === undefined) {
      this.#wantByKey.delete(key);
      return null;
    }
    const want = this.#wantByKey.get(key) ?? { agentId, conversationId, seq };
    want.seq = Math.max(want.seq, seq);
    this.#wantByKey.set(key, want);
    return connection.phase === "live" ? connection : null;
  }

  /** Those of the conversations that are this socket's; they are had, and begin with `resumed`. */
  async claim(
    connection: Connection,
    agentId: AccountId,
    conversationIds: readonly ConversationId[],
  ): Promise<readonly Held[]> {
    await this.#read(agentId);
    const held: Held[] = [];
    for (let i = 0; i < conversationIds.length; i += HELD_AT_ONCE) {
      if (i > 0) await othersTurn();
      const some = conversationIds.slice(i, i + HELD_AT_ONCE);
      const own = some.filter((id) => this.#bestFor(agentId, id) === connection.id);
      if (own.length > 0) held.push(...(await this.#hold(connection, agentId, own)));
    }
    return held;
  }

  /** The socket is level with what it was told, and hears what comes. */
  resumed(connection: Connection, agentId: AccountId, held: readonly Held[]): void {
    for (const one of held) this.#begin(connection, agentId, one);
    void this.#adopt(agentId).catch((fault: unknown) =>
      this.#needs.events.warn("places.failed", factsOf(fault)),
    );
  }

  /** Looks at an agent's sockets; what nobody has is taken by whom it belongs to. */
  refresh(agentId: AccountId): Promise<void> {
    return this.#refreshing
      .run(agentId, async () => {
        if (!this.#needs.roster.isOnline(agentId)) {
          this.#setByAgent.delete(agentId);
          return;
        }
        const set = await this.#read(agentId);
        this.#needs.announce(agentId, set.fence, set.ids.length);
        await this.#adopt(agentId);
      })
      .catch((fault: unknown) => this.#needs.events.warn("places.failed", factsOf(fault)));
  }

  /** Brings what was heard with a sign of life together with what is here. */
  compare(heard: {
    readonly sockets: readonly { readonly connection_id: string; readonly agent_id: AgentId }[];
    readonly fences: readonly { readonly agent_id: AgentId; readonly fence: number }[];
  }): void {
    for (const { agent_id, connection_id } of heard.sockets) {
      const isHere = this.#needs.roster.of(agent_id).some(({ id }) => id === connection_id);
      // One that is being let in has its row before its place in the roster.
      if (!isHere && !this.#needs.isOpen(connection_id))
        void this.#closeLost(agent_id, connection_id);
    }
    for (const { agent_id, fence } of heard.fences)
      if (this.#setByAgent.get(agent_id)?.fence !== fence) void this.refresh(agent_id);
    for (const { agentId, conversationId, seq } of this.#wantByKey.values())
      this.want(agentId, conversationId, seq);
  }

  #bestFor(agentId: AccountId, conversationId: ConversationId): string | null {
    return bestSocketFor(conversationId, this.#setByAgent.get(agentId)?.ids ?? []);
  }

  async #read(agentId: AccountId): Promise<SocketSet> {
    const rows = await this.#needs.sql.all<{ fence: number; connection_id: string | null }>(
      `SELECT fence, connection_id FROM agent_set
       LEFT JOIN agent_socket ON agent_socket.agent_id = agent_set.agent_id WHERE agent_set.agent_id = ?`,
      agentId,
    );
    const ids = rows.flatMap(({ connection_id }) => connection_id ?? []);
    const set = { fence: rows[0]?.fence ?? 0, ids };
    const known = this.#setByAgent.get(agentId);
    // Of two looks at once the one that saw more may be answered first.
    if (known !== undefined && known.fence > set.fence) return known;
    this.#setByAgent.set(agentId, set);
    return set;
  }

  async #adopt(agentId: AccountId): Promise<void> {
    const read = (after: string) => this.#needs.sql.all<LackRow>(LACKED, agentId, after);
    for await (const slice of inSlices(
      read,
      lastOfCut(({ conv }) => conv),
    )) {
      const wanted = new Map<Connection, ConversationId[]>();
      for (const { conv, last, lacks } of slice) {
        const connection = lacks === 1 ? this.#noteWant(agentId, conv, last) : null;
        if (connection !== null) wanted.set(connection, [...(wanted.get(connection) ?? []), conv]);
      }
      for (const [connection, ids] of wanted)
        for (let i = 0; i < ids.length; i += HELD_AT_ONCE)
          this.#takeSoon(connection, ids.slice(i, i + HELD_AT_ONCE));
    }
  }

  #takeSoon(connection: Connection, conversationIds: readonly ConversationId[]): void {
    const { principal } = connection;
    if (principal === null) return;
    void this.#hold(connection, principal.accountId, conversationIds)
      .then((held) => {
        for (const one of held) this.#begin(connection, principal.accountId, one);
      })
      // It stays wanted.
      .catch((fault: unknown) => this.#needs.events.warn("places.failed", factsOf(fault)));
  }

  async #hold(
    connection: Connection,
    agentId: AccountId,
    conversationIds: readonly ConversationId[],
  ): Promise<readonly Held[]> {
    const asked = { agentId: agentId as AgentId, connectionId: connection.id, conversationIds };
    const held = await this.#needs.writer.run("holdConversations", asked);
    return held.ok ? held.value : [];
  }

  #begin(connection: Connection, agentId: AccountId, held: Held): void {
    const key = keyOf(agentId, held.conversationId);
    // Asked for twice, got twice, begun once.
    if (connection.phase !== "live" || this.#holderByKey.has(key)) return;
    const lastSeq = Math.max(held.lastSeq, this.#wantByKey.get(key)?.seq ?? 0);
    this.#wantByKey.delete(key);
    this.#holderByKey.set(key, connection);
    this.#needs.begin(connection, { ...held, lastSeq });
  }

  async #free(
    holder: Connection,
    agentId: AccountId,
    conversationId: ConversationId,
  ): Promise<void> {
    const { cursors, writer, bus, events } = this.#needs;
    try {
      await cursors.write();
      const agent = agentId as AgentId;
      await writer.run("freeConversation", {
        agentId: agent,
        connectionId: holder.id,
        conversationId,
      });
      bus.publish({ kind: "freed", agent, conversation: conversationId });
    } catch (fault) {
      events.warn("places.failed", factsOf(fault));
    }
  }

  // A row whose socket ended while the database was away.
  async #closeLost(agentId: AgentId, connectionId: string): Promise<void> {
    const { writer, clock, events } = this.#needs;
    await writer
      .run("closeAgentSocket", { agentId, connectionId, now: clock.now() })
      .then(() => this.tellChanged(agentId))
      .catch((fault: unknown) => events.warn("places.failed", factsOf(fault)));
  }
}
