/**
 * Writes by which relays on one database know of each other: who lives, which sockets an agent has anywhere, which of
 * them has a conversation, who is here, who does a chore. What belongs to a node goes with its row.
 */
import { ok } from "#base/result.ts";
import type { AccountId, AgentId, ConversationId, StreamId } from "#protocol/ids.ts";
import { refuse } from "../failure.ts";
import { failStream } from "../log/append-commands.ts";
import type { MemberType } from "../log/log-store.ts";
import type { Command, Transaction } from "../store/transaction.ts";

/** Whether this key is the one that the first relay on this database came with. */
export const checkKey: Command<{ readonly check: string }, boolean> = async (
  { sql },
  { check },
) => {
  await sql.run(
    "INSERT INTO meta (name, value) VALUES ('key_check', ?) ON CONFLICT (name) DO NOTHING",
    check,
  );
  const row = await sql.get<{ value: string }>("SELECT value FROM meta WHERE name = 'key_check'");
  return ok(row?.value === check);
};

export const joinNodes: Command<{ nodeId: string }, null> = async (tx, { nodeId }) => {
  await tx.sql.run("INSERT INTO node (node_id, beat) VALUES (?, 0)", nodeId);
  return ok(null);
};

/** When sockets of agents were last used. */
export type Used = readonly { readonly connectionId: string; readonly usedAt: number }[];

/** What a node learns each second. */
export type Heard = {
  readonly nodes: readonly { readonly node_id: string; readonly beat: number }[];
  /** Sockets of agents that this node still has a right to. */
  readonly sockets: readonly { readonly connection_id: string; readonly agent_id: AgentId }[];
  /** Number of the last change of the sockets of every agent that has one here. */
  readonly fences: readonly { readonly agent_id: AgentId; readonly fence: number }[];
};

/** A sign of life; null: the others have buried this node. */
export const beat: Command<
  {
    readonly nodeId: string;
    readonly used: Used;
  },
  Heard | null
> = async (tx, { nodeId, used }) => {
  const { sql } = tx;
  if ((await sql.run("UPDATE node SET beat = beat + 1 WHERE node_id = ?", nodeId)) === 0)
    return ok(null);
  await markUsed(tx, used);
  return ok({
    nodes: await sql.all("SELECT node_id, beat FROM node"),
    sockets: await sql.all(
      "SELECT connection_id, agent_id FROM agent_socket WHERE node_id = ?",
      nodeId,
    ),
    fences: await sql.all(
      `SELECT agent_id, fence FROM agent_set
       WHERE agent_id IN (SELECT agent_id FROM agent_socket WHERE node_id = ?)`,
      nodeId,
    ),
  });
};

export type Departed = { readonly account: AccountId; readonly type: MemberType };

/** Whom the end of a node concerns; null: it lives. */
export type Ended = {
  readonly agents: readonly AgentId[];
  /** Accounts that are nowhere else. */
  readonly departed: readonly Departed[];
};

/** Ends a node, or, with the last `beat` heard of it, only if it has been silent since. Its streams are orphans. */
export const endNode: Command<
  { readonly nodeId: string; readonly beat: number | null; readonly now: number },
  Ended | null
> = async (tx, { nodeId, beat: lastBeat, now }) => {
  const { sql } = tx;
  const agents = await sql.all<{ agent_id: AgentId }>(
    "SELECT DISTINCT agent_id FROM agent_socket WHERE node_id = ? ORDER BY agent_id",
    nodeId,
  );
  const departed = await sql.all<Departed>(
    `SELECT account, type FROM online AS here WHERE node_id = ? AND NOT EXISTS
       (SELECT 1 FROM online AS there WHERE there.account = here.account AND there.node_id <> here.node_id)`,
    nodeId,
  );
  const node = await sql.get<{ beat: number }>("SELECT beat FROM node WHERE node_id = ?", nodeId);
  if (node === undefined || (lastBeat !== null && node.beat !== lastBeat)) return ok(null);
  for (const { agent_id } of agents) await raiseFence(tx, agent_id, now);
  const ended = await sql.run("DELETE FROM node WHERE node_id = ? AND beat = ?", nodeId, node.beat);
  if (ended === 0) return refuse("UNAVAILABLE");
  const streams = await sql.all<{ conv: ConversationId; stream_id: StreamId }>(
    "SELECT conv, stream_id FROM stream WHERE node_id = ?",
    nodeId,
  );
  for (const { conv, stream_id } of streams)
    await failStream(tx, {
      now,
      conversationId: conv,
      streamId: stream_id,
      code: "STREAM_ORPHANED",
    });
  return ok({ agents: agents.map(({ agent_id }) => agent_id), departed });
};

