// Who someone is: a long-lived Ed25519 key, known to people by its fingerprint. SPEC §2.
import type { Bytes } from "#base/bytes.ts";
import type { Secret } from "#base/secret.ts";
import { enc } from "#protocol/encoding.ts";
import { type AccountId, uuidToBytes } from "#protocol/ids.ts";
import { LABEL } from "./labels.ts";
import type { Primitives } from "./primitives.ts";

/** A signing key one may use but not see; the platform may hold it where no script can read it. */
export interface Signer {
  /** Ed25519, 32 bytes. */
  readonly publicKey: Bytes;
  /** Signature of 64 bytes. */
  sign(message: Bytes): Promise<Bytes>;
}

/** A signer over a seed in memory. Shapes: `seed` 32 bytes. */
export function makeSigner(primitives: Primitives, seed: Secret<Bytes>): Signer {
  return {
    publicKey: primitives.ed25519PublicKey(seed.reveal()),
    sign: (message) => primitives.ed25519Sign(seed.reveal(), message),
  };
}

/** `fpr(IK)`, 32 bytes: binds an identity key to the account it belongs to. */
export const fingerprint = (
  primitives: Primitives,
  accountId: AccountId,
  identityKey: Bytes,
): Bytes => primitives.sha256(enc(LABEL.identity, uuidToBytes(accountId), identityKey));
