/** Agents: made by people, run by whoever holds the token; their keys, and invites to talk with them. */
import { bytesToHex } from "#base/bytes.ts";
import { ok, type Result } from "#base/result.ts";
import { makeId, type AgentId } from "#protocol/ids.ts";
import { checkManifest } from "../check-manifest.ts";
import {
  AgentSendBody,
  CreateAgentBody,
  PrekeysBody,
  RegisterAgentKeysBody,
} from "#protocol/rest.ts";
import { agentTokenHash, makeAgentToken, sha256 } from "../admission.ts";
import { refuse, type RelayFailure } from "../failure.ts";
import { agentOf, badTarget, makeWebhookSecret, sameAgent } from "./agent-parts.ts";
import { answer, answerPage, type Api, type Http, type RelayApp, type Route } from "./api.ts";
import { agentPrincipal } from "./callers.ts";
import { decodeAll } from "./body-parts.ts";
import { ackOf } from "./messages.ts";

export function serveAgents(app: RelayApp, api: Api): void {
  app.post("/agents", createAgent(api));
  app.get("/agents", listAgents(api));
  app.get("/agents/:id", readAgent(api));

  app.post("/agents/:id/keys/register", registerKeys(api));
  app.put("/agents/:id/prekeys", putPrekeys(api));
  app.post("/agents/:id/messages", sendAsAgent(api));
}

// Said clearly, because a program written for a relay that seals would otherwise leak without a word.
async function refusePlaintext(http: Http): Promise<Result<null, RelayFailure>> {
  const body: unknown = await http.req.json().catch(() => null);
  const hasPayload = typeof body === "object" && body !== null && Object.hasOwn(body, "payload");
  return hasPayload ? refuse("PLAINTEXT_REFUSED") : ok(null);
}

const createAgent = (api: Api): Route =>
  api.human(async (http, who) => {
    const body = await api.body(http, CreateAgentBody);
    if (!body.ok) return body;
    const { capability_manifest, connection_mode } = body.value;
    const path = badTarget(api, body.value);
    if (path !== null) return refuse("BAD_REQUEST", { path });
    const manifest = capability_manifest === null ? null : checkManifest(capability_manifest);
    if (manifest?.ok === false) return manifest;
    const agentId = makeId<AgentId>(api.clock.now(), api.random);
    const token = makeAgentToken(api.random);
    const secret = connection_mode === "webhook" ? makeWebhookSecret(api, agentId) : null;
    const created = await api.writer.run("createAgent", {
      now: api.clock.now(),
      agentId,
      creatorId: who.userId,
      displayName: body.value.display_name,
      description: body.value.description,
      connectionMode: connection_mode,
      manifest: manifest?.value.text ?? null,
      manifestHash: manifest?.value.hash ?? null,
      tokenHash: agentTokenHash(token),
      webhook: {
        url: body.value.webhook_url,
        healthCheckUrl: body.value.health_check_url,
        sealedSecret: secret?.sealed ?? null,
      },
    });
    if (!created.ok) return created;
    return answer({
      agent_id: agentId,
      token,
      ...(secret === null ? {} : { webhook_secret: secret.text }),
    });
  }, 201);

const listAgents = (api: Api): Route =>
  api.human(async (_http, who) => {
    const rows = await api.directory.agentsOf(who.userId);
    return answerPage(await Promise.all(rows.map((row) => agentOf(api, row, who.userId))));
  });

const readAgent = (api: Api): Route =>
  api.either(async (http, who) => {
    const agentId = api.id<AgentId>(http, "id");
    const row = agentId.ok ? await api.directory.agent(agentId.value) : null;
    return row === null ? refuse("NOT_FOUND") : answer(await agentOf(api, row, who.accountId));
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
    await api.relay.tellKeysChanged({ type: "agent", id: agentId.value }, reason);
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
    await api.relay.tellKeysChanged({ type: "agent", id: agentId.value }, "prekey");
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
    return ackOf(frame, await api.relay.posting.post(agentPrincipal(agent), frame, null));
  }, 201);
