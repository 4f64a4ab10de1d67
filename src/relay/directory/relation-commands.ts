/** Writes about invites, contact requests, relations and blocks. */
import { ok, type Result } from "#base/result.ts";
import { bytesToBase64 } from "#base/base64.ts";
import type { Bytes } from "#base/bytes.ts";
import type {
  AccountId,
  AgentId,
  ConversationId,
  InviteId,
  RelationId,
  UserId,
} from "#protocol/ids.ts";
import { refuse, type RelayFailure } from "../failure.ts";
import { systemEntry } from "../log/append-commands.ts";
import { createConversation } from "../log/conversation-commands.ts";
import type { NewEntry } from "../log/log-store.ts";
import type { Command, Transaction } from "../store/transaction.ts";
import type { RelationRow } from "./rows.ts";

export const createInvite: Command<
  {
    readonly now: number;
    readonly inviteId: InviteId;
    readonly code: string;
    readonly agentId: AgentId;
    readonly maxUses: number | null;
    readonly expiresAt: number | null;
    readonly approval?: boolean;
  },
  null
> = async (tx, invite) => {
  const agent = await tx.sql.get(
    "SELECT 1 FROM agents WHERE agent_id = ? AND deleted_at IS NULL",
    invite.agentId,
  );
  if (agent === undefined) return refuse("NOT_FOUND");
  await tx.sql.run(
    "INSERT INTO invites (invite_id, code, agent_id, max_uses, expires_at, created_at, approval) VALUES (?, ?, ?, ?, ?, ?, ?)",
    invite.inviteId,
    invite.code,
    invite.agentId,
    invite.maxUses,
    invite.expiresAt,
    invite.now,
    invite.approval === true ? 1 : 0,
  );
  return ok(null);
};

/**
 * Shows an agent to newcomers, by a link that anybody may open any number of times: one it has, or the one given.
 * Fails with `NOT_FOUND`.
 */
export const offerAgent: Command<
  {
    readonly now: number;
    readonly agentId: AgentId;
    readonly inviteId: InviteId;
    readonly code: string;
    readonly fingerprint: string;
  },
  { readonly code: string }
> = async (tx, { now, agentId, inviteId, code, fingerprint }) => {
  const open = await tx.sql.get<{ code: string }>(
    `SELECT code FROM invites WHERE agent_id = ? AND max_uses IS NULL AND expires_at IS NULL AND approval = 0
     ORDER BY created_at, code LIMIT 1`,
    agentId,
  );
  const invited =
    open === undefined
      ? await createInvite(tx, { now, agentId, inviteId, code, maxUses: null, expiresAt: null })
      : ok(null);
  if (!invited.ok) return invited;
  const offered = open?.code ?? code;
  await tx.sql.run(
    `INSERT INTO offers (agent_id, code, fingerprint) VALUES (?, ?, ?)
     ON CONFLICT (agent_id) DO UPDATE SET code = excluded.code, fingerprint = excluded.fingerprint`,
    agentId,
    offered,
    fingerprint,
  );
  return ok({ code: offered });
};

/** Newcomers are shown it no more; its links go on. Fails with `NOT_FOUND`. */
export const withdrawAgent: Command<{ readonly agentId: AgentId }, null> = async (
  tx,
  { agentId },
) => {
  const agent = await tx.sql.get("SELECT 1 FROM agents WHERE agent_id = ?", agentId);
  if (agent === undefined) return refuse("NOT_FOUND");
  await tx.sql.run("DELETE FROM offers WHERE agent_id = ?", agentId);
  return ok(null);
};

export const deleteInvite: Command<{ agentId: AgentId; inviteId: InviteId }, null> = async (
  tx,
  { agentId, inviteId },
) =>
  (await tx.sql.run(
    "DELETE FROM invites WHERE invite_id = ? AND agent_id = ?",
    inviteId,
    agentId,
  )) === 0
    ? refuse("NOT_FOUND")
    : ok(null);

/** A person accepts an agent's invite: relation, conversation, ledger and first entry stand or fall together. */
export const acceptInvite: Command<
  {
    readonly now: number;
    readonly code: string;
    readonly userId: UserId;
    readonly relationId: RelationId;
    readonly conversationId: ConversationId;
    readonly ledger: readonly Bytes[];
    readonly grantedScopes: readonly string[];
  },
  RelationRow
