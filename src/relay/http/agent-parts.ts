/** What several routes about agents have in common: which agent is meant, how it is shown, what it may point at. */
import { bytesToBase64 } from "#base/base64.ts";
import { ok, type Result } from "#base/result.ts";
import type { AccountId, AgentId, UserId } from "#protocol/ids.ts";
import type { Agent } from "#protocol/rest.ts";
import type { AgentRow } from "../directory/rows.ts";
import { refuse, type RelayFailure } from "../failure.ts";
import { isTargetUrl } from "../outbound.ts";
import type { Api, Http } from "./api.ts";

/** An agent as others see it. */
export const agentOf = async (
  api: Api,
  row: AgentRow,
  reader: AccountId | null,
): Promise<Agent> => ({
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
  online: await api.relay.isOnline(row.agent_id),
  keys_registered: row.signing_key !== null,
  cosigned_card: row.cosigned_card === null ? null : bytesToBase64(row.cosigned_card),
  ...(row.creator_id !== null && row.creator_id === reader
    ? { webhook_url: row.webhook_url, health_check_url: row.health_check_url }
    : {}),
});

/** The agent of the token, when the path names it. */
export const sameAgent = (api: Api, http: Http, agent: AgentRow): Result<AgentId, RelayFailure> => {
  const agentId = api.id<AgentId>(http, "id");
  if (!agentId.ok) return agentId;
  return agentId.value === agent.agent_id ? agentId : refuse("FORBIDDEN");
};

/** The agent of the path, when this person made it. */
export async function ownAgent(
  api: Api,
  http: Http,
  userId: UserId,
): Promise<Result<AgentRow, RelayFailure>> {
  const agentId = api.id<AgentId>(http, "id");
  if (!agentId.ok) return agentId;
  const agent = await api.directory.agent(agentId.value);
  return agent?.creator_id === userId && agent.deleted_at === null
    ? ok(agent)
    : refuse("NOT_FOUND");
}

/** A fresh webhook secret, as its owner sees it once and as it is kept. */
export function makeWebhookSecret(api: Api, agentId: AgentId) {
  const bytes = api.random(32);
  return { text: bytesToBase64(bytes), sealed: api.atRest.seal(`webhook ${agentId}`, bytes) };
}

/** The first member whose address cannot be a target, or null. */
export function badTarget(
  api: Api,
  targets: {
    readonly connection_mode: AgentRow["connection_mode"];
    readonly webhook_url: string | null;
    readonly health_check_url: string | null;
  },
): "webhook_url" | "health_check_url" | null {
  const { connection_mode, webhook_url, health_check_url } = targets;
  const isUsable = (url: string | null): boolean =>
    url === null || isTargetUrl(url, api.allowsPrivateTargets);
  if (!isUsable(webhook_url) || (connection_mode === "webhook" && webhook_url === null))
    return "webhook_url";
  return isUsable(health_check_url) ? null : "health_check_url";
}
