/**
 * The account on this device: whether there is one, its keys, its door. It gives the rest of the engine an open
 * account or none; what an open account does is `session.ts`. SPEC §account.
 */
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import type { Bytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import { replayAccount } from "#crypto/ledger/account-replay.ts";
import type { AccountState } from "#crypto/ledger/account-state.ts";
import { checkPassword, derivePassword, type PasswordKeys } from "#crypto/password.ts";
import { createVault, unwrapVaultKey, wrapVaultKey } from "#crypto/vault.ts";
import type { BackupContent } from "#crypto/backup-content.ts";
import { HANDLE, MAX_DISPLAY_NAME_CHARACTERS } from "#protocol/limits.ts";
import {
  AuthParams,
  Empty,
  LedgerRow,
  LoggedIn,
  Tokens as WireTokens,
  type RegisterBody,
} from "#protocol/rest.ts";
import { makeId, type DeviceId, type UserId } from "#protocol/ids.ts";
import { enrolDevice } from "#peer/accounts.ts";
import { accountPut } from "#peer/keyring.ts";
import { createRest, type Rest } from "#peer/rest.ts";
import type { Store } from "#peer/store.ts";
import {
  foundAccount,
  fromWireParams,
  keysOf,
  makeBackup,
  readBackup,
  toWireParams,
  type AccountRecord,
  type PasswordTerms,
} from "./account-keys.ts";
import type { EngineDeps } from "./deps.ts";
import { translated, type EngineFailure } from "./failure.ts";
import { makeHandle } from "./handle.ts";
import { loadRecord, putRecord, TABLE } from "./records.ts";
import {
  fitLock,
  greetFromDoor,
  lockDoor,
  makeDoor,
  removeDoor,
  unlockDoor,
  viewDoor,
  type Greeting,
  type VaultLock,
} from "./store/door.ts";
import { createIdbStore } from "./store/idb-store.ts";
import type { Database } from "./store/migrations.ts";
import { createSealedNames } from "./store/sealed-names.ts";

/** An account whose vault is open. */
export type OpenAccount = {
  readonly record: AccountRecord;
  readonly store: Store;
  readonly vaultKey: Secret<Bytes>;
};

export type Opening =
  | { readonly status: "none" }
  | { readonly status: "locked"; readonly greeting: Greeting }
  | { readonly status: "open"; readonly account: OpenAccount };

const ROW = "self";

/** What is on this device now. An account the relay never took is no account. */
export async function openDevice(deps: EngineDeps, database: Database): Promise<Opening> {
  const door = await viewDoor(database);
  if (door.status !== "open") return door;
  const store = storeOf(deps, database, door.vaultKey);
  const record = await loadRecord<AccountRecord>(store, TABLE.account, ROW);
  return record === null || !record.isRegistered
    ? { status: "none" }
    : { status: "open", account: { record, store, vaultKey: door.vaultKey } };
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
  const rest = restOf(deps);
  const asked = await rest.call("POST", "/auth/params", AuthParams, { handle });
  if (!asked.ok) return err(translated(asked.failure));
  const terms = termsOf(asked.value.argon2_salt, asked.value.argon2_params);
  const password = await stretch(deps, handle, input.password, terms);
  if (!password.ok) return password;
  const logged = await rest.call("POST", "/auth/login", LoggedIn, {
    handle,
    auth_key: bytesToBase64(password.value.authKey.reveal()),
    device_id: null,
  });
  if (!logged.ok) return err(translated(logged.failure));
  const { user_id: userId, access_token, backup } = logged.value;
  if (backup === null) return err({ kind: "engine/bad-backup" });
  const entitled = createRest({ ...deps, baseUrl: deps.origin, tokens: fixedToken(access_token) });
  const ledger = await fetchAccount(deps, entitled, userId);
  if (!ledger.ok) return ledger;
  const content = readBackup(deps.primitives, userId, ledger.value, backup, password.value);
  if (!content.ok) return content;

  const now = deps.clock.now();
  const draft: AccountRecord = {
    userId,
    deviceId: makeId<DeviceId>(now, deps.random),
    handle,
    displayName: handle,
    identitySeed: bytesToBase64(content.value.identitySeed.reveal()),
    deviceSeed: bytesToBase64(deps.random(32)),
    hasPassword: true,
    backupVersion: backup.backup_version ?? 1,
    backupGeneration: backup.bk_gen,
    isRegistered: false,
    createdAt: now,
  };
  const opened = await settle(deps, database, draft);
  const enrolled = await enrolDevice(entitled, deps.primitives, {
    ...keysOf(deps.primitives, draft),
    state: ledger.value,
    deviceId: draft.deviceId,
    createdAt: now,
  });
  if (!enrolled.ok) {
    await removeDoor(database);
    return err(translated(enrolled.failure));
  }
  const account = { ...opened, record: { ...draft, isRegistered: true } };
  const kept = await keep(deps, database, account, { terms, password: password.value });
  return kept.ok ? ok({ account: kept.value, backup: content.value }) : kept;
}

/**
 * Sets or replaces the password: login secret, backup and lock change together.
 *
 * Fails with `engine/wrong-password`, `engine/weak-password` and the line's kinds.
 */
export async function setPassword(
  deps: EngineDeps,
  database: Database,
  rest: Rest,
  account: OpenAccount,
  input: { readonly current: string | null; readonly next: string },
  content: Omit<BackupContent, "identitySeed">,
): Promise<Result<OpenAccount, EngineFailure>> {
  const { record } = account;
  const before = await currentAuthKey(deps, database, record, input.current);
  if (!before.ok) return before;
  const ledger = await fetchAccount(deps, rest, record.userId);
  if (!ledger.ok) return ledger;
  const secured = await secure(deps, record, ledger.value, input.next, content);
  if (!secured.ok) return secured;
  const { entry, backup, terms, password, version, generation } = secured.value;
  const row = {
    ledger_seq: ledger.value.seq + 1,
    prev_hash: bytesToBase64(ledger.value.head),
    entry: bytesToBase64(entry),
  };
  const changed = await rest.call("POST", "/auth/change-protection-password", Empty, {
    auth_key: before.value,
    new_auth_key: bytesToBase64(password.authKey.reveal()),
    argon2_salt: backup.argon2_salt,
    argon2_params: backup.argon2_params,
    backup,
  });
  if (!changed.ok) return err(translated(changed.failure));
  const named = await rest.call("POST", `/keys/ledger/${record.userId}`, LedgerRow, row);
  if (!named.ok) return err(translated(named.failure));
  const kept = {
    ...record,
    hasPassword: true,
    backupVersion: version,
    backupGeneration: generation,
  };
  return keep(deps, database, { ...account, record: kept }, { terms, password });
}

/** Locks the door; nothing but the password opens it then. Fails with `engine/no-password`. */
export const lockAccount = lockDoor;

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
  const store = storeOf(deps, database, vaultKey.value);
  const record = await loadRecord<AccountRecord>(store, TABLE.account, ROW);
  return record === null
    ? err({ kind: "engine/not-open" })
    : ok({ record, store, vaultKey: vaultKey.value });
}

