/**
 * Agents of this person: made, named, reached and ended here, over what the relay offers their creator. Their keys are
 * never here: an agent's program makes them. SPEC §agents.
 */
import { bytesToBase64Url } from "#base/base64.ts";
import { fingerprintText } from "#base/fingerprint-text.ts";
import { err, ok, type Result } from "#base/result.ts";
import type {
  AgentChangeInput,
  AgentInvitesView,
  AgentInviteView,
  NewAgentInput,
  NewAgentView,
  OwnAgentView,
} from "#bridge/own-agent-views.ts";
import { fingerprint } from "#crypto/identity.ts";
import { MAX_DESCRIPTION_CHARACTERS, MAX_DISPLAY_NAME_CHARACTERS } from "#protocol/limits.ts";
import type { AgentId, InviteId } from "#protocol/ids.ts";
import { MAX_SUGGESTION_CHARACTERS, MAX_SUGGESTIONS } from "#protocol/manifest.ts";
import { Agent, AgentCreated, AgentInvite, Empty, InviteCreated } from "#protocol/rest.ts";
import * as v from "valibot";
import { viewOwnKey } from "./agent-makers.ts";
import type { EngineFailure } from "./failure.ts";
import { agentFacts } from "./people.ts";
import type { Session } from "./session.ts";

type Answer<Value> = Promise<Result<Value, EngineFailure>>;
type Of = { readonly agentId: AgentId };

const DAY_SECONDS = 86_400;

/** Every agent this person made and did not delete, newest first. */
export async function listOwnAgents(session: Session): Answer<readonly OwnAgentView[]> {
  const page = await session.endpoint.rest.page("/agents", Agent);
  if (!page.ok) return page;
  // Ids begin with the time they were made.
  const newestFirst = page.value.items.toSorted((a, b) => (a.agent_id < b.agent_id ? 1 : -1));
  return ok(await Promise.all(newestFirst.map((agent) => viewOf(session, agent))));
}

/** Makes an agent. Its token is in the answer and nowhere else. Fails with `engine/text-empty` and the line's kinds. */
export async function createOwnAgent(session: Session, input: NewAgentInput): Answer<NewAgentView> {
  const { endpoint, deps } = session;
  const name = oneLine(input.name, MAX_DISPLAY_NAME_CHARACTERS);
  if (name === "") return err({ kind: "engine/text-empty" });
  const suggestions = cleanSuggestions(input.suggestions);
  const created = await endpoint.rest.call("POST", "/agents", AgentCreated, {
    display_name: name,
    description: cleanDescription(input.description),
    connection_mode: input.mode,
    webhook_url: input.webhookUrl,
    capability_manifest: suggestions.length === 0 ? null : manifestWith(null, suggestions),
  });
  if (!created.ok) return created;
  const { agent_id: agentId, token, webhook_secret } = created.value;
  const agent = await readAgent(endpoint, agentId);
  if (!agent.ok) return agent;
  return ok({
    agent: await viewOf(session, agent.value),
    token,
    webhookSecret: webhook_secret ?? null,
    baseUrl: deps.origin,
  });
}

/** Changes what is given. Fails with `engine/text-empty` for a name of nothing, and the line's kinds. */
export async function changeOwnAgent(
  session: Session,
  { agentId, change }: Of & { readonly change: AgentChangeInput },
): Answer<OwnAgentView> {
  const { rest } = session.endpoint;
  const name = change.name === undefined ? null : oneLine(change.name, MAX_DISPLAY_NAME_CHARACTERS);
  if (name === "") return err({ kind: "engine/text-empty" });
  const { suggestions } = change;
  // A manifest goes as a whole: what else the agent says it can do stays.
  const before = suggestions === undefined ? null : await readAgent(session.endpoint, agentId);
  if (before?.ok === false) return before;
  const changed = await rest.call("PATCH", `/agents/${agentId}`, Agent, {
    ...(name !== null && { display_name: name }),
    ...(change.description !== undefined && {
      description: cleanDescription(change.description),
    }),
    ...(change.mode !== undefined && { connection_mode: change.mode }),
    ...(change.webhookUrl !== undefined && { webhook_url: change.webhookUrl }),
    ...(change.healthCheckUrl !== undefined && { health_check_url: change.healthCheckUrl }),
    ...(change.isPaused !== undefined && { governance: change.isPaused ? "paused" : "active" }),
    ...(suggestions !== undefined && {
      capability_manifest: manifestWith(
        before?.value.capability_manifest ?? null,
        cleanSuggestions(suggestions),
      ),
    }),
  });
  if (!changed.ok) return changed;
  const { online: _online, ...facts } = agentFacts(changed.value);
  // Shown by this name from now on wherever a conversation with it is.
  if (session.people.get(agentId) !== null)
    await session.people.note({ id: agentId, kind: "agent", ...facts });
  return ok(await viewOf(session, changed.value));
}

/** A new token; the one before holds no longer, and whoever runs on it is cut off. */
export async function renewAgentToken(
  { endpoint }: Session,
  { agentId }: Of,
): Answer<{ readonly token: string }> {
  return endpoint.rest.call("POST", `/agents/${agentId}/token`, TokenAnswer, {});
}

/** A new webhook secret; the one before holds for another day. */
export async function renewWebhookSecret(
  { endpoint }: Session,
  { agentId }: Of,
): Answer<{ readonly secret: string }> {
  const renewed = await endpoint.rest.call(
    "POST",
    `/agents/${agentId}/webhook-secret`,
    SecretAnswer,
    {},
  );
  return renewed.ok ? ok({ secret: renewed.value.webhook_secret }) : renewed;
}

