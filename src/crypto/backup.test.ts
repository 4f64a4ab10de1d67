import { fc } from "#base/properties.contract.ts";
import { describe, expect, test } from "vitest";

import { concat, type Bytes } from "#base/bytes.ts";
import { systemRandom } from "#base/random.ts";
import { Secret } from "#base/secret.ts";
import { enc, u8 } from "#protocol/encoding.ts";
import { bytesToUuid, type AccountId, type ConversationId } from "#protocol/ids.ts";

import {
  openBackup,
  openBackupKey,
  methodAuth,
  passkeyKek,
  recoveryKek,
  sealBackup,
  wrapBackupKey,
  type UnlockMethod,
} from "./backup.ts";
import { encodeBackupContent, parseBackupContent, type BackupContent } from "./backup-content.ts";
import { ARGON2 } from "./limits.ts";
import { createPrimitives } from "./primitives.ts";

const p = await createPrimitives({ random: systemRandom });
const accountId = "01900000-0000-7000-8000-000000000001" as AccountId;
const otherId = "01900000-0000-7000-8000-000000000002" as AccountId;
const owner = { accountId, generation: 1, version: 4 };
const filled = (value: number): Bytes => new Uint8Array(32).fill(value);
const backupKey = new Secret(filled(1));
const kek = new Secret(filled(2));
const password: UnlockMethod = { kind: "password", salt: filled(3), params: ARGON2 };
const recovery: UnlockMethod = { kind: "recovery-code", methodId: new Uint8Array(16).fill(4) };
const content: BackupContent = {
  identitySeed: new Secret(filled(5)),
  pins: [
    {
      accountId: otherId,
      identityKey: filled(6),
      isVerified: false,
      mode: "envelope",
      suiteFloor: 1,
    },
  ],
  ledgerHeads: [{ kind: "account", accountId, seq: 1, head: filled(7) }],
};
const malformed = { ok: false, failure: { kind: "crypto/malformed" } };

describe("backup key", () => {
  test.each([password, recovery])("[C39] it opens with its wrapping key by $kind", (method) => {
    const opened = openBackupKey(
      p,
      kek,
      owner,
      method,
      wrapBackupKey(p, kek, owner, method, backupKey),
    );

    expect(opened.ok && opened.value.reveal()).toEqual(backupKey.reveal());
  });

  test("[C39] the commitment turns away another wrapping key before anything is opened", () => {
    const wrap = wrapBackupKey(p, kek, owner, password, backupKey);
    const unopened = {
      ...p,
      xchachaOpen: () => expect.unreachable("opened without the commitment"),
    };

    expect(openBackupKey(unopened, new Secret(filled(9)), owner, password, wrap)).toEqual({
      ok: false,
      failure: { kind: "crypto/wrong-unlock-key" },
    });
  });

  test("[C39] a wrap is bound to account, generation, method and cost", () => {
    const wrap = wrapBackupKey(p, kek, owner, password, backupKey);
    const kindFor = (change: Partial<typeof owner>, method: UnlockMethod = password) => {
      const opened = openBackupKey(p, kek, { ...owner, ...change }, method, wrap);
      return opened.ok ? "ok" : opened.failure.kind;
    };

    expect(kindFor({})).toBe("ok");
    expect(kindFor({ accountId: otherId })).toBe("crypto/wrong-unlock-key");
    expect(kindFor({}, recovery)).toBe("crypto/wrong-unlock-key");
    expect(kindFor({ generation: 2 })).toBe("crypto/bad-tag");
    expect(kindFor({}, { ...password, params: { ...ARGON2, passes: 4 } })).toBe("crypto/bad-tag");
    expect(kindFor({}, { ...password, salt: filled(8) })).toBe("crypto/bad-tag");
    expect(kindFor({}, { kind: "passkey-prf", methodId: new Uint8Array(16) })).toBe(
      "crypto/bad-tag",
    );
  });

  test("[C39] code and passkey give different keys, for each account, and others again to the relay", () => {
    const secret = new Secret(filled(1));

    const keys = [
      recoveryKek(p, accountId, secret),
      recoveryKek(p, otherId, secret),
      passkeyKek(p, accountId, secret),
      passkeyKek(p, otherId, secret),
      methodAuth(p, "recovery-code", accountId, secret),
      methodAuth(p, "passkey-prf", accountId, secret),
    ].map((key) => String(key.reveal()));

    expect(new Set(keys).size).toBe(6);
  });
});

