// Makes the golden vectors of control records, device names, remarks and recovery files, and of ledger entries by which an
// identity is rotated and an agent is vouched for: seeded, then bad variants with the reason of each refusal.
import { bytesToHex, concat, type Bytes } from "#base/bytes.ts";
import { assert } from "#base/invariant.ts";
import { Secret } from "#base/secret.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { recoveryKek, sealBackup, wrapBackupKey } from "../backup.ts";
import { makeBeat, makeClose, makeNotice } from "../control-records.ts";
import { sealContactRemark } from "../contact-remark.ts";
import { sealDeviceName } from "../device-name.ts";
import { makeSigner } from "../identity.ts";
import { appendAccount, startAccount } from "../ledger/account.ts";
import { createPrimitives } from "../primitives.ts";
import { writeRecoveryCode } from "../recovery-code.ts";
import { goldenBackupContent, IDS } from "./golden-sealed.ts";
import { anEndpoint, createWorld, must, START } from "./people.ts";

const flipped = (bytes: Bytes, at: number): Bytes =>
  bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

const bad = (name: string, bytes: Bytes) => ({ name, bytes: bytesToHex(bytes) });

/** All golden files by name. */
export async function makeGoldenRecords() {
  return {
    control: await makeControls(),
    identity: await makeIdentities(),
    recovery: await makeRecoveries(),
    "device-name": await makeDeviceNames(),
    "contact-remark": await makeContactRemarks(),
  };
}

async function makeControls() {
  const random = createSeededRandom(107);
  const p = await createPrimitives({ random });
  const signer = makeSigner(p, new Secret(random(32)));
  const { conversation: conversationId, message: messageId, device: deviceId } = IDS;
  const progress = (count: number) => ({ sid: random(16), count, lastHash: random(32) });
  const close = { conversationId, ...progress(3), createdAt: START };
  const beat = {
    conversationId,
    writer: random(16),
    sessions: [progress(1), progress(64)],
    createdAt: START + 1,
  };
  const notice = { conversationId, messageId, deviceId, kid: random(16) };
  const records = {
    close: await makeClose(p, close, signer),
    beat: await makeBeat(p, beat, signer),
    notice: await makeNotice(p, notice, signer),
  };
  const bytes = ({ sid, count, lastHash }: ReturnType<typeof progress>) => ({
    sid: bytesToHex(sid),
    count,
    lastHash: bytesToHex(lastHash),
  });
  return {
    signingKey: bytesToHex(signer.publicKey),
    close: { ...close, ...bytes(close), record: bytesToHex(records.close) },
    beat: {
      ...beat,
      writer: bytesToHex(beat.writer),
      sessions: beat.sessions.map(bytes),
      record: bytesToHex(records.beat),
    },
    notice: { ...notice, kid: bytesToHex(notice.kid), record: bytesToHex(records.notice) },
    /** No record of any kind. */
    bad: Object.entries(records).flatMap(([kind, record]) => [
      bad(`${kind} with another signature`, flipped(record, record.length - 1)),
      bad(`${kind} with a byte more`, concat(record, new Uint8Array(1))),
      bad(`${kind} cut by a byte`, record.slice(0, -1)),
      bad(`${kind} under another label`, flipped(record, 13)),
      bad(`${kind} of another conversation`, flipped(record, record.indexOf(0x90) - 1)),
    ]),
  };
}

/** Entries with a second signature inside: a rotation by old and new key, a card that its creator vouches for. */
async function makeIdentities() {
  const world = await createWorld(108);
  const { primitives: p, random } = world;
  const creator = await anEndpoint(world, "human");
  const identity = makeSigner(p, new Secret(random(32)));
  const card = await startAccount(p, {
    accountId: IDS.agent,
    kind: "agent",
    identity,
    mode: "envelope",
    suiteFloor: 2,
    bootstrapKey: random(32),
    manifestHash: random(32),
    creator: { accountId: creator.accountId, deviceId: creator.deviceId, signer: creator.signer },
    createdAt: START,
  });
  const next = makeSigner(p, new Secret(random(32)));
  const rotated = must(
    await appendAccount(p, card.state, {
      actorDeviceId: card.state.accountId as string as typeof creator.deviceId,
      signer: identity,
      op: { type: "rotate-ik", identity: next },
      createdAt: START + 1,
    }),
  );
  const backup = must(
    await appendAccount(p, creator.account, {
      actorDeviceId: creator.deviceId,
      signer: creator.signer,
      op: { type: "backup", version: 1, hash: random(32) },
      createdAt: START + 2,
    }),
  );
  return {
    creator: {
      accountId: creator.accountId,
      deviceSigningKey: bytesToHex(creator.signer.publicKey),
      identityKey: bytesToHex(creator.identity.publicKey),
      entries: [...creator.entries, backup.entry].map(bytesToHex),
      head: bytesToHex(backup.state.head),
    },
    agent: {
      accountId: IDS.agent,
      identityKeys: [identity, next].map(({ publicKey }) => bytesToHex(publicKey)),
      entries: [card.entry, rotated.entry].map(bytesToHex),
      head: bytesToHex(rotated.state.head),
    },
    /** Each in place of the agent's last entry. */
    bad: [
      bad("a signature of the new key that does not hold", flipped(rotated.entry, rotated.entry.length - 64 - 24 - 10)),
      bad("a signature of the old key that does not hold", flipped(rotated.entry, rotated.entry.length - 1)),
    ],
  };
}

