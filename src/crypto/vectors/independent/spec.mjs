// The arithmetic of crypto/SPEC.md on node:crypto alone, following its text and nothing of the product's code.
import assert from "node:assert/strict";
import {
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  decapsulate,
  diffieHellman,
  verify,
} from "node:crypto";
import { readFileSync } from "node:fs";

export const read = (name) =>
  JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), "utf8"));
export const hex = (text) => Buffer.from(text, "hex");
export const uuid = (text) => hex(text.replaceAll("-", ""));

// --- §3: encoding ---

export const u8 = (value) => Buffer.from([value]);
export const u64 = (value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
};
export const u16 = (value) => Buffer.from([value >> 8, value & 255]);
export const u32 = (value) => Buffer.from([24, 16, 8, 0].map((shift) => (value >>> shift) & 255));
export const LP = (bytes) => Buffer.concat([u32(bytes.length), bytes]);
export const ENC = (label, ...fields) =>
  Buffer.concat([LP(Buffer.from(`parley/1/${label}`)), ...fields.map(LP)]);

export function fieldsOf(label, bytes) {
  const fields = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    assert(end <= bytes.length, "a field ends inside the record");
    fields.push(bytes.subarray(at + 4, end));
    at = end;
  }
  assert.equal(fields.shift().toString(), `parley/1/${label}`);
  return fields;
}

// --- §2: primitives ---

export const H = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
export const HMAC = (key, ...parts) =>
  createHmac("sha256", key).update(Buffer.concat(parts)).digest();
export const Extract = (salt, ikm) => HMAC(salt, ikm);

export function Expand(prk, info, size = 32) {
  let block = Buffer.alloc(0);
  let out = Buffer.alloc(0);
  for (let counter = 1; out.length < size; counter++) {
    block = HMAC(prk, block, info, Buffer.from([counter]));
    out = Buffer.concat([out, block]);
  }
  return out.subarray(0, size);
}

/** ChaCha20-Poly1305 of RFC 8439. */
function chachaOpen(key, nonce, aad, sealed) {
  const cipher = createDecipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 });
  cipher.setAAD(aad, { plaintextLength: sealed.length - 16 });
  cipher.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]);
}

/** HChaCha20 of draft-irtf-cfrg-xchacha: the ChaCha permutation without its last addition. */
function hchacha(key, nonce16) {
  const word = (bytes, i) => bytes.readUInt32LE(4 * i);
  const x = new Uint32Array([
    0x61707865,
    0x3320646e,
    0x79622d32,
    0x6b206574,
    ...Array.from({ length: 8 }, (_, i) => word(key, i)),
    ...Array.from({ length: 4 }, (_, i) => word(nonce16, i)),
  ]);
  const rotate = (value, by) => (value << by) | (value >>> (32 - by));
  const quarter = (a, b, c, d) => {
    x[a] += x[b];
    x[d] = rotate(x[d] ^ x[a], 16);
    x[c] += x[d];
    x[b] = rotate(x[b] ^ x[c], 12);
    x[a] += x[b];
    x[d] = rotate(x[d] ^ x[a], 8);
    x[c] += x[d];
    x[b] = rotate(x[b] ^ x[c], 7);
  };
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < 4; i++) quarter(i, 4 + i, 8 + i, 12 + i);
    for (let i = 0; i < 4; i++) {
      quarter(i, 4 + ((i + 1) % 4), 8 + ((i + 2) % 4), 12 + ((i + 3) % 4));
    }
  }
  const out = Buffer.alloc(32);
  [0, 1, 2, 3, 12, 13, 14, 15].forEach((from, to) => out.writeUInt32LE(x[from], 4 * to));
  return out;
}

export const XCopen = (key, sealed, aad) => {
  const subkey = hchacha(key, sealed.subarray(0, 16));
  const nonce = Buffer.concat([Buffer.alloc(4), sealed.subarray(16, 24)]);
  return chachaOpen(subkey, nonce, aad, sealed.subarray(24));
};

const der = (head, raw) => Buffer.concat([hex(head), raw]);
const ed25519Key = (raw) =>
  createPublicKey({ key: der("302a300506032b6570032100", raw), format: "der", type: "spki" });
export const checkSignature = (key, message, signature, what) =>
  assert(verify(null, message, ed25519Key(key), signature), what);
/** The public half of an Ed25519 seed. */
export const ed25519PublicOf = (seed) =>
  createPublicKey(
    createPrivateKey({ key: der("302e020100300506032b657004220420", seed), format: "der", type: "pkcs8" }),
  )
    .export({ format: "der", type: "spki" })
    .subarray(-32);
