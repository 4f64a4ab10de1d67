/** Signing up and in: by password, by the device's key, by the refresh cookie. SPEC P15. */
import { timingSafeEqual } from "node:crypto";
import { deleteCookie, getCookie } from "hono/cookie";
import { base64ToBytes } from "#base/base64.ts";
import { utf8 } from "#base/bytes.ts";
import type { UserId } from "#protocol/ids.ts";
import {
  CHALLENGE_LIFETIME_S,
  MAX_DEVICES_PER_HUMAN,
  MAX_FILE_BYTES,
  MAX_FRAME_BYTES,
  MAX_GROUP_MEMBERS,
  MAX_TEXT_UNITS,
  MIN_PASSWORD_CHARACTERS,
  RECALL_WINDOW_MS,
} from "#protocol/limits.ts";
import {
  AuthParamsBody,
  ChallengeBody,
  ChangePasswordBody,
  DeviceLoginBody,
  IdentityLoginBody,
  LoginBody,
  PasskeyLoginBody,
  RegisterBody,
  type WayProof,
} from "#protocol/rest.ts";
import { PROTOCOL } from "#protocol/version.ts";
import { makeCode, sha256 } from "../admission.ts";
import { deniedRefusal } from "../directory/password-commands.ts";
import { decodeBase64 } from "../envelope-check.ts";
import { refuse } from "../failure.ts";
import { answer, isoTime, type Api, type RelayApp, type Route } from "./api.ts";
import { decodeAll, deviceParts, passwordFields } from "./body-parts.ts";
import {
  makeSession,
  REFRESH_COOKIE,
  REFRESH_PATH,
  setRefreshCookie,
  tokensOf,
} from "./sessions.ts";

const DEFAULT_ARGON2 = { m: 65_536, t: 3, p: 4 };

export function serveAuth(app: RelayApp, api: Api): void {
  app.get("/auth/config", readConfig(api));

  app.post("/auth/params", readParams(api));

  app.post("/auth/register", register(api));

  app.post("/auth/login", login(api));

  app.post("/auth/challenge", makeChallenge(api));

  app.post("/auth/device", loginByDevice(api));

  app.post("/auth/identity", loginByIdentity(api));

  app.post("/auth/prf", loginByPasskey(api));

  app.post("/auth/refresh", refresh(api));

  app.post("/auth/logout", logout(api));

  app.get("/auth/me", readMe(api));

  app.post("/auth/change-protection-password", changePassword(api));

  for (const path of NOT_ENABLED)
    app.all(
      path,
      api.open(() => refuse("NOT_ENABLED")),
    );
}

/** Published names that need email or passkeys. */
const NOT_ENABLED = [
  "/auth/send-code",
  "/auth/login-code",
  "/auth/reset-password",
  "/auth/change-password",
  "/auth/passkey/*",
];

const readConfig = (api: Api): Route =>
  api.open(() =>
    answer({
      protocol: PROTOCOL,
      registration: api.registration.policy,
      email: false,
      turnstile_site_key: null,
      limits: {
        text_units: MAX_TEXT_UNITS,
        frame_bytes: MAX_FRAME_BYTES,
        file_bytes: MAX_FILE_BYTES,
        devices: MAX_DEVICES_PER_HUMAN,
        group_members: MAX_GROUP_MEMBERS,
        password_characters: MIN_PASSWORD_CHARACTERS,
        recall_window_ms: RECALL_WINDOW_MS,
      },
    }),
  );

const readParams = (api: Api): Route =>
  api.open(async (http) => {
    const body = await api.body(http, AuthParamsBody);
    if (!body.ok) return body;
    const user = await api.directory.userByHandle(body.value.handle);
    const madeUp = Buffer.from(api.admission.madeUpSalt(body.value.handle)).toString("base64");
    return answer({
      argon2_salt: user?.argon2_salt ?? madeUp,
      argon2_params:
        user?.argon2_params == null ? DEFAULT_ARGON2 : (JSON.parse(user.argon2_params) as unknown),
    });
  }, "login");

