/**
 * The account on this device: whether there is one, its keys, its door. It gives the rest of the engine an open
 * account or none; what an open account does is `session.ts`. SPEC §account.
 */
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import { err, ok, type Result } from "#base/result.ts";
import { sealDeviceName } from "#crypto/device-name.ts";
import type { BackupContent } from "#crypto/backup-content.ts";
import type { AccountState } from "#crypto/ledger/account-state.ts";
import { HANDLE, MAX_DISPLAY_NAME_CHARACTERS } from "#protocol/limits.ts";
import { Tokens as WireTokens, type RegisterBody } from "#protocol/rest.ts";
import { makeId, type DeviceId, type UserId } from "#protocol/ids.ts";
import { enrolDevice } from "#peer/accounts.ts";
import { accountPut } from "#peer/keyring.ts";
import { createRest, type Rest } from "#peer/rest.ts";
import {
  backupFacts,
  foundAccount,
  keysOf,
  nameOwner,
  readBackup,
  toWireParams,
  type AccountRecord,
} from "./account-keys.ts";
import { fetchAccount } from "./account-ledger.ts";
import { enter, secure, stretch } from "./account-password.ts";
import { keep, lockOf, openAccount, settle, type OpenAccount } from "./account-vault.ts";
import type { EngineDeps } from "./deps.ts";
import { translated, type EngineFailure } from "./failure.ts";
import { openRecovery } from "./recovery.ts";
import { makeHandle } from "./handle.ts";
import { removeDoor, unlockDoor, viewDoor, type Greeting } from "./store/door.ts";
import type { Database } from "./store/migrations.ts";

export type Opening =
  | { readonly status: "none" }
  | { readonly status: "locked"; readonly greeting: Greeting }
  | { readonly status: "open"; readonly account: OpenAccount };

/** What is on this device now. An account the relay never took is no account. */
export async function openDevice(deps: EngineDeps, database: Database): Promise<Opening> {
  const door = await viewDoor(database);
  if (door.status !== "open") return door;
  const account = await openAccount(deps, database, door.vaultKey);
  return account === null || !account.record.isRegistered
    ? { status: "none" }
    : { status: "open", account };
}

/**
 * A new account: keys are made here, and the relay learns their public halves.
 *
 * Fails with `engine/bad-handle`, `engine/handle-taken`, the password's kinds, and the line's.
 */
export async function createAccount(
  deps: EngineDeps,
  database: Database,
  input: {
    readonly displayName: string;
    readonly handle: string | null;
    readonly password: string | null;
  },
): Promise<Result<OpenAccount, EngineFailure>> {
  const displayName = cleanName(input.displayName);
  const handle = input.handle ?? makeHandle(displayName, deps.random);
  if (!HANDLE.test(handle)) return err({ kind: "engine/bad-handle" });
  const now = deps.clock.now();
  const record: AccountRecord = {
    userId: makeId<UserId>(now, deps.random),
    deviceId: makeId<DeviceId>(now, deps.random),
    handle,
    displayName: displayName === "" ? handle : displayName,
    identitySeed: bytesToBase64(deps.random(32)),
    deviceSeed: bytesToBase64(deps.random(32)),
    hasPassword: input.password !== null,
    backupVersion: 0,
    backupGeneration: 0,
    pendingBackup: null,
    isRegistered: false,
    createdAt: now,
  };
  const keys = keysOf(deps.primitives, record);
  const founded = await foundAccount(deps.primitives, record, keys);
  if (!founded.ok) return founded;
  const secured =
    input.password === null
      ? ok(null)
      : await secure(deps, record, founded.value.state, input.password, NO_CONTENT);
  if (!secured.ok) return secured;
  const entries = [
    ...founded.value.entries,
    ...(secured.value === null ? [] : [secured.value.entry]),
  ];
  const body: RegisterBody = {
    user_id: record.userId,
    handle,
    display_name: record.displayName,
    identity_key: bytesToBase64(keys.identity.publicKey),
    account_ledger: entries.map(bytesToBase64),
    device: {
      device_id: record.deviceId,
      signing_public_key: bytesToBase64(keys.device.publicKey),
      certificate: bytesToBase64(founded.value.deviceCertificate),
      name_sealed: bytesToBase64(nameSealed(deps, record)),
    },
    auth_key: secured.value && bytesToBase64(secured.value.password.authKey.reveal()),
    argon2_salt: secured.value && bytesToBase64(secured.value.terms.salt),
    argon2_params: secured.value && toWireParams(secured.value.terms.params),
    backup: secured.value && secured.value.backup,
  };
  // On disk before the relay hears of it: keys that are registered are never lost to a crash.
  const opened = await settle(deps, database, record);
  const registered = await restOf(deps).call("POST", "/auth/register", WireTokens, body);
  if (!registered.ok) {
    await removeDoor(database);
    return err(translated(registered.failure));
  }
  const kept = {
    ...record,
    isRegistered: true,
    backupVersion: secured.value?.version ?? 0,
    backupGeneration: secured.value?.generation ?? 0,
    backupKey: secured.value && bytesToBase64(secured.value.backupKey.reveal()),
  };
  const known = accountPut(record.userId, entries, keys.identity.publicKey);
  const saved = await opened.store.commit({ puts: [known] });
  if (!saved.ok) return saved;
  return keep(deps, database, { ...opened, record: kept }, secured.value);
}

/**
 * An account that exists, on a device that has none: the password opens the backup, the backup holds the identity,
 * the identity signs for this device.
 *
 * Fails with `engine/wrong-password`, `engine/account-locked`, `engine/bad-backup`, `engine/device-limit`.
 */
