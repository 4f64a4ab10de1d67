/**
 * What can go wrong in the crypto layer, as plain data. No key, plaintext or name is ever in here.
 *
 * Outward, every failure to read a message has one face; the kinds stay on this side of the door.
 */
export type CryptoFailure =
  // Keys and sealing.
  /** A public key is malformed, or gives an all-zero secret. */
  | { readonly kind: "crypto/bad-public-key" }
  /** A tag, a commitment or a context does not hold. */
  | { readonly kind: "crypto/bad-tag" }
  /** A signature does not hold under the pinned key. */
  | { readonly kind: "crypto/bad-signature" }
  /** The bytes are not the canonical encoding of anything we know. */
  | { readonly kind: "crypto/malformed" }

  // Files.
  /** The whole ciphertext does not hash to what the message said. */
  | { readonly kind: "crypto/file-hash-mismatch" }
  /** A file is longer than the format allows. */
  | {
      readonly kind: "crypto/file-too-large";
      readonly sizeBytes: number;
      readonly maxSizeBytes: number;
    }

  // Approvals.
  /** A request cannot be drawn: its payload has another shape. */
  | { readonly kind: "crypto/approval-request-malformed" }
  /** The digest of the request is not the one it claims. */
  | { readonly kind: "crypto/approval-digest-mismatch" }
  /** The approval speaks of another request, view, person, device, agent or edit. */
  | {
      readonly kind: "crypto/approval-mismatch";
      readonly field:
        | "conversation"
        | "request"
        | "view"
        | "agent"
        | "human"
        | "device"
        | "edits"
        | "nonce"
        | "expiry"
        | "ledger";
    }
  /** The decision came, or arrived, after the request's expiry. */
  | { readonly kind: "crypto/approval-expired" }

  // Password and backup.
  /** The password has fewer code points than allowed. */
  | { readonly kind: "crypto/password-too-short"; readonly minCodePoints: number }
  /** The password has more bytes than allowed. */
  | { readonly kind: "crypto/password-too-long"; readonly maxSizeBytes: number }
  /** The cost asked for is under the floor or over the ceiling. */
  | { readonly kind: "crypto/password-cost-refused" }
  /** The password, code or passkey is not the one this was wrapped under. */
  | { readonly kind: "crypto/wrong-unlock-key" }
  /** The backup is not the version that the account's ledger names. */
  | {
      readonly kind: "crypto/backup-version-mismatch";
      readonly version: number;
      readonly expected: number;
    };
