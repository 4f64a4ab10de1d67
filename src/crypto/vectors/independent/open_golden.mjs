// Opens the golden messages of suite 0x01 with node:crypto alone, following crypto/SPEC.md and nothing of the
// product's code: every length, hash, key and signature is computed here a second time. Prints the payloads.
import assert from "node:assert/strict";
import {
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  verify,
} from "node:crypto";
import { readFileSync } from "node:fs";

const read = (name) =>
  JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), "utf8"));
const hex = (text) => Buffer.from(text, "hex");
const uuid = (text) => hex(text.replaceAll("-", ""));

// --- §3: encoding ---

const u16 = (value) => Buffer.from([value >> 8, value & 255]);
const u32 = (value) => Buffer.from([24, 16, 8, 0].map((shift) => (value >>> shift) & 255));
const LP = (bytes) => Buffer.concat([u32(bytes.length), bytes]);
const ENC = (label, ...fields) =>
  Buffer.concat([LP(Buffer.from(`parley/1/${label}`)), ...fields.map(LP)]);

function fieldsOf(label, bytes) {
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

const H = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const HMAC = (key, ...parts) =>
  createHmac("sha256", key).update(Buffer.concat(parts)).digest();
const Extract = (salt, ikm) => HMAC(salt, ikm);

function Expand(prk, info, size = 32) {
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

const XCopen = (key, sealed, aad) => {
  const subkey = hchacha(key, sealed.subarray(0, 16));
  const nonce = Buffer.concat([Buffer.alloc(4), sealed.subarray(16, 24)]);
  return chachaOpen(subkey, nonce, aad, sealed.subarray(24));
};

const der = (head, raw) => Buffer.concat([hex(head), raw]);
const ed25519Key = (raw) =>
  createPublicKey({ key: der("302a300506032b6570032100", raw), format: "der", type: "spki" });
const checkSignature = (key, message, signature, what) =>
  assert(verify(null, message, ed25519Key(key), signature), what);
const x25519Private = (raw) =>
  createPrivateKey({
    key: der("302e020100300506032b656e04220420", raw),
    format: "der",
    type: "pkcs8",
  });
const x25519Public = (raw) =>
  createPublicKey({ key: der("302a300506032b656e032100", raw), format: "der", type: "spki" });
const publicOf = (privateKey) =>
  createPublicKey(x25519Private(privateKey)).export({ format: "der", type: "spki" }).subarray(-32);

/** RFC 9180 base mode, one message: DHKEM(X25519), HKDF-SHA256, ChaCha20-Poly1305. */
function hpkeOpen(privateKey, enc, info, aad, ciphertext) {
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
  const none = Buffer.alloc(0);
  const kem = labeled(Buffer.concat([Buffer.from("KEM"), u16(0x20)]));
  const dh = diffieHellman({ privateKey: x25519Private(privateKey), publicKey: x25519Public(enc) });
  const context = Buffer.concat([enc, publicOf(privateKey)]);
  const shared = kem.expand(kem.extract(none, "eae_prk", dh), "shared_secret", context, 32);

  const hpke = labeled(Buffer.concat([Buffer.from("HPKE"), u16(0x20), u16(1), u16(3)]));
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

// --- §5: prekeys and opens ---

function ownPrekey(reader, kid) {
  const prekey = reader.prekeys.find((candidate) => candidate.kid === kid.toString("hex"));
  assert(prekey, "the reader holds the key");
  const certificate = hex(prekey.certificate);
  const record = certificate.subarray(0, -64);
  const signed = ENC("prekey-sig", H(record));
  checkSignature(hex(reader.signingKey), signed, certificate.subarray(-64), "prekey");
  const [owner, device, certKid, suite, publicKey] = fieldsOf("prekey", record);
  assert.deepEqual([owner, device, certKid], [uuid(reader.accountId), uuid(reader.deviceId), kid]);
  assert.equal(suite[0], 1);
  const privateKey = hex(prekey.privateKey);
  assert.deepEqual(publicKey, publicOf(privateKey));
  return { privateKey, certificateHash: H(certificate) };
}

const itemsOf = (list, width) =>
  Array.from({ length: list.length / width }, (_, i) => list.subarray(i * width, (i + 1) * width));
const isFor = (reader) => (item) =>
  item.subarray(0, 32).equals(Buffer.concat([uuid(reader.accountId), uuid(reader.deviceId)]));
const listHash = (list) => H(ENC("rcpts", u16(list.length / 49), list));

function openSession(sessionOpen, sender, reader) {
  const [header, list, wraps, signature] = fieldsOf("open-env", sessionOpen);
  assert.equal(header.length, 327);
  const fields = fieldsOf("open", header);
  const openHash = H(header);
  checkSignature(hex(sender.signingKey), ENC("open-sig", openHash, H(wraps)), signature, "open");
  const fpr = H(ENC("ik", uuid(sender.accountId), hex(sender.identityKey)));
  assert.deepEqual(fields[7], fpr);
  assert.deepEqual(fields[14], listHash(list));

  const at = itemsOf(list, 49).findIndex(isFor(reader));
  const kid = itemsOf(list, 49)[at].subarray(32, 48);
  const wrap = itemsOf(wraps, 96)[at];
  assert.deepEqual(wrap.subarray(0, 16), kid);
  const isCardKey = kid.equals(Buffer.alloc(16));
  const { privateKey, certificateHash } = isCardKey
    ? { privateKey: hex(reader.cardPrivateKey), certificateHash: Buffer.alloc(32) }
    : ownPrekey(reader, kid);
  const info = ENC(
    "open-info",
    openHash,
    uuid(reader.accountId),
    uuid(reader.deviceId),
    hex(reader.fingerprint),
    kid,
    certificateHash,
  );
  const seed = hpkeOpen(privateKey, wrap.subarray(16, 48), info, openHash, wrap.subarray(48));
  return { sid: fields[3], chainKey: Extract(openHash, seed) };
}

// --- §4: messages ---

function contentKeyOf(parts, session, sender, reader) {
  const { header, fields, list, sessionWrap, envelopeWraps } = parts;
  const [, suite, , conv, messageId, senderId, device, sid, index] = fields;
  if (session !== null) {
    assert.deepEqual(sid, session.sid);
    let chainKey = session.chainKey;
    for (let i = 0; i < index.readUInt32BE(); i++) chainKey = HMAC(chainKey, Buffer.from([2]));
    const messageKey = HMAC(chainKey, Buffer.from([1]), index);
    return XCopen(Expand(messageKey, ENC("wrap", sid, index)), sessionWrap, H(header));
  }
  const wrapped = itemsOf(list, 49).filter((item) => item[48] === 2);
  const at = wrapped.findIndex(isFor(reader));
  const kid = wrapped[at].subarray(32, 48);
  const wrap = itemsOf(envelopeWraps, 80)[at];
  const info = ENC(
    "cek",
    suite,
    conv,
    messageId,
    senderId,
    device,
    hex(sender.fingerprint),
    uuid(reader.accountId),
    uuid(reader.deviceId),
    hex(reader.fingerprint),
    kid,
  );
  const { privateKey } = ownPrekey(reader, kid);
  return hpkeOpen(privateKey, wrap.subarray(0, 32), info, H(header), wrap.subarray(32));
}

function openMessage(envelope, session, sender, reader) {
  const [header, list, sessionWrap, envelopeWraps, body] = fieldsOf("env", envelope);
  assert.equal(header.length, 312);
  const fields = fieldsOf("msg", header);
  const suite = fields[1];
  assert.deepEqual([fields[0][0], suite[0]], [1, 1]);
  if (list.length > 0) assert.deepEqual(fields[15], listHash(list));
  const parts = { header, fields, list, sessionWrap, envelopeWraps };
  const contentKey = contentKeyOf(parts, session, sender, reader);
  assert.deepEqual(fields[14], Expand(contentKey, ENC("commit", suite)));

  const opened = XCopen(Expand(contentKey, ENC("body", suite)), body, header);
  const [signature, plaintext] = [opened.subarray(0, 64), opened.subarray(64)];
  const [contentType, payload, pad] = fieldsOf("pt", plaintext);
  assert.equal(contentType.toString(), "json");
  const bare = plaintext.length - pad.length;
  const bucket = [256, 512, 1024, 2048].find((size) => size >= bare) ?? Math.ceil(bare / 4096) * 4096;
  assert.equal(plaintext.length, bucket);
  assert(pad.every((byte) => byte === 0));
  const signed = ENC("msg-sig", H(header), H(plaintext));
  checkSignature(hex(sender.signingKey), signed, signature, "message");
  return { payload, messageHash: H(header, body), plaintextHash: H(plaintext) };
}

// --- The golden files ---

const { given, cases: opens } = read("open");
const isSuite1 = (bytes, label) => fieldsOf(label, fieldsOf(`${label === "msg" ? "env" : "open-env"}`, bytes)[0])[1][0] === 1;
const sessionByName = new Map();
for (const { name, sessionOpen, chainKey } of opens) {
  const bytes = hex(sessionOpen);
  if (!isSuite1(bytes, "open")) continue;
  const session = openSession(bytes, given.phone, given.agent);
  assert.equal(session.chainKey.toString("hex"), chainKey);
  sessionByName.set(name, session);
}

const results = [];
for (const message of read("message").cases) {
  const envelope = message.envelope === null ? null : hex(message.envelope);
  if (envelope === null || !isSuite1(envelope, "msg")) continue;
  const sender = message.reader === "laptop" ? given.webhook : given.phone;
  const session = message.session === null ? null : sessionByName.get(message.session);
  const opened = openMessage(envelope, session, sender, given[message.reader]);
  assert.equal(opened.messageHash.toString("hex"), message.messageHash);
  assert.equal(opened.plaintextHash.toString("hex"), message.plaintextHash);
  results.push({ name: message.name, payload: opened.payload.toString("hex") });
}
process.stdout.write(JSON.stringify(results));
