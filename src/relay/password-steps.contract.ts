/** Steps of tests in which a person has a password. */
import { randomBytes } from "node:crypto";
import { aRegistration, text64, type World } from "./relay-world.contract.ts";

export const ARGON2 = { m: 65_536, t: 3, p: 4 };

/** A registration with a password; its key is what logs in. */
export async function aPersonWithAPassword(world: World, handle: string) {
  const { request } = aRegistration(handle);
  const auth_key = text64(randomBytes(32));
  request.auth_key = auth_key;
  request.argon2_salt = text64(randomBytes(32));
  request.argon2_params = ARGON2;
  const registered = await world.rest("POST", "/auth/register", null, request);
  return { auth_key, request, registered };
}

export const aBackup = (device_id: string) => ({
  backup_a: text64(randomBytes(8)),
  backup_b: text64(randomBytes(8)),
  argon2_salt: text64(randomBytes(32)),
  argon2_params: ARGON2,
  public_key: "",
  signing_public_key: text64(randomBytes(32)),
  device_id,
  bk_gen: 1,
});

/** The first pair of a `Set-Cookie`. */
export const cookieOf = (headers: Headers): string =>
  (headers.get("set-cookie") ?? "").split(";")[0] ?? "";
