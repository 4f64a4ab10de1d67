/**
 * Who may come in: access tokens of people, tokens of agents, signatures of devices. Knows no socket and no route.
 * Secrets at rest are hashes; the signing key is the relay's own file. SPEC P15, P47.
 */
import {
  createHash,
  createHmac,
  createPublicKey,
  timingSafeEqual,
  verify as verifySignature,
} from "node:crypto";
import { errors, jwtVerify, SignJWT, type JWTPayload } from "jose";
import { bytesToBase64Url } from "#base/base64.ts";
import { utf8, type Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import type { RandomBytes } from "#base/random.ts";
import { ok, type Result } from "#base/result.ts";
import type { Secret } from "#base/secret.ts";
import { parseId, type DeviceId, type UserId } from "#protocol/ids.ts";
import { ACCESS_TOKEN_LIFETIME_S } from "#protocol/limits.ts";
import { deviceChallengeText, identityChallengeText, type WayKind } from "#protocol/rest.ts";
import type { Directory } from "./directory/directory.ts";
import type { AgentRow, WayRow } from "./directory/rows.ts";
import type { Tickets } from "./nodes/tickets.ts";
import { createChallenges } from "./challenges.ts";
import { refuse, type RelayFailure } from "./failure.ts";

/** A person's session, as an access token proves it. */
export type HumanLogin = {
  readonly userId: UserId;
  /** Null: may only enrol a device. */
  readonly deviceId: DeviceId | null;
  readonly sessionId: string;
  readonly expiresAt: number;
};

/** A way into an account as somebody shows it; `authKey` 32 bytes. */
export type ShownWay = { readonly methodId: string; readonly authKey: Bytes };

export interface Admission {
  issueAccess(session: {
    sessionId: string;
    userId: UserId;
    deviceId: DeviceId | null;
  }): Promise<string>;
  /** Fails with `TOKEN_EXPIRED`, `UNAUTHENTICATED` (forged, or its session ended). */
  checkAccess(token: string): Promise<Result<HumanLogin, RelayFailure>>;
  /** Fails with `UNAUTHENTICATED`, `FORBIDDEN` (agent blocked). */
  checkAgent(token: string): Promise<Result<AgentRow, RelayFailure>>;
  makeChallenge(deviceId: DeviceId): Promise<string>;
  /** Uses the challenge up, whatever comes of it. */
  checkChallenge(login: {
    readonly deviceId: DeviceId;
    readonly challenge: string;
    readonly signature: Bytes;
  }): Promise<Result<{ readonly userId: UserId }, RelayFailure>>;
  /**
   * Whether a person's identity key signed a challenge that was made under their id, and their newest recovery code
   * was shown. Everybody who is refused is refused alike, after the same work.
   */
  checkIdentity(login: {
    readonly userId: UserId;
    readonly challenge: string;
    readonly signature: Bytes;
    readonly way: ShownWay;
  }): Promise<Result<null, RelayFailure>>;
  /** The passkey of this person that was shown. Fails with `INVALID_CREDENTIALS`, whatever was wrong. */
  checkPasskey(userId: UserId, way: ShownWay): Promise<Result<WayRow, RelayFailure>>;
  /** The same made-up salt for the same unknown handle, always. */
  madeUpSalt(handle: string): Bytes;
}

/** What is kept of a token or a password's proof. */
export const sha256 = (bytes: Uint8Array): Bytes =>
  new Uint8Array(createHash("sha256").update(bytes).digest());

/** Stands in for the key of who is not here, so that checking costs the same. It lets nobody in. */
const NOBODYS_KEY: Bytes = new Uint8Array(
  Buffer.from("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "hex"),
);
const NOBODYS_HASH: Bytes = new Uint8Array(32);

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const AGENT_TOKEN = /^hsk_[0-9A-Za-z]{40}$/;

/** A fresh agent token: 238 random bits, shown once. */
export function makeAgentToken(random: RandomBytes): string {
  let token = "hsk_";
  while (token.length < 44) {
    // Bytes from 248 up are skipped: they would favour the first letters.
    for (const byte of random(48)) if (byte < 248 && token.length < 44) token += BASE62[byte % 62];
  }
  return token;
}

export const agentTokenHash = (token: string): Bytes => sha256(utf8(token));

/** A fresh code or token for a link or a cookie: 144 or 256 random bits. */
export const makeCode = (random: RandomBytes, sizeBytes: 18 | 32): string =>
  bytesToBase64Url(random(sizeBytes));

export function createAdmission(needs: {
  readonly directory: Directory;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly tickets: Tickets;
  readonly secret: Secret<Bytes>;
  /** Origins a device may sign in from: it signs the one it sees. */
  readonly origins: () => readonly string[];
}): Admission {
  const { directory, clock, random } = needs;
  const derive = (use: string): Bytes =>
    new Uint8Array(createHmac("sha256", needs.secret.reveal()).update(use).digest());
  const tokenKey = derive("access-token");
  const saltKey = derive("made-up-salt");
  const challenges = createChallenges(needs.tickets, clock, random);

  return {
    issueAccess({ sessionId, userId, deviceId }) {
      const issuedAt = Math.floor(clock.now() / 1_000);
      return new SignJWT({ sid: sessionId, did: deviceId })
        .setProtectedHeader({ alg: "HS256" })
        .setSubject(userId)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + ACCESS_TOKEN_LIFETIME_S)
        .sign(tokenKey);
    },

    async checkAccess(token) {
      const claims = await readClaims(token, tokenKey, clock.now());
      if (!claims.ok) return claims;
      const { sub, sid, did, exp } = claims.value;
      const session = typeof sid === "string" ? await directory.session(sid) : null;
      if (session === null || session.user_id !== sub) return refuse("UNAUTHENTICATED");
      return ok({
        userId: session.user_id,
        deviceId: parseId<DeviceId>(did),
        sessionId: session.session_id,
        expiresAt: (exp ?? 0) * 1_000,
      });
    },

    async checkAgent(token) {
      const agent = AGENT_TOKEN.test(token)
        ? await directory.agentByToken(agentTokenHash(token))
        : null;
      if (agent === null) return refuse("UNAUTHENTICATED");
      return agent.governance === "blocked" ? refuse("FORBIDDEN") : ok(agent);
    },

    makeChallenge: challenges.make,

    async checkChallenge({ deviceId, challenge, signature }) {
      const isOurs = await challenges.use(challenge, deviceId);
      const device = await directory.device(deviceId);
      if (!isOurs || device === null || device.revoked_at !== null)
        return refuse("INVALID_CREDENTIALS");
      const userId = device.user_id;
      const isSigned = needs.origins().some((origin) => {
        const text = deviceChallengeText({ origin, userId, deviceId, challenge });
        return isSignedBy(device.signing_key, utf8(text), signature);
      });
      return isSigned ? ok({ userId }) : refuse("INVALID_CREDENTIALS");
    },

    async checkIdentity({ userId, challenge, signature, way }) {
      const isOurs = await challenges.use(challenge, userId as string as DeviceId);
      // A stranger's id costs what a known one does, or the time would tell who is here.
      const key = (await directory.user(userId))?.identity_key ?? NOBODYS_KEY;
      const isSigned = needs.origins().map((origin) => {
        const text = identityChallengeText({ origin, userId, challenge });
        return isSignedBy(key, utf8(text), signature);
      });
      const isNewest = (await knownWay(directory, userId, "recovery-code", way)) !== null;
      return isOurs && isNewest && key !== NOBODYS_KEY && isSigned.includes(true)
        ? ok(null)
        : refuse("INVALID_CREDENTIALS");
    },

    async checkPasskey(userId, way) {
      const row = await knownWay(directory, userId, "passkey", way);
      return row === null ? refuse("INVALID_CREDENTIALS") : ok(row);
    },

    madeUpSalt: (handle) => new Uint8Array(createHmac("sha256", saltKey).update(handle).digest()),
  };
}

async function knownWay(
  directory: Directory,
  userId: UserId,
  method: WayKind,
  { methodId, authKey }: ShownWay,
): Promise<WayRow | null> {
  const ways = await directory.waysOf(userId);
  const row = ways.find((one) => one.method === method && one.method_id === methodId);
  const isShown = timingSafeEqual(row?.auth_hash ?? NOBODYS_HASH, sha256(authKey));
  return isShown ? (row ?? null) : null;
}

async function readClaims(
  token: string,
  key: Bytes,
  now: number,
): Promise<Result<JWTPayload, RelayFailure>> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ["HS256"],
      currentDate: new Date(now),
      requiredClaims: ["sub", "sid", "exp"],
    });
    return ok(payload);
  } catch (fault) {
    return refuse(fault instanceof errors.JWTExpired ? "TOKEN_EXPIRED" : "UNAUTHENTICATED");
  }
}

function isSignedBy(publicKey: Bytes, message: Bytes, signature: Bytes): boolean {
  try {
    const key = createPublicKey({
      key: { kty: "OKP", crv: "Ed25519", x: bytesToBase64Url(publicKey) },
      format: "jwk",
    });
    return verifySignature(null, message, key, signature);
  } catch {
    // Bytes that are no point of the curve.
    return false;
  }
}
