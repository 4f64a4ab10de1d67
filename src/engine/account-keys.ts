/** A person's own keys and the records made of them: what a new account and a new device post to the relay. */
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import type { Bytes } from "#base/bytes.ts";
import { assert } from "#base/invariant.ts";
import { err, ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import {
  openBackup,
  openBackupKey,
  sealBackup,
  wrapBackupKey,
  type UnlockMethod,
} from "#crypto/backup.ts";
import type { BackupContent } from "#crypto/backup-content.ts";
import type { RemarkOwner } from "#crypto/contact-remark.ts";
import type { DeviceNameOwner } from "#crypto/device-name.ts";
import { makeSigner, type Signer } from "#crypto/identity.ts";
import { appendAccount, startAccount } from "#crypto/ledger/account.ts";
import type { AccountState } from "#crypto/ledger/account-state.ts";
import type { PasswordKeys } from "#crypto/password.ts";
import type { Argon2Params, Primitives } from "#crypto/primitives.ts";
import type { AccountId, DeviceId, UserId } from "#protocol/ids.ts";
import type { Argon2Params as WireParams, Backup, WayProof } from "#protocol/rest.ts";
import type { EngineFailure } from "./failure.ts";
import type { LocalPasskey } from "./store/door.ts";

/** Kept sealed in the store. Seeds are base64 of 32 bytes. */
export type AccountRecord = {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  readonly handle: string;
  readonly displayName: string;
  readonly identitySeed: string;
  readonly deviceSeed: string;
  readonly hasPassword: boolean;
  /** Minutes without a touch until the lock turns by itself; absent or null for never. */
  readonly lockAfterMinutes?: number | null;
  /** How often the backup was written, and its key replaced. */
  readonly backupVersion: number;
  readonly backupGeneration: number;
  /** Base64 of the key that the relay's backup is sealed under; absent or null where this device never saw it. */
  readonly backupKey?: string | null;
  /** Passkeys that open this device's lock. */
  readonly passkeys?: readonly LocalPasskey[];
  /** How this device came in without the password; gone once a new one is set. */
  readonly wayIn?: WayProof | null;
  /** A backup that the relay holds and the account's ledger does not name yet; hash in base64. */
  readonly pendingBackup: { readonly version: number; readonly hash: string } | null;
  /** False until the relay has taken the account or the device. */
  readonly isRegistered: boolean;
  readonly createdAt: number;
};

export type OwnKeys = { readonly identity: Signer; readonly device: Signer };

/** The signers of a record. */
export const keysOf = (primitives: Primitives, record: AccountRecord): OwnKeys => ({
  identity: makeSigner(primitives, seedOf(record.identitySeed)),
  device: makeSigner(primitives, seedOf(record.deviceSeed)),
});

export function seedOf(text: string): Secret<Bytes> {
  const bytes = base64ToBytes(text);
  assert(bytes?.length === 32, "a seed of the account record is 32 bytes");
  return new Secret(bytes);
}

/** Under whose key the name of one of the person's devices is sealed. */
export const nameOwner = (record: AccountRecord, deviceId: DeviceId): DeviceNameOwner => ({
  accountId: record.userId,
  deviceId,
  identitySeed: seedOf(record.identitySeed),
});

/** Under whose key the name this person gives a contact is sealed. */
export const remarkOwner = (record: AccountRecord, contactId: AccountId): RemarkOwner => ({
  accountId: record.userId,
  contactId,
  identitySeed: seedOf(record.identitySeed),
});

export type Founded = {
  readonly entries: readonly Bytes[];
  readonly deviceCertificate: Bytes;
  readonly state: AccountState;
};

/** The account ledger of a new person with one device. */
export async function foundAccount(
  primitives: Primitives,
  record: AccountRecord,
  { identity, device }: OwnKeys,
): Promise<Result<Founded, EngineFailure>> {
  const card = await startAccount(primitives, {
    accountId: record.userId,
    kind: "human",
    identity,
    mode: "session",
    suiteFloor: 1,
    bootstrapKey: null,
    createdAt: record.createdAt,
  });
  const added = await addDevice(primitives, card.state, identity, device, record);
  if (!added.ok) return added;
  const { entry, state } = added.value;
  return ok({ entries: [card.entry, entry], deviceCertificate: entry, state });
}

/** The entry that makes a device one of the account's. */
export const addDevice = (
  primitives: Primitives,
  state: AccountState,
  identity: Signer,
  device: Signer,
  { deviceId, createdAt }: Pick<AccountRecord, "deviceId" | "createdAt">,
) =>
  appendAccount(primitives, state, {
    actorDeviceId: null,
    signer: identity,
    op: { type: "device-add", deviceId, signingKey: device.publicKey },
    createdAt,
  });

/** A password's salt and cost as the relay keeps them. */
export type PasswordTerms = { readonly salt: Bytes; readonly params: Argon2Params };

export const toWireParams = ({ memoryKiB, passes, lanes }: Argon2Params): WireParams => ({
  m: memoryKiB,
  t: passes,
  p: lanes,
});
export const fromWireParams = ({ m, t, p }: WireParams): Argon2Params => ({
  memoryKiB: m,
  passes: t,
  lanes: p,
});

/**
 * A backup wrapped under the password's key, and its entry in the account's ledger. A backup key that is known is
 * kept, so that passkeys go on opening it; else there is a fresh one, and with it another generation.
 */
export async function makeBackup(
  primitives: Primitives,
  record: AccountRecord,
  keys: OwnKeys,
  state: AccountState,
  terms: PasswordTerms,
  password: PasswordKeys,
  content: Omit<BackupContent, "identitySeed">,
  now: number,
): Promise<
  Result<
    {
      readonly backup: Backup;
      readonly entry: Bytes;
      readonly version: number;
      readonly generation: number;
      readonly backupKey: Secret<Bytes>;
      readonly hash: Bytes;
    },
    EngineFailure
  >
> {
  const isKept = record.backupKey != null;
  const generation = isKept ? record.backupGeneration : record.backupGeneration + 1;
  const version = Math.max(record.backupVersion, state.backup?.version ?? 0) + 1;
  const owner = { accountId: record.userId, generation };
  const backupKey = isKept
    ? seedOf(record.backupKey ?? "")
    : new Secret(primitives.randomBytes(32));
  const method = { kind: "password", ...terms } as const;
  const wrap = wrapBackupKey(primitives, password.kek, owner, method, backupKey);
  const full = { ...content, identitySeed: seedOf(record.identitySeed) };
  const { sealed, hash } = sealBackup(primitives, backupKey, { ...owner, version }, full);
  const appended = await appendAccount(primitives, state, {
    actorDeviceId: record.deviceId,
    signer: keys.device,
    op: { type: "backup", version, hash },
    createdAt: now,
  });
  if (!appended.ok) return appended;
  const backup = {
    backup_a: bytesToBase64(wrap),
    backup_b: bytesToBase64(sealed),
    argon2_salt: bytesToBase64(terms.salt),
    argon2_params: toWireParams(terms.params),
    public_key: "",
    signing_public_key: bytesToBase64(keys.identity.publicKey),
    device_id: record.deviceId,
    backup_version: version,
    bk_gen: generation,
  };
  return ok({ backup, entry: appended.value.entry, version, generation, backupKey, hash });
}

/**
 * What a backup holds, after it was compared with the account's own ledger.
 *
 * Fails with `engine/wrong-password`, `engine/bad-backup` (another account's, an older one, a forged one).
 */
export function readBackup(
  primitives: Primitives,
  userId: UserId,
  ledger: AccountState,
  backup: Backup,
  password: PasswordKeys,
): Result<ReadBackup, EngineFailure> {
  const bad = err<EngineFailure>({ kind: "engine/bad-backup" });
  const [wrap, salt] = [backup.backup_a, backup.argon2_salt].map(base64ToBytes);
  if (!wrap || !salt) return bad;
  const params = fromWireParams(backup.argon2_params);
  const unlock: Unlock = { kek: password.kek, method: { kind: "password", salt, params }, wrap };
  return openWith(primitives, userId, ledger, backup, unlock);
}

/** The same by a passkey, whose wrap the relay keeps. */
export function readBackupByPasskey(
  primitives: Primitives,
  userId: UserId,
  ledger: AccountState,
  backup: Backup,
  passkey: { readonly kek: Secret<Bytes>; readonly methodId: Bytes; readonly wrap: Bytes },
): Result<ReadBackup, EngineFailure> {
  const { kek, methodId, wrap } = passkey;
  const unlock: Unlock = { kek, method: { kind: "passkey-prf", methodId }, wrap };
  return openWith(primitives, userId, ledger, backup, unlock);
}

export type ReadBackup = {
  readonly content: BackupContent;
  readonly backupKey: Secret<Bytes>;
};
type Unlock = {
  readonly kek: Secret<Bytes>;
  readonly method: UnlockMethod;
  readonly wrap: Bytes;
};

function openWith(
  primitives: Primitives,
  userId: UserId,
  ledger: AccountState,
  backup: Backup,
  { kek, method, wrap }: Unlock,
): Result<ReadBackup, EngineFailure> {
  const bad = err<EngineFailure>({ kind: "engine/bad-backup" });
  const sealed = base64ToBytes(backup.backup_b);
  if (sealed === null) return bad;
  const owner = { accountId: userId, generation: backup.bk_gen };
  const key = openBackupKey(primitives, kek, owner, method, wrap);
  if (!key.ok) {
    return key.failure.kind === "crypto/wrong-unlock-key"
      ? err({ kind: "engine/wrong-password" })
      : bad;
  }
  const version = backup.backup_version ?? 1;
  const content = openBackup(primitives, key.value, { ...owner, version }, ledger.backup, sealed);
  if (!content.ok) return bad;
  const signer = makeSigner(primitives, content.value.identitySeed);
  // The ledger began with the identity key: a backup of other keys would make us somebody else.
  return bytesToBase64(signer.publicKey) === bytesToBase64(ledger.identityKey)
    ? ok({ content: content.value, backupKey: key.value })
    : bad;
}

/** What a record keeps of the relay's backup once it was opened. */
export const backupFacts = (backup: Backup, backupKey: Secret<Bytes>) => ({
  backupVersion: backup.backup_version ?? 1,
  backupGeneration: backup.bk_gen,
  backupKey: bytesToBase64(backupKey.reveal()),
});
