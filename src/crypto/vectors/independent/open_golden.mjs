// Opens the golden messages of both suites by crypto/SPEC.md and node:crypto alone, with nothing of the product's
// code: every length, hash, key and signature is computed here a second time. Prints the payloads.
import assert from "node:assert/strict";
import {
  checkSignature,
  ENC,
  Expand,
  Extract,
  fieldsOf,
  H,
  hex,
  HMAC,
  hpkeOpen,
  openSigned,
  read,
  SUITE,
  u16,
  uuid,
  XCopen,
} from "./spec.mjs";

// --- §5: prekeys and opens ---

function ownPrekey(reader, kid) {
  const prekey = reader.prekeys.find((candidate) => candidate.kid === kid.toString("hex"));
  assert(prekey, "the reader holds the key");
  const certificate = hex(prekey.certificate);
  const record = openSigned("prekey-sig", certificate, hex(reader.signingKey), "prekey");
  const [owner, device, certKid, suite, publicKey] = fieldsOf("prekey", record);
  assert.deepEqual([owner, device, certKid], [uuid(reader.accountId), uuid(reader.deviceId), kid]);
  const privateKey = hex(prekey.privateKey);
  assert.deepEqual(publicKey, SUITE[suite[0]].publicOf(privateKey));
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
  const suite = fields[1][0];
  const { encSize } = SUITE[suite];
  const fpr = H(ENC("ik", uuid(sender.accountId), hex(sender.identityKey)));
  assert.deepEqual(fields[7], fpr);
  assert.deepEqual(fields[14], listHash(list));

  const at = itemsOf(list, 49).findIndex(isFor(reader));
  const kid = itemsOf(list, 49)[at].subarray(32, 48);
  const wrap = itemsOf(wraps, 16 + encSize + 48)[at];
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
  const [enc, ct] = [wrap.subarray(16, 16 + encSize), wrap.subarray(16 + encSize)];
  const seed = hpkeOpen(suite, privateKey, enc, info, openHash, ct);
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
  const { encSize } = SUITE[suite[0]];
  const wrap = itemsOf(envelopeWraps, encSize + 48)[at];
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
  const [enc, ct] = [wrap.subarray(0, encSize), wrap.subarray(encSize)];
  return hpkeOpen(suite[0], privateKey, enc, info, H(header), ct);
}

function openMessage(envelope, session, sender, reader) {
  const [header, list, sessionWrap, envelopeWraps, body] = fieldsOf("env", envelope);
  assert.equal(header.length, 312);
  const fields = fieldsOf("msg", header);
  const suite = fields[1];
  assert.equal(fields[0][0], 1);
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
const sessionByName = new Map();
for (const { name, sessionOpen, chainKey } of opens) {
  const bytes = hex(sessionOpen);
  const session = openSession(bytes, given.phone, given.agent);
  assert.equal(session.chainKey.toString("hex"), chainKey);
  sessionByName.set(name, session);
}

const results = [];
for (const message of read("message").cases) {
  const envelope = message.envelope === null ? null : hex(message.envelope);
  if (envelope === null) continue;
  const sender = message.reader === "laptop" ? given.webhook : given.phone;
  const session = message.session === null ? null : sessionByName.get(message.session);
  const opened = openMessage(envelope, session, sender, given[message.reader]);
  assert.equal(opened.messageHash.toString("hex"), message.messageHash);
  assert.equal(opened.plaintextHash.toString("hex"), message.plaintextHash);
  results.push({ name: message.name, payload: opened.payload.toString("hex") });
}
process.stdout.write(JSON.stringify(results));
