/**
 * Who made an agent, as far as it is proven: a creator's device signs for the key that its person compared, and who
 * meets the agent is told of a maker only when that signature holds against the maker's own ledger. SPEC §agents.
 */
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import { fingerprintText } from "#base/fingerprint-text.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { AgentMakerView, OwnAgentView } from "#bridge/own-agent-views.ts";
import { fingerprint } from "#crypto/identity.ts";
import { signVouch, verifyVouch } from "#crypto/vouch.ts";
import type { AgentId } from "#protocol/ids.ts";
import { Agent, Empty } from "#protocol/rest.ts";
import { peekVouch } from "#protocol/vouch.ts";
import type { EngineFailure } from "./failure.ts";
import { agentFacts } from "./people.ts";
import type { Session } from "./session.ts";

type Answer<Value> = Promise<Result<Value, EngineFailure>>;
type Of = { readonly agentId: AgentId };

/**
 * This device says that the agent's key is the one its person compared.
 *
 * Shapes: `fingerprintText` as the person saw it; another key than that is never signed for.
 * Fails with `peer/not-found` while the agent has no keys, `peer/key-changed`, `engine/fingerprint-mismatch`.
 */
export async function confirmOwnAgent(
  session: Session,
  { agentId, fingerprintText: seen }: Of & { readonly fingerprintText: string },
): Answer<null> {
  const { endpoint, deps, selfId, signer } = session;
  const [agent, creator] = await Promise.all([
    endpoint.refreshAccount(agentId),
    endpoint.refreshAccount(selfId),
  ]);
  if (!agent.ok) return agent;
  if (!creator.ok) return creator;
  const { primitives } = deps;
  const shown = fingerprint(primitives, agentId, agent.value.identityKey);
  if (fingerprintText(shown) !== seen) return err({ kind: "engine/fingerprint-mismatch" });
  const about = {
    creator: creator.value,
    deviceId: endpoint.deviceId,
    agent: agent.value,
    createdAt: deps.clock.now(),
  };
  const card = bytesToBase64(await signVouch(primitives, about, signer));
  const put = await endpoint.rest.call("PUT", `/agents/${agentId}/card`, Empty, { card });
  return put.ok ? ok(null) : put;
}

/** Takes this person's word for an agent back, whichever device gave it; the relay shows it to nobody any more. */
export async function withdrawOwnAgent({ endpoint }: Session, { agentId }: Of): Answer<null> {
  const gone = await endpoint.rest.call("DELETE", `/agents/${agentId}/card`, Empty);
  return gone.ok ? ok(null) : gone;
}

/** An own agent's key as first seen, and whether this person's word for it holds. */
export async function viewOwnKey(
  session: Session,
  agent: Agent,
): Promise<Pick<OwnAgentView, "fingerprintText" | "confirmation">> {
  const none = { fingerprintText: null, confirmation: "none" } as const;
  if (!agent.keys_registered) return none;
  const account = await session.endpoint.account(agent.agent_id);
  if (!account.ok) return none;
  const { identityKey } = account.value;
  return {
    fingerprintText: fingerprintText(
      fingerprint(session.deps.primitives, agent.agent_id, identityKey),
    ),
    confirmation: await confirmationOf(session, agent),
  };
}

/** Of whom it is proven that they made this agent; null: of nobody, and nothing may be said. */
export async function describeAgentMaker(
  session: Session,
  { agentId }: Of,
): Answer<AgentMakerView | null> {
  const { endpoint, people, selfId } = session;
  const asked = await endpoint.rest.call("GET", `/agents/${agentId}`, Agent);
  if (asked.ok) {
    const { online: _online, ...facts } = agentFacts(asked.value);
    await people.note({ id: agentId, kind: "agent", ...facts });
  }
  const word = people.get(agentId)?.cosignedCard ?? null;
  const creatorId = word === null ? null : await provenCreator(session, agentId, word);
  if (creatorId === null) return ok(null);
  if (creatorId !== selfId) await people.want([{ id: creatorId, kind: "human" }]);
  const name = people.nameOf(creatorId);
  if (name === "") return ok(null);
  const trust = creatorId === selfId ? "self" : people.trustOf(creatorId);
  if (trust === "changed") return ok(null);
  return ok({ id: creatorId, name, handle: people.get(creatorId)?.handle ?? "", trust });
}

async function confirmationOf(
  session: Session,
  agent: Agent,
): Promise<OwnAgentView["confirmation"]> {
  const { agent_id: agentId, cosigned_card: word } = agent;
  if (word === null) return "none";
  const creatorId = await provenCreator(session, agentId, word);
  return creatorId === session.selfId ? "confirmed" : "lapsed";
}

/** Whose word for this agent holds today. Both ledgers are those this endpoint verified, never the relay's summary. */
async function provenCreator(
  { endpoint, people, deps, selfId }: Session,
  agentId: AgentId,
  word: string,
) {
  const bytes = base64ToBytes(word);
  const claimed = bytes === null ? null : peekVouch(bytes);
  if (bytes === null || claimed === null || people.trustOf(agentId) === "changed") return null;
  const { creatorId } = claimed;
  const agent = await endpoint.account(agentId);
  // What the creator took back since it was last looked at counts, as far as there is a line.
  const asked = creatorId === selfId ? null : await endpoint.refreshAccount(creatorId);
  if (asked?.ok === false && asked.failure.kind === "peer/key-changed") return null;
  const creator = await endpoint.account(creatorId);
  if (!agent.ok || !creator.ok) return null;
  const ledgers = { creator: creator.value, agent: agent.value };
  const vouch = await verifyVouch(deps.primitives, bytes, ledgers);
  return vouch?.creatorId ?? null;
}
