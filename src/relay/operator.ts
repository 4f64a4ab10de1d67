/** What the operator does to a data folder by hand, whether its relay is running or not. */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Clock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import type { RandomBytes } from "#base/random.ts";
import { ok, type Result } from "#base/result.ts";
import type { Secret } from "#base/secret.ts";
import { makeId, type AgentId, type InviteId } from "#protocol/ids.ts";
import { agentTokenHash, makeAgentToken, makeCode } from "./admission.ts";
import type { CapabilityManifest } from "#protocol/manifest.ts";
import { checkManifest } from "./check-manifest.ts";
import { createDirectory } from "./directory/directory.ts";
import type { AgentRow } from "./directory/rows.ts";
import type { RelayFailure } from "./failure.ts";
import { DATABASE_FILE } from "./data-folder.ts";
import { openStore, placeOf } from "./store/open-store.ts";
import type { Sql } from "./store/sql.ts";

export type ProvisionedAgent = {
  readonly agent_id: AgentId;
  /** Shown once; only its hash is kept. */
  readonly token: string;
  readonly invite_code: string;
};

export type AgentLimits = {
  readonly messagesPerSecond: number | null;
  /** Of files, in a day, in all conversations together. */
  readonly dailyBytes: number | null;
};

/** One line of the list of agents. */
export type AgentSummary = {
  readonly agent_id: AgentId;
  readonly name: string;
  readonly made_by: string;
  readonly mode: string;
  readonly governance: string;
  readonly has_keys: boolean;
  /** Newcomers are shown it. */
  readonly offered: boolean;
  readonly conversations: number;
  readonly messages_per_second: number | null;
  readonly daily_bytes: number | null;
};

export interface Operator {
  agents(): Promise<readonly AgentSummary[]>;
  /** Another token; the old one ends with its sockets. Fails with `NOT_FOUND`. */
  changeToken(agentId: AgentId): Promise<Result<{ readonly token: string }, RelayFailure>>;
  /** Shuts an agent out: no token opens anything for it any more. Fails with `NOT_FOUND`. */
  revokeAgent(agentId: AgentId): Promise<Result<{ readonly agent_id: AgentId }, RelayFailure>>;
  /** Limits of this agent's own, null for everybody's. Fails with `NOT_FOUND`. */
  limitAgent(agentId: AgentId, limits: AgentLimits): Promise<Result<AgentLimits, RelayFailure>>;
  /** An agent nobody but the operator answers for, and a link to it. Fails as the database does. */
  createAgent(
    name: string,
    description: string,
    suggestions?: readonly string[],
  ): Promise<Result<ProvisionedAgent, RelayFailure>>;
  /**
   * Shows an agent to newcomers, by the fingerprint that it told the operator, as links carry it; gives the code of its
   * link. Fails with `NOT_FOUND`.
   */
  offerAgent(
    agentId: AgentId,
    fingerprint: string,
  ): Promise<Result<{ readonly code: string }, RelayFailure>>;
  /** Shows it no more. Fails with `NOT_FOUND`. */
  withdrawAgent(agentId: AgentId): Promise<Result<{ readonly agent_id: AgentId }, RelayFailure>>;
  /** One more invite. Fails with `NOT_FOUND`. */
  createInvite(agentId: AgentId): Promise<Result<{ readonly invite_code: string }, RelayFailure>>;
  close(): Promise<void>;
}

/** Opens folder and database beside a running relay: the database lets one of the two write at a time. */
export async function createOperator(
  dataFolder: string,
  clock: Clock,
  random: RandomBytes,
  database: Secret<string> | null = null,
): Promise<Operator> {
  const folder = resolve(dataFolder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const place = placeOf(database, join(folder, DATABASE_FILE), "here");
  const store = await openStore(place, { clock, random, log: silentLog });
  const { writer, sql } = store;

  const createInvite: Operator["createInvite"] = async (agentId) => {
    const invite_code = makeCode(random, 18);
    const created = await writer.run("createInvite", {
      now: clock.now(),
      inviteId: makeId<InviteId>(clock.now(), random),
      code: invite_code,
      agentId,
      maxUses: null,
      expiresAt: null,
    });
    return created.ok ? ok({ invite_code }) : created;
  };

  const changeToken: Operator["changeToken"] = async (agentId) => {
    const token = makeAgentToken(random);
    const tokenHash = agentTokenHash(token);
    const changed = await writer.run("changeAgentToken", { agentId, tokenHash });
    return changed.ok ? ok({ token }) : changed;
  };

  return {
    createInvite,
    changeToken,
    offerAgent: (agentId, fingerprint) =>
      writer.run("offerAgent", {
        now: clock.now(),
        agentId,
        inviteId: makeId<InviteId>(clock.now(), random),
        code: makeCode(random, 18),
        fingerprint,
      }),
    async withdrawAgent(agentId) {
      const withdrawn = await writer.run("withdrawAgent", { agentId });
      return withdrawn.ok ? ok({ agent_id: agentId }) : withdrawn;
    },
    async agents() {
      const rows = await createDirectory(sql).agents();
      return Promise.all(rows.map((row) => summaryOf(sql, row)));
    },
    async revokeAgent(agentId) {
      const governed = await writer.run("governAgent", { agentId, governance: "blocked" });
      // The token goes as well, so that nothing comes back with the governance alone.
      const revoked = governed.ok ? await changeToken(agentId) : governed;
      return revoked.ok ? ok({ agent_id: agentId }) : revoked;
    },
    async limitAgent(agentId, limits) {
      const limited = await writer.run("limitAgent", { agentId, ...limits });
      return limited.ok ? ok(limits) : limited;
    },
    async createAgent(name, description, suggestions = []) {
      const manifest = suggestions.length === 0 ? ok(null) : checkManifest(suggesting(suggestions));
      if (!manifest.ok) return manifest;
      const agent_id = makeId<AgentId>(clock.now(), random);
      const token = makeAgentToken(random);
      const created = await writer.run("createAgent", {
        now: clock.now(),
        agentId: agent_id,
        creatorId: null,
        displayName: name,
        description,
        connectionMode: "websocket",
        manifest: manifest.value?.text ?? null,
        manifestHash: manifest.value?.hash ?? null,
        tokenHash: agentTokenHash(token),
      });
      if (!created.ok) return created;
      const invited = await createInvite(agent_id);
      return invited.ok ? ok({ agent_id, token, ...invited.value }) : invited;
    },
    close: () => store.close(),
  };
}

/** The manifest of an agent that asks for nothing. */
const suggesting = (suggestions: readonly string[]): CapabilityManifest => ({
  schema_version: "1.0",
  agent_version: "1",
  tools: [],
  permission_scopes: [],
  suggestions: [...suggestions],
});

async function summaryOf(sql: Sql, row: AgentRow): Promise<AgentSummary> {
  const held = await sql.get<{ n: number }>(
    "SELECT count(*) AS n FROM member WHERE account = ? AND left_seq IS NULL",
    row.agent_id,
  );
  const offer = await sql.get("SELECT 1 FROM offers WHERE agent_id = ?", row.agent_id);
  return {
    agent_id: row.agent_id,
    name: row.display_name,
    made_by: row.creator_id ?? "operator",
    mode: row.connection_mode,
    governance: row.governance,
    has_keys: row.signing_key !== null,
    offered: offer !== undefined,
    conversations: held?.n ?? 0,
    messages_per_second: row.messages_per_second,
    daily_bytes: row.daily_bytes,
  };
}