const register = (api: Api): Route =>
  api.open(
    async (http) => {
      const body = await api.body(http, RegisterBody);
      if (!body.ok) return body;
      const { user_id, device, auth_key, argon2_salt, argon2_params } = body.value;
      const { policy, code } = api.registration;
      if (
        policy === "closed" ||
        (policy === "invite" && !isSameText(body.value.registration_code, code))
      ) {
        return refuse("REGISTRATION_CLOSED");
      }
      const ledger = decodeAll(body.value.account_ledger);
      const parts = deviceParts(device);
      if (ledger === null || parts === null)
        return refuse("BAD_REQUEST", { path: "account_ledger" });
      const password = passwordFields(auth_key, argon2_salt, argon2_params);
      if (!password.ok) return password;
      const { session, refreshToken } = makeSession(api, user_id, device.device_id);
      const registered = await api.writer.run("registerUser", {
        now: api.clock.now(),
        userId: user_id,
        handle: body.value.handle,
        displayName: body.value.display_name,
        identityKey: decodeBase64(body.value.identity_key) ?? new Uint8Array(),
        password: password.value,
        ledger,
        device: parts,
        backup: body.value.backup,
        session,
      });
      if (!registered.ok) return registered;
      setRefreshCookie(api, http, refreshToken);
      return answer(await tokensOf(api, session));
    },
    "register",
    201,
  );

const login = (api: Api): Route =>
  api.open(async (http) => {
    const body = await api.body(http, LoginBody);
    if (!body.ok) return body;
    const { handle, auth_key, device_id } = body.value;
    const { session, refreshToken } = makeSession(api, "" as UserId, device_id);
    const authHash = sha256(base64ToBytes(auth_key) ?? new Uint8Array());
    const login = await api.writer.run("login", {
      now: api.clock.now(),
      handle,
      authHash,
      session,
    });
    if (!login.ok) return login;
    if (login.value.outcome !== "in") return deniedRefusal(login.value, api.clock.now());
    const { userId } = login.value;
    setRefreshCookie(api, http, refreshToken);
    const tokens = await tokensOf(api, { ...session, userId });
    return answer({ ...tokens, backup: await api.directory.backup(userId) });
  }, "login");

const makeChallenge = (api: Api): Route =>
  api.open(async (http) => {
    const body = await api.body(http, ChallengeBody);
    if (!body.ok) return body;
    const challenge = await api.admission.makeChallenge(body.value.device_id);
    return answer({ challenge, expires_in_seconds: CHALLENGE_LIFETIME_S });
  }, "restByAddress");

const loginByDevice = (api: Api): Route =>
  api.open(async (http) => {
    const body = await api.body(http, DeviceLoginBody);
    if (!body.ok) return body;
    const { device_id, challenge } = body.value;
    const signature = base64ToBytes(body.value.signature) ?? new Uint8Array();
    const checked = await api.admission.checkChallenge({
      deviceId: device_id,
      challenge,
      signature,
    });
    if (!checked.ok) return checked;
    const { session, refreshToken } = makeSession(api, checked.value.userId, device_id);
    const started = await api.writer.run("startSession", { now: api.clock.now(), session });
    if (!started.ok) return started;
    setRefreshCookie(api, http, refreshToken);
    return answer(await tokensOf(api, session));
  }, "restByAddress");

// Like a login by password: what it gives serves only to enrol this browser.
const loginByIdentity = (api: Api): Route =>
  api.open(async (http) => {
    const body = await api.body(http, IdentityLoginBody);
    if (!body.ok) return body;
    const { user_id: userId, challenge } = body.value;
    const signature = base64ToBytes(body.value.signature) ?? new Uint8Array();
    const way = shownWay(body.value.way);
    const checked = await api.admission.checkIdentity({ userId, challenge, signature, way });
    if (!checked.ok) return checked;
    const { session, refreshToken } = makeSession(api, userId, null);
    const started = await api.writer.run("startSession", { now: api.clock.now(), session });
    if (!started.ok) return started;
    setRefreshCookie(api, http, refreshToken);
    return answer(await tokensOf(api, session));
  }, "login");

