// Opens and recomputes every golden record that is no message, by crypto/SPEC.md and node:crypto alone: control
// records, ledgers, deltas, files, approvals, passwords, backups, recovery files, device names, disk, safety numbers.
// Prints how many of each held.
import assert from "node:assert/strict";
import { argon2Sync, createHash } from "node:crypto";
import {
  checkSignature,
  ENC,
  Expand,
  Extract,
  fieldsOf,
  gcmOpen,
  H,
  hex,
  LP,
  openSigned,
  read,
  u32,
  u64,
  u8,
  uuid,
  XCopen,
} from "./spec.mjs";

const counts = {};
const held = (what) => (counts[what] = (counts[what] ?? 0) + 1);
const same = (bytes, expected, what) => {
  assert.equal(bytes.toString("hex"), Buffer.isBuffer(expected) ? expected.toString("hex") : expected, what);
  held(what);
};
const text = (value) => Buffer.from(value, "utf8");
const none = Buffer.alloc(0);

// --- §5.3: control records ---

const control = read("control");
const progress = ({ sid, count, lastHash }) => Buffer.concat([hex(sid), u32(count), hex(lastHash)]);
const controls = {
  close: ({ conversationId, sid, count, lastHash, createdAt }) =>
    ENC("close", uuid(conversationId), hex(sid), u32(count), hex(lastHash), u64(createdAt)),
  beat: ({ conversationId, writer, sessions, createdAt }) =>
    ENC("beat", uuid(conversationId), hex(writer), Buffer.concat(sessions.map(progress)), u64(createdAt)),
  notice: ({ conversationId, messageId, deviceId, kid }) =>
    ENC("notice", uuid(conversationId), uuid(messageId), uuid(deviceId), hex(kid)),
};
for (const [kind, encode] of Object.entries(controls)) {
  const signed = hex(control[kind].record);
  same(openSigned("ctl-sig", signed, hex(control.signingKey), kind), encode(control[kind]), kind);
}

// --- §6: ledgers ---

const zeros = (size) => Buffer.alloc(size);
/** Replays signatures and chain; gives the head. `keys` are the verifying keys that may sign, by actor's device. */
function replay(scope, scopeId, entries, keyOf) {
  let head = zeros(32);
  entries.map(hex).forEach((entry, seq) => {
    const record = entry.subarray(0, -64);
    const fields = fieldsOf("grant", record);
    const [scopeField, id, seqField, prev, , actorDevice, , , data] = fields;
    same(Buffer.concat([scopeField, id, seqField, prev]), Buffer.concat([u8(scope), uuid(scopeId), u64(seq), head]), "ledger entry");
    openSigned("grant-sig", entry, keyOf(fields, seq), `entry ${seq}`);
    keyOf.after?.({ fields, seq, data, actorDevice });
    head = H(entry);
  });
  return head;
}

const OP = { card: 1, deviceAdd: 2, deviceRevoke: 3, rotate: 4 };
/** What an account's ledger makes of keys: identity first, then devices, then rotations. */
function accountReplay(accountId, entries, creatorKey) {
  let identity = null;
  const devices = new Map();
  const rebuilt = (fields, data) => ENC("grant", ...fields.slice(0, 8), data, ...fields.slice(9));
  const keyOf = (fields) => {
    const [op, data, actorDevice] = [fields[6][0], fields[8], fields[5]];
    if (op === OP.card && identity === null) identity = data.subarray(0, 32);
    const device = devices.get(actorDevice.toString("hex"));
    return op === OP.deviceRevoke || (device !== undefined && op === 5) ? device : identity;
  };
  keyOf.after = ({ fields, data }) => {
    const op = fields[6][0];
    if (op === OP.card) {
      // IK 32, mode, floor, card key 32, creator 16, manifest hash 32, then LP of the creator's word or of nothing.
      const fixed = data.subarray(0, 114);
      const word = data.subarray(118);
      if (word.length > 0) {
        const message = ENC("grant-sig", H(rebuilt(fields, Buffer.concat([fixed, LP(none)]))));
        checkSignature(creatorKey, message, word.subarray(16), "the creator's word");
        held("creator's signature");
      }
    }
    if (op === OP.deviceAdd) devices.set(fields[7].toString("hex"), data);
    if (op === OP.rotate) {
      const next = data.subarray(0, 32);
      checkSignature(next, ENC("grant-sig", H(rebuilt(fields, next))), data.subarray(32), "the new key's word");
      held("rotation");
      identity = next;
    }
  };
  const head = replay(0, accountId, entries, keyOf);
  return { head, devices, identity };
}