> = async (tx, { now, code, userId, relationId, conversationId, ledger, grantedScopes }) => {
  const invite = await tx.sql.get<{
    invite_id: string;
    agent_id: AgentId;
    approval: number;
    spent: number;
  }>(
    `SELECT invite_id, agent_id, approval,
     CASE WHEN max_uses <= uses OR expires_at <= ? THEN 1 ELSE 0 END AS spent
     FROM invites WHERE code = ?`,
    now,
    code,
  );
  if (invite === undefined) return refuse("NOT_FOUND");
  const same = await tx.sql.get<RelationRow>(
    "SELECT * FROM relations WHERE user_id = ? AND agent_id = ? AND status <> 'revoked'",
    userId,
    invite.agent_id,
  );
  if (same !== undefined) {
    return same.conversation_id === conversationId
      ? ok(same)
      : refuse("ID_TAKEN", { conversation_id: same.conversation_id });
  }
  if (invite.spent === 1) return refuse("INVITE_EXPIRED");
  const relation: RelationRow = {
    relation_id: relationId,
    kind: "h2a",
    user_id: userId,
    agent_id: invite.agent_id,
    peer_user_id: null,
    status: invite.approval === 1 ? "pending" : "established",
    conversation_id: conversationId,
    granted_scopes: JSON.stringify(grantedScopes),
    created_at: now,
  };
  await tx.sql.run("UPDATE invites SET uses = uses + 1 WHERE invite_id = ?", invite.invite_id);
  return await establish(tx, relation, ledger);
};

export const requestContact: Command<
  { now: number; requestId: string; fromId: UserId; toId: UserId; noteSealed: string | null },
  { readonly requestId: string; readonly isNew: boolean }
> = async (tx, { now, requestId, fromId, toId, noteSealed }) => {
  if ((await tx.sql.get("SELECT 1 FROM users WHERE user_id = ?", toId)) === undefined)
    return refuse("NOT_FOUND");
  if (fromId === toId) return refuse("BAD_REQUEST", { path: "user_id" });
  const known = await tx.sql.get<{ request_id: string }>(
    "SELECT request_id FROM contact_requests WHERE from_id = ? AND to_id = ?",
    fromId,
    toId,
  );
  if (known !== undefined) return ok({ requestId: known.request_id, isNew: false });
  await tx.sql.run(
    "INSERT INTO contact_requests (request_id, from_id, to_id, note_sealed, created_at) VALUES (?, ?, ?, ?, ?)",
    requestId,
    fromId,
    toId,
    noteSealed,
    now,
  );
  // A blocked person learns nothing: their request stands like any other, where they look, and goes nowhere.
  const blocked = await tx.sql.get(
    "SELECT 1 FROM blocks WHERE user_id = ? AND blocked_id = ?",
    toId,
    fromId,
  );
  return ok({ requestId, isNew: blocked === undefined });
};

export const acceptContact: Command<
  {
    readonly now: number;
    readonly requestId: string;
    readonly userId: UserId;
    readonly relationId: RelationId;
    readonly conversationId: ConversationId;
    readonly ledger: readonly Bytes[];
  },
  RelationRow
> = async (tx, { now, requestId, userId, relationId, conversationId, ledger }) => {
  const request = await tx.sql.get<{ from_id: UserId }>(
    "SELECT from_id FROM contact_requests WHERE request_id = ? AND to_id = ?",
    requestId,
    userId,
  );
  if (request === undefined) return refuse("NOT_FOUND");
  const same = await tx.sql.get<{ conversation_id: string }>(
    `SELECT conversation_id FROM relations WHERE kind = 'h2h' AND status <> 'revoked'
     AND ((user_id = ?1 AND peer_user_id = ?2) OR (user_id = ?2 AND peer_user_id = ?1))`,
    userId,
    request.from_id,
  );
  if (same !== undefined) return refuse("ID_TAKEN", { conversation_id: same.conversation_id });
  await tx.sql.run(
    "DELETE FROM contact_requests WHERE (from_id = ?1 AND to_id = ?2) OR (from_id = ?2 AND to_id = ?1)",
    userId,
    request.from_id,
  );
  const relation: RelationRow = {
    relation_id: relationId,
    kind: "h2h",
    user_id: userId,
    agent_id: null,
    peer_user_id: request.from_id,
    status: "established",
    conversation_id: conversationId,
    granted_scopes: "[]",
    created_at: now,
  };
  return await establish(tx, relation, ledger);
};

/** By the person asked, or taken back by the one who asked. */
export const dropContactRequest: Command<{ requestId: string; userId: UserId }, null> = async (
  tx,
  { requestId, userId },
) =>
  (await tx.sql.run(
    "DELETE FROM contact_requests WHERE request_id = ?1 AND (to_id = ?2 OR from_id = ?2)",
    requestId,
    userId,
  )) === 0
    ? refuse("NOT_FOUND")
    : ok(null);

