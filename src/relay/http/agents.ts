/** Agents: made by people, run by whoever holds the token; their keys, and invites to talk with them. */
import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import { bytesToHex } from "#base/bytes.ts";
import { ok, type Result } from "#base/result.ts";
import { makeId, type AgentId, type InviteId, type RelationId } from "#protocol/ids.ts";
import {
  AgentSendBody,
  CreateAgentBody,
  CreateInviteBody,
  InviteAcceptBody,
  PrekeysBody,
  RegisterAgentKeysBody,
  type Agent,
} from "#protocol/rest.ts";
import { agentTokenHash, makeAgentToken, makeCode, sha256 } from "../admission.ts";
import type { AgentRow } from "../directory/rows.ts";
import { refuse, type RelayFailure } from "../failure.ts";
import {
  agentPrincipal,
  answer,
  answerPage,
  isoTime,
  type Answered,
  type Api,
  type Http,
} from "./api.ts";
import { decodeAll } from "./auth.ts";
import { ackOf } from "./messages.ts";
import { agentKeys } from "./keys.ts";
import { relationOf } from "./relations.ts";

const agentOf = (api: Api, row: AgentRow): Agent => ({
  agent_id: row.agent_id,
  creator_id: row.creator_id,
  display_name: row.display_name,
  description: row.description,
  connection_mode: row.connection_mode,
  capability_manifest:
    row.manifest === null ? null : (JSON.parse(row.manifest) as Record<string, unknown>),
  capability_manifest_version: row.manifest_version,
  capability_manifest_hash: row.manifest_hash,
  governance: row.governance,
  online: api.relay.isOnline(row.agent_id),
  keys_registered: row.signing_key !== null,
});

export function serveAgents(app: RelayApp, api: Api): void {
  const { directory, writer, clock, random } = api;

  app.post("/agents", createAgent(api));
  app.get("/agents", listAgents(api));
  app.get("/agents/:id", readAgent(api));

  serveAgentKeys(app, api);
  serveAgentMessages(app, api);
  serveInvites(app, api);
}

const manifestHash = (manifest: unknown): string =>
  createHash("sha256")
    .update(canonicalize(manifest) ?? "")
    .digest("hex");

/** The agent of the token, when the path names it. */
const sameAgent = (api: Api, http: Http, agent: AgentRow): Result<AgentId, RelayFailure> => {
  const agentId = api.id<AgentId>(http, "id");
  if (!agentId.ok) return agentId;
  return agentId.value === agent.agent_id ? agentId : refuse("FORBIDDEN");
};

function serveAgentKeys(app: RelayApp, api: Api): void {
  const { writer, relay } = api;
  app.post("/agents/:id/keys/register", registerKeys(api));
  app.put("/agents/:id/prekeys", putPrekeys(api));
}

function serveAgentMessages(app: RelayApp, api: Api): void {
  app.post("/agents/:id/messages", sendAsAgent(api));
  app.get(
    "/agents/:id/messages/poll",
    api.agent(() => refuse("NOT_ENABLED")),
  );
}

// Said clearly, because a program written for a relay that seals would otherwise leak without a word.
async function refusePlaintext(http: Http): Promise<Result<null, RelayFailure>> {
  const body: unknown = await http.req.json().catch(() => null);
  const hasPayload = typeof body === "object" && body !== null && Object.hasOwn(body, "payload");
  return hasPayload ? refuse("PLAINTEXT_REFUSED") : ok(null);
}

function serveInvites(app: RelayApp, api: Api): void {
  const { directory, writer, clock, random } = api;
  const own = (http: Http, userId: string): Result<AgentRow, RelayFailure> => {
    const agentId = api.id<AgentId>(http, "id");
    if (!agentId.ok) return agentId;
    const agent = directory.agent(agentId.value);
    return agent?.creator_id === userId ? ok(agent) : refuse("NOT_FOUND");
  };

  app.post("/agents/:id/invites", createInvite(api));
  app.get("/agents/:id/invites", listInvites(api));
  app.delete("/agents/:id/invites/:inviteId", deleteInvite(api));

  app.get("/invites/:code", showInvite(api));
  app.post("/invites/:code/accept", acceptInvite(api));
}

const createAgent = (api: Api): Route =>
  api.human(async (http, who) => {
    const body = await api.body(http, CreateAgentBody);
    if (!body.ok) return body;
    const { capability_manifest, connection_mode } = body.value;
    if (connection_mode !== "websocket") return refuse("NOT_ENABLED");
    const manifest = capability_manifest === null ? null : JSON.stringify(capability_manifest);
    const agentId = makeId<AgentId>(api.clock.now(), api.random);
    const token = makeAgentToken(api.random);
    const created = await api.writer.run("createAgent", {
      now: api.clock.now(),
      agentId,
      creatorId: who.userId,
      displayName: body.value.display_name,
      description: body.value.description,
      connectionMode: connection_mode,
      manifest,
      manifestHash: capability_manifest === null ? null : manifestHash(capability_manifest),
      tokenHash: agentTokenHash(token),
    });
    return created.ok ? answer({ agent_id: agentId, token }) : created;
  }, 201);

const listAgents = (api: Api): Route =>
  api.human((_http, who) =>
    answerPage(api.directory.agentsOf(who.userId).map((row) => agentOf(api, row))),
  );

const readAgent = (api: Api): Route =>
  api.either((http) => {
    const agentId = api.id<AgentId>(http, "id");
    const row = agentId.ok ? api.directory.agent(agentId.value) : null;
    return row === null ? refuse("NOT_FOUND") : answer(agentOf(api, row));
  });