const grant = read("grant");
const accounts = new Map();
for (const { accountId, entries, head } of grant.accounts) {
  const state = accountReplay(accountId, entries);
  same(state.head, head, "account ledger");
  accounts.set(accountId, state);
}
const [owner] = grant.accounts;
const ownerDevices = accounts.get(owner.accountId).devices;
same(
  replay(1, grant.conversation.conversationId, grant.conversation.entries, (fields) =>
    ownerDevices.get(fields[5].toString("hex")),
  ),
  grant.conversation.head,
  "conversation ledger",
);
const identity = read("identity");
same(accountReplay(identity.creator.accountId, identity.creator.entries).head, identity.creator.head, "account ledger");
same(
  accountReplay(identity.agent.accountId, identity.agent.entries, hex(identity.creator.deviceSigningKey)).head,
  identity.agent.head,
  "account ledger",
);

// --- §8: deltas ---

const stream = read("delta");
const streamIds = [uuid(stream.conversationId), uuid(stream.streamId)];
const deltaKey = Expand(hex(stream.streamKey), ENC("delta-key", ...streamIds));
let run = hex(stream.startHash);
stream.cases.forEach(({ text: words, delta, runningHash }, j) => {
  const sealed = hex(delta);
  const aad = ENC("delta", ...streamIds, u64(j), run, u32(sealed.length - 16));
  const padded = XCopen(deltaKey, Buffer.concat([zeros(16), u64(j), sealed]), aad);
  const [op, said, pad] = fieldsOf("delta-pt", padded);
  assert.deepEqual([op[0], padded.length % 256, pad.every((byte) => byte === 0)], [0, 0, true]);
  same(said, text(words), "delta");
  run = H(run, sealed);
  assert.equal(run.toString("hex"), runningHash);
});

// --- §9.2: files; the golden file holds head and tail, so those of one chunk are whole ---

const files = read("file");
for (const { sizeBytes, fileKey, head, tail, sealedSizeBytes, sha256 } of files.cases) {
  const chunks = Math.max(1, Math.ceil(sizeBytes / 65_536));
  assert.equal(sealedSizeBytes, 7 + sizeBytes + 16 * chunks);
  if (sealedSizeBytes > 64) continue;
  assert.equal(head, tail);
  const sealed = hex(head);
  same(H(sealed), sha256, "file");
  const nonce = Buffer.concat([sealed.subarray(0, 7), u32(0), u8(1)]);
  const aad = ENC("file", uuid(files.conversationId), uuid(files.attachmentId), u64(sizeBytes), u32(0), u8(1));
  assert.equal(gcmOpen(hex(fileKey), nonce, aad, sealed.subarray(7)).length, sizeBytes);
}

// --- §9.3: approvals ---

const approvals = read("approval");
for (const { locale, choice, approval } of approvals.cases) {
  const record = openSigned("approval-sig", hex(approval), hex(approvals.signingKey), "approval");
  const [ver, conv, request, reqHash, viewHash, agent, agentFpr, , , decision, edits] = fieldsOf("approval", record);
  const rows = approvals.views[locale].map(({ label, value, warning }) =>
    Buffer.concat([label, value, warning].map((part) => LP(text(part)))),
  );
  assert.equal(ver[0], 1);
  assert.equal(decision[0] >> 4, choice.optionId === "yes" ? 1 : 2);
  same(viewHash, H(ENC("ap-view", u8(1), text(locale), Buffer.concat(rows))), "view");
  const plaintextHash = H(text("the padded plaintext of the request"));
  same(reqHash, H(ENC("ap-req", conv, request, agent, agentFpr, plaintextHash)), "request");
  const { optionId: _, ...said } = choice;
  const canonical = JSON.stringify(said);
  same(edits, canonical === "{}" ? zeros(32) : H(ENC("ap-edits", text(canonical))), "approval");
}

// --- §9.4: password, backup, recovery, device names ---

const { origin, login, password, salt, params, authKey, kek } = read("password");
const stretched = argon2Sync("argon2id", {
  message: text(password.normalize("NFC")),
  nonce: H(ENC("pw-salt", text(origin), text(login), hex(salt))),
  parallelism: params.lanes,
  tagLength: 32,
  memory: params.memoryKiB,
  passes: params.passes,
});
same(Expand(stretched, ENC("pw-auth", text(login))), authKey, "password");
same(Expand(stretched, ENC("pw-kek", text(login))), kek, "password");

