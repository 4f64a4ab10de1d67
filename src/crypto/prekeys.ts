// Prekeys: short-lived keys others seal a session's seed to, each certified by its device. SPEC §5 and C19.
import type { Bytes } from "#base/bytes.ts";
import { equalBytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import { enc, parseEnc, readUnsigned, u32, u64, u8 } from "#protocol/encoding.ts";
import { SUITE_SIZES, type SuiteId } from "#protocol/envelope.ts";
import { type AccountId, bytesToUuid, type DeviceId, uuidToBytes } from "#protocol/ids.ts";
import type { DeliveryMode } from "#protocol/recipients.ts";
import type { CryptoFailure } from "./failure.ts";
import type { Signer } from "./identity.ts";
import { LABEL } from "./labels.ts";
import {
  AGENT_PREKEY_MS,
  BROWSER_PREKEY_MS,
  CLOCK_SKEW_MS,
  ENVELOPE_PREKEY_MS,
  PREKEY_ERASE_MS,
  SESSION_MESSAGES,
} from "./limits.ts";
import type { Primitives } from "./primitives.ts";
import { signRecord, splitSigned, verifyRecord } from "./signed-record.ts";

/** What a certificate says, and its bytes as they travel. Times are epoch ms; `kid` 16 bytes, not zero. */
export type Prekey = {
  readonly owner: AccountId;
  readonly device: DeviceId;
  readonly kid: Bytes;
  readonly suite: SuiteId;
  readonly publicKey: Bytes;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly mode: DeliveryMode;
  readonly suiteFloor: SuiteId;
  readonly maxSession: number;
  readonly fingerprint: Bytes;
  readonly certificate: Bytes;
};

/** A prekey of ours with its private half of 32 bytes. */
export type OurPrekey = {
  readonly kid: Bytes;
  readonly certificate: Bytes;
  readonly prekey: Prekey;
  readonly privateKey: Secret<Bytes>;
};

/** Who keeps a prekey, and so how long it lives. */
export type PrekeyHolder = "agent" | "browser" | "envelope-agent";

/** How often a holder renews its prekey, and how long others may use one. */
export const PREKEY_LIFETIME_MS: Readonly<
  Record<PrekeyHolder, { readonly rotate: number; readonly usable: number }>
> = {
  agent: AGENT_PREKEY_MS,
  browser: BROWSER_PREKEY_MS,
  "envelope-agent": ENVELOPE_PREKEY_MS,
};

/**
 * A fresh prekey, certified by its device.
 *
 * Shapes: `notBefore`, `notAfter` epoch ms; `maxSession` messages per session its owner accepts.
 */
export async function makePrekey(
  primitives: Primitives,
  options: {
    readonly owner: AccountId;
    readonly device: DeviceId;
    readonly signer: Signer;
    readonly fingerprint: Bytes;
    readonly suite: SuiteId;
    readonly mode: DeliveryMode;
    readonly suiteFloor: SuiteId;
    readonly notBefore: number;
    readonly notAfter: number;
    readonly maxSession?: number;
  },
): Promise<OurPrekey> {
  const { signer, ...certified } = options;
  const kid = primitives.randomBytes(16);
  const privateKey = primitives.randomBytes(32);
  const publicKey =
    options.suite === 1
      ? primitives.x25519PublicKey(privateKey)
      : primitives.xwingKeygen(privateKey).publicKey;
  const fields = { maxSession: SESSION_MESSAGES, ...certified, kid, publicKey };
  const record = encodePrekey(fields);
  const certificate = await signRecord(primitives, LABEL.prekeySignature, record, signer);
  const prekey = { ...fields, certificate };
  return { kid, certificate, prekey, privateKey: new Secret(privateKey) };
}

/** What a certificate says, unproven; null unless strictly well-formed. Source: SPEC C2. */
export function parsePrekey(certificate: Bytes): Prekey | null {
  const fields = parseEnc(LABEL.prekey, splitSigned(certificate).record, [
    16,
    16,
    16,
    1,
    { min: 32, max: 1216 },
    8,
    8,
    1,
    1,
    4,
    32,
  ]);
  if (fields === null) return null;
  const [owner, device, kid, suiteByte, publicKey, from, until, modeByte, floorByte, max, fpr] =
    fields;
  const suite = parseSuite(suiteByte);
  const suiteFloor = parseSuite(floorByte);
  const mode = parseMode(modeByte);
  const notBefore = readUnsigned(from);
  const notAfter = readUnsigned(until);
  const maxSession = readUnsigned(max);
  if (suite === null || suiteFloor === null || mode === null) return null;
  if (notBefore === null || notAfter === null || !maxSession) return null;
  if (publicKey.length !== SUITE_SIZES[suite].publicKeySizeBytes) return null;
  // Zeros stand for a card's long-lived key.
  if (kid.every((byte) => byte === 0)) return null;
  return {
    owner: bytesToUuid<AccountId>(owner),
    device: bytesToUuid(device),
    kid,
    suite,
    publicKey,
    notBefore,
    notAfter,
    mode,
    suiteFloor,
    maxSession,
    fingerprint: fpr,
    certificate,
  };
}

/**
 * The prekey, if it may be used now.
 *
 * Shapes: `signingKey` the pinned key of the device; `mode` and `floor` from the owner's pinned card; `now` epoch ms.
 * Fails with `crypto/prekey-refused`.
 * Source: SPEC C19, C24.
 */
export async function verifyPrekey(
  primitives: Primitives,
  certificate: Bytes,
  expected: {
    readonly owner: AccountId;
    readonly device: DeviceId;
    readonly signingKey: Bytes;
    readonly fingerprint: Bytes;
    readonly mode: DeliveryMode;
    readonly floor: SuiteId;
    readonly now: number;
  },
): Promise<Result<Prekey, CryptoFailure>> {
  const prekey = parsePrekey(certificate);
  if (prekey === null) return refused("malformed");
  const isOwn =
    prekey.owner === expected.owner &&
    prekey.device === expected.device &&
    equalBytes(prekey.fingerprint, expected.fingerprint);
  if (!isOwn) return refused("owner");
  const signed = splitSigned(certificate);
  if (!(await verifyRecord(primitives, LABEL.prekeySignature, signed, expected.signingKey))) {
    return refused("signature");
  }
  if (!isInWindow(prekey, expected.now)) return refused("window");
  if (prekey.mode !== expected.mode) return refused("mode");
  if (prekey.suite < Math.max(prekey.suiteFloor, expected.floor)) return refused("floor");
  return ok(prekey);
}

/** Whether its holder should publish a successor now. */
export const shouldRotate = (prekey: Prekey, holder: PrekeyHolder, now: number): boolean =>
  now - prekey.notBefore >= PREKEY_LIFETIME_MS[holder].rotate;

/**
 * Key ids whose private half must be erased now.
 *
 * Shapes: `supersededAt` is when a successor was published, null for the newest.
 * Source: SPEC C19.
 */
export const erasableKids = (
  prekeys: readonly { readonly kid: Bytes; readonly supersededAt: number | null }[],
  now: number,
): readonly Bytes[] =>
  prekeys
    .filter(({ supersededAt }) => supersededAt !== null && now - supersededAt >= PREKEY_ERASE_MS)
    .map(({ kid }) => kid);

/** A suite's byte, or null for one we do not speak. */
export const parseSuite = (field: Bytes): SuiteId | null =>
  field[0] === 1 || field[0] === 2 ? field[0] : null;

/** A delivery mode's byte, or null. */
export const parseMode = (field: Bytes): DeliveryMode | null =>
  field[0] === 1 ? "session" : field[0] === 2 ? "envelope" : null;

/** The byte of a delivery mode. */
export const modeByte = (mode: DeliveryMode): Bytes => u8(mode === "session" ? 1 : 2);

function isInWindow({ notBefore, notAfter, mode }: Prekey, now: number): boolean {
  // A certificate that outlives its kind would keep a stolen key useful.
  const longest = (mode === "envelope" ? ENVELOPE_PREKEY_MS : BROWSER_PREKEY_MS).usable;
  return (
    notAfter > notBefore &&
    notAfter - notBefore <= longest &&
    now >= notBefore - CLOCK_SKEW_MS &&
    now <= notAfter + CLOCK_SKEW_MS
  );
}

const encodePrekey = (prekey: Omit<Prekey, "certificate">): Bytes =>
  enc(
    LABEL.prekey,
    uuidToBytes(prekey.owner),
    uuidToBytes(prekey.device),
    prekey.kid,
    u8(prekey.suite),
    prekey.publicKey,
    u64(prekey.notBefore),
    u64(prekey.notAfter),
    modeByte(prekey.mode),
    u8(prekey.suiteFloor),
    u32(prekey.maxSession),
    prekey.fingerprint,
  );

const refused = (reason: (CryptoFailure & { kind: "crypto/prekey-refused" })["reason"]) =>
  err({ kind: "crypto/prekey-refused", reason } as const);