describe("backup content", () => {
  test("[C39] an older or newer version than the ledger names is refused, and another of the same version", () => {
    const { sealed, hash } = sealBackup(p, backupKey, owner, content);

    const opened = openBackup(p, backupKey, owner, { version: 4, hash }, sealed);

    expect(opened).toMatchObject({ ok: true, value: { pins: content.pins } });
    expect(openBackup(p, backupKey, owner, { version: 5, hash }, sealed)).toEqual({
      ok: false,
      failure: { kind: "crypto/backup-version-mismatch", version: 4, expected: 5 },
    });
    expect(openBackup(p, backupKey, owner, { version: 3, hash }, sealed)).toEqual({
      ok: false,
      failure: { kind: "crypto/backup-version-mismatch", version: 4, expected: 3 },
    });
    expect(openBackup(p, backupKey, owner, { version: 4, hash: filled(0) }, sealed)).toEqual({
      ok: false,
      failure: { kind: "crypto/backup-hash-mismatch", version: 4 },
    });
  });

  test("[C39] it opens for no other account, generation, version or key, nor with a flipped bit", () => {
    const { sealed } = sealBackup(p, backupKey, owner, content);
    const badTag = { ok: false, failure: { kind: "crypto/bad-tag" } };

    expect(openBackup(p, backupKey, { ...owner, accountId: otherId }, null, sealed)).toEqual(
      badTag,
    );
    expect(openBackup(p, backupKey, { ...owner, generation: 2 }, null, sealed)).toEqual(badTag);
    expect(openBackup(p, backupKey, { ...owner, version: 3 }, null, sealed)).toEqual(badTag);
    expect(openBackup(p, kek, owner, null, sealed)).toEqual(badTag);
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.nat(7), (at, bit) => {
        const flipped = Uint8Array.from(sealed, (byte, index) =>
          index === at ? byte ^ (1 << bit) : byte,
        );
        expect(openBackup(p, backupKey, owner, null, flipped)).toEqual(badTag);
      }),
    );
  });

  test("[C39] every accepted content has one encoding, whatever the order it was given in", () => {
    const id = fc.uint8Array({ minLength: 16, maxLength: 16 });
    const hash = fc
      .uint8Array({ minLength: 32, maxLength: 32 })
      .map((bytes) => Uint8Array.from(bytes));
    const pins = fc.uniqueArray(
      fc.record({
        accountId: id.map((bytes) => bytesToUuid<AccountId>(bytes)),
        identityKey: hash,
        isVerified: fc.boolean(),
        mode: fc.constantFrom("session" as const, "envelope" as const),
        suiteFloor: fc.nat(255),
      }),
      { maxLength: 6, selector: (pin) => pin.accountId },
    );
    const heads = fc.uniqueArray(
      fc.record({
        kind: fc.constant("conversation" as const),
        conversationId: id.map((bytes) => bytesToUuid<ConversationId>(bytes)),
        seq: fc.nat(2 ** 31 - 1),
        head: hash,
      }),
      { maxLength: 6, selector: (head) => head.conversationId },
    );

    fc.assert(
      fc.property(hash, pins, heads, (seed, pins, ledgerHeads) => {
        const bytes = encodeBackupContent({ identitySeed: new Secret(seed), pins, ledgerHeads });
        const reversed = encodeBackupContent({
          identitySeed: new Secret(seed),
          pins: pins.toReversed(),
          ledgerHeads: ledgerHeads.toReversed(),
        });
        const parsed = parseBackupContent(bytes);
        expect(reversed).toEqual(bytes);
        expect(parsed.ok && encodeBackupContent(parsed.value)).toEqual(bytes);
      }),
    );
  });

  test("[C39] lists out of order, repeated or with unknown values are refused", () => {
    const pin = (account: number, verified: number, mode: number): Bytes =>
      concat(new Uint8Array(16).fill(account), filled(0), u8(verified), u8(mode), u8(1));
    const head = (scope: number, seqTop: number): Bytes =>
      concat(u8(scope), new Uint8Array(16), u8(seqTop), new Uint8Array(7), filled(0));
    const parse = (version: number, pins: Bytes, heads: Bytes, logHead = new Uint8Array()) =>
      parseBackupContent(enc("bk-pt", u8(version), filled(5), pins, heads, logHead));
    const none = new Uint8Array();

    expect(parse(1, concat(pin(1, 0, 1), pin(2, 1, 2)), concat(head(0, 0), head(1, 0))).ok).toBe(
      true,
    );
    expect(parse(2, none, none)).toEqual(malformed);
    expect(parse(1, concat(pin(2, 0, 1), pin(1, 0, 1)), none)).toEqual(malformed);
    expect(parse(1, concat(pin(1, 0, 1), pin(1, 1, 1)), none)).toEqual(malformed);
    expect(parse(1, pin(1, 2, 1), none)).toEqual(malformed);
    expect(parse(1, pin(1, 0, 3), none)).toEqual(malformed);
    expect(parse(1, pin(1, 0, 1).slice(1), none)).toEqual(malformed);
    expect(parse(1, none, head(2, 0))).toEqual(malformed);
    expect(parse(1, none, head(0, 255))).toEqual(malformed);
    expect(parse(1, none, none, u8(0))).toEqual(malformed);
  });
});
