/**
 * What a person needs on a new device, sealed so that the relay can keep it: the identity's seed, whom
 * they trust, how far each ledger was seen. Never a chain, a session seed or a prekey's private half.
 *
 * A random backup key seals the content and is itself wrapped once for each way to unlock. SPEC C39.
 */
import { concat, equalBytes, wipe, type Bytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import { enc, u32, u64, u8 } from "#protocol/encoding.ts";
import { uuidToBytes, type AccountId } from "#protocol/ids.ts";

import { encodeBackupContent, parseBackupContent, type BackupContent } from "./backup-content.ts";
import type { CryptoFailure } from "./failure.ts";
import { LABEL } from "./labels.ts";
import type { Argon2Params, Primitives } from "./primitives.ts";

/** A way to unlock a backup. Shapes: `salt` 32 bytes, `methodId` 16 bytes. */
export type UnlockMethod =
  | { readonly kind: "password"; readonly salt: Bytes; readonly params: Argon2Params }
  | { readonly kind: "recovery-code"; readonly methodId: Bytes }
  | { readonly kind: "passkey-prf"; readonly methodId: Bytes };

/** Whose backup key it is, and the how-manieth: a new key is a new generation. */
export type BackupOwner = { readonly accountId: AccountId; readonly generation: number };

const METHOD_NUMBER = { password: 1, "recovery-code": 2, "passkey-prf": 3 } as const;
// An account has one password, so its method needs no id.
const PASSWORD_METHOD_ID = new Uint8Array(16);

const COMMITMENT_SIZE_BYTES = 32;
const NONCE_SIZE_BYTES = 24;
const WRAP_SIZE_BYTES = COMMITMENT_SIZE_BYTES + NONCE_SIZE_BYTES + 32 + 16;

/** Wrapping key of a recovery code. Shapes: `code` 16 random bytes. */
export const recoveryKek = (
  p: Primitives,
  accountId: AccountId,
  code: Secret<Bytes>,
): Secret<Bytes> => methodKek(p, LABEL.recoveryKek, accountId, code);

/** Wrapping key of a passkey. Shapes: `prfOutput` 32 bytes, the PRF extension's first output. */
export const passkeyKek = (
  p: Primitives,
  accountId: AccountId,
  prfOutput: Secret<Bytes>,
): Secret<Bytes> => methodKek(p, LABEL.passkeyKek, accountId, prfOutput);

/**
 * What a recovery code or a passkey shows the relay to be let in; no wrapping key follows from it.
 *
 * Shapes: `secret` as for the wrapping key of the same method; 32 bytes.
 */
export const methodAuth = (
  p: Primitives,
  kind: "recovery-code" | "passkey-prf",
  accountId: AccountId,
  secret: Secret<Bytes>,
): Secret<Bytes> =>
  methodKek(p, kind === "passkey-prf" ? LABEL.passkeyAuth : LABEL.recoveryAuth, accountId, secret);

/** Id of a passkey among an account's methods. Shapes: `credentialId` as the browser gives it; 16 bytes. */
export const passkeyMethodId = (p: Primitives, credentialId: Bytes): Bytes =>
  p.sha256(credentialId).slice(0, 16);

function methodKek(p: Primitives, label: string, accountId: AccountId, secret: Secret<Bytes>) {
  const account = uuidToBytes(accountId);
  const prk = p.hkdfExtract(account, secret.reveal());
  const kek = new Secret(p.hkdfExpand(prk, enc(label, account), 32));
  wipe(prk);
  return kek;
}

/**
 * The backup key under one method's wrapping key.
 *
 * Shapes: `kek` and `backupKey` 32 bytes; the wrap 104 bytes: commitment 32, nonce 24, ciphertext 48.
 */
export function wrapBackupKey(
  p: Primitives,
  kek: Secret<Bytes>,
  owner: BackupOwner,
  method: UnlockMethod,
  backupKey: Secret<Bytes>,
): Bytes {
  const nonce = p.randomBytes(NONCE_SIZE_BYTES);
  const sealed = p.xchachaSeal(kek.reveal(), nonce, wrapAad(owner, method), backupKey.reveal());
  return concat(wrapCommitment(p, kek, owner, method), nonce, sealed);
}

/**
 * The backup key out of one method's wrap.
 *
 * Fails with `crypto/wrong-unlock-key` (another password, code or passkey), `crypto/bad-tag` (another
 * generation, method or cost than it was wrapped for), `crypto/malformed`.
 */
export function openBackupKey(
  p: Primitives,
  kek: Secret<Bytes>,
  owner: BackupOwner,
  method: UnlockMethod,
  wrap: Bytes,
): Result<Secret<Bytes>, CryptoFailure> {
  if (wrap.length !== WRAP_SIZE_BYTES) return err({ kind: "crypto/malformed" });
  // Compared before opening: a wrap that opens under many passwords would let the relay halve its
  // guesses with each login.
  if (!equalBytes(wrap.subarray(0, COMMITMENT_SIZE_BYTES), wrapCommitment(p, kek, owner, method))) {
    return err({ kind: "crypto/wrong-unlock-key" });
  }
  const nonceEnd = COMMITMENT_SIZE_BYTES + NONCE_SIZE_BYTES;
  const nonce = wrap.slice(COMMITMENT_SIZE_BYTES, nonceEnd);
  const key = p.xchachaOpen(kek.reveal(), nonce, wrapAad(owner, method), wrap.slice(nonceEnd));
  return key === null ? err({ kind: "crypto/bad-tag" }) : ok(new Secret(key));
}

const methodIdOf = (method: UnlockMethod): Bytes =>
  method.kind === "password" ? PASSWORD_METHOD_ID : method.methodId;

const wrapCommitment = (
  p: Primitives,
  kek: Secret<Bytes>,
  { accountId }: BackupOwner,
  method: UnlockMethod,
): Bytes =>
  p.hkdfExpand(
    kek.reveal(),
    enc(LABEL.backupCommitment, uuidToBytes(accountId), methodIdOf(method)),
    COMMITMENT_SIZE_BYTES,
  );

function wrapAad({ accountId, generation }: BackupOwner, method: UnlockMethod): Bytes {
  const params =
    method.kind === "password"
      ? concat(
          method.salt,
          u32(method.params.memoryKiB),
          u32(method.params.passes),
          u32(method.params.lanes),
        )
      : new Uint8Array();
  return enc(
    LABEL.backupWrap,
    uuidToBytes(accountId),
    u32(generation),
    u8(METHOD_NUMBER[method.kind]),
    methodIdOf(method),
    params,
  );
}

/** What the account's ledger says of the newest backup; null when it names none yet. */
export type LedgerBackup = { readonly version: number; readonly hash: Bytes } | null;

/**
 * The content sealed under the backup key.
 *
 * Shapes: `sealed` is nonce 24, then the ciphertext; `hash` is its SHA-256, for the account's ledger.
 */
export function sealBackup(
  p: Primitives,
  backupKey: Secret<Bytes>,
  owner: BackupOwner & { readonly version: number },
  content: BackupContent,
): { readonly sealed: Bytes; readonly hash: Bytes } {
  const key = contentKey(p, backupKey, owner);
  const plain = encodeBackupContent(content);
  const nonce = p.randomBytes(NONCE_SIZE_BYTES);
  const sealed = concat(nonce, p.xchachaSeal(key, nonce, contentAad(owner), plain));
  wipe(key, plain);
  return { sealed, hash: p.sha256(sealed) };
}

/**
 * The content of a backup that the ledger stands for.
 *
 * Fails with `crypto/backup-version-mismatch` (an older or newer one than `ledger` names),
 * `crypto/backup-hash-mismatch`, `crypto/bad-tag`, `crypto/malformed`.
 */
export function openBackup(
  p: Primitives,
  backupKey: Secret<Bytes>,
  owner: BackupOwner & { readonly version: number },
  ledger: LedgerBackup,
  sealed: Bytes,
): Result<BackupContent, CryptoFailure> {
  const { version } = owner;
  if (ledger !== null && ledger.version !== version) {
    return err({ kind: "crypto/backup-version-mismatch", version, expected: ledger.version });
  }
  if (ledger !== null && !equalBytes(ledger.hash, p.sha256(sealed))) {
    return err({ kind: "crypto/backup-hash-mismatch", version });
  }
  if (sealed.length < NONCE_SIZE_BYTES) return err({ kind: "crypto/malformed" });
  const key = contentKey(p, backupKey, owner);
  const nonce = sealed.slice(0, NONCE_SIZE_BYTES);
  const plain = p.xchachaOpen(key, nonce, contentAad(owner), sealed.slice(NONCE_SIZE_BYTES));
  wipe(key);
  if (plain === null) return err({ kind: "crypto/bad-tag" });
  const content = parseBackupContent(plain);
  wipe(plain);
  return content;
}

const contentKey = (p: Primitives, backupKey: Secret<Bytes>, { accountId }: BackupOwner): Bytes =>
  p.hkdfExpand(backupKey.reveal(), enc(LABEL.backupKey, uuidToBytes(accountId)), 32);

const contentAad = ({
  accountId,
  generation,
  version,
}: BackupOwner & { readonly version: number }): Bytes =>
  enc(LABEL.backup, uuidToBytes(accountId), u64(version), u32(generation));