export type Displaced = {
  readonly connectionId: string;
  readonly by: "evicted" | "replaced";
};

/** Gives an agent's socket a place among at most `most`; whoever was used longest ago makes room. SPEC S16. */
export const openAgentSocket: Command<
  {
    readonly agentId: AgentId;
    readonly connectionId: string;
    readonly nodeId: string;
    readonly hint: string | null;
    readonly most: number;
    readonly used: Used;
    readonly now: number;
  },
  { readonly fence: number; readonly displaced: readonly Displaced[] }
> = async (tx, { agentId, connectionId, nodeId, hint, most, used, now }) => {
  const { sql } = tx;
  if ((await sql.get("SELECT 1 FROM node WHERE node_id = ?", nodeId)) === undefined)
    return refuse("UNAVAILABLE");
  // Its row is the lock: two sockets of one agent are let in one after the other.
  const fence = await raiseFence(tx, agentId, now);
  await markUsed(tx, used);
  const open = await sql.all<{ connection_id: string; hint: string | null }>(
    "SELECT connection_id, hint FROM agent_socket WHERE agent_id = ? ORDER BY used_at, connection_id",
    agentId,
  );
  const replaced = open.filter((other) => hint !== null && other.hint === hint);
  const rest = open.filter((other) => !replaced.includes(other));
  const evicted = rest.slice(0, Math.max(0, rest.length - most + 1));
  const ids = [...replaced, ...evicted].map(({ connection_id }) => connection_id);
  for (const connection_id of ids.toSorted())
    await sql.run("DELETE FROM agent_socket WHERE connection_id = ?", connection_id);
  await sql.run(
    "INSERT INTO agent_socket (connection_id, agent_id, node_id, hint, used_at) VALUES (?, ?, ?, ?, ?)",
    connectionId,
    agentId,
    nodeId,
    hint,
    now,
  );
  const displaced = [
    ...replaced.map(({ connection_id }) => ({
      connectionId: connection_id,
      by: "replaced" as const,
    })),
    ...evicted.map(({ connection_id }) => ({
      connectionId: connection_id,
      by: "evicted" as const,
    })),
  ];
  return ok({ fence, displaced });
};

/** Ends a socket's place, and with it whatever it held; whether it still had one. */
export const closeAgentSocket: Command<
  { readonly agentId: AgentId; readonly connectionId: string; readonly now: number },
  { readonly wasOpen: boolean }
> = async (tx, { agentId, connectionId, now }) => {
  const { sql } = tx;
  const isOpen = await sql.get("SELECT 1 FROM agent_socket WHERE connection_id = ?", connectionId);
  if (isOpen === undefined) return ok({ wasOpen: false });
  // In the order in which a socket is let in, so that the two do not wait for each other.
  await raiseFence(tx, agentId, now);
  const closed = await sql.run("DELETE FROM agent_socket WHERE connection_id = ?", connectionId);
  return ok({ wasOpen: closed > 0 });
};

/** A conversation that a socket now has, and where the agent stands in it. */
export type Held = {
  readonly conversationId: ConversationId;
  readonly cursor: number;
  readonly lastSeq: number;
};

/** Gives a socket those of the conversations that no other socket of the agent has. */
export const holdConversations: Command<
  {
    readonly agentId: AgentId;
    readonly connectionId: string;
    readonly conversationIds: readonly ConversationId[];
  },
  readonly Held[]
> = async (tx, { agentId, connectionId, conversationIds }) => {
  const { sql } = tx;
  const isOpen = await sql.get("SELECT 1 FROM agent_socket WHERE connection_id = ?", connectionId);
  if (isOpen === undefined) return ok([]);
  const held: Held[] = [];
  // One order for everybody, so that two who want the same do not wait for each other.
  for (const conversationId of conversationIds.toSorted()) {
    await sql.run(
      `INSERT INTO agent_hold (agent_id, conv, connection_id) VALUES (?, ?, ?)
       ON CONFLICT (agent_id, conv) DO NOTHING`,
      agentId,
      conversationId,
      connectionId,
    );
    const place = await sql.get<{ cursor: number; last: number }>(
      `SELECT coalesce(acked_seq, 0) AS cursor, joined_seq - 1 AS before, next_seq - 1 AS last
       FROM agent_hold JOIN conv ON conv.id = agent_hold.conv
       JOIN member ON member.conv = conv.id AND account = agent_hold.agent_id
       LEFT JOIN cursor ON cursor.conv = conv.id AND recipient_dev = agent_hold.agent_id
       WHERE agent_id = ? AND agent_hold.conv = ? AND connection_id = ?`,
      agentId,
      conversationId,
      connectionId,
    );
    if (place !== undefined) held.push(heldOf(conversationId, place));
  }
  return ok(held);
};

