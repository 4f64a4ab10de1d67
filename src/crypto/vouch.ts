// A creator's word that an agent's key is the agent's: beside the agent's ledger, because its program makes its first
// card alone and nobody can write into a chain of hashes afterwards. SPEC §6.3, C60, C61.
import { equalBytes, type Bytes } from "#base/bytes.ts";
import { assert } from "#base/invariant.ts";
import type { AgentId, DeviceId, UserId } from "#protocol/ids.ts";
import { encodeVouch, peekVouch, type Vouch } from "#protocol/vouch.ts";
import { fingerprint, type Signer } from "./identity.ts";
import { LABEL } from "./labels.ts";
import { currentDeviceKey, type AccountState } from "./ledger/account-state.ts";
import type { Primitives } from "./primitives.ts";
import { signRecord, splitSigned, verifyRecord } from "./signed-record.ts";

/** The creator's word for the agent as it is now, by one of the creator's devices. Source: SPEC C60. */
export function signVouch(
  primitives: Primitives,
  about: {
    readonly creator: AccountState;
    readonly deviceId: DeviceId;
    readonly agent: AccountState;
    readonly createdAt: number;
  },
  signer: Signer,
): Promise<Bytes> {
  const { creator, deviceId, agent, createdAt } = about;
  assert(creator.kind === "human" && agent.kind === "agent", "a person vouches for an agent");
  const record = encodeVouch({ ...factsOf(primitives, creator, agent), deviceId, createdAt });
  return signRecord(primitives, LABEL.vouchSignature, record, signer);
}

/**
 * What a creator says of this agent, if it holds today; null: nothing may be claimed.
 *
 * Shapes: `creator` and `agent` as their own ledgers say, each verified by the caller.
 * Source: SPEC C60, C61.
 */
export async function verifyVouch(
  primitives: Primitives,
  bytes: Bytes,
  { creator, agent }: { readonly creator: AccountState; readonly agent: AccountState },
): Promise<Vouch | null> {
  const vouch = peekVouch(bytes);
  if (vouch === null || creator.kind !== "human" || agent.kind !== "agent") return null;
  // A card that names who made the agent leaves no room for another.
  if (agent.creatorId !== null && agent.creatorId !== creator.accountId) return null;
  const expected = factsOf(primitives, creator, agent);
  const isAboutThem =
    vouch.creatorId === expected.creatorId &&
    vouch.agentId === expected.agentId &&
    equalBytes(vouch.creatorFingerprint, expected.creatorFingerprint) &&
    equalBytes(vouch.agentFingerprint, expected.agentFingerprint) &&
    equalBytes(vouch.beginning, expected.beginning);
  const key = currentDeviceKey(creator, vouch.deviceId);
  if (!isAboutThem || key === null) return null;
  const isSigned = await verifyRecord(primitives, LABEL.vouchSignature, splitSigned(bytes), key);
  return isSigned ? vouch : null;
}

const factsOf = (
  primitives: Primitives,
  creator: AccountState,
  agent: AccountState,
): Omit<Vouch, "deviceId" | "createdAt"> => {
  const [beginning] = agent.heads;
  assert(beginning !== undefined, "a ledger has a first entry");
  return {
    creatorId: creator.accountId as string as UserId,
    creatorFingerprint: fingerprint(primitives, creator.accountId, creator.identityKey),
    agentId: agent.accountId as string as AgentId,
    agentFingerprint: fingerprint(primitives, agent.accountId, agent.identityKey),
    beginning,
  };
};
