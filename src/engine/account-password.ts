/** The password of an account: stretched, checked, and what a new one changes. */
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import { err, ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import type { BackupContent } from "#crypto/backup-content.ts";
import type { AccountState } from "#crypto/ledger/account-state.ts";
import { checkPassword, derivePassword, type PasswordKeys } from "#crypto/password.ts";
import { createRest } from "#peer/rest.ts";
import type { UserId } from "#protocol/ids.ts";
import { AuthParams, LoggedIn, type Backup } from "#protocol/rest.ts";
import {
  fromWireParams,
  keysOf,
  makeBackup,
  type AccountRecord,
  type PasswordTerms,
} from "./account-keys.ts";
import type { EngineDeps } from "./deps.ts";
import { translated, type EngineFailure } from "./failure.ts";

/** A password's terms as the relay tells them. */
export const termsOf = (
  salt: string,
  params: Parameters<typeof fromWireParams>[0],
): PasswordTerms => ({
  salt: base64ToBytes(salt) ?? new Uint8Array(),
  params: fromWireParams(params),
});

/** The two keys of a password. Fails with `engine/weak-password` and crypto's kinds. */
export async function stretch(
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

/** Who a handle and its password let in, and what the relay keeps for them. */
export type Entered = {
  readonly userId: UserId;
  readonly backup: Backup;
  readonly terms: PasswordTerms;
  readonly password: PasswordKeys;
  /** Serves only to enrol a device. */
  readonly accessToken: string;
};

/** Shows the relay the password. Fails with `engine/wrong-password`, `engine/bad-backup` and the line's kinds. */
export async function enter(
  deps: EngineDeps,
  handle: string,
  text: string,
): Promise<Result<Entered, EngineFailure>> {
  const terms = await fetchTerms(deps, handle);
  if (!terms.ok) return terms;
  const password = await stretch(deps, handle, text, terms.value);
  if (!password.ok) return password;
  const rest = createRest({ ...deps, baseUrl: deps.origin, tokens: null });
  const logged = await rest.call("POST", "/auth/login", LoggedIn, {
    handle,
    auth_key: bytesToBase64(password.value.authKey.reveal()),
    device_id: null,
  });
  if (!logged.ok) return err(translated(logged.failure));
  const { user_id: userId, access_token: accessToken, backup } = logged.value;
  return backup === null
    ? err({ kind: "engine/bad-backup" })
    : ok({ userId, backup, terms: terms.value, password: password.value, accessToken });
}

/** A new password with fresh salt, and the backup under it. */
export async function secure(
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
export async function currentAuthKey(
  deps: EngineDeps,
  record: AccountRecord,
  current: string | null,
): Promise<Result<string | null, EngineFailure>> {
  if (!record.hasPassword) return ok(null);
  if (current === null) return err({ kind: "engine/wrong-password" });
  // Not those this device's lock goes by: the password may have been set on another one since.
  const terms = await fetchTerms(deps, record.handle);
  if (!terms.ok) return terms;
  const keys = await stretch(deps, record.handle, current, terms.value);
  return keys.ok
    ? ok(bytesToBase64(keys.value.authKey.reveal()))
    : err({ kind: "engine/wrong-password" });
}

/** What the relay says that the password of today is stretched with. */
async function fetchTerms(
  deps: EngineDeps,
  handle: string,
): Promise<Result<PasswordTerms, EngineFailure>> {
  const rest = createRest({ ...deps, baseUrl: deps.origin, tokens: null });
  const asked = await rest.call("POST", "/auth/params", AuthParams, { handle });
  return asked.ok
    ? ok(termsOf(asked.value.argon2_salt, asked.value.argon2_params))
    : err(translated(asked.failure));
}
