/** Writes about agents themselves: made, given keys, limited, shut out. */
import { equalBytes, type Bytes } from "#base/bytes.ts";
import { ok } from "#base/result.ts";
import type { AgentId, UserId } from "#protocol/ids.ts";
import type { Agent } from "#protocol/rest.ts";
import { refuse } from "../failure.ts";
import { checkWholeLedger } from "../ledger-head.ts";
import type { Command } from "../store/transaction.ts";
import { revokedEntry } from "./relation-commands.ts";
import type { RelationRow } from "./rows.ts";
import { insertLedgerRow, isAccount, putPrekeys } from "./account-commands.ts";

export const createAgent: Command<
  {
    readonly now: number;
    readonly agentId: AgentId;
    readonly creatorId: UserId | null;
    readonly displayName: string;
    readonly description: string;
    readonly connectionMode: string;
    readonly manifest: string | null;
    readonly manifestHash: string | null;
    readonly tokenHash: Bytes;
    readonly webhook?: {
      readonly url: string | null;
      readonly healthCheckUrl: string | null;
      readonly sealedSecret: Bytes | null;
    };
  },
  null
> = async (tx, agent) => {
  if (await isAccount(tx, agent.agentId)) return refuse("ID_TAKEN");
  await tx.sql.run(
    `INSERT INTO agents (agent_id, creator_id, display_name, description, connection_mode, manifest, manifest_hash,
     manifest_version, governance, token_hash, created_at, webhook_url, health_check_url, webhook_secret)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'active', ?, ?, ?, ?, ?)`,
    agent.agentId,
    agent.creatorId,
    agent.displayName,
    agent.description,
    agent.connectionMode,
    agent.manifest,
    agent.manifestHash,
    agent.manifest === null ? 0 : 1,
    agent.tokenHash,
    agent.now,
    agent.webhook?.url ?? null,
    agent.webhook?.healthCheckUrl ?? null,
    agent.webhook?.sealedSecret ?? null,
  );
  return ok(null);
};

/** First keys are taken, the same keys are a repeat, other keys are refused. */
export const registerAgentKeys: Command<
  {
    readonly agentId: AgentId;
    readonly publicKey: Bytes;
    readonly signingKey: Bytes;
    readonly card: Bytes;
    readonly prekeys: readonly { kid: string; suite: number; certificate: string }[];
  },
  { readonly changed: boolean }
> = async (tx, { agentId, publicKey, signingKey, card, prekeys }) => {
  const agent = await tx.sql.get<{ public_key: Bytes | null; signing_key: Bytes | null }>(
    "SELECT public_key, signing_key FROM agents WHERE agent_id = ?",
    agentId,
  );
  if (agent === undefined) return refuse("NOT_FOUND");
  const isFirst = agent.signing_key === null || agent.public_key === null;
  if (
    agent.signing_key !== null &&
    agent.public_key !== null &&
    !(equalBytes(agent.signing_key, signingKey) && equalBytes(agent.public_key, publicKey))
  ) {
    return refuse("AGENT_KEY_MISMATCH");
  }
  if (isFirst) {
    const chain = checkWholeLedger([card], "account", agentId);
    if (!chain.ok) return chain;
    for (const [seq, row] of chain.value.entries()) await insertLedgerRow(tx, agentId, seq, row);
    await tx.sql.run(
      "UPDATE agents SET public_key = ?, signing_key = ? WHERE agent_id = ?",
      publicKey,
      signingKey,
      agentId,
    );
  }
  await putPrekeys(tx, { ownerId: agentId, prekeys });
  return ok({ changed: isFirst });
};

/** A new token in place of the old one, which is worth nothing from this moment on. */
export const changeAgentToken: Command<{ agentId: AgentId; tokenHash: Bytes }, null> = async (
  tx,
  { agentId, tokenHash },
) =>
  (await tx.sql.run("UPDATE agents SET token_hash = ? WHERE agent_id = ?", tokenHash, agentId)) ===
  0
    ? refuse("NOT_FOUND")
    : ok(null);

export const governAgent: Command<
  { agentId: AgentId; governance: Agent["governance"] },
  null
> = async (tx, { agentId, governance }) =>
  (await tx.sql.run("UPDATE agents SET governance = ? WHERE agent_id = ?", governance, agentId)) ===
  0
    ? refuse("NOT_FOUND")
    : ok(null);

/** Never one that is shut out or deleted; `governance` null leaves its standing as it is by now. */
export const changeAgent: Command<
  {
    readonly agentId: AgentId;
    readonly displayName: string;
    readonly description: string;
    readonly connectionMode: Agent["connection_mode"];
    readonly webhookUrl: string | null;
    readonly healthCheckUrl: string | null;
    readonly governance: Agent["governance"] | null;
  },
  null
> = async (tx, agent) => {
  const current = await tx.sql.get<{ governance: Agent["governance"]; deleted_at: number | null }>(
    "SELECT governance, deleted_at FROM agents WHERE agent_id = ?",
    agent.agentId,
  );
  if (current === undefined || current.deleted_at !== null) return refuse("NOT_FOUND");
  if (current.governance === "blocked") return refuse("BLOCKED");
  await tx.sql.run(
    `UPDATE agents SET display_name = ?, description = ?, connection_mode = ?, webhook_url = ?,
     health_check_url = ?, governance = ? WHERE agent_id = ?`,
    agent.displayName,
    agent.description,
    agent.connectionMode,
    agent.webhookUrl,
    agent.healthCheckUrl,
    agent.governance ?? current.governance,
    agent.agentId,
  );
  return ok(null);
};

