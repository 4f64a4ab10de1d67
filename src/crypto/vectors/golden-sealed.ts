// Makes the golden vectors of files, approvals, passwords, backups, disk records and safety numbers:
// fixed inputs, seeded randomness, then bad variants with the reason for which each is refused.
import { bytesToBase64 } from "#base/base64.ts";
import { bytesToHex, hexToBytes, utf8, type Bytes } from "#base/bytes.ts";
import { assert } from "#base/invariant.ts";
import { Secret } from "#base/secret.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { ApprovalCard } from "#protocol/artifact.ts";
import type {
  AccountId,
  AttachmentId,
  ConversationId,
  DeviceId,
  MessageId,
} from "#protocol/ids.ts";

import { approvalDigest, signApproval, type ApprovalChoice, type ApprovalRequest } from "../approval.ts";
import { approvalView, type ApprovalLocale } from "../approval-view.ts";
import { sealBackup, wrapBackupKey, passkeyKek, recoveryKek, type UnlockMethod } from "../backup.ts";
import type { BackupContent } from "../backup-content.ts";
import { sealFileBytes } from "../file-seal.ts";
import { fingerprint, makeSigner } from "../identity.ts";
import { derivePassword } from "../password.ts";
import { createPrimitives, type Primitives } from "../primitives.ts";
import { safetyNumber } from "../safety-number.ts";
import { createVault, wrapVaultKey } from "../vault.ts";

/** The ids that all golden vectors use. */
export const IDS = {
  human: "01900000-0000-7000-8000-000000000001" as AccountId,
  agent: "01900000-0000-7000-8000-000000000002" as AccountId,
  device: "01900000-0000-7000-8000-000000000003" as DeviceId,
  conversation: "01900000-0000-7000-8000-000000000004" as ConversationId,
  message: "01900000-0000-7000-8000-000000000005" as MessageId,
  attachment: "01900000-0000-7000-8000-000000000006" as AttachmentId,
} as const;

/** Sizes around the edges of a chunk. */
const FILE_SIZES = [0, 1, 65_535, 65_536, 65_537] as const;

/** A change to good bytes, and what opening them then fails with (`null`: a plain refusal). */
export type BadVariant = {
  readonly name: string;
  readonly bytes: string;
  readonly failure: string | null;
};

/** Bytes of golden hexadecimal text. */
export function goldenBytes(text: string): Bytes {
  const bytes = hexToBytes(text);
  assert(bytes !== null, "golden bytes are hexadecimal");
  return bytes;
}

/** Bytes that look like a file and are the same each time. */
export const patternBytes = (sizeBytes: number): Bytes =>
  Uint8Array.from({ length: sizeBytes }, (_, at) => (at * 31 + (at >> 8)) & 0xff);

/** Primitives whose chance repeats. */
export const seededPrimitives = (seed: number): Promise<Primitives> =>
  createPrimitives({ random: createSeededRandom(seed) });

const flipped = (bytes: Bytes, at: number): Bytes =>
  Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ 0x01 : byte));

const bad = (name: string, bytes: Bytes, failure: string | null): BadVariant => ({
  name,
  bytes: bytesToHex(bytes),
  failure,
});

/** All golden files by name. */
export async function makeGoldenSealed() {
  return {
    file: await makeFiles(),
    approval: await makeApprovals(),
    password: await makePassword(),
    backup: await makeBackup(),
    vault: await makeVault(),
    "safety-number": await makeSafetyNumbers(),
  };
}

async function makeFiles() {
  const p = await seededPrimitives(101);
  const cases = [];
  for (const sizeBytes of FILE_SIZES) {
    const fileKey = p.randomBytes(32);
    const sealed = await sealFileBytes(
      p,
      {
        fileKey: new Secret(fileKey),
        conversationId: IDS.conversation,
        attachmentId: IDS.attachment,
      },
      patternBytes(sizeBytes),
    );
    assert(sealed.ok, "golden files seal");
    cases.push({
      sizeBytes,
      fileKey: bytesToHex(fileKey),
      head: bytesToHex(sealed.value.sealed.slice(0, 64)),
      tail: bytesToHex(sealed.value.sealed.slice(-64)),
      sealedSizeBytes: sealed.value.sealed.length,
      sha256: bytesToHex(sealed.value.sha256),
    });
  }
  return { conversationId: IDS.conversation, attachmentId: IDS.attachment, cases };
}

/** The request of the golden approval; its digest is right. */
export function goldenCard(p: Primitives): ApprovalCard {
  const action = "deploy";
  const request = { service: "billing", version: "2.4.1", replicas: 3, dry_run: false };
  return {
    action,
    summary: "Put version 2.4.1 of billing into production.",
    details: [
      { label: "Command", value: "kubectl set image deploy/billing app=billing:2.4.1", kind: "command" },
      { label: "Note", value: "harmless\u202E ton", kind: "text", lang: "en" },
    ],
    request,
    risk: "high",
    options: [
      { id: "yes", label: "Deploy", decision: "approve" },
      { id: "later", label: "Not now", decision: "deny", requires_reason: true },
    ],
    expires_at: "2026-03-01T12:10:00.000Z",
    nonce: bytesToBase64(Uint8Array.from({ length: 16 }, (_, at) => at + 1)),
    digest: approvalDigest(p, { action, request }) ?? "",
    editable: ["replicas"],
  };
}

