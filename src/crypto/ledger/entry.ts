// One entry of a grant ledger: a signed link of a hash chain, the same form for both scopes. SPEC §6.
import { type Bytes, concat } from "#base/bytes.ts";
import { enc, parseEnc, readUnsigned, u64, u8 } from "#protocol/encoding.ts";
import { type AccountId, bytesToUuid, type DeviceId, uuidToBytes } from "#protocol/ids.ts";
import { MAX_LEDGER_ENTRY_BYTES } from "#protocol/limits.ts";
import type { Signer } from "../identity.ts";
import { LABEL } from "../labels.ts";
import type { Primitives } from "../primitives.ts";
import { signedBytes, splitSigned, verifyRecord } from "../signed-record.ts";

/** Whose ledger: an account's own, or a conversation's. */
export type LedgerScope = "account" | "conversation";

/** A place in a ledger: the entry's number and its hash of 32 bytes. */
export type LedgerPoint = { readonly seq: number; readonly head: Bytes };

/** The fields of an entry, its meaning still bytes. */
export type LedgerFields = {
  readonly scope: LedgerScope;
  /** Account or conversation id, 16 bytes. */
  readonly scopeId: Bytes;
  readonly seq: number;
  /** Hash of the entry before; zeros for the first. */
  readonly previousHash: Bytes;
  readonly actorId: AccountId;
  /** The device that signed; null when the identity key of a person did. */
  readonly actorDeviceId: DeviceId | null;
  readonly opCode: number;
  /** Whom it is about, 16 bytes. */
  readonly subject: Bytes;
  readonly data: Bytes;
  readonly createdAt: number;
  /** Epoch ms; null = no end. */
  readonly notAfter: number | null;
};

/** An entry as parsed. `record` is what was signed, `hash` names the whole entry. */
export type LedgerEntry = LedgerFields & {
  readonly record: Bytes;
  readonly signature: Bytes;
  readonly hash: Bytes;
};

/** Hash before the first entry. */
export const NO_HASH: Bytes = new Uint8Array(32);

/**
 * The entry, unproven; null unless strictly well-formed and within its size.
 *
 * Source: SPEC C2, C21.
 */
export function peekLedgerEntry(primitives: Primitives, bytes: Bytes): LedgerEntry | null {
  if (bytes.length > MAX_LEDGER_ENTRY_BYTES) return null;
  const { record, signature } = splitSigned(bytes);
  const fields = parseEnc(LABEL.grant, record, [
    1,
    16,
    8,
    32,
    16,
    16,
    1,
    16,
    { max: MAX_LEDGER_ENTRY_BYTES },
    8,
    8,
  ]);
  if (fields === null) return null;
  const scope = SCOPES[fields[0][0] ?? SCOPES.length];
  const seq = readUnsigned(fields[2]);
  const createdAt = readUnsigned(fields[9]);
  const notAfter = readUnsigned(fields[10]);
  if (scope === undefined || seq === null || createdAt === null || notAfter === null) return null;
  return {
    scope,
    scopeId: fields[1],
    seq,
    previousHash: fields[3],
    actorId: bytesToUuid<AccountId>(fields[4]),
    actorDeviceId: isZero(fields[5]) ? null : bytesToUuid<DeviceId>(fields[5]),
    opCode: fields[6][0] ?? 0,
    subject: fields[7],
    data: fields[8],
    createdAt,
    notAfter: notAfter === 0 ? null : notAfter,
    record,
    signature,
    hash: primitives.sha256(bytes),
  };
}

/** The bytes of an entry before its signature. */
export const encodeLedgerRecord = (fields: LedgerFields): Bytes =>
  enc(
    LABEL.grant,
    u8(SCOPES.indexOf(fields.scope)),
    fields.scopeId,
    u64(fields.seq),
    fields.previousHash,
    uuidToBytes(fields.actorId),
    fields.actorDeviceId === null ? new Uint8Array(16) : uuidToBytes(fields.actorDeviceId),
    u8(fields.opCode),
    fields.subject,
    fields.data,
    u64(fields.createdAt),
    u64(fields.notAfter ?? 0),
  );

/** A whole entry, signed. */
export async function signLedgerEntry(
  primitives: Primitives,
  fields: LedgerFields,
  signer: Signer,
): Promise<Bytes> {
  return concat(encodeLedgerRecord(fields), await signGrant(primitives, fields, signer));
}

/**
 * A signature over an entry's record. A second signer (an agent's creator, a new identity key) signs the
 * record as it is with that second signature still absent, a form no ledger accepts as an entry.
 */
export const signGrant = (
  primitives: Primitives,
  fields: LedgerFields,
  signer: Signer,
): Promise<Bytes> =>
  signer.sign(signedBytes(primitives, LABEL.grantSignature, encodeLedgerRecord(fields)));

/** Whether an entry's own signature holds over the bytes that travelled. */
export const verifyEntry = (
  primitives: Primitives,
  { record, signature }: LedgerEntry,
  publicKey: Bytes,
): Promise<boolean> =>
  verifyRecord(primitives, LABEL.grantSignature, { record, signature }, publicKey);

/** Whether a second signer's signature over these fields holds. */
export const verifyGrant = (
  primitives: Primitives,
  fields: LedgerFields,
  signature: Bytes,
  publicKey: Bytes,
): Promise<boolean> =>
  primitives.ed25519Verify(
    publicKey,
    signedBytes(primitives, LABEL.grantSignature, encodeLedgerRecord(fields)),
    signature,
  );

const SCOPES: readonly LedgerScope[] = ["account", "conversation"];

const isZero = (bytes: Bytes): boolean => bytes.every((byte) => byte === 0);
