/** Who is connected: sockets by account, and which of an agent's sockets a conversation belongs to. SPEC P97. */
import { createHash } from "node:crypto";
import type { AccountId, ConversationId } from "#protocol/ids.ts";
import type { Connection } from "./connection.ts";

export interface Roster {
  add(connection: Connection): void;
  remove(connection: Connection): void;
  of(accountId: AccountId): readonly Connection[];
  all(): readonly Connection[];
  isOnline(accountId: AccountId): boolean;
  /** The agent's socket that gets this conversation, or null while none is live. */
  holder(agentId: AccountId, conversationId: ConversationId): Connection | null;
}

export function createRoster(): Roster {
  const connectionsByAccount = new Map<AccountId, Connection[]>();
  const of = (accountId: AccountId): readonly Connection[] =>
    connectionsByAccount.get(accountId) ?? [];
  return {
    add(connection) {
      const accountId = connection.principal?.accountId;
      if (accountId !== undefined)
        connectionsByAccount.set(accountId, [...of(accountId), connection]);
    },
    remove(connection) {
      const accountId = connection.principal?.accountId;
      if (accountId === undefined) return;
      const rest = of(accountId).filter((other) => other !== connection);
      if (rest.length === 0) connectionsByAccount.delete(accountId);
      else connectionsByAccount.set(accountId, rest);
    },
    of,
    all: () => [...connectionsByAccount.values()].flat(),
    isOnline: (accountId) => of(accountId).length > 0,
    holder(agentId, conversationId) {
      const live = of(agentId).filter((connection) => connection.phase === "live");
      // Work in progress stays where it is until it is acknowledged.
      const busy = live.find((connection) => hasOutstanding(connection, conversationId));
      if (busy !== undefined) return busy;
      const best = bestSocketFor(
        conversationId,
        live.map(({ id }) => id),
      );
      return live.find(({ id }) => id === best) ?? null;
    },
  };
}

/** Which of an agent's sockets a conversation belongs to; null: it has none. */
export function bestSocketFor(
  conversationId: ConversationId,
  connectionIds: readonly string[],
): string | null {
  let best: string | null = null;
  let bestScore = "";
  for (const id of connectionIds) {
    const score = scoreOf(conversationId, id);
    if (best !== null && score <= bestScore) continue;
    best = id;
    bestScore = score;
  }
  return best;
}

/** Whether entries of the conversation were pushed or promised to this socket and not acknowledged. */
export function hasOutstanding(connection: Connection, conversationId: ConversationId): boolean {
  const feed = connection.feeds.get(conversationId);
  return feed !== undefined && (feed.unacked.length > 0 || feed.sentSeq < feed.lastSeq);
}

// Highest score wins: when a socket comes or goes, only its own conversations move.
const scoreOf = (conversationId: ConversationId, connectionId: string): string =>
  createHash("sha256").update(`${conversationId}\0${connectionId}`).digest("hex").slice(0, 16);
