/**
 * Coming into being and signing in: a person's account with its first device, a further device, an agent's keys, and
 * the tokens of each. Private keys stay with the caller; what leaves is signed or public.
 */
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import { equalBytes, utf8, type Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import { err, ok, type Result } from "#base/result.ts";
import { bytesToHex } from "#base/bytes.ts";
import { fingerprint, type Signer } from "#crypto/identity.ts";
import { appendAccount, startAccount } from "#crypto/ledger/account.ts";
import { replayAccount } from "#crypto/ledger/account-replay.ts";
import type { AccountState } from "#crypto/ledger/account-state.ts";
import type { Primitives } from "#crypto/primitives.ts";
import type { AgentId, DeviceId, UserId } from "#protocol/ids.ts";
import {
  AgentKeys,
  Challenge,
  deviceChallengeText,
  RegisteredKeys,
  Tokens as TokensAnswer,
  type Backup,
  type RegisterBody,
} from "#protocol/rest.ts";
import * as v from "valibot";
import type { PeerFailure } from "./failure.ts";
import { accountPut } from "./keyring.ts";
import type { Rest, Tokens } from "./rest.ts";
import type { Put } from "./store.ts";

export type DeviceLogin = {
  /** Origin of the relay as the browser sees it; the signature is bound to it. */
  readonly origin: string;
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  readonly signer: Signer;
};

/** A new account: its ledger, and the record an endpoint's store must hold before the endpoint first starts. */
export type NewAccount = {
  readonly tokens: v.InferOutput<typeof TokensAnswer>;
  readonly state: AccountState;
  readonly entries: readonly Bytes[];
  readonly put: Put;
};

/**
 * Makes a person's account with its first device and registers it.
 *
 * Shapes: `identity` signs the card and the device, and is needed again only to add a device.
 * Fails as {@link Rest} does: `peer/refused` with `HANDLE_TAKEN`, `REGISTRATION_CLOSED` …
 */
export async function registerAccount(
  rest: Rest,
  primitives: Primitives,
  options: {
    readonly userId: UserId;
    readonly deviceId: DeviceId;
    readonly identity: Signer;
    readonly device: Signer;
    readonly handle: string;
    readonly displayName: string;
    /** Null: the password is set later. */
    readonly password: {
      readonly authKey: Bytes;
      readonly salt: Bytes;
      readonly params: { readonly m: number; readonly t: number; readonly p: number };
      readonly backup: Backup;
    } | null;
    readonly registrationCode?: string;
    readonly createdAt: number;
  },
): Promise<Result<NewAccount, PeerFailure>> {
  const { userId, deviceId, identity, device, password, createdAt } = options;
  const account = await startAccount(primitives, {
    accountId: userId,
    kind: "human",
    identity,
    mode: "session",
    suiteFloor: 1,
    bootstrapKey: null,
    createdAt,
  });
  const added = await appendAccount(primitives, account.state, {
    actorDeviceId: null,
    signer: identity,
    op: { type: "device-add", deviceId, signingKey: device.publicKey },
    createdAt,
  });
  if (!added.ok) return err({ kind: "peer/bad-ledger", because: added.failure.kind });
  const entries = [account.entry, added.value.entry];
  const body: RegisterBody = {
    user_id: userId,
    handle: options.handle,
    display_name: options.displayName,
    auth_key: password && bytesToBase64(password.authKey),
    argon2_salt: password && bytesToBase64(password.salt),
    argon2_params: password && password.params,
    identity_key: bytesToBase64(identity.publicKey),
    account_ledger: entries.map(bytesToBase64),
    device: {
      device_id: deviceId,
      signing_public_key: bytesToBase64(device.publicKey),
      certificate: bytesToBase64(added.value.entry),
    },
    backup: password && password.backup,
    ...(options.registrationCode === undefined
      ? {}
      : { registration_code: options.registrationCode }),
  };
  const tokens = await rest.call("POST", "/auth/register", TokensAnswer, body);
  if (!tokens.ok) return tokens;
  const put = accountPut(userId, entries, identity.publicKey);
  return ok({ tokens: tokens.value, state: added.value.state, entries, put });
}

/**
 * Adds this device to an account whose identity key was just opened from its backup.
 *
 * Shapes: `rest` carries the token of the password login; `state` is the account as replayed from the relay.
 * Fails with `peer/refused` `DEVICE_LIMIT`, `LEDGER_CONFLICT` …
 */
export async function enrolDevice(
  rest: Rest,
  primitives: Primitives,
  options: {
    readonly state: AccountState;
    readonly deviceId: DeviceId;
    readonly identity: Signer;
    readonly device: Signer;
    /** For the person's own list of devices; sealed by the caller. */
    readonly nameSealed?: Bytes;
    readonly createdAt: number;
  },
): Promise<
  Result<
    { readonly tokens: v.InferOutput<typeof TokensAnswer>; readonly entry: Bytes },
    PeerFailure
  >
> {
  const { state, deviceId, device } = options;
  const added = await appendAccount(primitives, state, {
    actorDeviceId: null,
    signer: options.identity,
    op: { type: "device-add", deviceId, signingKey: device.publicKey },
    createdAt: options.createdAt,
  });
  if (!added.ok) return err({ kind: "peer/bad-ledger", because: added.failure.kind });
  const { entry } = added.value;
  const tokens = await rest.call("POST", "/users/me/devices", TokensAnswer, {
    device: {
      device_id: deviceId,
      signing_public_key: bytesToBase64(device.publicKey),
      certificate: bytesToBase64(entry),
      ...(options.nameSealed === undefined
        ? {}
        : { name_sealed: bytesToBase64(options.nameSealed) }),
    },
    ledger_seq: state.seq + 1,
    prev_hash: bytesToBase64(state.head),
  });
  return tokens.ok ? ok({ tokens: tokens.value, entry }) : tokens;
}

/** Signs in by the device's key: no password, no cookie. Fails with `peer/unauthenticated` when the device is gone. */
export async function deviceLogin(
  rest: Rest,
  login: DeviceLogin,
): Promise<Result<v.InferOutput<typeof TokensAnswer>, PeerFailure>> {
  const { origin, userId, deviceId, signer } = login;
  const asked = await rest.call("POST", "/auth/challenge", Challenge, { device_id: deviceId });
  if (!asked.ok) return signInFailure(asked.failure);
  const { challenge } = asked.value;
  const signature = await signer.sign(
    utf8(deviceChallengeText({ origin, userId, deviceId, challenge })),
  );
  const answer = await rest.call("POST", "/auth/device", TokensAnswer, {
    device_id: deviceId,
    challenge,
    signature: bytesToBase64(signature),
  });
  return answer.ok ? answer : signInFailure(answer.failure);
}

/** A token this close to its end is renewed first. */
const TOKEN_MARGIN_MS = 20_000;

/** Tokens by device login: one login at a time, its token used until shortly before its end. */
export function createDeviceTokens(options: {
  readonly rest: Rest;
  readonly clock: Clock;
  readonly login: DeviceLogin;
}): Tokens {
  const { rest, clock, login } = options;
  let kept: { readonly token: string; readonly until: number } | null = null;
  let running: Promise<Result<string, PeerFailure>> | null = null;

  const signIn = async (): Promise<Result<string, PeerFailure>> => {
    const answer = await deviceLogin(rest, login);
    running = null;
    if (!answer.ok) return answer;
    const { access_token: token, expires_in_seconds } = answer.value;
    kept = { token, until: clock.now() + expires_in_seconds * 1_000 - TOKEN_MARGIN_MS };
    return ok(token);
  };

  return {
    token(fresh) {
      if (!fresh && kept !== null && kept.until > clock.now())
        return Promise.resolve(ok(kept.token));
      running ??= signIn();
      return running;
    },
  };
}

/** An agent's one token; it has no fresher form. */
export const agentTokens = (token: string): Tokens => ({ token: async () => ok(token) });

/**
 * Registers an agent's keys, or finds them registered, and gives its account.
 *
 * Shapes: `bootstrapKey` X25519 public key, 32 bytes; `rest` carries the agent's token.
 * Fails with `peer/refused` `AGENT_KEY_MISMATCH` when other keys are registered.
 */
export async function registerAgentKeys(
  rest: Rest,
  primitives: Primitives,
  options: {
    readonly agentId: AgentId;
    readonly identity: Signer;
    readonly bootstrapKey: Bytes;
    /** How others reach it: by sessions, or, where no process stays, by envelopes that each stand alone. */
    readonly mode?: "session" | "envelope";
    readonly createdAt: number;
  },
): Promise<Result<{ readonly state: AccountState; readonly fingerprint: string }, PeerFailure>> {
  const { agentId, identity, bootstrapKey } = options;
  const found = await rest.call("GET", `/keys/agents/${agentId}`, AgentKeys);
  if (!found.ok && found.failure.kind !== "peer/not-found") return found;
  const shown = fingerprint(primitives, agentId, identity.publicKey);
  const card = found.ok && found.value.card !== null ? base64ToBytes(found.value.card) : null;
  const known = card === null ? null : await replayAccount(primitives, agentId, [card]);
  if (known?.ok === true && equalBytes(known.value.identityKey, identity.publicKey)) {
    return ok({ state: known.value, fingerprint: bytesToHex(shown) });
  }
  const account = await startAccount(primitives, {
    accountId: agentId,
    kind: "agent",
    identity,
    mode: options.mode ?? "session",
    suiteFloor: 1,
    bootstrapKey,
    createdAt: options.createdAt,
  });
  const registered = await rest.call("POST", `/agents/${agentId}/keys/register`, RegisteredKeys, {
    public_key: bytesToBase64(bootstrapKey),
    signing_public_key: bytesToBase64(identity.publicKey),
    prekeys: [],
    card: bytesToBase64(account.entry),
  });
  return registered.ok ? ok({ state: account.state, fingerprint: bytesToHex(shown) }) : registered;
}

const signInFailure = (failure: PeerFailure): Result<never, PeerFailure> =>
  failure.kind === "peer/not-found" ||
  (failure.kind === "peer/refused" && SIGN_IN_REFUSALS.has(failure.code))
    ? err({ kind: "peer/unauthenticated", reason: failure.kind })
    : err(failure);

const SIGN_IN_REFUSALS: ReadonlySet<string> = new Set([
  "INVALID_CREDENTIALS",
  "UNAUTHENTICATED",
  "FORBIDDEN",
]);
