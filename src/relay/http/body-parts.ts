/** Pieces that several bodies have in common, as bytes. */
import { base64ToBytes } from "#base/base64.ts";
import type { Bytes } from "#base/bytes.ts";
import { ok, type Result } from "#base/result.ts";
import type { Device } from "#protocol/rest.ts";
import { sha256 } from "../admission.ts";
import type { NewDevice, PasswordFields } from "../directory/account-commands.ts";
import { decodeBase64 } from "../envelope-check.ts";
import { refuse, type RelayFailure } from "../failure.ts";

/** Bytes of every text, or null when one is not canonical base64. */
export function decodeAll(texts: readonly string[]): readonly Bytes[] | null {
  const decoded = texts.map(decodeBase64);
  return decoded.every((bytes) => bytes !== null) ? decoded : null;
}

/** A device as it is stored, or null when a part is not canonical base64. */
export function deviceParts(device: Device): NewDevice | null {
  const signingKey = decodeBase64(device.signing_public_key);
  const certificate = decodeBase64(device.certificate);
  if (signingKey === null || certificate === null) return null;
  return {
    deviceId: device.device_id,
    signingKey,
    certificate,
    nameSealed: device.name_sealed ?? null,
  };
}

/** What is kept of a password: all three or none. */
export function passwordFields(
  authKey: string | null,
  salt: string | null,
  params: { readonly m: number; readonly t: number; readonly p: number } | null,
): Result<PasswordFields | null, RelayFailure> {
  if (authKey === null && salt === null && params === null) return ok(null);
  const key = authKey === null ? null : base64ToBytes(authKey);
  if (key === null || salt === null || params === null)
    return refuse("BAD_REQUEST", { path: "auth_key" });
  return ok({ authHash: sha256(key), argon2Salt: salt, argon2Params: JSON.stringify(params) });
}
