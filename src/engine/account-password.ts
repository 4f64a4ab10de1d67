/** The password of an account: stretched, checked, and what a new one changes. */
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import { err, ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import type { BackupContent } from "#crypto/backup-content.ts";
import type { AccountState } from "#crypto/ledger/account-state.ts";
import { checkPassword, derivePassword, type PasswordKeys } from "#crypto/password.ts";
import { createRest } from "#peer/rest.ts";
import { AuthParams } from "#protocol/rest.ts";
import {
  fromWireParams,
  keysOf,
  makeBackup,
  type AccountRecord,
  type PasswordTerms,
} from "./account-keys.ts";
import type { EngineDeps } from "./deps.ts";
import { translated, type EngineFailure } from "./failure.ts";
import { viewDoor } from "./store/door.ts";
import type { Database } from "./store/migrations.ts";

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
  database: Database,
  record: AccountRecord,
  current: string | null,
): Promise<Result<string | null, EngineFailure>> {
  if (!record.hasPassword) return ok(null);
  const door = await viewDoor(database);
  const greeting = door.status === "none" ? null : door.greeting;
  const salt = greeting?.salt == null ? null : base64ToBytes(greeting.salt);
  if (current === null) return err({ kind: "engine/wrong-password" });
  const terms =
    salt === null || greeting?.params == null
      ? await fetchTerms(deps, record.handle)
      : ok({ salt, params: greeting.params });
  if (!terms.ok) return terms;
  const keys = await stretch(deps, record.handle, current, terms.value);
  return keys.ok
    ? ok(bytesToBase64(keys.value.authKey.reveal()))
    : err({ kind: "engine/wrong-password" });
}

/** A device that came by a recovery file has never seen the password: the relay knows what it was stretched with. */
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
