/**
 * The only file that imports @noble or touches WebCrypto.
 *
 * Noble is the reference and a complete fallback. A native primitive is let in by a known-answer
 * test at start and then gives the same bytes and verdicts. Hashing, HMAC, HKDF and ChaCha are
 * always noble, because the chains need them synchronously. What is seldom needed (Argon2, AES where the platform has
 * none) is fetched at its first use. SPEC C5, C13, C14, C42.
 */
import { chacha20poly1305, xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { ml_kem768_x25519 as xwing } from "@noble/post-quantum/hybrid.js";

import { bytesToHex, concat, equalBytes, hexToBytes, type Bytes } from "#base/bytes.ts";
import { assert } from "#base/invariant.ts";
import type { RandomBytes } from "#base/random.ts";

import {
  passesAesGcmAnswers,
  passesEd25519SignAnswers,
  passesEd25519VerifyAnswers,
  passesX25519Answers,
} from "./known-answers.ts";

/** Costs of one Argon2id run. */
export type Argon2Params = {
  readonly memoryKiB: number;
  readonly passes: number;
  readonly lanes: number;
};

/** One AES-256-GCM key, imported once; native keys cannot be read back by script. */
export interface AesGcm {
  /** Ciphertext with its 16-byte tag behind it. Shapes: `nonce` 12 bytes, never twice under one key. */
  seal(nonce: Bytes, aad: Bytes, plain: Bytes): Promise<Bytes>;
  /** Plaintext, or null when the tag does not hold. */
  open(nonce: Bytes, aad: Bytes, sealed: Bytes): Promise<Bytes | null>;
}

/** Signing and checking with Ed25519, seed and signature in raw bytes. */
interface Ed25519 {
  sign(seed: Bytes, message: Bytes): Promise<Bytes>;
  /** Verdict for a key that {@link Primitives.acceptVerifyingKey} has accepted. */
  verify(publicKey: Bytes, message: Bytes, signature: Bytes): Promise<boolean>;
}

/** Shared secret, or null when it is all zero or the key has a wrong length. */
type X25519 = (privateKey: Bytes, publicKey: Bytes) => Promise<Bytes | null>;
type AesGcmImport = (key: Bytes) => Promise<AesGcm>;

/** A hash over bytes that come in pieces. */
export interface IncrementalHash {
  update(piece: Bytes): void;
  /** The hash of everything so far; call it once, at the end. */
  digest(): Bytes;
}

/** Everything the crypto layer computes with. Wrong sizes of our own keys and nonces are bugs and throw. */
export interface Primitives {
  /** Which primitives run natively, by their known-answer tests. */
  readonly native: Readonly<Record<"ed25519" | "x25519" | "aesGcm", boolean>>;

  randomBytes(sizeBytes: number): Bytes;
  sha256(message: Bytes): Bytes;
  /** SHA-256 of what does not fit memory at once. */
  createSha256(): IncrementalHash;
  sha512(message: Bytes): Bytes;
  hmacSha256(key: Bytes, message: Bytes): Bytes;
  /** RFC 5869 §2.2 with SHA-256. */
  hkdfExtract(salt: Bytes, ikm: Bytes): Bytes;
  /** RFC 5869 §2.3 with SHA-256. */
  hkdfExpand(prk: Bytes, info: Bytes, sizeBytes: number): Bytes;

  /** XChaCha20-Poly1305. Shapes: `key` 32 bytes, `nonce` 24 bytes. */
  xchachaSeal(key: Bytes, nonce: Bytes, aad: Bytes, plain: Bytes): Bytes;
  xchachaOpen(key: Bytes, nonce: Bytes, aad: Bytes, sealed: Bytes): Bytes | null;
  /** ChaCha20-Poly1305 (RFC 8439), for HPKE only. Shapes: `key` 32 bytes, `nonce` 12 bytes. */
  chachaSeal(key: Bytes, nonce: Bytes, aad: Bytes, plain: Bytes): Bytes;
  chachaOpen(key: Bytes, nonce: Bytes, aad: Bytes, sealed: Bytes): Bytes | null;
  /** AES-256-GCM with a key used once; see {@link Primitives.importAesGcm} for many uses. */
  aesGcmSeal(key: Bytes, nonce: Bytes, aad: Bytes, plain: Bytes): Promise<Bytes>;
  aesGcmOpen(key: Bytes, nonce: Bytes, aad: Bytes, sealed: Bytes): Promise<Bytes | null>;
  /** A 32-byte key made ready for many calls; the caller may wipe its copy afterwards. */
  importAesGcm(key: Bytes): Promise<AesGcm>;

  ed25519PublicKey(seed: Bytes): Bytes;
  ed25519Sign(seed: Bytes, message: Bytes): Promise<Bytes>;
  /**
   * Whether the signature holds under the cofactorless equation, `R` compared as bytes and not the
   * identity, `S < L`. False for a key that {@link Primitives.acceptVerifyingKey} refuses. Source: SPEC C13.
   */
  ed25519Verify(publicKey: Bytes, message: Bytes, signature: Bytes): Promise<boolean>;
  /** Whether a verifying key is canonical, not of small order and free of torsion. Source: SPEC C13. */
  acceptVerifyingKey(publicKey: Bytes): boolean;

  x25519PublicKey(privateKey: Bytes): Bytes;
  /** RFC 7748 §6.1; null on an all-zero result or a wrong length. Source: SPEC C14. */
  x25519(privateKey: Bytes, publicKey: Bytes): Promise<Bytes | null>;

  /** X-Wing: `seed` 32 bytes is the private key, the public key has 1,216 bytes. */
  xwingKeygen(seed: Bytes): { readonly publicKey: Bytes };
  /** Null for a malformed key. Shapes: `enc` 1,120 bytes, `sharedSecret` 32 bytes, `randomness` 64 bytes. */
  xwingEncapsulate(
    publicKey: Bytes,
    randomness?: Bytes,
  ): { readonly enc: Bytes; readonly sharedSecret: Bytes } | null;
  xwingDecapsulate(seed: Bytes, enc: Bytes): Bytes | null;

  /** Argon2id version 1.3 (RFC 9106), giving way to other work now and then. */
  argon2id(password: Bytes, salt: Bytes, params: Argon2Params, sizeBytes: number): Promise<Bytes>;
}

/**
 * Primitives on top of `random`, native where the platform passes its known-answer tests.
 * `force: "noble"` leaves the native ones out.
 */
export async function createPrimitives(options: {
  readonly random: RandomBytes;
  readonly force?: "noble";
}): Promise<Primitives> {
  // Absent outside secure contexts, whatever the type says.
  const subtle =
    options.force === "noble" ? undefined : (crypto.subtle as SubtleCrypto | undefined);
  const native = subtle === undefined ? NO_NATIVE : await admitNative(subtle);
  const { sign, verify } = { ...nobleEd25519, ...native.sign, ...native.verify };
  const importAesGcm = native.importAesGcm ?? nobleImportAesGcm;
  const nativeX25519 = native.x25519;
  const agree = nativeX25519 ?? nobleX25519;
  const isAccepted = rememberVerdicts(acceptVerifyingKey);

  return {
    native: {
      ed25519: native.verify !== undefined,
      x25519: nativeX25519 !== undefined,
      aesGcm: native.importAesGcm !== undefined,
    },
    ...nobleHashes,
    ...nobleCiphers,
    randomBytes: options.random,
    aesGcmSeal: async (key, nonce, aad, plain) => (await importAesGcm(key)).seal(nonce, aad, plain),
    aesGcmOpen: async (key, nonce, aad, sealed) =>
      (await importAesGcm(key)).open(nonce, aad, sealed),
    importAesGcm,
    ed25519PublicKey: (seed) => ed25519.getPublicKey(sized(seed, 32)),
    ed25519Sign: (seed, message) => sign(sized(seed, 32), message),
    // Runtimes differ on small orders, in keys and in `R`, so both are judged before any of them is
    // asked. With an accepted key the identity is the only small-order `R` that could still pass.
    ed25519Verify: async (publicKey, message, signature) =>
      signature.length === 64 &&
      isAccepted(publicKey) &&
      !equalBytes(signature.subarray(0, 32), IDENTITY_POINT) &&
      verify(publicKey, message, signature),
    acceptVerifyingKey: isAccepted,
    x25519PublicKey: (privateKey) => x25519.getPublicKey(sized(privateKey, 32)),
    x25519: async (privateKey, publicKey) =>
      publicKey.length === 32 ? agree(sized(privateKey, 32), publicKey) : null,
    xwingKeygen: (seed) => ({ publicKey: xwing.getPublicKey(sized(seed, 32)) }),
    xwingEncapsulate: (publicKey, randomness = options.random(64)) =>
      nullOnThrow(() => {
        const { cipherText, sharedSecret } = xwing.encapsulate(publicKey, sized(randomness, 64));
        return { enc: cipherText, sharedSecret };
      }),
    xwingDecapsulate: (seed, enc) => {
      sized(seed, 32);
      return nullOnThrow(() => xwing.decapsulate(enc, seed));
    },
  };
}

const nobleHashes = {
  sha256: (message) => sha256(message),
  createSha256: () => {
    const hash = sha256.create();
    return { update: (piece) => void hash.update(piece), digest: () => hash.digest() };
  },
  sha512: (message) => sha512(message),
  hmacSha256: (key, message) => hmac(sha256, key, message),
  hkdfExtract: (salt, ikm) => extract(sha256, ikm, salt),
  hkdfExpand: (prk, info, sizeBytes) => expand(sha256, prk, info, sizeBytes),
  argon2id: async (password, salt, { memoryKiB, passes, lanes }, sizeBytes) => {
    const { argon2idAsync } = await import("@noble/hashes/argon2.js");
    return argon2idAsync(password, salt, {
      m: memoryKiB,
      t: passes,
      p: lanes,
      dkLen: sizeBytes,
      // The caller has checked the cost; noble's own cap would refuse the largest allowed one.
      maxmem: (memoryKiB + 1024) * 1024,
    });
  },
} satisfies Partial<Primitives>;

const nobleCiphers = {
  xchachaSeal: (key, nonce, aad, plain) =>
    xchacha20poly1305(sized(key, 32), sized(nonce, 24), aad).encrypt(plain),
  xchachaOpen: (key, nonce, aad, sealed) => {
    const cipher = xchacha20poly1305(sized(key, 32), sized(nonce, 24), aad);
    return nullOnThrow(() => cipher.decrypt(sealed));
  },
  chachaSeal: (key, nonce, aad, plain) =>
    chacha20poly1305(sized(key, 32), sized(nonce, 12), aad).encrypt(plain),
  chachaOpen: (key, nonce, aad, sealed) => {
    const cipher = chacha20poly1305(sized(key, 32), sized(nonce, 12), aad);
    return nullOnThrow(() => cipher.decrypt(sealed));
  },
} satisfies Partial<Primitives>;

const nobleEd25519: Ed25519 = {
  sign: async (seed, message) => ed25519.sign(message, seed),
  // Noble's equation has the cofactor in it; with `R` free of torsion (and the key, accepted before,
  // too) nothing is left for the cofactor to hide, so the verdict is the cofactorless one.
  verify: async (publicKey, message, signature) =>
    ed25519.verify(signature, message, publicKey, { zip215: false }) &&
    ed25519.Point.fromBytes(signature.subarray(0, 32), false).isTorsionFree(),
};

const nobleX25519: X25519 = async (privateKey, publicKey) =>
  nullOnThrow(() => nonZero(x25519.getSharedSecret(privateKey, publicKey)));

const nobleImportAesGcm: AesGcmImport = async (key) => {
  const ownKey = Uint8Array.from(sized(key, 32));
  const { gcm } = await import("@noble/ciphers/aes.js");
  return {
    seal: async (nonce, aad, plain) => gcm(ownKey, sized(nonce, 12), aad).encrypt(plain),
    open: async (nonce, aad, sealed) => {
      const cipher = gcm(ownKey, sized(nonce, 12), aad);
      return nullOnThrow(() => cipher.decrypt(sealed));
    },
  };
};

function acceptVerifyingKey(publicKey: Bytes): boolean {
  const point =
    publicKey.length === 32 ? nullOnThrow(() => ed25519.Point.fromBytes(publicKey, false)) : null;
  return point !== null && !point.isSmallOrder() && point.isTorsionFree();
}

// --- Native ---

/** What the platform does well enough; absent = noble. */
type NativePrimitives = {
  readonly sign?: Pick<Ed25519, "sign">;
  readonly verify?: Pick<Ed25519, "verify">;
  readonly x25519?: X25519;
  readonly importAesGcm?: AesGcmImport;
};
const NO_NATIVE: NativePrimitives = {};

// PKCS #8 heads of RFC 8410 §7: WebCrypto takes raw bytes for public keys only.
const ED25519_PKCS8 = hexToBytes("302e020100300506032b657004220420") ?? new Uint8Array();
const X25519_PKCS8 = hexToBytes("302e020100300506032b656e04220420") ?? new Uint8Array();

async function admitNative(subtle: SubtleCrypto): Promise<NativePrimitives> {
  const verify = nativeVerify(subtle);
  const sign = nativeSign(subtle);
  const agree = nativeX25519(subtle);
  const importAesGcm = nativeImportAesGcm(subtle);
  const [canVerify, canSign, canAgree, canAesGcm] = await Promise.all([
    falseOnRejection(passesEd25519VerifyAnswers(verify)),
    // Some platforms sign with extra randomness: sound, but not the same bytes everywhere.
    falseOnRejection(passesEd25519SignAnswers(sign)),
    falseOnRejection(passesX25519Answers(agree)),
    falseOnRejection(passesAesGcmAnswers(importAesGcm)),
  ]);
  return {
    ...(canVerify && { verify: { verify } }),
    ...(canVerify && canSign && { sign: { sign } }),
    ...(canAgree && { x25519: agree }),
    ...(canAesGcm && { importAesGcm }),
  };
}

function nativeVerify(subtle: SubtleCrypto): Ed25519["verify"] {
  const importKey = rememberByKey((publicKey: Bytes) =>
    subtle.importKey("raw", publicKey, { name: "Ed25519" }, false, ["verify"]),
  );
  return async (publicKey, message, signature) =>
    subtle.verify({ name: "Ed25519" }, await importKey(publicKey), signature, message);
}

function nativeSign(subtle: SubtleCrypto): Ed25519["sign"] {
  return async (seed, message) => {
    const pkcs8 = concat(ED25519_PKCS8, seed);
    const key = await subtle.importKey("pkcs8", pkcs8, { name: "Ed25519" }, false, ["sign"]);
    pkcs8.fill(0);
    return new Uint8Array(await subtle.sign({ name: "Ed25519" }, key, message));
  };
}

function nativeX25519(subtle: SubtleCrypto): X25519 {
  return async (privateKey, publicKey) => {
    const pkcs8 = concat(X25519_PKCS8, privateKey);
    const ours = await subtle.importKey("pkcs8", pkcs8, { name: "X25519" }, false, ["deriveBits"]);
    pkcs8.fill(0);
    try {
      const theirs = await subtle.importKey("raw", publicKey, { name: "X25519" }, false, []);
      return nonZero(
        new Uint8Array(await subtle.deriveBits({ name: "X25519", public: theirs }, ours, 256)),
      );
    } catch {
      return null;
    }
  };
}

function nativeImportAesGcm(subtle: SubtleCrypto): AesGcmImport {
  return async (rawKey) => {
    const key = await subtle.importKey("raw", sized(rawKey, 32), "AES-GCM", false, [
      "encrypt",
      "decrypt",
    ]);
    const params = (nonce: Bytes, aad: Bytes) => ({
      name: "AES-GCM",
      iv: sized(nonce, 12),
      additionalData: aad,
      tagLength: 128,
    });
    return {
      seal: async (nonce, aad, plain) =>
        new Uint8Array(await subtle.encrypt(params(nonce, aad), key, plain)),
      open: async (nonce, aad, sealed) => {
        const algorithm = params(nonce, aad);
        try {
          return new Uint8Array(await subtle.decrypt(algorithm, key, sealed));
        } catch {
          return null;
        }
      },
    };
  };
}

// --- Small things ---

const ZERO_32 = new Uint8Array(32);
const IDENTITY_POINT = Uint8Array.from(ZERO_32, (_, at) => (at === 0 ? 1 : 0));
const nonZero = (secret: Bytes): Bytes | null => (equalBytes(secret, ZERO_32) ? null : secret);

function sized(bytes: Bytes, sizeBytes: number): Bytes {
  assert(bytes.length === sizeBytes, `${sizeBytes} bytes expected`);
  return bytes;
}

function nullOnThrow<Value>(attempt: () => Value): Value | null {
  try {
    return attempt();
  } catch {
    return null;
  }
}

async function falseOnRejection(attempt: Promise<boolean>): Promise<boolean> {
  try {
    return await attempt;
  } catch {
    return false;
  }
}

// A conversation has at most 64 devices; a few open conversations stay warm.
const MAX_REMEMBERED_KEYS = 256;

/** Remembers what was computed for the most recently used public keys. */
function rememberByKey<Value>(compute: (publicKey: Bytes) => Value): (publicKey: Bytes) => Value {
  const valueByKey = new Map<string, Value>();
  return (publicKey) => {
    const name = bytesToHex(publicKey);
    const value = valueByKey.get(name) ?? compute(publicKey);
    valueByKey.delete(name);
    valueByKey.set(name, value);
    if (valueByKey.size > MAX_REMEMBERED_KEYS) {
      for (const oldest of valueByKey.keys()) {
        valueByKey.delete(oldest);
        break;
      }
    }
    return value;
  };
}

/** Judging a key costs a scalar multiplication, so a key seen lately is not judged again. */
function rememberVerdicts(judge: (publicKey: Bytes) => boolean): (publicKey: Bytes) => boolean {
  const remembered = rememberByKey(judge);
  return (publicKey) => publicKey.length === 32 && remembered(publicKey);
}
