/**
 * Seals what is put on a browser's disk: copied disks stay closed, script in the page is not stopped.
 *
 * One key for each store and conversation, never readable by script where the platform holds it.
 * Who wraps the vault key with a key of the platform is the engine. SPEC C40.
 */
import { concat, equalBytes, utf8, wipe, type Bytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import { enc, u64 } from "#protocol/encoding.ts";
import { uuidToBytes, type ConversationId, type DeviceId } from "#protocol/ids.ts";

import type { CryptoFailure } from "./failure.ts";
import { LABEL } from "./labels.ts";
import type { AesGcm, Primitives } from "./primitives.ts";

const NONCE_SIZE_BYTES = 12;
/** For records that belong to no single conversation. */
const NO_CONVERSATION = new Uint8Array(16);

/** Where a record lies; it opens nowhere else. */
export type VaultPlace = {
  readonly store: string;
  readonly conversationId?: ConversationId;
  readonly key: string;
  /** Counts the writes of this key, so that an older record under a newer count does not open. */
  readonly version: number;
};

/** Seals and opens records of one browser profile. */
export interface Vault {
  /** Shapes: 12 bytes nonce, then the ciphertext, 16 bytes longer than `plain`. */
  seal(place: VaultPlace, plain: Bytes): Promise<Bytes>;
  /** The record, or null when it was not sealed for this place by this vault. */
  open(place: VaultPlace, sealed: Bytes): Promise<Bytes | null>;
}

/** A vault over a key of 32 random bytes; the caller may wipe its copy afterwards. */
export function createVault(primitives: Primitives, vaultKey: Bytes): Vault {
  const ownKey = new Secret(vaultKey.slice());
  const keyByPlace = new Map<string, Promise<AesGcm>>();

  const keyOf = ({ store, conversationId }: VaultPlace): Promise<AesGcm> => {
    const name = `${conversationId ?? ""}/${store}`;
    const known = keyByPlace.get(name);
    if (known !== undefined) return known;
    const conversation =
      conversationId === undefined ? NO_CONVERSATION : uuidToBytes(conversationId);
    const info = enc(LABEL.vaultKey, utf8(store), conversation);
    const raw = primitives.hkdfExpand(ownKey.reveal(), info, 32);
    const imported = primitives.importAesGcm(raw).finally(() => wipe(raw));
    keyByPlace.set(name, imported);
    return imported;
  };

  return {
    seal: async (place, plain) => {
      const nonce = primitives.randomBytes(NONCE_SIZE_BYTES);
      return concat(nonce, await (await keyOf(place)).seal(nonce, recordAad(place), plain));
    },
    open: async (place, sealed) => {
      if (sealed.length < NONCE_SIZE_BYTES) return null;
      const nonce = sealed.slice(0, NONCE_SIZE_BYTES);
      return (await keyOf(place)).open(nonce, recordAad(place), sealed.slice(NONCE_SIZE_BYTES));
    },
  };
}

const recordAad = ({ store, key, version }: VaultPlace): Bytes =>
  enc(LABEL.vault, utf8(store), utf8(key), u64(version));

const COMMITMENT_SIZE_BYTES = 32;
const LOCK_NONCE_SIZE_BYTES = 24;
const WRAPPED_KEY_SIZE_BYTES = COMMITMENT_SIZE_BYTES + LOCK_NONCE_SIZE_BYTES + 32 + 16;

/**
 * The vault key under the lock's key, for one browser profile.
 *
 * Shapes: `kek` 32 bytes, of a password or a passkey; the wrap 104 bytes: commitment 32, nonce 24,
 * ciphertext 48.
 */
export function wrapVaultKey(
  primitives: Primitives,
  kek: Secret<Bytes>,
  deviceId: DeviceId,
  vaultKey: Secret<Bytes>,
): Bytes {
  const { commitment, key, aad } = lockOf(primitives, kek, deviceId);
  const nonce = primitives.randomBytes(LOCK_NONCE_SIZE_BYTES);
  const sealed = primitives.xchachaSeal(key, nonce, aad, vaultKey.reveal());
  wipe(key);
  return concat(commitment, nonce, sealed);
}

/**
 * The vault key out of its wrap.
 *
 * Fails with `crypto/wrong-unlock-key` (another password, passkey or profile), `crypto/bad-tag`,
 * `crypto/malformed`.
 */
export function unwrapVaultKey(
  primitives: Primitives,
  kek: Secret<Bytes>,
  deviceId: DeviceId,
  wrapped: Bytes,
): Result<Secret<Bytes>, CryptoFailure> {
  if (wrapped.length !== WRAPPED_KEY_SIZE_BYTES) return err({ kind: "crypto/malformed" });
  const { commitment, key, aad } = lockOf(primitives, kek, deviceId);
  const nonceEnd = COMMITMENT_SIZE_BYTES + LOCK_NONCE_SIZE_BYTES;
  // Compared before opening: one ciphertext cannot be made to open under many passwords.
  if (!equalBytes(wrapped.subarray(0, COMMITMENT_SIZE_BYTES), commitment)) {
    return err({ kind: "crypto/wrong-unlock-key" });
  }
  const nonce = wrapped.slice(COMMITMENT_SIZE_BYTES, nonceEnd);
  const vaultKey = primitives.xchachaOpen(key, nonce, aad, wrapped.slice(nonceEnd));
  wipe(key);
  return vaultKey === null ? err({ kind: "crypto/bad-tag" }) : ok(new Secret(vaultKey));
}

function lockOf(primitives: Primitives, kek: Secret<Bytes>, deviceId: DeviceId) {
  const device = uuidToBytes(deviceId);
  const derive = (label: string): Bytes =>
    primitives.hkdfExpand(kek.reveal(), enc(label, device), 32);
  return {
    commitment: derive(LABEL.vaultLockCommitment),
    key: derive(LABEL.vaultLockKey),
    aad: enc(LABEL.vaultLock, device),
  };
}