const STATUS_FRAMES = {
  suspended: "relation.suspended",
  established: "relation.restored",
  revoked: "relation.revoked",
} as const satisfies Record<string, NewEntry["kind"]>;

export const changeRelation: Command<
  {
    readonly now: number;
    readonly relationId: RelationId;
    readonly by: AccountId;
    readonly to: keyof typeof STATUS_FRAMES;
  },
  RelationRow
> = async (tx, { now, relationId, by, to }) => {
  const relation = await tx.sql.get<RelationRow & { creator_id: string | null }>(
    "SELECT relations.*, creator_id FROM relations LEFT JOIN agents USING (agent_id) WHERE relation_id = ?",
    relationId,
  );
  if (relation === undefined) return refuse("NOT_FOUND");
  const { creator_id, ...row } = relation;
  const sides: readonly (string | null)[] = [row.user_id, row.agent_id, row.peer_user_id];
  // A pause belongs to who answers for the agent; ending it is everybody's right.
  const mayAct = creator_id === by || (to === "revoked" && sides.includes(by));
  if (!mayAct) return refuse(sides.includes(by) ? "FORBIDDEN" : "NOT_FOUND");
  if (row.status === to) return ok(row);
  if (row.status === "pending" && to !== "revoked") return refuse("FORBIDDEN");
  if (row.status === "revoked") return refuse("RELATION_REVOKED");
  await tx.sql.run("UPDATE relations SET status = ? WHERE relation_id = ?", to, relationId);
  await tx.sql.run(
    "UPDATE conv SET status = ? WHERE id = ?",
    to === "established" ? "open" : to,
    row.conversation_id,
  );
  await tx.append(statusEntry(row, to, by), now);
  return ok({ ...row, status: to });
};

const statusEntry = (row: RelationRow, to: keyof typeof STATUS_FRAMES, by: AccountId): NewEntry =>
  systemEntry(row.conversation_id, STATUS_FRAMES[to], {
    payload: { ...relationMembers(row), by },
  });

/** What everybody in a relation's conversation is told at its end. */
export const revokedEntry = (row: RelationRow, by: AccountId): NewEntry =>
  statusEntry(row, "revoked", by);

/** The agent's creator lets in who waits: only now the agent hears of them. */
export const approveRelation: Command<
  { readonly now: number; readonly relationId: RelationId; readonly by: UserId },
  RelationRow
> = async (tx, { now, relationId, by }) => {
  const relation = await tx.sql.get<RelationRow>(
    `SELECT relations.* FROM relations JOIN agents USING (agent_id)
     WHERE relation_id = ? AND agents.creator_id = ?`,
    relationId,
    by,
  );
  if (relation === undefined) return refuse("NOT_FOUND");
  if (relation.status === "revoked") return refuse("RELATION_REVOKED");
  if (relation.status !== "pending") return ok(relation);
  await tx.sql.run("UPDATE relations SET status = 'established' WHERE relation_id = ?", relationId);
  await tx.sql.run("UPDATE conv SET status = 'open' WHERE id = ?", relation.conversation_id);
  const entry = await establishedEntry(tx, relation);
  if (!entry.ok) return entry;
  await tx.append(entry.value, now);
  return ok({ ...relation, status: "established" });
};

/** A decision about a manifest that is not the current one was made about something else. */
export const grantScopes: Command<
  {
    readonly relationId: RelationId;
    readonly by: UserId;
    readonly manifestVersion: number;
    readonly grantedScopes: readonly string[];
  },
  RelationRow
> = async (tx, { relationId, by, manifestVersion, grantedScopes }) => {
  const agent = await tx.sql.get<{ manifest_version: number }>(
    `SELECT manifest_version FROM relations JOIN agents USING (agent_id)
     WHERE relation_id = ? AND user_id = ?`,
    relationId,
    by,
  );
  if (agent === undefined) return refuse("NOT_FOUND");
  if (agent.manifest_version !== manifestVersion)
    return refuse("REVISION_CONFLICT", { current_revision: agent.manifest_version });
  const row = await tx.sql.get<RelationRow>(
    "UPDATE relations SET granted_scopes = ? WHERE relation_id = ? RETURNING *",
    JSON.stringify(grantedScopes),
    relationId,
  );
  return row === undefined ? refuse("NOT_FOUND") : ok(row);
};

