// Reads the golden device link and history slices by crypto/SPEC.md §9.7 and §9.8 and node:crypto alone: every note is
// opened, every commitment, hash and signature computed a second time. Prints how many of each held.
import assert from "node:assert/strict";
import {
  ed25519PublicOf,
  ENC,
  Expand,
  Extract,
  fieldsOf,
  H,
  hex,
  hpkeOpen,
  openSigned,
  read,
  SUITE,
  u32,
  u64,
  u8,
  uuid,
  XCopen,
} from "./spec.mjs";

const counts = {};
const held = (what) => (counts[what] = (counts[what] ?? 0) + 1);
const same = (bytes, expected, what) => {
  assert.deepEqual(Buffer.from(bytes), Buffer.isBuffer(expected) ? expected : hex(expected), what);
  held(what);
};

// --- §9.7: the link ---

const golden = read("device-link");
const L = Extract(Buffer.alloc(0), hex(golden.secret));
const linkId = Expand(L, ENC("link-id"), 16);
const linkKey = Expand(L, ENC("link-key", linkId));
same(linkId, golden.linkId, "link id");
same(linkKey, golden.linkKey, "link key");
const note = (step, sealed) => XCopen(linkKey, hex(sealed), ENC("link-note", linkId, u8(step)));

const offer = note(1, golden.offer);
const [offerVer, account, oldDevice, fpr, commitment, , handle, displayName] = fieldsOf("link-offer", offer);
assert.equal(offerVer[0], 1);
assert.equal(oldDevice.length, 16);
assert.deepEqual([handle.toString(), displayName.toString()], ["ada", "Ada Łukasiewicz"]);
held("offer");

const ask = note(2, golden.ask);
const deviceKey = ed25519PublicOf(hex(golden.deviceSeed));
const asked = openSigned("link-ask-sig", ask, deviceKey, "the ask's signature");
const [askVer, askLink, offerHash, device, DK, kemKey, name] = fieldsOf("link-ask", asked);
assert.equal(askVer[0], 1);
same(askLink, linkId, "ask");
same(offerHash, H(offer), "ask");
same(DK, deviceKey, "ask");
same(kemKey, SUITE[2].publicOf(hex(golden.kemSeed)), "ask");
assert.equal(name.toString(), "Firefox · Linux");

const [nonce] = fieldsOf("link-show", note(3, golden.show));
same(H(ENC("link-commit", linkId, nonce)), commitment, "commitment");
const seen = H(ENC("link-seen", linkId, H(offer), H(ask), nonce));
same(seen, golden.transcript, "transcript");
const digits = String(seen.readBigUInt64BE() % 1_000_000n).padStart(6, "0");
assert.equal(digits, golden.compareCode);
held("digits");

const [enc, ct] = fieldsOf("link-grant", note(4, golden.grant));
const info = ENC("link-info", device, seen);
const content = hpkeOpen(2, hex(golden.kemSeed), enc, info, seen, ct);
const [contentVer, identitySeed] = fieldsOf("bk-pt", content);
assert.equal(contentVer[0], 1);
same(H(ENC("ik", account, ed25519PublicOf(identitySeed))), fpr, "grant");

// --- §9.8: history ---

for (const { suite, slice, key, head, parts, kid, certificate, privateKey, fromDeviceSeed } of read("history").cases) {
  const record = openSigned("hist-sig", hex(head), ed25519PublicOf(hex(fromDeviceSeed)), "the head's signature");
  const [facts, headKid, wrap] = fieldsOf("hist", record);
  const sliceId = hex(slice.sliceId);
  const expected = ENC(
    "hist-facts",
    u8(1),
    uuid(slice.accountId),
    uuid(slice.fromDeviceId),
    uuid(slice.toDeviceId),
    sliceId,
    u64(slice.since),
    u32(slice.partCount),
    u64(slice.createdAt),
  );
  same(facts, expected, "facts");
  same(headKid, kid, "prekey");
  const [, , certKid, certSuite, publicKey] = fieldsOf("prekey", hex(certificate).subarray(0, -64));
  same(certKid, kid, "prekey");
  assert.equal(certSuite[0], suite);
  same(publicKey, SUITE[suite].publicOf(hex(privateKey)), "prekey");
  const { encSize } = SUITE[suite];
  const historyInfo = ENC("hist-info", headKid, H(hex(certificate)));
  const HK = hpkeOpen(suite, hex(privateKey), wrap.subarray(0, encSize), historyInfo, H(facts), wrap.subarray(encSize));
  same(HK, key, "history key");
  const partKey = Expand(HK, ENC("hist-part-key", sliceId));
  parts.forEach((part, i) => {
    const aad = ENC("hist-part", sliceId, u32(i), u32(slice.partCount));
    same(XCopen(partKey, hex(part), aad), Buffer.from(`part ${i}`), "part");
  });
}

process.stdout.write(JSON.stringify(counts));
