/** Capability manifests: checked, versioned, told to those they concern; and what people grant of them. */
import { ok, type Result } from "#base/result.ts";
import type { RelationId } from "#protocol/ids.ts";
import { CapabilityManifest, isBreakingChange } from "#protocol/manifest.ts";
import { parseShape } from "#protocol/parse.ts";
import { ScopesBody } from "#protocol/rest.ts";
import type { CheckedManifest } from "../check-manifest.ts";
import type { AgentRow } from "../directory/rows.ts";
import { refuse, type RelayFailure } from "../failure.ts";
import { answer, type Api, type RelayApp, type Route } from "./api.ts";
import { relationOf } from "./relations.ts";

export function serveManifests(app: RelayApp, api: Api): void {
  app.put("/relations/:id/scopes", grantScopes(api));
}

const manifestOf = (agent: AgentRow): CapabilityManifest | null => {
  const shaped = parseShape(CapabilityManifest, JSON.parse(agent.manifest ?? "null"));
  return shaped.ok ? shaped.value : null;
};

/** Stores a next version and tells everyone who talks with the agent; the same manifest again is none. */
export async function changeManifest(
  api: Api,
  agent: AgentRow,
  checked: CheckedManifest,
): Promise<Result<null, RelayFailure>> {
  if (checked.hash === agent.manifest_hash) return ok(null);
  const changed = await api.writer.run("setManifest", {
    agentId: agent.agent_id,
    manifest: checked.text,
    manifestHash: checked.hash,
  });
  if (!changed.ok) return changed;
  const frame = {
    type: "agent.capability_changed",
    agent_id: agent.agent_id,
    capability_manifest_version: changed.value.version,
    capability_manifest_hash: checked.hash,
    breaking: isBreakingChange(manifestOf(agent), checked.manifest),
  } as const;
  for await (const related of api.directory.relatedTo(agent.agent_id))
    for (const { id } of related) api.relay.tell(id, frame);
  return ok(null);
}

/** Fails with `BAD_REQUEST` when a scope is granted that the agent does not ask for. */
export function checkScopes(
  agent: AgentRow,
  granted: readonly string[],
): Result<null, RelayFailure> {
  const asked = manifestOf(agent)?.permission_scopes.map(({ id }) => id);
  return asked === undefined || granted.every((scope) => asked.includes(scope))
    ? ok(null)
    : refuse("BAD_REQUEST", { path: "granted_scopes" });
}

const grantScopes = (api: Api): Route =>
  api.human(async (http, who) => {
    const relationId = api.id<RelationId>(http, "id");
    if (!relationId.ok) return relationId;
    const body = await api.body(http, ScopesBody);
    if (!body.ok) return body;
    const { capability_manifest_version, granted_scopes } = body.value;
    const relation = await api.directory.relation(relationId.value);
    const agentId = relation?.agent_id ?? null;
    const agent = agentId === null ? null : await api.directory.agent(agentId);
    if (relation?.user_id !== who.userId || agent === null) return refuse("NOT_FOUND");
    // What is checked below is checked against this version; the command sees to it that it still is the one.
    if (agent.manifest_version !== capability_manifest_version)
      return refuse("REVISION_CONFLICT", { current_revision: agent.manifest_version });
    const allowed = checkScopes(agent, granted_scopes);
    if (!allowed.ok) return allowed;
    const granted = await api.writer.run("grantScopes", {
      relationId: relationId.value,
      by: who.userId,
      manifestVersion: capability_manifest_version,
      grantedScopes: granted_scopes,
    });
    if (!granted.ok) return granted;
    const asked = manifestOf(agent)?.permission_scopes ?? [];
    const decided = {
      user_id: who.userId,
      relation_id: relationId.value,
      capability_manifest_version,
      accepted: asked.every(({ id }) => granted_scopes.includes(id)),
      granted_scopes: [...granted_scopes],
    };
    const type = "agent.capability_changed";
    api.relay.tell(agent.agent_id, { type, ...decided });
    api.webhooks.notify(agent.agent_id, {
      type,
      conversationId: relation.conversation_id,
      senderId: who.userId,
      payload: decided,
    });
    return answer(relationOf(granted.value));
  });