export const block: Command<{ now: number; userId: UserId; blockedId: UserId }, null> = async (
  tx,
  { now, userId, blockedId },
) => {
  if ((await tx.sql.get("SELECT 1 FROM users WHERE user_id = ?", blockedId)) === undefined)
    return refuse("NOT_FOUND");
  await tx.sql.run(
    "INSERT INTO blocks (user_id, blocked_id, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    userId,
    blockedId,
    now,
  );
  await dropRequestsOf(tx, { fromId: blockedId, toId: userId });
  return ok(null);
};

export const unblock: Command<{ userId: UserId; blockedId: UserId }, null> = async (
  tx,
  { userId, blockedId },
) => {
  const lifted = await tx.sql.run(
    "DELETE FROM blocks WHERE user_id = ? AND blocked_id = ?",
    userId,
    blockedId,
  );
  // What was asked while it stood went nowhere; it does not come late.
  if (lifted > 0) await dropRequestsOf(tx, { fromId: blockedId, toId: userId });
  return ok(null);
};

const dropRequestsOf = (
  tx: Transaction,
  { fromId, toId }: { readonly fromId: UserId; readonly toId: UserId },
): Promise<number> =>
  tx.sql.run("DELETE FROM contact_requests WHERE from_id = ? AND to_id = ?", fromId, toId);

/** About somebody the person has met: a list of strangers could grow without end. */
export const putRemark: Command<
  { readonly userId: UserId; readonly contactId: AccountId; readonly remarkSealed: string },
  null
> = async (tx, { userId, contactId, remarkSealed }) => {
  const met = await tx.sql.get(
    `SELECT 1 FROM member AS own JOIN member AS other USING (conv)
     WHERE own.account = ? AND other.account = ? AND own.account <> other.account LIMIT 1`,
    userId,
    contactId,
  );
  if (met === undefined) return refuse("NOT_FOUND");
  await tx.sql.run(
    `INSERT INTO remark (user_id, contact_id, remark_sealed) VALUES (?, ?, ?)
     ON CONFLICT (user_id, contact_id) DO UPDATE SET remark_sealed = excluded.remark_sealed`,
    userId,
    contactId,
    remarkSealed,
  );
  return ok(null);
};

/** What the agent, or the person who asked, learns of the one who came. */
async function establishedEntry(
  tx: Transaction,
  relation: RelationRow,
): Promise<Result<NewEntry, RelayFailure>> {
  const person = await tx.sql.get<{ display_name: string; identity_key: Bytes }>(
    "SELECT display_name, identity_key FROM users WHERE user_id = ?",
    relation.user_id,
  );
  if (person === undefined) return refuse("NOT_FOUND");
  const payload = {
    ...relationMembers(relation),
    display_name: person.display_name,
    avatar_url: null,
    language: null,
    referral_source: null,
    public_key: "",
    identity_key: bytesToBase64(person.identity_key),
    granted_scopes: JSON.parse(relation.granted_scopes) as unknown,
  };
  return ok(systemEntry(relation.conversation_id, "relation.established", { payload }));
}

async function establish(
  tx: Transaction,
  relation: RelationRow,
  ledger: readonly Bytes[],
): Promise<Result<RelationRow, RelayFailure>> {
  const entry = await establishedEntry(tx, relation);
  if (!entry.ok) return entry;
  const isPending = relation.status === "pending";
  const member = { role: "member", ownerId: null } as const;
  const created = await createConversation(tx, {
    now: relation.created_at,
    conversationId: relation.conversation_id,
    type: relation.kind,
    members: [
      { ...member, id: relation.user_id, type: "human", role: "owner" },
      relation.agent_id === null
        ? { ...member, id: relation.peer_user_id ?? relation.user_id, type: "human" }
        : { ...member, id: relation.agent_id, type: "agent" },
    ],
    ledger,
    entries: isPending ? [] : [entry.value],
  });
  if (!created.ok) return created;
  if (isPending)
    await tx.sql.run("UPDATE conv SET status = 'pending' WHERE id = ?", relation.conversation_id);
  await tx.sql.run(
    `INSERT INTO relations (relation_id, kind, user_id, agent_id, peer_user_id, status, conversation_id,
     granted_scopes, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    relation.relation_id,
    relation.kind,
    relation.user_id,
    relation.agent_id,
    relation.peer_user_id,
    relation.status,
    relation.conversation_id,
    relation.granted_scopes,
    relation.created_at,
  );
  return ok(relation);
}

const relationMembers = (relation: RelationRow) => ({
  relation_id: relation.relation_id,
  user_id: relation.user_id,
  ...(relation.agent_id === null ? {} : { agent_id: relation.agent_id }),
  ...(relation.peer_user_id === null ? {} : { peer_user_id: relation.peer_user_id }),
  conversation_id: relation.conversation_id,
});
