/** What an agent's creator changes about it: name, way of being reached, standing, secrets, and its end. */
import { base64ToBytes } from "#base/base64.ts";
import { equalBytes } from "#base/bytes.ts";
import { ChangeAgentBody, CosignedCardBody } from "#protocol/rest.ts";
import { peekVouch } from "#protocol/vouch.ts";
import { checkManifest } from "../check-manifest.ts";
import { agentTokenHash, makeAgentToken } from "../admission.ts";
import { refuse } from "../failure.ts";
import { hashOf } from "../ledger-head.ts";
import { agentOf, badTarget, makeWebhookSecret, ownAgent } from "./agent-parts.ts";
import { changeManifest } from "./manifests.ts";
import { answer, type Api, type RelayApp, type Route } from "./api.ts";

export function serveAgentSettings(app: RelayApp, api: Api): void {
  app.patch("/agents/:id", changeAgent(api));
  app.delete("/agents/:id", deleteAgent(api));
  app.put("/agents/:id/card", cosignCard(api));
  app.delete("/agents/:id/card", withdrawCard(api));
  app.post("/agents/:id/token", changeToken(api));
  app.post("/agents/:id/webhook-secret", changeSecret(api));
}

const changeAgent = (api: Api): Route =>
  api.human(async (http, who) => {
    const agent = await ownAgent(api, http, who.userId);
    if (!agent.ok) return agent;
    const body = await api.body(http, ChangeAgentBody);
    if (!body.ok) return body;
    const { agent_id } = agent.value;
    const next = { ...agent.value, ...body.value };
    const path = badTarget(api, next);
    if (path !== null) return refuse("BAD_REQUEST", { path });
    if (agent.value.governance === "blocked") return refuse("BLOCKED");
    const { capability_manifest } = body.value;
    const manifest = capability_manifest === undefined ? null : checkManifest(capability_manifest);
    if (manifest?.ok === false) return manifest;
    const changed = await api.writer.run("changeAgent", {
      agentId: agent_id,
      displayName: next.display_name,
      description: next.description,
      connectionMode: next.connection_mode,
      webhookUrl: next.webhook_url,
      healthCheckUrl: next.health_check_url,
      governance: body.value.governance ?? null,
    });
    if (!changed.ok) return changed;
    const versioned =
      manifest === null ? null : await changeManifest(api, agent.value, manifest.value);
    if (versioned?.ok === false) return versioned;
    api.relay.reviewAgent(agent_id);
    api.webhooks.wake(agent_id);
    const row = await api.directory.agent(agent_id);
    return row === null ? refuse("NOT_FOUND") : answer(await agentOf(api, row, who.userId));
  });

const deleteAgent = (api: Api): Route =>
  api.human(async (http, who) => {
    const agent = await ownAgent(api, http, who.userId);
    if (!agent.ok) return agent;
    const { agent_id } = agent.value;
    const now = api.clock.now();
    const deleted = await api.writer.run("deleteAgent", {
      now,
      agentId: agent_id,
      tokenHash: agentTokenHash(makeAgentToken(api.random)),
    });
    if (!deleted.ok) return deleted;
    api.relay.reviewAgent(agent_id);
    const ended = await api.endings.begin();
    return ended.ok ? answer({}) : ended;
  });

/** Kept if it says of itself what only the creator may say of this agent; readers judge whether it is true. */
const cosignCard = (api: Api): Route =>
  api.human(async (http, who) => {
    const agent = await ownAgent(api, http, who.userId);
    if (!agent.ok) return agent;
    const body = await api.body(http, CosignedCardBody);
    if (!body.ok) return body;
    const agentId = agent.value.agent_id;
    const card = base64ToBytes(body.value.card);
    const vouch = card === null ? null : peekVouch(card);
    const [first] = await api.directory.accountLedger(agentId, -1);
    const isTheirs =
      vouch?.creatorId === who.userId &&
      vouch.deviceId === who.deviceId &&
      vouch.agentId === agentId &&
      first !== undefined &&
      equalBytes(vouch.beginning, hashOf(first.entry));
    if (card === null || !isTheirs) return refuse("BAD_REQUEST", { path: "card" });
    const put = await api.writer.run("cosignCard", { agentId, card });
    return put.ok ? answer({}) : put;
  });

/** The creator takes their word back; without one it is done already. */
const withdrawCard = (api: Api): Route =>
  api.human(async (http, who) => {
    const agent = await ownAgent(api, http, who.userId);
    if (!agent.ok) return agent;
    const agentId = agent.value.agent_id;
    const put = await api.writer.run("cosignCard", { agentId, card: null });
    return put.ok ? answer({}) : put;
  });

const changeToken = (api: Api): Route =>
  api.human(async (http, who) => {
    const agent = await ownAgent(api, http, who.userId);
    if (!agent.ok) return agent;
    const token = makeAgentToken(api.random);
    const agentId = agent.value.agent_id;
    const tokenHash = agentTokenHash(token);
    const changed = await api.writer.run("changeAgentToken", { agentId, tokenHash });
    if (!changed.ok) return changed;
    api.relay.reviewAgent(agentId);
    return answer({ token });
  });

const changeSecret = (api: Api): Route =>
  api.human(async (http, who) => {
    const agent = await ownAgent(api, http, who.userId);
    if (!agent.ok) return agent;
    const agentId = agent.value.agent_id;
    const secret = makeWebhookSecret(api, agentId);
    const changed = await api.writer.run("setWebhookSecret", { agentId, sealed: secret.sealed });
    return changed.ok ? answer({ webhook_secret: secret.text }) : changed;
  });