/** Keeps a changed record, and what the lock screen shows of it. */
export async function saveAccount(
  deps: EngineDeps,
  database: Database,
  account: OpenAccount,
): Promise<Result<OpenAccount, EngineFailure>> {
  const { record, store } = account;
  const saved = await store.commit({ puts: [putRecord(TABLE.account, ROW, record)] });
  if (!saved.ok) return saved;
  const door = await viewDoor(database);
  const before = door.status === "open" ? door.greeting : null;
  await greetFromDoor(database, deps.random, greetingOf(record, before));
  return ok(account);
}

export const cleanName = (name: string): string =>
  Array.from(name.normalize("NFC").trim()).slice(0, MAX_DISPLAY_NAME_CHARACTERS).join("");

// --- pieces ---

const NO_CONTENT: Omit<BackupContent, "identitySeed"> = { pins: [], ledgerHeads: [] };

const restOf = (deps: EngineDeps): Rest =>
  createRest({ ...deps, baseUrl: deps.origin, tokens: null });

const fixedToken = (text: string) => ({ token: async () => ok(text) });

const storeOf = (deps: EngineDeps, database: Database, vaultKey: Secret<Bytes>): Store =>
  createIdbStore({
    database,
    vault: createVault(deps.primitives, vaultKey.reveal()),
    names: createSealedNames(deps.primitives, vaultKey),
    log: deps.log,
  });

const termsOf = (salt: string, params: Parameters<typeof fromWireParams>[0]): PasswordTerms => ({
  salt: base64ToBytes(salt) ?? new Uint8Array(),
  params: fromWireParams(params),
});

async function stretch(
  deps: EngineDeps,
  login: string,
  password: string,
  { salt, params }: PasswordTerms,
): Promise<Result<PasswordKeys, EngineFailure>> {
  const input = { password: new Secret(password), origin: deps.origin, login, salt, params };
  const keys = await derivePassword(deps.primitives, input);
  return keys.ok || keys.failure.kind !== "crypto/password-too-short"
    ? keys
    : err({ kind: "engine/weak-password", min: keys.failure.minCodePoints });
}