const METHOD = { password: 1, "recovery-code": 2, "passkey-prf": 3 };
function unwrapBackupKey({ accountId, generation }, method, wrap) {
  const account = uuid(accountId);
  const methodId = method.methodId === undefined ? zeros(16) : hex(method.methodId);
  const costs = method.params;
  const methodParams = costs
    ? Buffer.concat([hex(method.salt), u32(costs.memoryKiB), u32(costs.passes), u32(costs.lanes)])
    : none;
  same(wrap.subarray(0, 32), Expand(method.kek, ENC("bk-commit", account, methodId)), "commitment");
  const aad = ENC("bk-wrap", account, u32(generation), u8(METHOD[method.kind]), methodId, methodParams);
  return XCopen(method.kek, wrap.subarray(32), aad);
}
function openBackup({ accountId, generation, version }, backupKey, sealed) {
  const account = uuid(accountId);
  const aad = ENC("backup", account, u64(version), u32(generation));
  const content = XCopen(Expand(backupKey, ENC("bk-key", account)), sealed, aad);
  const [ver, seed, pins, heads, logHead] = fieldsOf("bk-pt", content);
  assert.deepEqual([ver[0], pins.length % 51, heads.length % 57, logHead.length], [1, 0, 0, 0]);
  same(seed, Buffer.alloc(32, 0x11), "backup");
}
const codeKek = (accountId, label, secret) => {
  const account = uuid(accountId);
  return Expand(Extract(account, secret), ENC(label, account));
};
const backup = read("backup");
for (const wrap of backup.wraps) {
  const key = unwrapBackupKey(backup, { ...wrap, kek: hex(wrap.kek) }, hex(wrap.wrap));
  same(key, backup.backupKey, "backup key");
}
same(codeKek(backup.accountId, "rc-kek", hex(backup.code)), backup.wraps[1].kek, "wrapping key");
same(codeKek(backup.accountId, "prf-kek", hex(backup.prfOutput)), backup.wraps[2].kek, "wrapping key");
openBackup(backup, hex(backup.backupKey), hex(backup.sealed));
same(H(hex(backup.sealed)), backup.hash, "backup");

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const recovery = read("recovery");
for (const { code, written } of recovery.codes) {
  const bits = [...hex(code)].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const check = [...H(hex(code))].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const letters = (bits + check.slice(0, 12)).match(/.{5}/g).map((five) => ALPHABET[Number.parseInt(five, 2)]);
  assert.equal(letters.join("").match(/.{4}/g).join("-"), written);
  held("recovery code");
}
const { file } = recovery;
const fileOwner = { accountId: file.accountId, generation: 0, version: 0 };
const fileKek = codeKek(file.accountId, "rc-kek", hex(recovery.codes[0].code));
const fileMethod = { kind: "recovery-code", methodId: file.methodId, kek: fileKek };
openBackup(fileOwner, unwrapBackupKey(fileOwner, fileMethod, hex(file.wrap)), hex(file.sealed));

const names = read("device-name");
const nameKey = Expand(
  Extract(uuid(names.accountId), hex(names.identitySeed)),
  ENC("dev-name-key", uuid(names.accountId)),
);
for (const { name, sealed } of names.cases) {
  const aad = ENC("dev-name", uuid(names.accountId), uuid(names.deviceId));
  same(XCopen(nameKey, hex(sealed), aad), text(name), "device name");
}

const remarks = read("contact-remark");
const remarkKey = Expand(
  Extract(uuid(remarks.accountId), hex(remarks.identitySeed)),
  ENC("remark-key", uuid(remarks.accountId)),
);
for (const { name, revision, sealed } of remarks.cases) {
  const aad = ENC("remark", uuid(remarks.accountId), uuid(remarks.contactId));
  const plain = XCopen(remarkKey, hex(sealed), aad);
  const length = text(name).length;
  const rest = zeros(256 - length);
  same(plain, Buffer.concat([u64(revision), Buffer.from([length >> 8, length & 255]), text(name), rest]), "remark");
}

// --- §9.5: disk ---

const vault = read("vault");
for (const { place, plain, sealed } of vault.cases) {
  const conversation = place.conversationId === undefined ? zeros(16) : uuid(place.conversationId);
  const key = Expand(hex(vault.vaultKey), ENC("vault-key", text(place.store), conversation));
  const aad = ENC("vault", text(place.store), text(place.key), u64(place.version));
  const record = hex(sealed);
  same(gcmOpen(key, record.subarray(0, 12), aad, record.subarray(12)), text(plain), "disk record");
}
const device = uuid(vault.deviceId);
const lock = hex(vault.wrapped);
same(lock.subarray(0, 32), Expand(hex(vault.kek), ENC("vk-commit", device)), "commitment");
same(XCopen(Expand(hex(vault.kek), ENC("vk-kek", device)), lock.subarray(32), ENC("vk-wrap", device)), vault.vaultKey, "lock");

// --- §9.6: safety numbers ---

const numbers = read("safety-number");
for (const { oneIdentityKey, otherIdentityKey, groups, qr } of numbers.cases) {
  const sides = [
    [uuid(numbers.oneAccountId), hex(oneIdentityKey)],
    [uuid(numbers.otherAccountId), hex(otherIdentityKey)],
  ].sort(([a], [b]) => Buffer.compare(a, b));
  const E = ENC("sn", u8(1), ...sides.flat());
  const H512 = (...parts) => createHash("sha512").update(Buffer.concat(parts)).digest();
  let f = H512(E);
  for (let k = 0; k < 5_200; k++) f = H512(f, E);
  const digits = Array.from({ length: 12 }, (_, i) =>
    String(f.readUIntBE(5 * i, 5) % 100_000).padStart(5, "0"),
  );
  assert.deepEqual(digits, groups);
  same(Buffer.concat([u8(1), f]), qr, "safety number");
}

process.stdout.write(JSON.stringify(counts));
