import { describe, expect, test } from "vitest";

import { utf8, type Bytes } from "#base/bytes.ts";
import type { Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import { systemRandom } from "#base/random.ts";

import { verifyApproval, type ApprovalChoice } from "./approval.ts";
import { openBackup, openBackupKey, passkeyKek, recoveryKek, type UnlockMethod } from "./backup.ts";
import type { CryptoFailure } from "./failure.ts";
import { openFileBytes, sealFileBytes, sealedFileSize } from "./file-seal.ts";
import { createPrimitives, type Argon2Params, type Primitives } from "./primitives.ts";
import { createVault, unwrapVaultKey, type VaultPlace } from "./vault.ts";
import {
  APPROVAL_LEDGER,
  APPROVAL_NOW,
  BACKUP_OWNER,
  IDS,
  goldenBackupContent,
  goldenBytes,
  goldenRequest,
  makeGoldenSealed,
  patternBytes,
  type BadVariant,
} from "./vectors/golden-sealed.ts";
import { readVectors } from "./vectors/published.ts";

type Golden = Awaited<ReturnType<typeof makeGoldenSealed>>;
const golden = <Name extends keyof Golden>(name: Name): Golden[Name] =>
  readVectors(`./golden/${name}.json`) as Golden[Name];

const native = await createPrimitives({ random: systemRandom });
const noble = await createPrimitives({ random: systemRandom, force: "noble" });
const made = await makeGoldenSealed();

describe("golden vectors", () => {
  test.each(Object.keys(made) as (keyof Golden)[])(
    "[C2][C35][C37][C38][C39][C40][C41] %s is made again to the byte",
    (name) => {
      expect(JSON.parse(JSON.stringify(made[name]))).toEqual(golden(name));
    },
  );
});

describe.each([
  ["native", native],
  ["noble", noble],
] as const)("frozen bytes on %s primitives", (_name, p) => {
  test.each(golden("file").cases)("[C35] a file of $sizeBytes bytes opens", async (file) => {
    const fileKey = new Secret(goldenBytes(file.fileKey));
    // The head of the ciphertext is its random prefix, so the same bytes can be sealed again.
    const prefix = goldenBytes(file.head).slice(0, 7);
    const { conversation: conversationId, attachment: attachmentId } = IDS;
    const binding = { fileKey, conversationId, attachmentId };
    const sealed = await sealFileBytes(
      { ...p, randomBytes: () => prefix },
      binding,
      patternBytes(file.sizeBytes),
    );
    const bytes = sealed.ok ? sealed.value.sealed : new Uint8Array();

    const opened = await openFileBytes(
      p,
      { ...binding, sizeBytes: file.sizeBytes, sha256: goldenBytes(file.sha256) },
      bytes,
    );

    expect(bytes.slice(-64)).toEqual(goldenBytes(file.tail));
    expect(bytes.length).toBe(file.sealedSizeBytes);
    expect(sealedFileSize(file.sizeBytes)).toBe(file.sealedSizeBytes);
    expect(opened).toEqual({ ok: true, value: patternBytes(file.sizeBytes) });
  });

  test.each(golden("approval").cases)(
    "[C37] the decision “$name” holds",
    async ({ approval, locale, choice }) => {
      const verified = await checkGoldenApproval(p, goldenBytes(approval), choice);

      expect(verified).toMatchObject({
        ok: true,
        value: { ...choice, locale, decidedAt: APPROVAL_NOW },
      });
    },
  );

  test.each(golden("approval").bad)(
    "[C37] a decision with $name is refused",
    async ({ bytes, failure }) => {
      const choice = golden("approval").cases[0]?.choice ?? { optionId: "" };

      expect(kindOf(await checkGoldenApproval(p, goldenBytes(bytes), choice))).toBe(failure);
    },
  );

  test.each(golden("backup").wraps)(
    "[C39] the backup key opens by $kind and not from bad wraps",
    (wrap) => {
      const kek = new Secret(goldenBytes(wrap.kek));
      const method = methodOf(wrap);
      const open = (bytes: string) =>
        openBackupKey(p, kek, BACKUP_OWNER, method, goldenBytes(bytes));

      const opened = open(wrap.wrap);

      expect(opened.ok && opened.value.reveal()).toEqual(goldenBytes(golden("backup").backupKey));
      expectRefusals(wrap.bad, open);
    },
  );

  test("[C39] recovery code and passkey give the frozen wrapping keys", () => {
    const { code, prfOutput, wraps } = golden("backup");

    const recovery = recoveryKek(p, IDS.human, new Secret(goldenBytes(code)));
    const passkey = passkeyKek(p, IDS.human, new Secret(goldenBytes(prfOutput)));

    expect(recovery.reveal()).toEqual(goldenBytes(wraps[1]?.kek ?? ""));
    expect(passkey.reveal()).toEqual(goldenBytes(wraps[2]?.kek ?? ""));
  });

  test("[C39] the sealed backup opens to its content and not from bad bytes", () => {
    const { backupKey, sealed, hash, bad } = golden("backup");
    const key = new Secret(goldenBytes(backupKey));
    const ledger = { version: BACKUP_OWNER.version, hash: goldenBytes(hash) };

    const opened = openBackup(p, key, BACKUP_OWNER, ledger, goldenBytes(sealed));

    const { identitySeed, ...rest } = goldenBackupContent();
    expect(opened.ok && opened.value.identitySeed.reveal()).toEqual(identitySeed.reveal());
    expect(opened).toMatchObject({ ok: true, value: rest });
    expectRefusals(bad, (bytes) => openBackup(p, key, BACKUP_OWNER, null, goldenBytes(bytes)));
  });

  test("[C40] records open at their place and bad ones nowhere", async () => {
    const { vaultKey, cases, bad } = golden("vault");
    const vault = createVault(p, goldenBytes(vaultKey));
    const place: VaultPlace = cases[0]?.place ?? { store: "", key: "", version: 0 };

    for (const { place, plain, sealed } of cases) {
      expect(await vault.open(place, goldenBytes(sealed))).toEqual(utf8(plain));
    }
    for (const { bytes } of bad) expect(await vault.open(place, goldenBytes(bytes))).toBeNull();
  });

  test("[C40] the wrapped vault key opens and bad wraps do not", () => {
    const { vaultKey, kek, wrapped, badWraps } = golden("vault");
    const open = (bytes: string) =>
      unwrapVaultKey(p, new Secret(goldenBytes(kek)), IDS.device, goldenBytes(bytes));

    const opened = open(wrapped);

    expect(opened.ok && opened.value.reveal()).toEqual(goldenBytes(vaultKey));
    expectRefusals(badWraps, open);
  });
});

function checkGoldenApproval(p: Primitives, approval: Bytes, choice: ApprovalChoice) {
  return verifyApproval(p, goldenRequest(p), approval, {
    choice,
    approver: { accountId: IDS.human, deviceId: IDS.device },
    signingKey: goldenBytes(golden("approval").signingKey),
    ledgerHeadAt: (seq) => (seq === APPROVAL_LEDGER.seq ? APPROVAL_LEDGER.head : undefined),
    now: APPROVAL_NOW + 60_000,
  });
}

const kindOf = (result: Result<unknown, CryptoFailure>): string | null =>
  result.ok ? null : result.failure.kind;

function expectRefusals(
  variants: readonly BadVariant[],
  open: (bytes: string) => Result<unknown, CryptoFailure>,
): void {
  const found = variants.map(({ name, bytes }) => ({ name, failure: kindOf(open(bytes)) }));
  expect(found).toEqual(variants.map(({ name, failure }) => ({ name, failure })));
}

function methodOf(wrap: {
  readonly kind: UnlockMethod["kind"];
  readonly salt?: string;
  readonly params?: Argon2Params;
  readonly methodId?: string;
}): UnlockMethod {
  if (wrap.kind !== "password")
    return { kind: wrap.kind, methodId: goldenBytes(wrap.methodId ?? "") };
  const params = wrap.params ?? { memoryKiB: 0, passes: 0, lanes: 0 };
  return { kind: "password", salt: goldenBytes(wrap.salt ?? ""), params };
}