const heldOf = (
  conversationId: ConversationId,
  row: { readonly cursor: number; readonly last: number; readonly before?: number },
): Held => ({
  conversationId,
  cursor: Math.max(row.cursor, row.before ?? 0),
  lastSeq: row.last,
});

/** The socket has nothing left of the conversation: the next one may take it. */
export const freeConversation: Command<
  {
    readonly agentId: AgentId;
    readonly connectionId: string;
    readonly conversationId: ConversationId;
  },
  null
> = async (tx, { agentId, connectionId, conversationId }) => {
  await tx.sql.run(
    "DELETE FROM agent_hold WHERE agent_id = ? AND conv = ? AND connection_id = ?",
    agentId,
    conversationId,
    connectionId,
  );
  return ok(null);
};

type Presence = {
  readonly account: AccountId;
  readonly type: MemberType;
  readonly nodeId: string;
};

/** An account has its first socket at a node; whether it is the first anywhere. */
export const arrive: Command<Presence, { readonly isFirst: boolean }> = async (
  { sql },
  { account, type, nodeId },
) => {
  if ((await sql.get("SELECT 1 FROM node WHERE node_id = ?", nodeId)) === undefined)
    return refuse("UNAVAILABLE");
  await sql.run(
    "INSERT INTO online (account, node_id, type) VALUES (?, ?, ?) ON CONFLICT (account, node_id) DO NOTHING",
    account,
    nodeId,
    type,
  );
  return ok({ isFirst: !(await isElsewhere({ sql }, account, nodeId)) });
};

/** An account's last socket at a node is gone; whether it was the last anywhere. */
export const depart: Command<Omit<Presence, "type">, { readonly isLast: boolean }> = async (
  { sql },
  { account, nodeId },
) => {
  await sql.run("DELETE FROM online WHERE account = ? AND node_id = ?", account, nodeId);
  return ok({ isLast: !(await isElsewhere({ sql }, account, nodeId)) });
};

/** Takes a chore that no living node has; whether it is this node's now. */
export const takeChore: Command<
  { readonly name: string; readonly nodeId: string },
  boolean
> = async ({ sql }, { name, nodeId }) => {
  if ((await sql.get("SELECT 1 FROM node WHERE node_id = ?", nodeId)) === undefined)
    return ok(false);
  const taken = await sql.run(
    "INSERT INTO chore (name, node_id) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
    name,
    nodeId,
  );
  return ok(taken === 1);
};

export const dropChore: Command<{ readonly name: string; readonly nodeId: string }, null> = async (
  { sql },
  { name, nodeId },
) => {
  await sql.run("DELETE FROM chore WHERE name = ? AND node_id = ?", name, nodeId);
  return ok(null);
};

async function markUsed({ sql }: Pick<Transaction, "sql">, used: Used): Promise<void> {
  const sorted = used.toSorted((a, b) => (a.connectionId < b.connectionId ? -1 : 1));
  for (const { connectionId, usedAt } of sorted)
    await sql.run(
      "UPDATE agent_socket SET used_at = ? WHERE connection_id = ?",
      usedAt,
      connectionId,
    );
}

async function isElsewhere(
  { sql }: Pick<Transaction, "sql">,
  account: AccountId,
  nodeId: string,
): Promise<boolean> {
  const other = await sql.get(
    "SELECT 1 FROM online WHERE account = ? AND node_id <> ?",
    account,
    nodeId,
  );
  return other !== undefined;
}

// Starts at the clock, so that an agent that was away long does not begin again at a number it has seen.
async function raiseFence({ sql }: Pick<Transaction, "sql">, agentId: AgentId, now: number) {
  const row = await sql.get<{ fence: number }>(
    `INSERT INTO agent_set (agent_id, fence) VALUES (?, ?) ON CONFLICT (agent_id) DO UPDATE
     SET fence = CASE WHEN agent_set.fence >= excluded.fence THEN agent_set.fence + 1 ELSE excluded.fence END
     RETURNING fence`,
    agentId,
    now,
  );
  return row?.fence ?? now;
}