/** Ends the agent for everybody: its token, its links and its conversations. */
export async function deleteOwnAgent(session: Session, { agentId }: Of): Answer<null> {
  const deleted = await session.endpoint.rest.call("DELETE", `/agents/${agentId}`, Empty);
  if (!deleted.ok) return deleted;
  await session.sync();
  return ok(null);
}

/**
 * The links to an agent that can still be used.
 *
 * Fails with `peer/not-found` while the agent has no keys, with `peer/key-changed` when it shows others than it did.
 */
export async function listAgentInvites(
  session: Session,
  { agentId }: Of,
): Answer<AgentInvitesView> {
  const shown = await shownFingerprint(session, agentId);
  if (!shown.ok) return shown;
  const page = await session.endpoint.rest.page(`/agents/${agentId}/invites`, AgentInvite);
  if (!page.ok) return page;
  const now = session.deps.clock.now();
  const invites = page.value.items.map((invite): AgentInviteView => ({
    inviteId: invite.invite_id,
    url: linkTo(session, invite.code, shown.value),
    uses: invite.uses,
    maxUses: invite.max_uses,
    expiresAt: invite.expires_at === null ? null : Date.parse(invite.expires_at),
    asksApproval: invite.approval,
  }));
  return ok({
    fingerprintText: fingerprintText(shown.value),
    invites: invites.filter(
      ({ uses, maxUses, expiresAt }) =>
        (maxUses === null || uses < maxUses) && (expiresAt === null || expiresAt > now),
    ),
  });
}

/** A link to an agent. `maxUses`, `days`: null for no end. Fails as {@link listAgentInvites} does. */
export async function createAgentInvite(
  session: Session,
  {
    agentId,
    maxUses,
    days,
    asksApproval,
  }: Of & {
    readonly maxUses: number | null;
    readonly days: number | null;
    readonly asksApproval: boolean;
  },
): Answer<AgentInvitesView> {
  const shown = await shownFingerprint(session, agentId);
  if (!shown.ok) return shown;
  const created = await session.endpoint.rest.call(
    "POST",
    `/agents/${agentId}/invites`,
    InviteCreated,
    {
      approval: asksApproval,
      ...(maxUses !== null && { max_uses: maxUses }),
      ...(days !== null && { expires_in_seconds: days * DAY_SECONDS }),
    },
  );
  return created.ok ? listAgentInvites(session, { agentId }) : created;
}

/** Takes a link back; who came by it stays. */
export async function removeAgentInvite(
  session: Session,
  { agentId, inviteId }: Of & { readonly inviteId: InviteId },
): Answer<null> {
  const path = `/agents/${agentId}/invites/${inviteId}`;
  const removed = await session.endpoint.rest.call("DELETE", path, Empty);
  return removed.ok ? ok(null) : removed;
}

const TokenAnswer = v.object({ token: v.pipe(v.string(), v.maxLength(200)) });
const SecretAnswer = v.object({ webhook_secret: v.pipe(v.string(), v.maxLength(200)) });

const readAgent = ({ rest }: Session["endpoint"], agentId: AgentId) =>
  rest.call("GET", `/agents/${agentId}`, Agent);

const viewOf = async (session: Session, agent: Agent): Promise<OwnAgentView> => ({
  id: agent.agent_id,
  name: agent.display_name,
  description: agent.description,
  mode: agent.connection_mode,
  webhookUrl: agent.webhook_url ?? null,
  healthCheckUrl: agent.health_check_url ?? null,
  suggestions: agentFacts(agent).suggestions,
  standing: agent.governance,
  isOnline: agent.online,
  hasKeys: agent.keys_registered,
  ...(await viewOwnKey(session, agent)),
});

/** By the agent's own signed card, pinned when it was first seen. */
async function shownFingerprint(
  { endpoint, deps }: Session,
  agentId: AgentId,
): Answer<Uint8Array<ArrayBuffer>> {
  const account = await endpoint.account(agentId);
  return account.ok
    ? ok(fingerprint(deps.primitives, agentId, account.value.identityKey))
    : account;
}

const linkTo = ({ deps }: Session, code: string, shown: Uint8Array<ArrayBuffer>): string =>
  `${deps.origin}/i/${code}#fp=${bytesToBase64Url(shown)}`;

/** The manifest of an agent that says of itself no more than what to ask first. */
const PLAIN_MANIFEST = {
  schema_version: "1.0",
  agent_version: "1",
  tools: [],
  permission_scopes: [],
} as const;

const manifestWith = (
  before: Readonly<Record<string, unknown>> | null,
  suggestions: readonly string[],
) => ({ ...(before ?? PLAIN_MANIFEST), suggestions });

const cleanSuggestions = (suggestions: readonly string[]): readonly string[] =>
  suggestions
    .map((line) => oneLine(line, MAX_SUGGESTION_CHARACTERS))
    .filter((line) => line !== "")
    .slice(0, MAX_SUGGESTIONS);

const cleanDescription = (text: string): string =>
  Array.from(text.normalize("NFC").trim()).slice(0, MAX_DESCRIPTION_CHARACTERS).join("");

const oneLine = (text: string, maxCharacters: number): string =>
  Array.from(text.normalize("NFC").replaceAll(/\s+/gu, " ").trim())
    .slice(0, maxCharacters)
    .join("");
