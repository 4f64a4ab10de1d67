/**
 * Passkeys: their PRF output wraps the vault key for this device's lock and the backup key for a new browser. The
 * browser talks to the authenticator on the page; here the output is used and wiped. SPEC §recovery.
 */
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import { wipe, type Bytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import type { PasskeyInput } from "#bridge/views.ts";
import { methodAuth, passkeyKek, passkeyMethodId, wrapBackupKey } from "#crypto/backup.ts";
import type { BackupContent } from "#crypto/backup-content.ts";
import { unwrapVaultKey, wrapVaultKey } from "#crypto/vault.ts";
import type { Rest } from "#peer/rest.ts";
import { createRest } from "#peer/rest.ts";
import {
  bytesToUuid,
  uuidToBytes,
  type AccountId,
  type DeviceId,
  type UserId,
} from "#protocol/ids.ts";
import { Backup, PasskeyLoggedIn, Way, type WayProof } from "#protocol/rest.ts";
import { enrolHere, restWith } from "./account.ts";
import { backupFacts, readBackupByPasskey, seedOf, type AccountRecord } from "./account-keys.ts";
import { fetchAccount } from "./account-ledger.ts";
import { openAccount, saveAccount, type OpenAccount } from "./account-vault.ts";
import type { EngineDeps } from "./deps.ts";
import { translated, type EngineFailure } from "./failure.ts";
import { openDoor, type Greeting, type LocalPasskey } from "./store/door.ts";
import type { Database } from "./store/migrations.ts";
import { dropWay, putWay } from "./ways.ts";

type Answer<Value> = Promise<Result<Value, EngineFailure>>;

/** What a browser keeps with a passkey of this account, and which it must not make twice. */
export const describePasskey = ({ record }: Pick<OpenAccount, "record">) => ({
  userHandle: uuidToBytes(record.userId),
  excludeIds: (record.passkeys ?? []).map(({ credentialId }) => credentialId),
});

/**
 * Lets a passkey open this device's lock, and bring the account to a new browser.
 *
 * Fails with `engine/password-first` (a passkey is never the only way, and this device must know the backup's key),
 * `engine/passkey-limit`, and the line's kinds.
 */
export async function addPasskey(
  deps: EngineDeps,
  database: Database,
  rest: Rest,
  account: OpenAccount,
  input: PasskeyInput,
): Answer<OpenAccount> {
  const { record } = account;
  const stored = record.backupKey == null ? null : await rest.call("GET", "/keys/backup", Backup);
  if (stored === null || record.backupKey == null) {
    wipe(input.prfOutput);
    return err({ kind: "engine/password-first" });
  }
  const isCurrent = stored.ok && stored.value.bk_gen === record.backupGeneration;
  const keys = keysOfPasskey(deps, record.userId, input);
  if (!stored.ok) return err(translated(stored.failure));
  if (!isCurrent) return err({ kind: "engine/password-first" });
  const owner = { accountId: record.userId, generation: record.backupGeneration };
  const method = { kind: "passkey-prf", methodId: keys.methodId } as const;
  const backupKey = seedOf(record.backupKey);
  const wrap = wrapBackupKey(deps.primitives, keys.kek, owner, method, backupKey);
  const put = await putWay(rest, "passkey", keys.way, bytesToBase64(wrap));
  if (!put.ok) return put;
  const local = localOf(deps, account, keys);
  return saveAccount(deps, database, { ...account, record: withPasskey(record, local) });
}

/** Takes a passkey away: at the relay, and from this device's lock. */
export async function removePasskey(
  deps: EngineDeps,
  database: Database,
  rest: Rest,
  account: OpenAccount,
  { id }: { readonly id: string },
): Answer<OpenAccount> {
  const dropped = await dropWay(rest, id);
  if (!dropped.ok) return dropped;
  const { record } = account;
  const passkeys = (record.passkeys ?? []).filter(({ methodId }) => methodId !== id);
  return saveAccount(deps, database, { ...account, record: { ...record, passkeys } });
}

/** The account without passkeys that the relay no longer takes; null where nothing changed or the line is not there. */
export async function forgetRemovedPasskeys(
  deps: EngineDeps,
  database: Database,
  rest: Rest,
  account: OpenAccount,
): Answer<OpenAccount | null> {
  const { record } = account;
  const here = record.passkeys ?? [];
  if (here.length === 0) return ok(null);
  const listed = await rest.page("/keys/ways", Way);
  if (!listed.ok) return ok(null);
  const known = new Set(listed.value.items.map(({ method_id }) => method_id));
  const passkeys = here.filter(({ methodId }) => known.has(methodId));
  if (passkeys.length === here.length) return ok(null);
  return saveAccount(deps, database, { ...account, record: { ...record, passkeys } });
}

/** Opens a locked door. Fails with `engine/bad-passkey`; needs no network. */
export async function unlockByPasskey(
  deps: EngineDeps,
  database: Database,
  greeting: Greeting,
  input: PasskeyInput,
): Answer<OpenAccount> {
  const bad = err<EngineFailure>({ kind: "engine/bad-passkey" });
  const { kek, methodId } = keysOfPasskey(deps, greeting.accountId as AccountId, input);
  const known = (greeting.passkeys ?? []).find((one) => one.methodId === bytesToBase64(methodId));
  const wrap = known === undefined ? null : base64ToBytes(known.wrap);
  if (wrap === null) return bad;
  const vaultKey = unwrapVaultKey(deps.primitives, kek, greeting.deviceId as DeviceId, wrap);
  if (!vaultKey.ok) return bad;
  await openDoor(database, deps.random, vaultKey.value);
  const account = await openAccount(deps, database, vaultKey.value);
  return account === null ? err({ kind: "engine/not-open" }) : ok(account);
}

/**
 * The account of a passkey, on a device that has none. The password stays what it was until this device sets a new
 * one, for which it needs no old one.
 *
 * Fails with `engine/bad-passkey` (removed, or of another server), `engine/bad-backup`, `engine/device-limit`.
 */
export async function signInByPasskey(
  deps: EngineDeps,
  database: Database,
  input: PasskeyInput & { readonly userHandle: Bytes },
): Answer<{ readonly account: OpenAccount; readonly backup: BackupContent }> {
  if (input.userHandle.length !== 16) return err({ kind: "engine/bad-passkey" });
  const userId = bytesToUuid<UserId>(input.userHandle);
  const { kek, methodId, way } = keysOfPasskey(deps, userId, input);
  const open = createRest({ ...deps, baseUrl: deps.origin, tokens: null });
  const shown = await open.call("POST", "/auth/prf", PasskeyLoggedIn, { user_id: userId, way });
  if (!shown.ok) {
    const { failure } = shown;
    return failure.kind === "peer/refused" && failure.code === "INVALID_CREDENTIALS"
      ? err({ kind: "engine/bad-passkey" })
      : err(translated(failure));
  }
  const { backup, handle, access_token } = shown.value;
  const wrap = shown.value.wrap === null ? null : base64ToBytes(shown.value.wrap);
  if (backup === null || wrap === null) return err({ kind: "engine/bad-backup" });
  const rest = restWith(deps, access_token);
  const ledger = await fetchAccount(deps, rest, userId);
  if (!ledger.ok) return ledger;
  const unlock = { kek, methodId, wrap };
  const read = readBackupByPasskey(deps.primitives, userId, ledger.value, backup, unlock);
  if (!read.ok) return err({ kind: "engine/bad-backup" });
  const enrolled = await enrolHere(deps, database, rest, ledger.value, {
    userId,
    handle,
    content: read.value.content,
    hasPassword: true,
    ...backupFacts(backup, read.value.backupKey),
    wayIn: way,
  });
  if (!enrolled.ok) return enrolled;
  const local = localOf(deps, enrolled.value, { kek, methodId, credentialId: input.credentialId });
  const record = withPasskey(enrolled.value.record, local);
  const saved = await saveAccount(deps, database, { ...enrolled.value, record });
  return saved.ok ? ok({ account: saved.value, backup: read.value.content }) : saved;
}

type PasskeyKeys = {
  readonly kek: Secret<Bytes>;
  readonly methodId: Bytes;
  readonly credentialId: Bytes;
  readonly way: WayProof;
};

/** What follows from a passkey's output, which is gone afterwards. */
function keysOfPasskey(
  { primitives }: EngineDeps,
  accountId: AccountId,
  { credentialId, prfOutput }: PasskeyInput,
): PasskeyKeys {
  const output = new Secret(prfOutput);
  const methodId = passkeyMethodId(primitives, credentialId);
  const auth = methodAuth(primitives, "passkey-prf", accountId, output);
  const keys = {
    kek: passkeyKek(primitives, accountId, output),
    methodId,
    credentialId,
    way: { method_id: bytesToBase64(methodId), auth_key: bytesToBase64(auth.reveal()) },
  };
  wipe(prfOutput);
  return keys;
}

const localOf = (
  { primitives }: EngineDeps,
  { record, vaultKey }: OpenAccount,
  { kek, methodId, credentialId }: Omit<PasskeyKeys, "way">,
): LocalPasskey => ({
  methodId: bytesToBase64(methodId),
  credentialId: bytesToBase64(credentialId),
  wrap: bytesToBase64(wrapVaultKey(primitives, kek, record.deviceId, vaultKey)),
});

const withPasskey = (record: AccountRecord, added: LocalPasskey): AccountRecord => ({
  ...record,
  passkeys: [
    ...(record.passkeys ?? []).filter(({ methodId }) => methodId !== added.methodId),
    added,
  ],
});