const x25519Private = (raw) =>
  createPrivateKey({
    key: der("302e020100300506032b656e04220420", raw),
    format: "der",
    type: "pkcs8",
  });
const x25519Public = (raw) =>
  createPublicKey({ key: der("302a300506032b656e032100", raw), format: "der", type: "spki" });
export const publicOf = (privateKey) =>
  createPublicKey(x25519Private(privateKey)).export({ format: "der", type: "spki" }).subarray(-32);

/** DHKEM(X25519, HKDF-SHA256) of RFC 9180 §4.1. */
function dhkemOpen(privateKey, enc) {
  const kem = labeled(Buffer.concat([Buffer.from("KEM"), u16(0x20)]));
  const dh = diffieHellman({ privateKey: x25519Private(privateKey), publicKey: x25519Public(enc) });
  const context = Buffer.concat([enc, publicOf(privateKey)]);
  return kem.expand(kem.extract(none, "eae_prk", dh), "shared_secret", context, 32);
}

/** X-Wing of draft-connolly-cfrg-xwing-kem: the 32-byte seed stands for an ML-KEM-768 seed and an X25519 key. */
function xwingParts(seed) {
  const expanded = createHash("shake256", { outputLength: 96 }).update(seed).digest();
  const key = der("3054020100300b060960864801650304040204428040", expanded.subarray(0, 64));
  return {
    mlkem: createPrivateKey({ key, format: "der", type: "pkcs8" }),
    x25519: expanded.subarray(64),
  };
}
export const xwingPublic = (seed) => {
  const { mlkem, x25519 } = xwingParts(seed);
  const spki = createPublicKey(mlkem).export({ format: "der", type: "spki" });
  return Buffer.concat([spki.subarray(-1184), publicOf(x25519)]);
};
function xwingOpen(seed, enc) {
  const { mlkem, x25519 } = xwingParts(seed);
  const [ctM, ctX] = [enc.subarray(0, 1088), enc.subarray(1088)];
  const ssM = decapsulate(mlkem, ctM);
  const ssX = diffieHellman({ privateKey: x25519Private(x25519), publicKey: x25519Public(ctX) });
  const parts = [ssM, ssX, ctX, publicOf(x25519), Buffer.from("\\.//^\\")];
  return createHash("sha3-256").update(Buffer.concat(parts)).digest();
}

/** What each suite calls its KEM, and the sizes of its encapsulation and public key. */
export const SUITE = {
  1: { kemId: 0x20, open: dhkemOpen, encSize: 32, publicOf },
  2: { kemId: 0x647a, open: xwingOpen, encSize: 1120, publicOf: xwingPublic },
};

/** RFC 9180 base mode, one message: HKDF-SHA256, ChaCha20-Poly1305, the suite's KEM. */
export function hpkeOpen(suite, privateKey, enc, info, aad, ciphertext) {
  const { kemId, open } = SUITE[suite];
  const shared = open(privateKey, enc);
  const hpke = labeled(Buffer.concat([Buffer.from("HPKE"), u16(kemId), u16(1), u16(3)]));
  const schedule = Buffer.concat([
    Buffer.from([0]),
    hpke.extract(none, "psk_id_hash", none),
    hpke.extract(none, "info_hash", info),
  ]);
  const secret = hpke.extract(shared, "secret", none);
  const key = hpke.expand(secret, "key", schedule, 32);
  const nonce = hpke.expand(secret, "base_nonce", schedule, 12);
  return chachaOpen(key, nonce, aad, ciphertext);
}

const none = Buffer.alloc(0);
const labeled = (suite) => ({
  extract: (salt, label, ikm) =>
    Extract(salt, Buffer.concat([Buffer.from("HPKE-v1"), suite, Buffer.from(label), ikm])),
  expand: (prk, label, text, size) =>
    Expand(
      prk,
      Buffer.concat([u16(size), Buffer.from("HPKE-v1"), suite, Buffer.from(label), text]),
      size,
    ),
});

/** AES-256-GCM with the tag behind the ciphertext. */
export function gcmOpen(key, nonce, aad, sealed) {
  const cipher = createDecipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(aad);
  cipher.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]);
}

/** `record || signature` of §3: the record, once its signature holds. */
export function openSigned(label, signed, key, what) {
  const record = signed.subarray(0, -64);
  checkSignature(key, ENC(label, H(record)), signed.subarray(-64), what);
  return record;
}
