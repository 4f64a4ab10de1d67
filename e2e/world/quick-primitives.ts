/**
 * The same primitives, computed by OpenSSL on the spot: what a platform lends in a thread or not at all. For stories that
 * are told a thousand times and are not about keys; what is not named here stays as it is.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  hash,
  sign,
  verify,
  type KeyObject,
} from "node:crypto";
import { concat, equalBytes, utf8, type Bytes } from "../../src/base/bytes.ts";
import type { AesGcm, Primitives } from "../../src/crypto/primitives.ts";

// DER heads before the raw key: RFC 8410 §7 and RFC 9935 §4, §6 (the seed form).
const HEADS = {
  ed25519: { private: "302e020100300506032b657004220420", public: "302a300506032b6570032100" },
  x25519: { private: "302e020100300506032b656e04220420", public: "302a300506032b656e032100" },
  mlKem768: {
    private: "3054020100300b060960864801650304040204428040",
    public: "308204b2300b0609608648016503040402038204a100",
  },
} as const;

type Kind = keyof typeof HEADS;

const privateKey = (kind: Kind, raw: Bytes): KeyObject =>
  readKey(der(HEADS[kind].private, raw), (key) =>
    createPrivateKey({ key, format: "der", type: "pkcs8" }),
  );
const publicKey = (kind: Kind, raw: Bytes): KeyObject =>
  readKey(der(HEADS[kind].public, raw), (key) =>
    createPublicKey({ key, format: "der", type: "spki" }),
  );
const der = (head: string, raw: Bytes): Buffer => Buffer.concat([Buffer.from(head, "hex"), raw]);

const MOST_REMEMBERED = 500;

/** Computes once for the same bytes: what one sends, several read. */
function remembering<Value>() {
  const valueByBytes = new Map<string, Value>();
  return (bytes: Buffer, compute: (bytes: Buffer) => Value): Value => {
    const name = bytes.toString("latin1");
    const value = valueByBytes.get(name) ?? compute(bytes);
    if (valueByBytes.size >= MOST_REMEMBERED) valueByBytes.clear();
    valueByBytes.set(name, value);
    return value;
  };
}

const readKey = remembering<KeyObject>();
const judge = remembering<boolean>();

const IDENTITY_POINT = Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? 1 : 0));
/** `\.//^\`, draft-connolly-cfrg-xwing-kem §5.3. */
const XWING_LABEL = utf8("\\.//^\\");
const SIZES = { mlKemPublic: 1_184, mlKemCipher: 1_088, seed: 64 };

const sha256 = (message: Bytes): Bytes => new Uint8Array(hash("sha256", message, "buffer"));
const hmacSha256 = (key: Bytes, message: Bytes): Bytes =>
  new Uint8Array(createHmac("sha256", key).update(message).digest());

const TAG_BYTES = 16;

type Aead = "aes-256-gcm" | "chacha20-poly1305";

const tagged = { authTagLength: TAG_BYTES };

function seal(kind: Aead, key: Bytes, nonce: Bytes, aad: Bytes, plain: Bytes): Bytes {
  // Of the two the declarations know a mode each; both are asked alike.
  const cipher = createCipheriv(kind as "aes-256-gcm", key, nonce, tagged);
  cipher.setAAD(aad);
  return concat(cipher.update(plain), cipher.final(), cipher.getAuthTag());
}

function open(kind: Aead, key: Bytes, nonce: Bytes, aad: Bytes, sealed: Bytes): Bytes | null {
  if (sealed.length < TAG_BYTES) return null;
  const cipher = createDecipheriv(kind as "aes-256-gcm", key, nonce, tagged);
  cipher.setAAD(aad);
  cipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  return nullOnThrow(() => concat(cipher.update(sealed.subarray(0, -TAG_BYTES)), cipher.final()));
}

function aesGcm(key: Bytes): AesGcm {
  const ownKey = key.slice();
  return {
    seal: async (nonce, aad, plain) => seal("aes-256-gcm", ownKey, nonce, aad, plain),
    open: async (nonce, aad, sealed) => open("aes-256-gcm", ownKey, nonce, aad, sealed),
  };
}

/** The given primitives with hashes, ciphers, signatures and X-Wing by OpenSSL. */
export const computedQuickly = (own: Primitives): Primitives => ({
  ...own,
  sha256,
  hmacSha256,
  hkdfExtract: (salt, ikm) => hmacSha256(salt, ikm),
  hkdfExpand(prk, info, sizeBytes) {
    let [block, output] = [new Uint8Array(), new Uint8Array()];
    for (let count = 1; output.length < sizeBytes; count++) {
      block = hmacSha256(prk, concat(block, info, Uint8Array.of(count)));
      output = concat(output, block);
    }
    return output.slice(0, sizeBytes);
  },
  chachaSeal: (...sealing) => seal("chacha20-poly1305", ...sealing),
  chachaOpen: (...opening) => open("chacha20-poly1305", ...opening),
  importAesGcm: async (key) => aesGcm(key),
  aesGcmSeal: (key, ...sealing) => aesGcm(key).seal(...sealing),
  aesGcmOpen: (key, ...opening) => aesGcm(key).open(...opening),
  ed25519Sign: async (seed, message) =>
    new Uint8Array(sign(null, message, privateKey("ed25519", seed))),
  ed25519Verify: async (key, message, signature) =>
    signature.length === 64 &&
    own.acceptVerifyingKey(key) &&
    !equalBytes(signature.subarray(0, 32), IDENTITY_POINT) &&
    judge(Buffer.concat([key, signature, message]), () =>
      verify(null, message, publicKey("ed25519", key), signature),
    ),
  xwingEncapsulate(key, randomness) {
    if (randomness !== undefined) return own.xwingEncapsulate(key, randomness);
    return nullOnThrow(() => {
      const theirs = key.slice(SIZES.mlKemPublic);
      const once = privateKey("x25519", own.randomBytes(32));
      const oncePublic = rawPublic(once);
      const { ciphertext, sharedKey } = encapsulate(
        publicKey("mlKem768", key.slice(0, SIZES.mlKemPublic)),
      );
      const agreed = diffieHellman({ privateKey: once, publicKey: publicKey("x25519", theirs) });
      return {
        enc: concat(ciphertext, oncePublic),
        sharedSecret: combine(sharedKey, agreed, oncePublic, theirs),
      };
    });
  },
  xwingDecapsulate: (seed, enc) =>
    nullOnThrow(() => {
      const keys = createHash("shake256", { outputLength: 96 }).update(seed).digest();
      const oncePublic = enc.slice(SIZES.mlKemCipher);
      const ours = privateKey("x25519", keys.subarray(SIZES.seed));
      return combine(
        decapsulate(
          privateKey("mlKem768", keys.subarray(0, SIZES.seed)),
          enc.subarray(0, SIZES.mlKemCipher),
        ),
        diffieHellman({ privateKey: ours, publicKey: publicKey("x25519", oncePublic) }),
        oncePublic,
        rawPublic(ours),
      );
    }),
});

const rawPublic = (key: KeyObject): Bytes =>
  new Uint8Array(createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32));

const combine = (...parts: readonly [Bytes, Bytes, Bytes, Bytes]): Bytes =>
  new Uint8Array(
    createHash("sha3-256")
      .update(concat(...parts, XWING_LABEL))
      .digest(),
  );

function nullOnThrow<Value>(attempt: () => Value): Value | null {
  try {
    return attempt();
  } catch {
    return null;
  }
}