async function makeRecoveries() {
  const random = createSeededRandom(109);
  const p = await createPrimitives({ random });
  const codes = [random(16), new Uint8Array(16), new Uint8Array(16).fill(0xff)];
  const [code] = codes;
  assert(code !== undefined, "a code");
  const [methodId, backupKey] = [random(16), random(32)];
  const owner = { accountId: IDS.human, generation: 0 };
  const method = { kind: "recovery-code", methodId } as const;
  const kek = recoveryKek(p, IDS.human, new Secret(code));
  const wrap = wrapBackupKey(p, kek, owner, method, new Secret(backupKey));
  const { sealed } = sealBackup(
    p,
    new Secret(backupKey),
    { ...owner, version: 0 },
    goldenBackupContent(),
  );
  const written = codes.map((one) => writeRecoveryCode(p, new Secret(one)));
  const [first = ""] = written;
  return {
    codes: codes.map((one, i) => ({ code: bytesToHex(one), written: written[i] ?? "" })),
    /** Typed otherwise, and still the first code. */
    alike: [first.toLowerCase(), first.replaceAll("-", " "), first.replaceAll("0", "O").replaceAll("1", "l")],
    /** No code. */
    badCodes: [
      first.slice(0, -1),
      `${first}0`,
      `${first.slice(0, -1)}${first.endsWith("7") ? "8" : "7"}`,
      first.replace(/^./, "U"),
      "",
    ],
    file: {
      accountId: IDS.human,
      methodId: bytesToHex(methodId),
      wrap: bytesToHex(wrap),
      sealed: bytesToHex(sealed),
    },
  };
}

async function makeDeviceNames() {
  const random = createSeededRandom(110);
  const p = await createPrimitives({ random });
  const identitySeed = random(32);
  const owner = { accountId: IDS.human, deviceId: IDS.device, identitySeed: new Secret(identitySeed) };
  const cases = ["Firefox on Linux", "", "書斎の電脳"].map((name) => ({
    name,
    sealed: bytesToHex(sealDeviceName(p, owner, name)),
  }));
  const first = sealDeviceName(p, owner, "Phone");
  return {
    accountId: IDS.human,
    deviceId: IDS.device,
    identitySeed: bytesToHex(identitySeed),
    cases,
    bad: [
      bad("another nonce", flipped(first, 0)),
      bad("another ciphertext", flipped(first, 24)),
      bad("shorter than a nonce", first.slice(0, 23)),
      bad("nothing", new Uint8Array()),
    ],
  };
}

async function makeContactRemarks() {
  const random = createSeededRandom(160);
  const p = await createPrimitives({ random });
  const identitySeed = random(32);
  const owner = { accountId: IDS.human, contactId: IDS.agent, identitySeed: new Secret(identitySeed) };
  const cases = [
    { name: "Kitchen bot", revision: 1 },
    { name: "", revision: 2 },
    { name: "妹".repeat(64), revision: START },
  ].map((remark) => ({ ...remark, sealed: bytesToHex(sealContactRemark(p, owner, remark)) }));
  const first = sealContactRemark(p, owner, { name: "Ann", revision: 3 });
  const elsewhere = sealContactRemark(p, { ...owner, contactId: IDS.human }, { name: "Ann", revision: 3 });
  return {
    accountId: IDS.human,
    contactId: IDS.agent,
    identitySeed: bytesToHex(identitySeed),
    cases,
    bad: [
      bad("about another contact", elsewhere),
      bad("another nonce", flipped(first, 0)),
      bad("another ciphertext", flipped(first, 24)),
      bad("another tag", flipped(first, first.length - 1)),
      bad("a byte more", concat(first, new Uint8Array(1))),
      bad("cut by a byte", first.slice(0, -1)),
      bad("nothing", new Uint8Array()),
    ],
  };
}