const registerKeys = (api: Api): Route =>
  api.agent(async (http, agent) => {
    const agentId = sameAgent(api, http, agent);
    if (!agentId.ok) return agentId;
    const body = await api.body(http, RegisterAgentKeysBody);
    if (!body.ok) return body;
    const parts = decodeAll([
      body.value.public_key,
      body.value.signing_public_key,
      body.value.card,
    ]);
    const [publicKey, signingKey, card] = parts ?? [];
    if (publicKey === undefined || signingKey === undefined || card === undefined) {
      return refuse("BAD_REQUEST", { path: "card" });
    }
    const { prekeys } = body.value;
    const registered = await api.writer.run("registerAgentKeys", {
      agentId: agentId.value,
      publicKey,
      signingKey,
      card,
      prekeys,
    });
    if (!registered.ok) return registered;
    const reason = registered.value.changed ? "identity" : "prekey";
    api.relay.tellKeysChanged({ type: "agent", id: agentId.value }, reason);
    return answer({ fingerprint: bytesToHex(sha256(signingKey)) });
  });

const putPrekeys = (api: Api): Route =>
  api.agent(async (http, agent) => {
    const agentId = sameAgent(api, http, agent);
    if (!agentId.ok) return agentId;
    const body = await api.body(http, PrekeysBody);
    if (!body.ok) return body;
    const put = await api.writer.run("putPrekeys", {
      ownerId: agentId.value,
      prekeys: body.value.prekeys,
    });
    if (!put.ok) return put;
    api.relay.tellKeysChanged({ type: "agent", id: agentId.value }, "prekey");
    return answer({});
  });

const sendAsAgent = (api: Api): Route =>
  api.agent(async (http, agent) => {
    const agentId = sameAgent(api, http, agent);
    if (!agentId.ok) return agentId;
    const sealed = await refusePlaintext(http);
    if (!sealed.ok) return sealed;
    const body = await api.body(http, AgentSendBody);
    if (!body.ok) return body;
    const frame = { type: "message.send", ...body.value } as const;
    return ackOf(frame, await api.relay.posting.post(agentPrincipal(agentId.value), frame, null));
  }, 201);

const createInvite = (api: Api): Route =>
  api.human(async (http, who) => {
    const agent = own(http, who.userId);
    if (!agent.ok) return agent;
    const body = await api.body(http, CreateInviteBody);
    if (!body.ok) return body;
    const { expires_in_seconds, max_uses } = body.value;
    const inviteId = makeId<InviteId>(api.clock.now(), api.random);
    const code = makeCode(api.random, 18);
    const created = await api.writer.run("createInvite", {
      now: api.clock.now(),
      inviteId,
      code,
      agentId: agent.value.agent_id,
      maxUses: max_uses ?? null,
      expiresAt:
        expires_in_seconds === undefined ? null : api.clock.now() + expires_in_seconds * 1_000,
    });
    return created.ok ? answer({ invite_id: inviteId, code }) : created;
  }, 201);

const listInvites = (api: Api): Route =>
  api.human((http, who) => {
    const agent = own(http, who.userId);
    if (!agent.ok) return agent;
    return answerPage(
      api.directory.invitesOf(agent.value.agent_id).map((row) => ({
        invite_id: row.invite_id,
        code: row.code,
        uses: row.uses,
        max_uses: row.max_uses,
        expires_at: row.expires_at === null ? null : isoTime(row.expires_at),
      })),
    );
  });

const deleteInvite = (api: Api): Route =>
  api.human(async (http, who) => {
    const agent = own(http, who.userId);
    const inviteId = api.id<InviteId>(http, "inviteId");
    if (!agent.ok) return agent;
    if (!inviteId.ok) return inviteId;
    const deleted = await api.writer.run("deleteInvite", {
      agentId: agent.value.agent_id,
      inviteId: inviteId.value,
    });
    return deleted.ok ? answer({}) : deleted;
  });

const showInvite = (api: Api): Route =>
  api.open((http) => {
    const invite = api.directory.invite(http.req.param("code") ?? "");
    if (invite === null) return refuse("NOT_FOUND");
    const isSpent =
      (invite.max_uses !== null && invite.uses >= invite.max_uses) ||
      (invite.expires_at !== null && invite.expires_at <= api.clock.now());
    if (isSpent) return refuse("INVITE_EXPIRED");
    const agent = api.directory.agent(invite.agent_id);
    const keys = agentKeys(api, invite.agent_id);
    if (agent === null || keys === null) return refuse("NOT_FOUND");
    return answer({ agent: agentOf(api, agent), keys });
  });

const acceptInvite = (api: Api): Route =>
  api.human(async (http, who): Promise<Answered> => {
    const body = await api.body(http, InviteAcceptBody);
    if (!body.ok) return body;
    const ledger = decodeAll(body.value.ledger);
    if (ledger === null) return refuse("BAD_REQUEST", { path: "ledger" });
    const accepted = await api.writer.run("acceptInvite", {
      now: api.clock.now(),
      code: http.req.param("code") ?? "",
      userId: who.userId,
      relationId: makeId<RelationId>(api.clock.now(), api.random),
      conversationId: body.value.conversation_id,
      ledger,
      grantedScopes: body.value.granted_scopes,
    });
    return accepted.ok ? answer(relationOf(accepted.value)) : accepted;
  }, 201);
