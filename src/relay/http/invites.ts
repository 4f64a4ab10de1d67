/** Invites: links by which people come to talk with an agent. */
import { makeId, type InviteId, type RelationId } from "#protocol/ids.ts";
import { CreateInviteBody, InviteAcceptBody } from "#protocol/rest.ts";
import { makeCode } from "../admission.ts";
import { refuse } from "../failure.ts";
import { agentOf, ownAgent } from "./agent-parts.ts";
import {
  answer,
  answerPage,
  isoTime,
  type Answered,
  type Api,
  type RelayApp,
  type Route,
} from "./api.ts";
import { decodeAll } from "./body-parts.ts";
import { agentKeys } from "./keys.ts";
import { checkScopes } from "./manifests.ts";
import { relationOf, tellCreator } from "./relations.ts";

export function serveInvites(app: RelayApp, api: Api): void {
  app.post("/agents/:id/invites", createInvite(api));
  app.get("/agents/:id/invites", listInvites(api));
  app.delete("/agents/:id/invites/:inviteId", deleteInvite(api));
  app.get("/invites/:code", showInvite(api));
  app.post("/invites/:code/accept", acceptInvite(api));
}

const createInvite = (api: Api): Route =>
  api.human(async (http, who) => {
    const agent = await ownAgent(api, http, who.userId);
    if (!agent.ok) return agent;
    const body = await api.body(http, CreateInviteBody);
    if (!body.ok) return body;
    const { expires_in_seconds, max_uses, approval } = body.value;
    const inviteId = makeId<InviteId>(api.clock.now(), api.random);
    const code = makeCode(api.random, 18);
    const created = await api.writer.run("createInvite", {
      now: api.clock.now(),
      inviteId,
      code,
      agentId: agent.value.agent_id,
      maxUses: max_uses ?? null,
      approval,
      expiresAt:
        expires_in_seconds === undefined ? null : api.clock.now() + expires_in_seconds * 1_000,
    });
    return created.ok ? answer({ invite_id: inviteId, code }) : created;
  }, 201);

const listInvites = (api: Api): Route =>
  api.human(async (http, who) => {
    const agent = await ownAgent(api, http, who.userId);
    if (!agent.ok) return agent;
    const invites = await api.directory.invitesOf(agent.value.agent_id);
    return answerPage(
      invites.map((row) => ({
        invite_id: row.invite_id,
        code: row.code,
        uses: row.uses,
        max_uses: row.max_uses,
        expires_at: row.expires_at === null ? null : isoTime(row.expires_at),
        approval: row.approval === 1,
      })),
    );
  });

const deleteInvite = (api: Api): Route =>
  api.human(async (http, who) => {
    const agent = await ownAgent(api, http, who.userId);
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
  api.open(async (http) => {
    const invite = await api.directory.invite(http.req.param("code") ?? "");
    if (invite === null) return refuse("NOT_FOUND");
    const isSpent =
      (invite.max_uses !== null && invite.uses >= invite.max_uses) ||
      (invite.expires_at !== null && invite.expires_at <= api.clock.now());
    if (isSpent) return refuse("INVITE_EXPIRED");
    const agent = await api.directory.agent(invite.agent_id);
    const keys = await agentKeys(api, invite.agent_id);
    if (agent === null || keys === null) return refuse("NOT_FOUND");
    return answer({ agent: await agentOf(api, agent, null), keys });
  });

const acceptInvite = (api: Api): Route =>
  api.human(async (http, who): Promise<Answered> => {
    const body = await api.body(http, InviteAcceptBody);
    if (!body.ok) return body;
    const ledger = decodeAll(body.value.ledger);
    if (ledger === null) return refuse("BAD_REQUEST", { path: "ledger" });
    const invited = await api.directory.invite(http.req.param("code") ?? "");
    const agent = invited === null ? null : await api.directory.agent(invited.agent_id);
    const allowed = agent === null ? null : checkScopes(agent, body.value.granted_scopes);
    if (allowed?.ok === false) return allowed;
    const accepted = await api.writer.run("acceptInvite", {
      now: api.clock.now(),
      code: http.req.param("code") ?? "",
      userId: who.userId,
      relationId: makeId<RelationId>(api.clock.now(), api.random),
      conversationId: body.value.conversation_id,
      ledger,
      grantedScopes: body.value.granted_scopes,
    });
    if (!accepted.ok) return accepted;
    await tellCreator(api, accepted.value);
    return answer(relationOf(accepted.value));
  }, 201);
