// A creator's word for an agent's key as anyone may see it: who says it, of which agent, of which key. The relay peeks
// so that it keeps none that is another's; crypto signs and verifies. Layout: crypto/SPEC.md §6.3.
import type { Bytes } from "#base/bytes.ts";
import { enc, parseEnc, readUnsigned, u64, u8 } from "./encoding.ts";
import { bytesToUuid, uuidToBytes, type AgentId, type DeviceId, type UserId } from "./ids.ts";

/** Label of the record; what its signature covers has one of its own, in crypto. */
export const VOUCH_LABEL = "vouch";

/** Shapes: fingerprints and `beginning` 32 bytes. */
export type Vouch = {
  readonly creatorId: UserId;
  /** The creator's device that signs. */
  readonly deviceId: DeviceId;
  readonly creatorFingerprint: Bytes;
  readonly agentId: AgentId;
  readonly agentFingerprint: Bytes;
  /** Hash of the first entry of the agent's ledger: its first card. */
  readonly beginning: Bytes;
  readonly createdAt: number;
};

const VERSION = 1;
const SIGNATURE_SIZE_BYTES = 64;

/** The record before its signature. */
export const encodeVouch = (vouch: Vouch): Bytes =>
  enc(
    VOUCH_LABEL,
    u8(VERSION),
    uuidToBytes(vouch.creatorId),
    uuidToBytes(vouch.deviceId),
    vouch.creatorFingerprint,
    uuidToBytes(vouch.agentId),
    vouch.agentFingerprint,
    vouch.beginning,
    u64(vouch.createdAt),
  );

/** What a signed record says, unproven; null unless strictly well-formed. */
export function peekVouch(signed: Bytes): Vouch | null {
  const record = signed.subarray(0, Math.max(0, signed.length - SIGNATURE_SIZE_BYTES));
  const fields = parseEnc(VOUCH_LABEL, record, [1, 16, 16, 32, 16, 32, 32, 8]);
  const createdAt = fields && readUnsigned(fields[7]);
  if (fields === null || createdAt === null || fields[0][0] !== VERSION) return null;
  return {
    creatorId: bytesToUuid<UserId>(fields[1]),
    deviceId: bytesToUuid<DeviceId>(fields[2]),
    creatorFingerprint: fields[3],
    agentId: bytesToUuid<AgentId>(fields[4]),
    agentFingerprint: fields[5],
    beginning: fields[6],
    createdAt,
  };
}