export async function signIn(
  deps: EngineDeps,
  database: Database,
  input: { readonly handle: string; readonly password: string },
): Promise<
  Result<{ readonly account: OpenAccount; readonly backup: BackupContent }, EngineFailure>
> {
  const handle = input.handle.trim().replace(/^@/, "").toLowerCase();
  if (!HANDLE.test(handle)) return err({ kind: "engine/wrong-password" });
  const entered = await enter(deps, handle, input.password);
  if (!entered.ok) return entered;
  const { userId, accessToken, backup, terms, password } = entered.value;
  const entitled = restWith(deps, accessToken);
  const ledger = await fetchAccount(deps, entitled, userId);
  if (!ledger.ok) return ledger;
  const read = readBackup(deps.primitives, userId, ledger.value, backup, password);
  if (!read.ok) return read;

  const enrolled = await enrolHere(deps, database, entitled, ledger.value, {
    userId,
    handle,
    content: read.value.content,
    hasPassword: true,
    ...backupFacts(backup, read.value.backupKey),
    wayIn: null,
  });
  if (!enrolled.ok) return enrolled;
  const kept = await keep(deps, database, enrolled.value, { terms, password });
  return kept.ok ? ok({ account: kept.value, backup: read.value.content }) : kept;
}

/**
 * The account of a recovery file, on a device that has none. The password stays what it was until this device sets
 * a new one, for which it needs no old one.
 *
 * Fails as `openRecovery` does, and with `engine/device-limit`.
 */
export async function restoreAccount(
  deps: EngineDeps,
  database: Database,
  input: { readonly file: string; readonly code: string },
): Promise<
  Result<{ readonly account: OpenAccount; readonly backup: BackupContent }, EngineFailure>
> {
  const recovered = await openRecovery(deps, input);
  if (!recovered.ok) return recovered;
  const { userId, handle, content, way, rest } = recovered.value;
  const ledger = await fetchAccount(deps, rest, userId);
  if (!ledger.ok) return ledger;
  const { backup } = ledger.value;
  const enrolled = await enrolHere(deps, database, rest, ledger.value, {
    userId,
    handle,
    content,
    hasPassword: backup !== null,
    backupVersion: backup?.version ?? 0,
    // A backup key's generation is never above the backup's version.
    backupGeneration: backup?.version ?? 0,
    backupKey: null,
    wayIn: backup === null ? null : way,
  });
  if (!enrolled.ok) return enrolled;
  const kept = await keep(deps, database, enrolled.value, null);
  return kept.ok ? ok({ account: kept.value, backup: content }) : kept;
}

type Entitled = Pick<
  AccountRecord,
  "userId" | "handle" | "hasPassword" | "backupVersion" | "backupGeneration" | "backupKey" | "wayIn"
> & { readonly content: BackupContent };

/** Makes this browser a device of an account whose identity was just opened. */
export async function enrolHere(
  deps: EngineDeps,
  database: Database,
  rest: Rest,
  ledger: AccountState,
  { content, ...known }: Entitled,
): Promise<Result<OpenAccount, EngineFailure>> {
  const now = deps.clock.now();
  const draft: AccountRecord = {
    ...known,
    deviceId: makeId<DeviceId>(now, deps.random),
    displayName: known.handle,
    identitySeed: bytesToBase64(content.identitySeed.reveal()),
    deviceSeed: bytesToBase64(deps.random(32)),
    pendingBackup: null,
    isRegistered: false,
    createdAt: now,
  };
  const opened = await settle(deps, database, draft);
  const enrolled = await enrolDevice(rest, deps.primitives, {
    ...keysOf(deps.primitives, draft),
    state: ledger,
    deviceId: draft.deviceId,
    nameSealed: nameSealed(deps, draft),
    createdAt: now,
  });
  if (!enrolled.ok) {
    await removeDoor(database);
    return err(translated(enrolled.failure));
  }
  return ok({ ...opened, record: { ...draft, isRegistered: true } });
}

/** Opens a locked door. Fails with `engine/wrong-password`; needs no network. */
export async function unlockAccount(
  deps: EngineDeps,
  database: Database,
  greeting: Greeting,
  password: string,
): Promise<Result<OpenAccount, EngineFailure>> {
  const { handle, salt, params, deviceId } = greeting;
  const saltBytes = salt === null ? null : base64ToBytes(salt);
  if (saltBytes === null || params === null) return err({ kind: "engine/no-password" });
  const keys = await stretch(deps, handle, password, { salt: saltBytes, params });
  // A password that could never have been set is simply not this one.
  if (!keys.ok) return err({ kind: "engine/wrong-password" });
  const lock = lockOf(deps, deviceId as DeviceId, keys.value);
  const vaultKey = await unlockDoor(database, deps.random, lock);
  if (!vaultKey.ok) return vaultKey;
  const account = await openAccount(deps, database, vaultKey.value);
  return account === null ? err({ kind: "engine/not-open" }) : ok(account);
}

export const cleanName = (name: string): string =>
  Array.from(name.normalize("NFC").trim()).slice(0, MAX_DISPLAY_NAME_CHARACTERS).join("");

const NO_CONTENT: Omit<BackupContent, "identitySeed"> = { pins: [], ledgerHeads: [] };

const nameSealed = ({ primitives, deviceName }: EngineDeps, record: AccountRecord) =>
  sealDeviceName(primitives, nameOwner(record, record.deviceId), deviceName);

const restOf = (deps: EngineDeps): Rest =>
  createRest({ ...deps, baseUrl: deps.origin, tokens: null });

/** Calls in the name of who just came in. */
export const restWith = (deps: EngineDeps, token: string): Rest =>
  createRest({ ...deps, baseUrl: deps.origin, tokens: { token: async () => ok(token) } });
