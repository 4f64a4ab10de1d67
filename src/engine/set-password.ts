/** Setting or replacing an account's password: login secret, backup and lock together. SPEC §recovery. */
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { BackupContent } from "#crypto/backup-content.ts";
import type { Rest } from "#peer/rest.ts";
import { Backup, Empty } from "#protocol/rest.ts";
import { backupFacts, readBackup, type AccountRecord } from "./account-keys.ts";
import { appendOwn, fetchAccount } from "./account-ledger.ts";
import { currentAuthKey, enter, secure } from "./account-password.ts";
import { keep, putAccount, type OpenAccount } from "./account-vault.ts";
import type { EngineDeps } from "./deps.ts";
import { translated, type EngineFailure } from "./failure.ts";
import type { Database } from "./store/migrations.ts";

/**
 * Sets or replaces the password: login secret, backup and lock change together. A device that came in without the
 * password shows the way it came by instead of the old one.
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
  const record = await withStoredGeneration(rest, account.record);
  const way = input.current === null ? (record.wayIn ?? null) : null;
  const before = way === null ? await currentAuthKey(deps, record, input.current) : ok(null);
  if (!before.ok) return before;
  const ledger = await fetchAccount(deps, rest, record.userId);
  if (!ledger.ok) return ledger;
  const secured = await secure(deps, record, ledger.value, input.next, content);
  if (!secured.ok) return secured;
  const { backup, terms, password, version, generation, backupKey, hash } = secured.value;
  const changed = await rest.call("POST", "/auth/change-protection-password", Empty, {
    auth_key: before.value,
    way,
    new_auth_key: bytesToBase64(password.authKey.reveal()),
    argon2_salt: backup.argon2_salt,
    argon2_params: backup.argon2_params,
    backup,
  });
  if (!changed.ok) return err(translated(changed.failure));
  // From here on the new password is the one: what is missing in the ledger is made up for later.
  const next = {
    ...record,
    hasPassword: true,
    backupVersion: version,
    backupGeneration: generation,
    backupKey: bytesToBase64(backupKey.reveal()),
    wayIn: null,
    pendingBackup: { version, hash: bytesToBase64(hash) },
  };
  const kept = await keep(deps, database, { ...account, record: next }, { terms, password });
  return kept.ok ? ok(await nameBackup(deps, rest, kept.value)) : kept;
}

/**
 * Takes the password that the relay and the backup go by: the lock is fitted to it, and the backup's key is known.
 *
 * Fails with `engine/wrong-password`, `engine/account-locked`, `engine/bad-backup` and the line's kinds.
 */
export async function knowPassword(
  deps: EngineDeps,
  database: Database,
  rest: Rest,
  account: OpenAccount,
  text: string,
): Promise<Result<OpenAccount, EngineFailure>> {
  const { handle, userId } = account.record;
  const entered = await enter(deps, handle, text);
  if (!entered.ok) return entered;
  const { terms, password, backup } = entered.value;
  const ledger = await fetchAccount(deps, rest, userId);
  if (!ledger.ok) return ledger;
  const read = readBackup(deps.primitives, userId, ledger.value, backup, password);
  if (!read.ok) return read;
  const facts = backupFacts(backup, read.value.backupKey);
  const record = { ...account.record, hasPassword: true, ...facts };
  return keep(deps, database, { ...account, record }, { terms, password });
}

/** Another device may have begun a new generation: then the key known here is of no backup any more. */
async function withStoredGeneration(rest: Rest, record: AccountRecord): Promise<AccountRecord> {
  const stored = await rest.call("GET", "/keys/backup", Backup);
  if (!stored.ok || stored.value.bk_gen === record.backupGeneration) return record;
  const backupGeneration = Math.max(stored.value.bk_gen, record.backupGeneration);
  return { ...record, backupGeneration, backupKey: null };
}

/** Names a new backup in the account's ledger; without a line, or in a race, the account comes back as it was. */
export async function nameBackup(
  deps: EngineDeps,
  rest: Rest,
  account: OpenAccount,
): Promise<OpenAccount> {
  const { record, store } = account;
  if (record.pendingBackup === null) return account;
  const { version, hash } = record.pendingBackup;
  const named = await appendOwn(deps, rest, record, (ledger) =>
    (ledger.backup?.version ?? 0) < version
      ? { type: "backup", version, hash: base64ToBytes(hash) ?? new Uint8Array() }
      : null,
  );
  if (!named.ok) return account;
  const next = { ...account, record: { ...record, pendingBackup: null } };
  await store.commit({ puts: [putAccount(next.record)] });
  return next;
}
