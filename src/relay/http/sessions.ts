/** A fresh session: its tokens in the answer, its refresh token in a cookie that only `/auth` sees. */
import { setCookie } from "hono/cookie";
import { utf8 } from "#base/bytes.ts";
import type { DeviceId, UserId } from "#protocol/ids.ts";
import { ACCESS_TOKEN_LIFETIME_S, REFRESH_TOKEN_LIFETIME_S } from "#protocol/limits.ts";
import type { Tokens } from "#protocol/rest.ts";
import { makeCode, sha256 } from "../admission.ts";
import type { NewSession } from "../directory/account-commands.ts";
import type { Api, Http } from "./api.ts";

export const REFRESH_COOKIE = "refresh_token";
/** Where the cookie goes, and nowhere else. */
export const REFRESH_PATH = "/auth";

export function makeSession(
  api: Api,
  userId: UserId,
  deviceId: DeviceId | null,
): { readonly session: NewSession; readonly refreshToken: string } {
  const refreshToken = makeCode(api.random, 32);
  const session: NewSession = {
    sessionId: makeCode(api.random, 18),
    userId,
    deviceId,
    refreshHash: sha256(utf8(refreshToken)),
    expiresAt: api.clock.now() + REFRESH_TOKEN_LIFETIME_S * 1_000,
  };
  return { session, refreshToken };
}

export function setRefreshCookie(api: Api, http: Http, token: string): void {
  setCookie(http, REFRESH_COOKIE, token, {
    httpOnly: true,
    secure: api.secureCookies,
    sameSite: "Strict",
    path: REFRESH_PATH,
    maxAge: REFRESH_TOKEN_LIFETIME_S,
  });
}

export const tokensOf = async (
  api: Api,
  session: Pick<NewSession, "sessionId" | "userId" | "deviceId">,
): Promise<Tokens> => ({
  user_id: session.userId,
  device_id: session.deviceId,
  access_token: await api.admission.issueAccess(session),
  expires_in_seconds: ACCESS_TOKEN_LIFETIME_S,
});
