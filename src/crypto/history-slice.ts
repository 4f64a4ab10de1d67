/**
 * Stored messages on their way from one of a person's devices to another: a signed head that carries the slice's key
 * for that device alone, and parts that open in their place of that slice only. SPEC §9.8, C59.
 */
import { concat, wipe, type Bytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import { enc, parseEnc, readUnsigned, u32, u64, u8 } from "#protocol/encoding.ts";
import { SUITE_SIZES } from "#protocol/envelope.ts";
import { bytesToUuid, uuidToBytes, type AccountId, type DeviceId } from "#protocol/ids.ts";

import type { CryptoFailure } from "./failure.ts";
import { hpkeOpen, hpkeSeal } from "./hpke.ts";
import type { Signer } from "./identity.ts";
import { LABEL } from "./labels.ts";
import type { OurPrekey, Prekey } from "./prekeys.ts";
import type { Primitives } from "./primitives.ts";
import { signRecord, splitSigned, verifyRecord } from "./signed-record.ts";

/** What is handed over. Shapes: `sliceId` 16 random bytes; `since`, `createdAt` epoch ms, `since` 0 for everything. */
export type HistorySlice = {
  readonly accountId: AccountId;
  readonly fromDeviceId: DeviceId;
  readonly toDeviceId: DeviceId;
  readonly sliceId: Bytes;
  readonly since: number;
  readonly partCount: number;
  readonly createdAt: number;
};

const VERSION = 1;
const NONCE_SIZE_BYTES = 24;

/**
 * The head, signed by the sending device, and the key of the parts.
 *
 * Fails with `crypto/bad-public-key`.
 */
export async function sealHistoryHead(
  p: Primitives,
  slice: HistorySlice,
  to: Prekey,
  signer: Signer,
): Promise<Result<{ readonly head: Bytes; readonly key: Secret<Bytes> }, CryptoFailure>> {
  const key = new Secret(p.randomBytes(32));
  const facts = encodeFacts(slice);
  const info = historyInfo(p, to.kid, to.certificate);
  const aad = p.sha256(facts);
  const sealed = await hpkeSeal(p, to.suite, to.publicKey, info, aad, key.reveal());
  if (!sealed.ok) return sealed;
  const { enc: encapsulation, ciphertext } = sealed.value;
  const record = enc(LABEL.history, facts, to.kid, concat(encapsulation, ciphertext));
  return ok({ head: await signRecord(p, LABEL.historySignature, record, signer), key });
}

/**
 * What a head announces, and the key of its parts.
 *
 * Shapes: `signingKeyOf` gives the key of a device that counts now, or null.
 * Fails with `crypto/bad-history`: not for this device, not by one of the person's, altered, or for a key that is gone.
 */
export async function openHistoryHead(
  p: Primitives,
  head: Bytes,
  reader: {
    readonly accountId: AccountId;
    readonly deviceId: DeviceId;
    readonly signingKeyOf: (deviceId: DeviceId) => Bytes | null;
    readonly prekeyOf: (kid: Bytes) => OurPrekey | undefined;
  },
): Promise<Result<{ readonly slice: HistorySlice; readonly key: Secret<Bytes> }, CryptoFailure>> {
  const signed = splitSigned(head);
  const fields = parseEnc(LABEL.history, signed.record, [
    { max: 256 },
    16,
    { min: 48, max: 2_048 },
  ] as const);
  const slice = fields === null ? null : parseFacts(fields[0]);
  if (fields === null || slice === null) return badHistory;
  const [facts, kid, wrap] = fields;
  const signingKey = reader.signingKeyOf(slice.fromDeviceId);
  const isForUs = slice.accountId === reader.accountId && slice.toDeviceId === reader.deviceId;
  if (!isForUs || signingKey === null) return badHistory;
  if (!(await verifyRecord(p, LABEL.historySignature, signed, signingKey))) return badHistory;
  const ours = reader.prekeyOf(kid);
  if (ours === undefined) return badHistory;
  const { suite } = ours.prekey;
  const encSize = SUITE_SIZES[suite].encapsulationSizeBytes;
  const plain = await hpkeOpen(
    p,
    suite,
    ours.privateKey.reveal(),
    wrap.slice(0, encSize),
    historyInfo(p, kid, ours.certificate),
    p.sha256(facts),
    wrap.slice(encSize),
  );
  return plain?.length === 32 ? ok({ slice, key: new Secret(plain) }) : badHistory;
}

/** One part. Shapes: `index` counts from 0. */
export function sealHistoryPart(
  p: Primitives,
  slice: HistorySlice,
  key: Secret<Bytes>,
  index: number,
  plain: Bytes,
): Bytes {
  const nonce = p.randomBytes(NONCE_SIZE_BYTES);
  const partKey = partKeyOf(p, slice, key);
  const sealed = p.xchachaSeal(partKey, nonce, partAad(slice, index), plain);
  wipe(partKey);
  return concat(nonce, sealed);
}

/** A part at its place, or null. */
export function openHistoryPart(
  p: Primitives,
  slice: HistorySlice,
  key: Secret<Bytes>,
  index: number,
  sealed: Bytes,
): Bytes | null {
  if (sealed.length < NONCE_SIZE_BYTES || index >= slice.partCount) return null;
  const partKey = partKeyOf(p, slice, key);
  const nonce = sealed.slice(0, NONCE_SIZE_BYTES);
  const plain = p.xchachaOpen(
    partKey,
    nonce,
    partAad(slice, index),
    sealed.slice(NONCE_SIZE_BYTES),
  );
  wipe(partKey);
  return plain;
}

const badHistory = err<CryptoFailure>({ kind: "crypto/bad-history" });

const encodeFacts = (slice: HistorySlice): Bytes =>
  enc(
    LABEL.historyFacts,
    u8(VERSION),
    uuidToBytes(slice.accountId),
    uuidToBytes(slice.fromDeviceId),
    uuidToBytes(slice.toDeviceId),
    slice.sliceId,
    u64(slice.since),
    u32(slice.partCount),
    u64(slice.createdAt),
  );

function parseFacts(bytes: Bytes): HistorySlice | null {
  const fields = parseEnc(LABEL.historyFacts, bytes, [1, 16, 16, 16, 16, 8, 4, 8] as const);
  if (fields === null || fields[0][0] !== VERSION) return null;
  const since = readUnsigned(fields[5]);
  const partCount = readUnsigned(fields[6]);
  const createdAt = readUnsigned(fields[7]);
  if (since === null || partCount === null || createdAt === null) return null;
  return {
    accountId: bytesToUuid<AccountId>(fields[1]),
    fromDeviceId: bytesToUuid<DeviceId>(fields[2]),
    toDeviceId: bytesToUuid<DeviceId>(fields[3]),
    sliceId: fields[4],
    since,
    partCount,
    createdAt,
  };
}

const historyInfo = (p: Primitives, kid: Bytes, certificate: Bytes): Bytes =>
  enc(LABEL.historyInfo, kid, p.sha256(certificate));

const partKeyOf = (p: Primitives, { sliceId }: HistorySlice, key: Secret<Bytes>): Bytes =>
  p.hkdfExpand(key.reveal(), enc(LABEL.historyPartKey, sliceId), 32);

const partAad = ({ sliceId, partCount }: HistorySlice, index: number): Bytes =>
  enc(LABEL.historyPart, sliceId, u32(index), u32(partCount));