async function secure(
  deps: EngineDeps,
  record: AccountRecord,
  state: AccountState,
  text: string,
  content: Omit<BackupContent, "identitySeed">,
) {
  const checked = checkPassword(new Secret(text));
  if (!checked.ok && checked.failure.kind === "crypto/password-too-short")
    return err<EngineFailure>({
      kind: "engine/weak-password",
      min: checked.failure.minCodePoints,
    });
  const terms: PasswordTerms = { salt: deps.random(32), params: deps.passwordCost };
  const password = await stretch(deps, record.handle, text, terms);
  if (!password.ok) return password;
  const made = await makeBackup(
    deps.primitives,
    record,
    keysOf(deps.primitives, record),
    state,
    terms,
    password.value,
    content,
    deps.clock.now(),
  );
  return made.ok ? ok({ ...made.value, terms, password: password.value }) : made;
}

/** Base64 of the login secret that the relay knows now; null while none is set. */
async function currentAuthKey(
  deps: EngineDeps,
  database: Database,
  record: AccountRecord,
  current: string | null,
): Promise<Result<string | null, EngineFailure>> {
  if (!record.hasPassword) return ok(null);
  const door = await viewDoor(database);
  const greeting = door.status === "none" ? null : door.greeting;
  const salt = greeting?.salt == null ? null : base64ToBytes(greeting.salt);
  if (current === null || salt === null || greeting?.params == null)
    return err({ kind: "engine/wrong-password" });
  const keys = await stretch(deps, record.handle, current, { salt, params: greeting.params });
  return keys.ok
    ? ok(bytesToBase64(keys.value.authKey.reveal()))
    : err({ kind: "engine/wrong-password" });
}

async function fetchAccount(
  deps: EngineDeps,
  rest: Rest,
  userId: UserId,
): Promise<Result<AccountState, EngineFailure>> {
  const entries: Bytes[] = [];
  for (;;) {
    const after = entries.length === 0 ? "" : `?after=${entries.length - 1}`;
    const page = await rest.page(`/keys/ledger/${userId}${after}`, LedgerRow);
    if (!page.ok) return err(translated(page.failure));
    for (const { entry } of page.value.items)
      entries.push(base64ToBytes(entry) ?? new Uint8Array());
    if (page.value.nextCursor === null || page.value.items.length === 0) break;
  }
  const state = await replayAccount(deps.primitives, userId, entries);
  return state.ok ? state : err({ kind: "engine/bad-backup" });
}

/** A fresh vault with the record in it. */
async function settle(
  deps: EngineDeps,
  database: Database,
  record: AccountRecord,
): Promise<OpenAccount> {
  await emptyDatabase(database);
  const vaultKey = await makeDoor(database, deps.random);
  const store = storeOf(deps, database, vaultKey);
  await store.commit({ puts: [putRecord(TABLE.account, ROW, record)] });
  return { record, store, vaultKey };
}

/** Records of an earlier vault cannot be read any more; they only take room. */
async function emptyDatabase(database: Database): Promise<void> {
  const transaction = database.transaction(["records", "rows"], "readwrite");
  await Promise.all([
    transaction.objectStore("records").clear(),
    transaction.objectStore("rows").clear(),
    transaction.done,
  ]);
}

async function keep(
  deps: EngineDeps,
  database: Database,
  account: OpenAccount,
  secured: { readonly terms: PasswordTerms; readonly password: PasswordKeys } | null,
): Promise<Result<OpenAccount, EngineFailure>> {
  const { record, store, vaultKey } = account;
  const saved = await store.commit({ puts: [putRecord(TABLE.account, ROW, record)] });
  if (!saved.ok) return saved;
  const door = await viewDoor(database);
  const before = door.status === "open" ? door.greeting : null;
  const greeting = greetingOf(record, before);
  if (secured === null) {
    await greetFromDoor(database, deps.random, greeting);
    return ok(account);
  }
  const { terms, password } = secured;
  const { salt, params } = terms;
  await greetFromDoor(database, deps.random, { ...greeting, salt: bytesToBase64(salt), params });
  await fitLock(database, deps.random, vaultKey, lockOf(deps, record.deviceId, password));
  return ok(account);
}

const greetingOf = (record: AccountRecord, before: Greeting | null): Greeting => ({
  accountId: record.userId,
  deviceId: record.deviceId,
  handle: record.handle,
  displayName: record.displayName,
  salt: before?.salt ?? null,
  params: before?.params ?? null,
});

const lockOf = (deps: EngineDeps, deviceId: DeviceId, { kek }: PasswordKeys): VaultLock => ({
  wrap: async (vaultKey) => wrapVaultKey(deps.primitives, kek, deviceId, vaultKey),
  unwrap: async (wrapped) => {
    const opened = unwrapVaultKey(deps.primitives, kek, deviceId, wrapped);
    return opened.ok ? opened.value : null;
  },
});