// Like a login by password: the backup, and a token to enrol this browser.
const loginByPasskey = (api: Api): Route =>
  api.open(async (http) => {
    const body = await api.body(http, PasskeyLoginBody);
    if (!body.ok) return body;
    const { user_id: userId } = body.value;
    const way = await api.admission.checkPasskey(userId, shownWay(body.value.way));
    if (!way.ok) return way;
    const user = await api.directory.user(userId);
    if (user === null) return refuse("INVALID_CREDENTIALS");
    const { session, refreshToken } = makeSession(api, userId, null);
    const started = await api.writer.run("startSession", { now: api.clock.now(), session });
    if (!started.ok) return started;
    setRefreshCookie(api, http, refreshToken);
    const backup = await api.directory.backup(userId);
    const { wrap } = way.value;
    return answer({ ...(await tokensOf(api, session)), backup, wrap, handle: user.handle });
  }, "login");

const shownWay = ({ method_id, auth_key }: WayProof) => ({
  methodId: method_id,
  authKey: base64ToBytes(auth_key) ?? new Uint8Array(),
});

const refresh = (api: Api): Route =>
  api.open(async (http) => {
    const token = getCookie(http, REFRESH_COOKIE);
    if (token === undefined) return refuse("UNAUTHENTICATED");
    const next = makeCode(api.random, 32);
    const hashes = { tokenHash: sha256(utf8(token)), nextHash: sha256(utf8(next)) };
    const refreshed = await api.writer.run("refreshSession", { now: api.clock.now(), ...hashes });
    if (!refreshed.ok) return refreshed;
    if (refreshed.value === null) return refuse("UNAUTHENTICATED");
    const { sessionId, userId } = refreshed.value;
    if ("reused" in refreshed.value) {
      api.relay.endSessions(userId, { which: "one", sessionId }, "refresh_reuse");
      deleteCookie(http, REFRESH_COOKIE, { path: REFRESH_PATH });
      return refuse("UNAUTHENTICATED");
    }
    if (refreshed.value.rotated) setRefreshCookie(api, http, next);
    return answer(await tokensOf(api, refreshed.value));
  });

const logout = (api: Api): Route =>
  api.enrolling(async (http, who) => {
    deleteCookie(http, REFRESH_COOKIE, { path: REFRESH_PATH });
    const ended = await api.writer.run("endSession", { sessionId: who.sessionId });
    if (!ended.ok) return ended;
    api.relay.endSessions(who.userId, { which: "one", sessionId: who.sessionId }, "logout");
    return answer({});
  });

const readMe = (api: Api): Route =>
  api.enrolling(async (_http, who) => {
    const user = await api.directory.user(who.userId);
    const session = await api.directory.session(who.sessionId);
    if (user === null || session === null) return refuse("UNAUTHENTICATED");
    const { user_id, handle, display_name } = user;
    const session_expires_at = isoTime(session.expires_at);
    return answer({ user_id, handle, display_name, device_id: who.deviceId, session_expires_at });
  });

const changePassword = (api: Api): Route =>
  api.human(async (http, who) => {
    const body = await api.body(http, ChangePasswordBody);
    if (!body.ok) return body;
    const { auth_key, new_auth_key, argon2_salt, argon2_params, backup } = body.value;
    const way = body.value.way && shownWay(body.value.way);
    const next = passwordFields(new_auth_key, argon2_salt, argon2_params);
    if (!next.ok || next.value === null) return refuse("BAD_REQUEST", { path: "new_auth_key" });
    const oldKey = auth_key === null ? null : base64ToBytes(auth_key);
    const changed = await api.writer.run("changePassword", {
      now: api.clock.now(),
      userId: who.userId,
      sessionId: who.sessionId,
      authHash: oldKey === null ? null : sha256(oldKey),
      way: way && { methodId: way.methodId, authHash: sha256(way.authKey) },
      next: next.value,
      backup,
    });
    if (!changed.ok) return changed;
    if (changed.value.outcome !== "changed") return deniedRefusal(changed.value, api.clock.now());
    const ended = { which: "others", sessionId: who.sessionId } as const;
    api.relay.endSessions(who.userId, ended, "password_changed");
    return answer({});
  });

/** Takes the same time wherever the texts differ. */
const isSameText = (given: string | undefined, expected: string | null): boolean =>
  expected !== null &&
  given !== undefined &&
  timingSafeEqual(sha256(utf8(given)), sha256(utf8(expected)));