export const APPROVAL_NOW = Date.parse("2026-03-01T12:03:20.000Z");
export const APPROVAL_LEDGER = { seq: 7, head: Uint8Array.from({ length: 32 }, () => 0x44) } as const;

/** The golden request with its agent. */
export const goldenRequest = (p: Primitives): ApprovalRequest => ({
  conversationId: IDS.conversation,
  messageId: IDS.message,
  plaintextHash: p.sha256(utf8("the padded plaintext of the request")),
  card: goldenCard(p),
  agent: {
    accountId: IDS.agent,
    fingerprint: fingerprint(p, IDS.agent, p.ed25519PublicKey(new Uint8Array(32).fill(0x22))),
  },
});

const APPROVAL_CASES: readonly {
  readonly name: string;
  readonly locale: ApprovalLocale;
  readonly choice: ApprovalChoice;
}[] = [
  { name: "approved", locale: "en", choice: { optionId: "yes" } },
  { name: "approved with an edit", locale: "zh-Hans", choice: { optionId: "yes", edits: { replicas: 2 } } },
  { name: "denied with a reason", locale: "en", choice: { optionId: "later", reason: "Friday." } },
];

async function makeApprovals() {
  const p = await seededPrimitives(102);
  const signingSeed = new Uint8Array(32).fill(0x33);
  const signer = makeSigner(p, new Secret(signingSeed));
  const request = goldenRequest(p);
  const approver = { accountId: IDS.human, deviceId: IDS.device };
  const cases = [];
  for (const { name, locale, choice } of APPROVAL_CASES) {
    const approval = await signApproval(p, request, {
      choice,
      locale,
      approver,
      signer,
      ledger: APPROVAL_LEDGER,
      now: APPROVAL_NOW,
    });
    assert(approval.ok, "golden approvals are signed");
    cases.push({ name, locale, choice, approval: approval.value });
  }
  const good = cases[0]?.approval ?? new Uint8Array();
  return {
    signingKey: bytesToHex(signer.publicKey),
    views: {
      en: approvalView(request.card, "en"),
      "zh-Hans": approvalView(request.card, "zh-Hans"),
    },
    cases: cases.map((golden) => ({ ...golden, approval: bytesToHex(golden.approval) })),
    // Of the first case.
    bad: [
      bad("cut by a byte", good.slice(0, -1), "crypto/malformed"),
      bad("a byte longer", Uint8Array.from([...good, 0]), "crypto/malformed"),
      bad("another label", flipped(good, 13), "crypto/malformed"),
      bad("another version", flipped(good, 25), "crypto/malformed"),
      bad("another hash of the view", flipped(good, 120), "crypto/bad-signature"),
      bad("another signature", flipped(good, good.length - 1), "crypto/bad-signature"),
      bad("the signature of the second case", mixed(good, cases[1]?.approval), "crypto/bad-signature"),
    ],
  };
}

const mixed = (record: Bytes, signed: Bytes = new Uint8Array()): Bytes =>
  Uint8Array.from([...record.slice(0, -64), ...signed.slice(-64)]);

/** A cost that is allowed and quick. */
export const GOLDEN_COST = { memoryKiB: 19_456, passes: 2, lanes: 1 } as const;

async function makePassword() {
  const p = await seededPrimitives(103);
  const input = { origin: "https://parley.example", login: "ada", password: "correct hoŕse battery" };
  const salt = p.randomBytes(32);
  const keys = await derivePassword(p, {
    ...input,
    password: new Secret(input.password),
    salt,
    params: GOLDEN_COST,
  });
  assert(keys.ok, "golden passwords are long enough");
  return {
    ...input,
    params: GOLDEN_COST,
    salt: bytesToHex(salt),
    authKey: bytesToHex(keys.value.authKey.reveal()),
    kek: bytesToHex(keys.value.kek.reveal()),
  };
}

/** The content of the golden backup. */
export const goldenBackupContent = (): BackupContent => ({
  identitySeed: new Secret(new Uint8Array(32).fill(0x11)),
  pins: [
    {
      accountId: IDS.agent,
      identityKey: new Uint8Array(32).fill(0x22),
      isVerified: true,
      mode: "session",
      suiteFloor: 2,
    },
  ],
  ledgerHeads: [
    { kind: "account", accountId: IDS.human, seq: 2, head: new Uint8Array(32).fill(0x55) },
    { kind: "account", accountId: IDS.agent, seq: 0, head: new Uint8Array(32).fill(0x66) },
    {
      kind: "conversation",
      conversationId: IDS.conversation,
      seq: 3,
      head: new Uint8Array(32).fill(0x77),
    },
  ],
});

export const BACKUP_OWNER = { accountId: IDS.human, generation: 1, version: 4 } as const;

