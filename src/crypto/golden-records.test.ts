import { describe, expect, test } from "vitest";
import { bytesToHex } from "#base/bytes.ts";
import { systemRandom } from "#base/random.ts";
import { Secret } from "#base/secret.ts";
import type { AccountId, DeviceId } from "#protocol/ids.ts";
import { openBackup, openBackupKey, recoveryKek } from "./backup.ts";
import { verifyBeat, verifyClose, verifyNotice } from "./control-records.ts";
import { openContactRemark } from "./contact-remark.ts";
import { openDeviceName } from "./device-name.ts";
import { replayAccount } from "./ledger/account-replay.ts";
import { createPrimitives } from "./primitives.ts";
import { readRecoveryCode, writeRecoveryCode } from "./recovery-code.ts";
import { makeGoldenRecords } from "./vectors/golden-records.ts";
import { goldenBytes } from "./vectors/golden-sealed.ts";
import { must } from "./vectors/people.ts";
import { readVectors } from "./vectors/published.ts";

type Golden = Awaited<ReturnType<typeof makeGoldenRecords>>;
const golden = <Name extends keyof Golden>(name: Name): Golden[Name] =>
  readVectors(`./golden/${name}.json`) as Golden[Name];

const native = await createPrimitives({ random: systemRandom });
const noble = await createPrimitives({ random: systemRandom, force: "noble" });
const made = await makeGoldenRecords();

test.each(Object.keys(made) as (keyof Golden)[])("[C2] %s is made again to the byte", (name) => {
  expect(JSON.parse(JSON.stringify(made[name]))).toEqual(golden(name));
});

describe.each([
  ["native", native],
  ["noble", noble],
] as const)("frozen records on %s primitives", (_name, p) => {
  test("[C17] [C28] [C31] control records verify, each as its kind alone, and bad ones as none", async () => {
    const { signingKey, close, beat, notice, bad } = golden("control");
    const key = goldenBytes(signingKey);
    const verify = (record: string) =>
      Promise.all(
        [verifyClose, verifyBeat, verifyNotice].map(
          async (one) => (await one(p, goldenBytes(record), key)).ok,
        ),
      );

    expect(await verify(close.record)).toEqual([true, false, false]);
    expect(await verify(beat.record)).toEqual([false, true, false]);
    expect(await verify(notice.record)).toEqual([false, false, true]);
    for (const { bytes } of bad) expect(await verify(bytes)).toEqual([false, false, false]);
    expect(must(await verifyBeat(p, goldenBytes(beat.record), key)).sessions).toHaveLength(2);
  });

  test("[C21] a rotation and a creator's word replay to their heads, and half-signed ones do not", async () => {
    const { creator, agent, bad } = golden("identity");
    const human = must(
      await replayAccount(p, creator.accountId as AccountId, creator.entries.map(goldenBytes)),
    );
    const [card = "", rotated = ""] = agent.entries;
    const replay = (last: string) =>
      replayAccount(p, agent.accountId, [card, last].map(goldenBytes), undefined, (id) =>
        id === human.accountId ? human : undefined,
      );

    const state = must(await replay(rotated));
    const failures = await Promise.all(bad.map(({ bytes }) => replay(bytes)));

    expect(bytesToHex(human.head)).toBe(creator.head);
    expect(bytesToHex(state.head)).toBe(agent.head);
    expect([state.isCreatorProven, bytesToHex(state.identityKey)]).toEqual([
      true,
      agent.identityKeys[1],
    ]);
    expect(failures).toEqual(
      bad.map(() => ({ ok: false, failure: expect.objectContaining({ reason: "signature" }) })),
    );
  });

  test("[C45] recovery codes are written and read as frozen, however typed, and slips are refused", () => {
    const { codes, alike, badCodes } = golden("recovery");
    const read = (typed: string) => readRecoveryCode(p, typed)?.reveal();

    for (const { code, written } of codes) {
      expect(writeRecoveryCode(p, new Secret(goldenBytes(code)))).toBe(written);
      expect(read(written)).toEqual(goldenBytes(code));
    }
    for (const typed of alike) expect(read(typed)).toEqual(goldenBytes(codes[0]?.code ?? ""));
    for (const typed of badCodes) expect(readRecoveryCode(p, typed)).toBeNull();
  });

  test("[C45] the frozen recovery file opens by its code and by no other", () => {
    const { codes, file } = golden("recovery");
    const owner = { accountId: file.accountId, generation: 0 };
    const method = { kind: "recovery-code", methodId: goldenBytes(file.methodId) } as const;
    const keyBy = (code = "") =>
      openBackupKey(
        p,
        recoveryKek(p, file.accountId, new Secret(goldenBytes(code))),
        owner,
        method,
        goldenBytes(file.wrap),
      );

    const key = must(keyBy(codes[0]?.code));
    const opened = openBackup(p, key, { ...owner, version: 0 }, null, goldenBytes(file.sealed));
    const asBackup = openBackup(p, key, { ...owner, version: 1 }, null, goldenBytes(file.sealed));

    expect(must(opened).identitySeed.reveal()).toEqual(new Uint8Array(32).fill(0x11));
    expect(asBackup).toEqual({ ok: false, failure: { kind: "crypto/bad-tag" } });
    expect(keyBy(codes[1]?.code)).toEqual({
      ok: false,
      failure: { kind: "crypto/wrong-unlock-key" },
    });
  });

  test("[C44] the frozen device names open for their device alone, and bad ones for none", () => {
    const { accountId, deviceId, identitySeed, cases, bad } = golden("device-name");
    const owner = { accountId, deviceId, identitySeed: new Secret(goldenBytes(identitySeed)) };
    const other = { ...owner, deviceId: accountId as string as DeviceId };

    for (const { name, sealed } of cases) {
      expect(openDeviceName(p, owner, goldenBytes(sealed))).toBe(name);
      expect(openDeviceName(p, other, goldenBytes(sealed))).toBeNull();
    }
    for (const { bytes } of bad) expect(openDeviceName(p, owner, goldenBytes(bytes))).toBeNull();
  });

  test("[C64] the frozen remarks open for their contact alone, and bad ones for none", () => {
    const { accountId, contactId, identitySeed, cases, bad } = golden("contact-remark");
    const owner = { accountId, contactId, identitySeed: new Secret(goldenBytes(identitySeed)) };
    const other = { ...owner, contactId: accountId };

    for (const { name, revision, sealed } of cases) {
      expect(openContactRemark(p, owner, goldenBytes(sealed))).toEqual({ name, revision });
      expect(openContactRemark(p, other, goldenBytes(sealed))).toBeNull();
    }
    for (const { bytes } of bad) expect(openContactRemark(p, owner, goldenBytes(bytes))).toBeNull();
  });
});