/** The next version of the agent's manifest. */
export const setManifest: Command<
  { agentId: AgentId; manifest: string; manifestHash: string },
  { readonly version: number }
> = async (tx, { agentId, manifest, manifestHash }) => {
  const row = await tx.sql.get<{ version: number }>(
    `UPDATE agents SET manifest = ?, manifest_hash = ?, manifest_version = manifest_version + 1
     WHERE agent_id = ? RETURNING manifest_version AS version`,
    manifest,
    manifestHash,
    agentId,
  );
  return row === undefined ? refuse("NOT_FOUND") : ok(row);
};

/** The creator's word for the agent's key; a later one takes the place of the one before. Null: none any more. */
export const cosignCard: Command<{ agentId: AgentId; card: Bytes | null }, null> = async (
  tx,
  { agentId, card },
) =>
  (await tx.sql.run("UPDATE agents SET cosigned_card = ? WHERE agent_id = ?", card, agentId)) === 0
    ? refuse("NOT_FOUND")
    : ok(null);

export const setWebhookSecret: Command<{ agentId: AgentId; sealed: Bytes }, null> = async (
  tx,
  { agentId, sealed },
) =>
  (await tx.sql.run("UPDATE agents SET webhook_secret = ? WHERE agent_id = ?", sealed, agentId)) ===
  0
    ? refuse("NOT_FOUND")
    : ok(null);

/**
 * Takes token, invites and prekeys away, for good; its relations are {@link endRelations}'s to end. Card and ledger
 * stay: old messages name them.
 */
export const deleteAgent: Command<
  { readonly now: number; readonly agentId: AgentId; readonly tokenHash: Bytes },
  null
> = async (tx, { now, agentId, tokenHash }) => {
  await tx.sql.run("DELETE FROM invites WHERE agent_id = ?", agentId);
  await tx.sql.run("DELETE FROM prekeys WHERE owner_id = ?", agentId);
  await tx.sql.run(
    `UPDATE agents SET deleted_at = ?, governance = 'blocked', token_hash = ?, webhook_secret = NULL, is_ending = 1
     WHERE agent_id = ?`,
    now,
    tokenHash,
    agentId,
  );
  return ok(null);
};

/** Few enough that others' writes hardly wait. */
const ENDED_AT_ONCE = 10;
const MARKS = Array.from({ length: ENDED_AT_ONCE }, () => "?").join(", ");
const END_RELATIONS = `UPDATE relations SET status = 'revoked' WHERE relation_id IN (${MARKS})`;
const END_CONVERSATIONS = `UPDATE conv SET status = 'revoked' WHERE id IN (${MARKS})`;

/** Ends the next few relations of agents that were deleted; whether there may be more. SPEC R63. */
export const endRelations: Command<
  { readonly now: number },
  { readonly mayBeMore: boolean }
> = async (tx, { now }) => {
  const agent = await tx.sql.get<{ agent_id: AgentId; creator_id: UserId | null }>(
    "SELECT agent_id, creator_id FROM agents WHERE is_ending = 1 ORDER BY agent_id LIMIT 1",
  );
  if (agent === undefined) return ok({ mayBeMore: false });
  const { agent_id, creator_id } = agent;
  const relations = await tx.sql.all<RelationRow>(
    `SELECT * FROM relations WHERE agent_id = ? AND status <> 'revoked'
     ORDER BY relation_id LIMIT ${ENDED_AT_ONCE}`,
    agent_id,
  );
  // Two statements for all of them: on a server each is a way there and back, and others wait.
  const ids = (of: (row: RelationRow) => string): string[] =>
    Array.from({ length: ENDED_AT_ONCE }, (_, at) => (relations[at] ? of(relations[at]) : ""));
  await tx.sql.run(END_RELATIONS, ...ids((row) => row.relation_id));
  await tx.sql.run(END_CONVERSATIONS, ...ids((row) => row.conversation_id));
  const by = creator_id ?? agent_id;
  for (const row of relations) await tx.append(revokedEntry(row, by), now);
  if (relations.length < ENDED_AT_ONCE)
    await tx.sql.run("UPDATE agents SET is_ending = 0 WHERE agent_id = ?", agent_id);
  return ok({ mayBeMore: true });
};

/** Limits of one agent's own; null: those of every agent. */
export const limitAgent: Command<
  {
    readonly agentId: AgentId;
    readonly messagesPerSecond: number | null;
    readonly dailyBytes: number | null;
  },
  null
> = async (tx, { agentId, messagesPerSecond, dailyBytes }) =>
  (await tx.sql.run(
    "UPDATE agents SET messages_per_second = ?, daily_bytes = ? WHERE agent_id = ?",
    messagesPerSecond,
    dailyBytes,
    agentId,
  )) === 0
    ? refuse("NOT_FOUND")
    : ok(null);
