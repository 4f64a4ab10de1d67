/**
 * HPKE in base mode, one message per key: the only way anything is sealed to a public key.
 *
 * Suites 0x01 (X25519) and 0x02 (X-Wing), both with HKDF-SHA256 and ChaCha20-Poly1305. Auth and
 * PSK modes, exporters and further messages do not exist here. RFC 9180; SPEC C10, C14.
 */
import { concat, utf8, wipe, type Bytes } from "#base/bytes.ts";
import { assert } from "#base/invariant.ts";
import { err, ok, type Result } from "#base/result.ts";
import { u16 } from "#protocol/encoding.ts";

import type { CryptoFailure } from "./failure.ts";
import type { Primitives } from "./primitives.ts";

/** 1 = DHKEM(X25519, HKDF-SHA256), 2 = X-Wing. */
export type HpkeSuite = 0x01 | 0x02;

/** Widths of a suite's encapsulation and keys, in bytes. */
export const HPKE_SIZES = {
  0x01: { encSizeBytes: 32, publicKeySizeBytes: 32, privateKeySizeBytes: 32 },
  0x02: { encSizeBytes: 1120, publicKeySizeBytes: 1216, privateKeySizeBytes: 32 },
} as const;

/** Bytes that sealing adds to a plaintext, beside `enc`. */
export const HPKE_TAG_SIZE_BYTES = 16;

/** The public key of a 32-byte private key of the suite. */
export const hpkePublicKey = (p: Primitives, suite: HpkeSuite, privateKey: Bytes): Bytes =>
  suite === 0x01 ? p.x25519PublicKey(privateKey) : p.xwingKeygen(privateKey).publicKey;

/**
 * Seals one plaintext to a public key, with a fresh encapsulation.
 *
 * Shapes: `enc` and the public key as in {@link HPKE_SIZES}, `ciphertext` 16 bytes longer than `plain`.
 * Fails with `crypto/bad-public-key`: malformed, or it gives an all-zero secret.
 * Source: RFC 9180 §6.1.
 */
export async function hpkeSeal(
  p: Primitives,
  suite: HpkeSuite,
  kemPublicKey: Bytes,
  info: Bytes,
  aad: Bytes,
  plain: Bytes,
): Promise<Result<{ readonly enc: Bytes; readonly ciphertext: Bytes }, CryptoFailure>> {
  const encapsulated =
    suite === 0x01 ? await encapsulateX25519(p, kemPublicKey) : p.xwingEncapsulate(kemPublicKey);
  if (encapsulated === null) return err({ kind: "crypto/bad-public-key" });
  const { enc, sharedSecret } = encapsulated;
  const { key, baseNonce } = hpkeKeySchedule(p, schedule(suite), sharedSecret, info);
  const ciphertext = p.chachaSeal(key, baseNonce, aad, plain);
  wipe(sharedSecret, key);
  return ok({ enc, ciphertext });
}

/**
 * Opens what was sealed to our key in this context, or gives null.
 *
 * Source: RFC 9180 §6.1.
 */
export async function hpkeOpen(
  p: Primitives,
  suite: HpkeSuite,
  kemPrivateKey: Bytes,
  enc: Bytes,
  info: Bytes,
  aad: Bytes,
  ciphertext: Bytes,
): Promise<Bytes | null> {
  const sharedSecret =
    suite === 0x01
      ? await decapsulateX25519(p, kemPrivateKey, enc)
      : p.xwingDecapsulate(kemPrivateKey, enc);
  if (sharedSecret === null) return null;
  const { key, baseNonce } = hpkeKeySchedule(p, schedule(suite), sharedSecret, info);
  const plain = p.chachaOpen(key, baseNonce, aad, ciphertext);
  wipe(sharedSecret, key);
  return plain;
}

/** Numbers of the IANA HPKE registry, and the width of the AEAD's key. */
export type HpkeSchedule = {
  readonly kemId: number;
  readonly kdfId: number;
  readonly aeadId: number;
  readonly keySizeBytes: number;
};

const schedule = (suite: HpkeSuite): HpkeSchedule => ({
  kemId: suite === 0x01 ? DHKEM_X25519 : 0x647a,
  kdfId: 0x0001,
  aeadId: 0x0003,
  keySizeBytes: 32,
});

/**
 * The base mode's key and first nonce from a KEM's shared secret.
 *
 * Source: RFC 9180 §5.1, `KeySchedule`.
 */
export function hpkeKeySchedule(
  p: Primitives,
  { kemId, kdfId, aeadId, keySizeBytes }: HpkeSchedule,
  sharedSecret: Bytes,
  info: Bytes,
): { readonly key: Bytes; readonly baseNonce: Bytes } {
  const suiteId = concat(utf8("HPKE"), u16(kemId), u16(kdfId), u16(aeadId));
  const context = concat(
    new Uint8Array([0]),
    labeledExtract(p, suiteId, NOTHING, "psk_id_hash", NOTHING),
    labeledExtract(p, suiteId, NOTHING, "info_hash", info),
  );
  const secret = labeledExtract(p, suiteId, sharedSecret, "secret", NOTHING);
  const key = labeledExpand(p, suiteId, secret, "key", context, keySizeBytes);
  const baseNonce = labeledExpand(p, suiteId, secret, "base_nonce", context, 12);
  wipe(secret);
  return { key, baseNonce };
}

// --- DHKEM(X25519, HKDF-SHA256), RFC 9180 §4.1 ---

const DHKEM_X25519 = 0x0020;
const NOTHING = new Uint8Array();

async function encapsulateX25519(p: Primitives, theirPublicKey: Bytes) {
  const ephemeral = p.randomBytes(32);
  const shared = await p.x25519(ephemeral, theirPublicKey);
  const enc = p.x25519PublicKey(ephemeral);
  wipe(ephemeral);
  return shared === null ? null : { enc, sharedSecret: kemSecret(p, shared, enc, theirPublicKey) };
}

async function decapsulateX25519(
  p: Primitives,
  ourPrivateKey: Bytes,
  enc: Bytes,
): Promise<Bytes | null> {
  const shared = await p.x25519(ourPrivateKey, enc);
  return shared === null ? null : kemSecret(p, shared, enc, p.x25519PublicKey(ourPrivateKey));
}

function kemSecret(p: Primitives, shared: Bytes, enc: Bytes, recipientPublicKey: Bytes): Bytes {
  const suiteId = concat(utf8("KEM"), u16(DHKEM_X25519));
  const prk = labeledExtract(p, suiteId, NOTHING, "eae_prk", shared);
  const secret = labeledExpand(
    p,
    suiteId,
    prk,
    "shared_secret",
    concat(enc, recipientPublicKey),
    32,
  );
  wipe(shared, prk);
  return secret;
}

// --- RFC 9180 §4 ---

const labeledExtract = (
  p: Primitives,
  suiteId: Bytes,
  salt: Bytes,
  label: string,
  ikm: Bytes,
): Bytes => p.hkdfExtract(salt, concat(HPKE_VERSION, suiteId, utf8(label), ikm));

function labeledExpand(
  p: Primitives,
  suiteId: Bytes,
  prk: Bytes,
  label: string,
  info: Bytes,
  sizeBytes: number,
): Bytes {
  assert(sizeBytes < 0x10000, "HPKE expands to less than 64 KiB");
  return p.hkdfExpand(
    prk,
    concat(u16(sizeBytes), HPKE_VERSION, suiteId, utf8(label), info),
    sizeBytes,
  );
}

const HPKE_VERSION = utf8("HPKE-v1");
