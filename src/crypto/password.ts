/**
 * One protection password, split into what logs in and what wraps keys. The second never leaves the
 * endpoint; the relay's origin in the salt keeps one relay from using a login at another. SPEC C38.
 */
import { utf8, wipe, type Bytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import { enc } from "#protocol/encoding.ts";
import { MIN_PASSWORD_CHARACTERS } from "#protocol/limits.ts";

import type { CryptoFailure } from "./failure.ts";
import { LABEL } from "./labels.ts";
import { ARGON2_CEILING, ARGON2_FLOOR, MAX_PASSWORD_BYTES } from "./limits.ts";
import type { Argon2Params, Primitives } from "./primitives.ts";

/** What a password is stretched with. */
export type PasswordInput = {
  readonly password: Secret<string>;
  /** Origin of the relay, as `https://host[:port]`. */
  readonly origin: string;
  /** The login name as the relay stores it. */
  readonly login: string;
  /** 32 random bytes, kept by the relay. */
  readonly salt: Bytes;
  readonly params: Argon2Params;
};

/** Shapes: both 32 bytes. `authKey` goes to the relay, `kek` stays. */
export type PasswordKeys = { readonly authKey: Secret<Bytes>; readonly kek: Secret<Bytes> };

/**
 * The two keys of a password; takes a second or more.
 *
 * Fails with `crypto/password-not-text`, `crypto/password-too-short`, `crypto/password-too-long` and
 * `crypto/password-cost-refused` (under the floor or over the ceiling, whoever asks).
 */
export async function derivePassword(
  primitives: Primitives,
  { password, origin, login, salt, params }: PasswordInput,
): Promise<Result<PasswordKeys, CryptoFailure>> {
  if (!isCostAllowed(params)) return err({ kind: "crypto/password-cost-refused" });
  if (salt.length !== 32) return err({ kind: "crypto/malformed" });
  const normal = normalPassword(password.reveal());
  if (!normal.ok) return normal;

  const argonSalt = primitives.sha256(enc(LABEL.passwordSalt, utf8(origin), utf8(login), salt));
  const root = await primitives.argon2id(normal.value, argonSalt, params, 32);
  const derive = (label: string) =>
    new Secret(primitives.hkdfExpand(root, enc(label, utf8(login)), 32));
  const keys = { authKey: derive(LABEL.passwordAuth), kek: derive(LABEL.passwordKek) };
  wipe(root, normal.value);
  return ok(keys);
}

/** Whether a password is acceptable, without stretching it. Fails as {@link derivePassword} does. */
export function checkPassword(password: Secret<string>): Result<true, CryptoFailure> {
  const normal = normalPassword(password.reveal());
  if (!normal.ok) return normal;
  wipe(normal.value);
  return ok(true);
}

/** Nothing is trimmed; NFC makes the same characters the same bytes on every keyboard. */
function normalPassword(typed: string): Result<Bytes, CryptoFailure> {
  // Checked before normalising as well, which is slow on long text.
  if (typed.length > MAX_PASSWORD_BYTES) {
    return err({ kind: "crypto/password-too-long", maxSizeBytes: MAX_PASSWORD_BYTES });
  }
  if (!typed.isWellFormed()) return err({ kind: "crypto/password-not-text" });
  const text = typed.normalize("NFC");
  const bytes = utf8(text);
  if (bytes.length > MAX_PASSWORD_BYTES) {
    return err({ kind: "crypto/password-too-long", maxSizeBytes: MAX_PASSWORD_BYTES });
  }
  if (Array.from(text).length < MIN_PASSWORD_CHARACTERS) {
    return err({ kind: "crypto/password-too-short", minCodePoints: MIN_PASSWORD_CHARACTERS });
  }
  return ok(bytes);
}

function isCostAllowed(params: Argon2Params): boolean {
  return (["memoryKiB", "passes", "lanes"] as const).every(
    (name) =>
      Number.isInteger(params[name]) &&
      params[name] >= ARGON2_FLOOR[name] &&
      params[name] <= ARGON2_CEILING[name],
  );
}
