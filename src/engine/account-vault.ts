/** An open account on disk: its store, its record, what the lock screen shows, and the lock that fits its password. */
import { bytesToBase64 } from "#base/base64.ts";
import type { Bytes } from "#base/bytes.ts";
import { ok, type Result } from "#base/result.ts";
import type { Secret } from "#base/secret.ts";
import type { PasswordKeys } from "#crypto/password.ts";
import { createVault, unwrapVaultKey, wrapVaultKey } from "#crypto/vault.ts";
import type { DeviceId } from "#protocol/ids.ts";
import type { Store } from "#peer/store.ts";
import type { AccountRecord, PasswordTerms } from "./account-keys.ts";
import type { EngineDeps } from "./deps.ts";
import type { EngineFailure } from "./failure.ts";
import { loadRecord, putRecord, TABLE } from "./records.ts";
import {
  fitLock,
  greetFromDoor,
  makeDoor,
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
  /** The password was entered here at least once, so that it can lock this device. */
  readonly hasLock: boolean;
};

const ROW = "self";

/** The account behind an open door; null where nothing of one is left. */
export async function openAccount(
  deps: EngineDeps,
  database: Database,
  vaultKey: Secret<Bytes>,
): Promise<OpenAccount | null> {
  const store = storeOf(deps, database, vaultKey);
  const record = await loadRecord<AccountRecord>(store, TABLE.account, ROW);
  if (record === null) return null;
  const door = await viewDoor(database);
  const hasLock = door.status !== "none" && door.greeting?.salt != null;
  return { record, store, vaultKey, hasLock };
}

/** A write of the account's record. */
export const putAccount = (record: AccountRecord) => putRecord(TABLE.account, ROW, record);

/** Keeps a changed record, and what the lock screen shows of it. */
export async function saveAccount(
  deps: EngineDeps,
  database: Database,
  account: OpenAccount,
): Promise<Result<OpenAccount, EngineFailure>> {
  const { record, store } = account;
  const saved = await store.commit({ puts: [putAccount(record)] });
  if (!saved.ok) return saved;
  const door = await viewDoor(database);
  const before = door.status === "open" ? door.greeting : null;
  await greetFromDoor(database, deps.random, greetingOf(record, before));
  return ok(account);
}

/** A fresh vault with the record in it. */
export async function settle(
  deps: EngineDeps,
  database: Database,
  record: AccountRecord,
): Promise<OpenAccount> {
  await emptyDatabase(database);
  const vaultKey = await makeDoor(database, deps.random);
  const store = storeOf(deps, database, vaultKey);
  await store.commit({ puts: [putAccount(record)] });
  return { record, store, vaultKey, hasLock: false };
}

/** Keeps the record and what the lock screen shows; with a new password, fits the lock to it. */
export async function keep(
  deps: EngineDeps,
  database: Database,
  account: OpenAccount,
  secured: { readonly terms: PasswordTerms; readonly password: PasswordKeys } | null,
): Promise<Result<OpenAccount, EngineFailure>> {
  const { record, store, vaultKey } = account;
  const saved = await store.commit({ puts: [putAccount(record)] });
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
  return ok({ ...account, hasLock: true });
}

/** The lock of a password on one device. */
export const lockOf = (deps: EngineDeps, deviceId: DeviceId, { kek }: PasswordKeys): VaultLock => ({
  wrap: async (vaultKey) => wrapVaultKey(deps.primitives, kek, deviceId, vaultKey),
  unwrap: async (wrapped) => {
    const opened = unwrapVaultKey(deps.primitives, kek, deviceId, wrapped);
    return opened.ok ? opened.value : null;
  },
});
const greetingOf = (record: AccountRecord, before: Greeting | null): Greeting => ({
  accountId: record.userId,
  deviceId: record.deviceId,
  handle: record.handle,
  displayName: record.displayName,
  salt: before?.salt ?? null,
  params: before?.params ?? null,
  passkeys: record.passkeys ?? [],
});

const storeOf = (deps: EngineDeps, database: Database, vaultKey: Secret<Bytes>): Store =>
  createIdbStore({
    database,
    vault: createVault(deps.primitives, vaultKey.reveal()),
    names: createSealedNames(deps.primitives, vaultKey),
    log: deps.log,
  });

/** Records of an earlier vault cannot be read any more; they only take room. */
async function emptyDatabase(database: Database): Promise<void> {
  const transaction = database.transaction(["records", "rows"], "readwrite");
  await Promise.all([
    transaction.objectStore("records").clear(),
    transaction.objectStore("rows").clear(),
    transaction.done,
  ]);
}
