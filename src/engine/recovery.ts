/**
 * The recovery file and its code: a backup that its person keeps, and the way back from it to a device of the account.
 * SPEC §recovery.
 */
import * as v from "valibot";
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import { equalBytes, utf8, type Bytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import type { RecoveryView } from "#bridge/views.ts";
import {
  methodAuth,
  openBackup,
  openBackupKey,
  recoveryKek,
  sealBackup,
  wrapBackupKey,
} from "#crypto/backup.ts";
import type { BackupContent } from "#crypto/backup-content.ts";
import { makeSigner, type Signer } from "#crypto/identity.ts";
import type { Primitives } from "#crypto/primitives.ts";
import { readRecoveryCode, writeRecoveryCode } from "#crypto/recovery-code.ts";
import { createRest, type Rest } from "#peer/rest.ts";
import { parseId, type UserId } from "#protocol/ids.ts";
import { Challenge, identityChallengeText, Tokens, Way, type WayProof } from "#protocol/rest.ts";
import { seedOf, type AccountRecord } from "./account-keys.ts";
import { fetchAccount } from "./account-ledger.ts";
import type { EngineDeps } from "./deps.ts";
import { translated, type EngineFailure } from "./failure.ts";

const FORMAT = "parley-recovery-1";
/** A file is never the backup at the relay, whose versions begin at 1. */
const FILE_VERSION = 0;
const RecoveryFile = v.object({
  format: v.literal(FORMAT),
  origin: v.string(),
  handle: v.string(),
  account_id: v.string(),
  method_id: v.string(),
  wrap: v.string(),
  sealed: v.string(),
});

/** A fresh code with its file, and what the relay is to know of it once its person has both. */
export function makeRecovery(
  { primitives, origin }: EngineDeps,
  record: AccountRecord,
  content: Omit<BackupContent, "identitySeed">,
): { readonly view: RecoveryView; readonly way: WayProof } {
  const code = new Secret(primitives.randomBytes(16));
  const methodId = primitives.randomBytes(16);
  const backupKey = new Secret(primitives.randomBytes(32));
  const owner = { accountId: record.userId, generation: FILE_VERSION };
  const kek = recoveryKek(primitives, record.userId, code);
  const method = { kind: "recovery-code", methodId } as const;
  const full = { ...content, identitySeed: seedOf(record.identitySeed) };
  const { sealed } = sealBackup(primitives, backupKey, { ...owner, version: FILE_VERSION }, full);
  const file: v.InferOutput<typeof RecoveryFile> = {
    format: FORMAT,
    origin,
    handle: record.handle,
    account_id: record.userId,
    method_id: bytesToBase64(methodId),
    wrap: bytesToBase64(wrapBackupKey(primitives, kek, owner, method, backupKey)),
    sealed: bytesToBase64(sealed),
  };
  return {
    view: {
      code: writeRecoveryCode(primitives, code),
      file: `${JSON.stringify(file, null, 2)}\n`,
      fileName: `parley-recovery-${record.handle}.json`,
    },
    way: wayOf(primitives, record.userId, methodId, code),
  };
}

const wayOf = (
  primitives: Primitives,
  userId: UserId,
  methodId: Bytes,
  code: Secret<Bytes>,
): WayProof => ({
  method_id: bytesToBase64(methodId),
  auth_key: bytesToBase64(methodAuth(primitives, "recovery-code", userId, code).reveal()),
});

/** Id of the recovery code that counts at the relay; null for none. */
export async function findRecovery(rest: Rest): Promise<Result<string | null, EngineFailure>> {
  const listed = await rest.page("/keys/ways", Way);
  if (!listed.ok) return err(translated(listed.failure));
  const found = listed.value.items.find(({ method }) => method === "recovery-code");
  return ok(found?.method_id ?? null);
}

/** What a file holds once its code opened it, and a line that may enrol this device. */
export type Recovered = {
  readonly userId: UserId;
  readonly handle: string;
  readonly content: BackupContent;
  readonly identity: Signer;
  /** What the code shows the relay. */
  readonly way: WayProof;
  readonly rest: Rest;
};

/**
 * Opens a recovery file and gets in by the identity it holds.
 *
 * Fails with `engine/bad-recovery-file` (no such file, another server's, damaged), `engine/bad-recovery-code`
 * (mistyped, or another file's), `engine/recovery-withdrawn` (a newer code was made, this one withdrawn, or the account
 * has another identity by now), the line's kinds.
 */
export async function openRecovery(
  deps: EngineDeps,
  input: { readonly file: string; readonly code: string },
): Promise<Result<Recovered, EngineFailure>> {
  const opened = openFile(deps, input);
  if (!opened.ok) return opened;
  const { userId, handle, content, way } = opened.value;
  const identity = makeSigner(deps.primitives, content.identitySeed);
  const open = createRest({ ...deps, baseUrl: deps.origin, tokens: null });
  const asked = await open.call("POST", "/auth/challenge", Challenge, { device_id: userId });
  if (!asked.ok) return err(translated(asked.failure));
  const { challenge } = asked.value;
  const text = identityChallengeText({ origin: deps.origin, userId, challenge });
  const tokens = await open.call("POST", "/auth/identity", Tokens, {
    user_id: userId,
    challenge,
    signature: bytesToBase64(await identity.sign(utf8(text))),
    way,
  });
  if (!tokens.ok)
    return tokens.failure.kind === "peer/refused" && tokens.failure.code === "INVALID_CREDENTIALS"
      ? err({ kind: "engine/recovery-withdrawn" })
      : err(translated(tokens.failure));
  const token = tokens.value.access_token;
  const rest = createRest({
    ...deps,
    baseUrl: deps.origin,
    tokens: { token: async () => ok(token) },
  });
  const ledger = await fetchAccount(deps, rest, userId);
  if (!ledger.ok) return ledger;
  return equalBytes(ledger.value.identityKey, identity.publicKey)
    ? ok({ userId, handle, content, identity, way, rest })
    : err({ kind: "engine/bad-backup" });
}

function openFile(
  { primitives, origin }: EngineDeps,
  input: { readonly file: string; readonly code: string },
): Result<Pick<Recovered, "userId" | "handle" | "content" | "way">, EngineFailure> {
  const badFile = err<EngineFailure>({ kind: "engine/bad-recovery-file" });
  const badCode = err<EngineFailure>({ kind: "engine/bad-recovery-code" });
  const parsed = v.safeParse(RecoveryFile, jsonOf(input.file));
  if (!parsed.success || parsed.output.origin !== origin) return badFile;
  const { handle, account_id, method_id, wrap, sealed } = parsed.output;
  const userId = parseId<UserId>(account_id);
  const [methodId, wrapBytes, sealedBytes] = [method_id, wrap, sealed].map(base64ToBytes);
  if (userId === null || methodId?.length !== 16 || !wrapBytes || !sealedBytes) return badFile;
  const code = readRecoveryCode(primitives, input.code);
  if (code === null) return badCode;
  const owner = { accountId: userId, generation: FILE_VERSION };
  const kek = recoveryKek(primitives, userId, code);
  const method = { kind: "recovery-code", methodId } as const;
  const key = openBackupKey(primitives, kek, owner, method, wrapBytes);
  if (!key.ok) return key.failure.kind === "crypto/wrong-unlock-key" ? badCode : badFile;
  const place = { ...owner, version: FILE_VERSION };
  const content = openBackup(primitives, key.value, place, null, sealedBytes);
  const way = wayOf(primitives, userId, methodId, code);
  return content.ok ? ok({ userId, handle, content: content.value, way }) : badFile;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