async function makeBackup() {
  const p = await seededPrimitives(104);
  const backupKey = p.randomBytes(32);
  const code = p.randomBytes(16);
  const prfOutput = p.randomBytes(32);
  const passwordKek = p.randomBytes(32);
  const methods: readonly { readonly method: UnlockMethod; readonly kek: Secret<Bytes> }[] = [
    {
      method: { kind: "password", salt: p.randomBytes(32), params: GOLDEN_COST },
      kek: new Secret(passwordKek),
    },
    {
      method: { kind: "recovery-code", methodId: p.randomBytes(16) },
      kek: recoveryKek(p, IDS.human, new Secret(code)),
    },
    {
      method: { kind: "passkey-prf", methodId: p.randomBytes(16) },
      kek: passkeyKek(p, IDS.human, new Secret(prfOutput)),
    },
  ];
  const wraps = methods.map(({ method, kek }) => {
    const wrap = wrapBackupKey(p, kek, BACKUP_OWNER, method, new Secret(backupKey));
    return {
      kind: method.kind,
      ...(method.kind === "password"
        ? { salt: bytesToHex(method.salt), params: method.params }
        : { methodId: bytesToHex(method.methodId) }),
      kek: bytesToHex(kek.reveal()),
      wrap: bytesToHex(wrap),
      bad: [
        bad("another commitment", flipped(wrap, 0), "crypto/wrong-unlock-key"),
        bad("another nonce", flipped(wrap, 40), "crypto/bad-tag"),
        bad("another ciphertext", flipped(wrap, 60), "crypto/bad-tag"),
        bad("cut by a byte", wrap.slice(0, -1), "crypto/malformed"),
      ],
    };
  });
  const { sealed, hash } = sealBackup(p, new Secret(backupKey), BACKUP_OWNER, goldenBackupContent());
  return {
    ...BACKUP_OWNER,
    backupKey: bytesToHex(backupKey),
    code: bytesToHex(code),
    prfOutput: bytesToHex(prfOutput),
    wraps,
    sealed: bytesToHex(sealed),
    hash: bytesToHex(hash),
    // Without a ledger that names a hash, so that the seal itself is judged.
    bad: [
      bad("another nonce", flipped(sealed, 3), "crypto/bad-tag"),
      bad("another ciphertext", flipped(sealed, 60), "crypto/bad-tag"),
      bad("shorter than a nonce", sealed.slice(0, 23), "crypto/malformed"),
    ],
  };
}

/** Where the golden records lie. */
export const VAULT_PLACES = [
  { store: "pages", conversationId: IDS.conversation, key: "page/0", version: 1 },
  { store: "pages", conversationId: IDS.conversation, key: "page/0", version: 2 },
  { store: "settings", key: "locale", version: 1 },
] as const;

async function makeVault() {
  const p = await seededPrimitives(105);
  const vaultKey = p.randomBytes(32);
  const kek = p.randomBytes(32);
  const vault = createVault(p, vaultKey);
  const cases = [];
  for (const place of VAULT_PLACES) {
    const sealed = await vault.seal(place, utf8(`what lies in ${place.store}`));
    cases.push({ place, plain: `what lies in ${place.store}`, sealed: bytesToHex(sealed) });
  }
  const first = goldenBytes(cases[0]?.sealed ?? "");
  const wrapped = wrapVaultKey(p, new Secret(kek), IDS.device, new Secret(vaultKey));
  return {
    vaultKey: bytesToHex(vaultKey),
    kek: bytesToHex(kek),
    deviceId: IDS.device,
    wrapped: bytesToHex(wrapped),
    badWraps: [
      bad("another commitment", flipped(wrapped, 31), "crypto/wrong-unlock-key"),
      bad("another nonce", flipped(wrapped, 32), "crypto/bad-tag"),
      bad("another ciphertext", flipped(wrapped, 103), "crypto/bad-tag"),
      bad("a byte longer", Uint8Array.from([...wrapped, 0]), "crypto/malformed"),
    ],
    cases,
    // At the place of the first case.
    bad: [
      bad("another nonce", flipped(first, 0), null),
      bad("another ciphertext", flipped(first, 12), null),
      bad("shorter than a nonce", first.slice(0, 11), null),
      bad("the next version's bytes", goldenBytes(cases[1]?.sealed ?? ""), null),
    ],
  };
}

async function makeSafetyNumbers() {
  const p = await seededPrimitives(106);
  const [one, other, changed] = [0x21, 0x22, 0x23].map((fill) =>
    p.ed25519PublicKey(new Uint8Array(32).fill(fill)),
  ) as [Bytes, Bytes, Bytes];
  const pairs = [
    { name: "a person and an agent", one, other },
    { name: "the same with the agent's key changed", one, other: changed },
  ];
  return {
    oneAccountId: IDS.human,
    otherAccountId: IDS.agent,
    cases: pairs.map((pair) => {
      const number = safetyNumber(p, IDS.human, pair.one, IDS.agent, pair.other);
      return {
        name: pair.name,
        oneIdentityKey: bytesToHex(pair.one),
        otherIdentityKey: bytesToHex(pair.other),
        groups: number.groups,
        qr: bytesToHex(number.qr),
      };
    }),
  };
}
