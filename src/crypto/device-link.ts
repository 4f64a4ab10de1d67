/**
 * How an old device hands a new one the account's identity through a relay that sees and changes nothing.
 *
 * Four notes, each sealed under a key that only the link gives: the old device's offer, the new one's ask, the old
 * one's show, its grant. The offer commits to a nonce that is shown only after the ask, so the number that two people
 * compare cannot be steered by who read the link as well. The grant is sealed once more, to the key in the ask.
 * SPEC §9.7, C56–C58.
 */
import { concat, equalBytes, utf8, utf8ToText, wipe, type Bytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import { enc, parseEnc, readUnsigned, u64, u8 } from "#protocol/encoding.ts";
import { bytesToUuid, uuidToBytes, type AccountId, type DeviceId } from "#protocol/ids.ts";

import { encodeBackupContent, parseBackupContent, type BackupContent } from "./backup-content.ts";
import type { CryptoFailure } from "./failure.ts";
import { HPKE_SIZES, hpkeOpen, hpkePublicKey, hpkeSeal } from "./hpke.ts";
import { fingerprint, type Signer } from "./identity.ts";
import { LABEL } from "./labels.ts";
import { MAX_BACKUP_HEADS, MAX_BACKUP_PINS, MAX_LINK_NAME_BYTES } from "./limits.ts";
import type { Primitives } from "./primitives.ts";
import { signRecord, splitSigned, verifyRecord } from "./signed-record.ts";

/** Which note of the exchange; each stands once. */
export const LINK_STEP = { offer: 1, ask: 2, show: 3, grant: 4 } as const;
type LinkStep = (typeof LINK_STEP)[keyof typeof LINK_STEP];

/** What both ends derive from the link. Shapes: `linkId` 16 bytes, all the relay learns; `key` 32 bytes. */
export type LinkKeys = { readonly linkId: Bytes; readonly key: Secret<Bytes> };

/** Who offers: shown on the new device before it asks, and bound into everything that follows. */
export type LinkOffer = {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  /** Of the account's identity key, 32 bytes. */
  readonly fingerprint: Bytes;
  readonly commitment: Bytes;
  readonly createdAt: number;
  readonly handle: string;
  readonly displayName: string;
  /** The record's bytes. */
  readonly record: Bytes;
};

/** Who asks. `record` with its signature. */
export type LinkAsk = {
  readonly deviceId: DeviceId;
  readonly signingKey: Bytes;
  readonly kemPublicKey: Bytes;
  readonly name: string;
  readonly record: Bytes;
};

const VERSION = 1;
const SUITE = 0x02;
const NONCE_SIZE_BYTES = 24;
const SHOWN_SIZE_BYTES = 32;
const { publicKeySizeBytes, encSizeBytes } = HPKE_SIZES[SUITE];
/** The plaintext of a grant: identity, pins at their most, no heads at their most. */
const MAX_CONTENT_BYTES = 256 + MAX_BACKUP_PINS * 51 + MAX_BACKUP_HEADS * 57;

/** Shapes: `secret` 16 bytes. */
export function deriveLink(p: Primitives, secret: Secret<Bytes>): LinkKeys {
  const prk = p.hkdfExtract(new Uint8Array(), secret.reveal());
  const linkId = p.hkdfExpand(prk, enc(LABEL.linkId), 16);
  const key = new Secret(p.hkdfExpand(prk, enc(LABEL.linkKey, linkId), 32));
  wipe(prk);
  return { linkId, key };
}

/** The old device's first note. `nonce`: kept until the ask has come. */
export function sealLinkOffer(
  p: Primitives,
  keys: LinkKeys,
  offer: Omit<LinkOffer, "commitment" | "record">,
): { readonly note: Bytes; readonly offer: LinkOffer; readonly nonce: Secret<Bytes> } {
  const nonce = new Secret(p.randomBytes(SHOWN_SIZE_BYTES));
  const commitment = commit(p, keys, nonce.reveal());
  const record = enc(
    LABEL.linkOffer,
    u8(VERSION),
    uuidToBytes(offer.accountId),
    uuidToBytes(offer.deviceId),
    offer.fingerprint,
    commitment,
    u64(offer.createdAt),
    utf8(offer.handle),
    utf8(offer.displayName),
  );
  const note = sealNote(p, keys, LINK_STEP.offer, record);
  return { note, offer: { ...offer, commitment, record }, nonce };
}

/** Fails with `crypto/bad-link`. */
export function openLinkOffer(
  p: Primitives,
  keys: LinkKeys,
  note: Bytes,
): Result<LinkOffer, CryptoFailure> {
  const record = openNote(p, keys, LINK_STEP.offer, note);
  const fields =
    record &&
    parseEnc(LABEL.linkOffer, record, [1, 16, 16, 32, 32, 8, { min: 1, max: 32 }, NAME] as const);
  if (!record || !fields || fields[0][0] !== VERSION) return badLink;
  const createdAt = readUnsigned(fields[5]);
  const handle = utf8ToText(fields[6]);
  const displayName = utf8ToText(fields[7]);
  if (createdAt === null || handle === null || displayName === null) return badLink;
  return ok({
    accountId: bytesToUuid<AccountId>(fields[1]),
    deviceId: bytesToUuid<DeviceId>(fields[2]),
    fingerprint: fields[3],
    commitment: fields[4],
    createdAt,
    handle,
    displayName,
    record,
  });
}

/** The new device's note: its keys and its name, signed by its device key. `kemSeed`: kept until the grant has come. */
export async function sealLinkAsk(
  p: Primitives,
  keys: LinkKeys,
  offer: LinkOffer,
  asker: { readonly deviceId: DeviceId; readonly signer: Signer; readonly name: string },
): Promise<{ readonly note: Bytes; readonly ask: LinkAsk; readonly kemSeed: Secret<Bytes> }> {
  const { deviceId, signer, name } = asker;
  const kemSeed = new Secret(p.randomBytes(32));
  const kemPublicKey = hpkePublicKey(p, SUITE, kemSeed.reveal());
  const unsigned = enc(
    LABEL.linkAsk,
    u8(VERSION),
    keys.linkId,
    p.sha256(offer.record),
    uuidToBytes(deviceId),
    signer.publicKey,
    kemPublicKey,
    utf8(name),
  );
  const record = await signRecord(p, LABEL.linkAskSignature, unsigned, signer);
  const note = sealNote(p, keys, LINK_STEP.ask, record);
  const ask = { deviceId, signingKey: signer.publicKey, kemPublicKey, name, record };
  return { note, ask, kemSeed };
}

/** Fails with `crypto/bad-link`. */
export async function openLinkAsk(
  p: Primitives,
  keys: LinkKeys,
  offer: LinkOffer,
  note: Bytes,
): Promise<Result<LinkAsk, CryptoFailure>> {
  const record = openNote(p, keys, LINK_STEP.ask, note);
  if (record === null) return badLink;
  const signed = splitSigned(record);
  const fields = parseEnc(LABEL.linkAsk, signed.record, [
    1,
    16,
    32,
    16,
    32,
    publicKeySizeBytes,
    NAME,
  ] as const);
  if (fields === null || fields[0][0] !== VERSION) return badLink;
  const [, linkId, offerHash, device, signingKey, kemPublicKey, nameBytes] = fields;
  const name = utf8ToText(nameBytes);
  const isOurs = equalBytes(linkId, keys.linkId) && equalBytes(offerHash, p.sha256(offer.record));
  if (!isOurs || name === null || !p.acceptVerifyingKey(signingKey)) return badLink;
  if (!(await verifyRecord(p, LABEL.linkAskSignature, signed, signingKey))) return badLink;
  return ok({ deviceId: bytesToUuid<DeviceId>(device), signingKey, kemPublicKey, name, record });
}

/** The old device shows its nonce, once the ask has come and none after it can count. */
export const sealLinkShow = (p: Primitives, keys: LinkKeys, nonce: Secret<Bytes>): Bytes =>
  sealNote(p, keys, LINK_STEP.show, enc(LABEL.linkShow, nonce.reveal()));

/** Fails with `crypto/bad-link`: also when it is not the nonce that the offer committed to. */
export function openLinkShow(
  p: Primitives,
  keys: LinkKeys,
  offer: LinkOffer,
  note: Bytes,
): Result<Secret<Bytes>, CryptoFailure> {
  const record = openNote(p, keys, LINK_STEP.show, note);
  const fields = record && parseEnc(LABEL.linkShow, record, [SHOWN_SIZE_BYTES] as const);
  if (!fields) return badLink;
  return equalBytes(commit(p, keys, fields[0]), offer.commitment)
    ? ok(new Secret(fields[0]))
    : badLink;
}

/** Everything both ends have seen. Shapes: 32 bytes. */
export const linkTranscript = (
  p: Primitives,
  keys: LinkKeys,
  offer: LinkOffer,
  ask: LinkAsk,
  nonce: Secret<Bytes>,
): Bytes =>
  p.sha256(
    enc(LABEL.linkSeen, keys.linkId, p.sha256(offer.record), p.sha256(ask.record), nonce.reveal()),
  );

/** Six digits that are the same at both ends when nobody is between them. */
export function compareCode(transcript: Bytes): string {
  let value = 0n;
  for (const byte of transcript.subarray(0, 8)) value = (value << 8n) | BigInt(byte);
  return String(value % 1_000_000n).padStart(6, "0");
}

/** The identity and whom this person trusts, for the device that asked and for it alone. Fails with `crypto/bad-public-key`. */
export async function sealLinkGrant(
  p: Primitives,
  keys: LinkKeys,
  ask: LinkAsk,
  transcript: Bytes,
  content: BackupContent,
): Promise<Result<Bytes, CryptoFailure>> {
  const plain = encodeBackupContent(content);
  const info = enc(LABEL.linkInfo, uuidToBytes(ask.deviceId), transcript);
  const sealed = await hpkeSeal(p, SUITE, ask.kemPublicKey, info, transcript, plain);
  wipe(plain);
  if (!sealed.ok) return sealed;
  const record = enc(LABEL.linkGrant, sealed.value.enc, sealed.value.ciphertext);
  return ok(sealNote(p, keys, LINK_STEP.grant, record));
}

/** Fails with `crypto/bad-link`: also when the identity in it is not the one the offer named. */
export async function openLinkGrant(
  p: Primitives,
  keys: LinkKeys,
  offer: LinkOffer,
  asked: { readonly deviceId: DeviceId; readonly kemSeed: Secret<Bytes> },
  transcript: Bytes,
  note: Bytes,
): Promise<Result<BackupContent, CryptoFailure>> {
  const record = openNote(p, keys, LINK_STEP.grant, note);
  const fields =
    record &&
    parseEnc(LABEL.linkGrant, record, [encSizeBytes, { min: 16, max: MAX_CONTENT_BYTES }] as const);
  if (!fields) return badLink;
  const info = enc(LABEL.linkInfo, uuidToBytes(asked.deviceId), transcript);
  const seed = asked.kemSeed.reveal();
  const plain = await hpkeOpen(p, SUITE, seed, fields[0], info, transcript, fields[1]);
  const content = plain === null ? null : parseBackupContent(plain);
  if (plain !== null) wipe(plain);
  if (content?.ok !== true) return badLink;
  const identityKey = p.ed25519PublicKey(content.value.identitySeed.reveal());
  const isNamed = equalBytes(fingerprint(p, offer.accountId, identityKey), offer.fingerprint);
  return isNamed ? content : badLink;
}

const NAME = { max: MAX_LINK_NAME_BYTES } as const;

/** One face for every fault: nobody who tampers learns at which check it ended. */
const badLink = err<CryptoFailure>({ kind: "crypto/bad-link" });

const commit = (p: Primitives, { linkId }: LinkKeys, nonce: Bytes): Bytes =>
  p.sha256(enc(LABEL.linkCommitment, linkId, nonce));

const noteAad = ({ linkId }: LinkKeys, step: LinkStep): Bytes =>
  enc(LABEL.linkNote, linkId, u8(step));

function sealNote(p: Primitives, keys: LinkKeys, step: LinkStep, record: Bytes): Bytes {
  const nonce = p.randomBytes(NONCE_SIZE_BYTES);
  return concat(nonce, p.xchachaSeal(keys.key.reveal(), nonce, noteAad(keys, step), record));
}

function openNote(p: Primitives, keys: LinkKeys, step: LinkStep, note: Bytes): Bytes | null {
  if (note.length < NONCE_SIZE_BYTES) return null;
  const nonce = note.slice(0, NONCE_SIZE_BYTES);
  return p.xchachaOpen(keys.key.reveal(), nonce, noteAad(keys, step), note.slice(NONCE_SIZE_BYTES));
}
