import type { AccountId } from "#protocol/ids.ts";

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

  // Devices.
  /** A note of a device link is another link's, another step's, altered, or not what was promised. */
  | { readonly kind: "crypto/bad-link" }
  /** A slice of history is not for this device, not by one of its person's, or altered. */
  | { readonly kind: "crypto/bad-history" }

  // Files.
  /** The whole ciphertext does not hash to what the message said. */
  | { readonly kind: "crypto/file-hash-mismatch" }
  /** A file is longer than the format allows. */
  | {
      readonly kind: "crypto/file-too-large";
      readonly sizeBytes: number;
      readonly maxSizeBytes: number;
    }

  /** A file has another length than was said before. */
  | {
      readonly kind: "crypto/file-size-mismatch";
      readonly sizeBytes: number;
      readonly expectedSizeBytes: number;
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
        | "option"
        | "time"
        | "ledger";
    }
  /** The decision came, or arrived, after the request's expiry. */
  | { readonly kind: "crypto/approval-expired" }

  // Messages and sessions.
  /** The one face of every message, session open or delta that cannot be read; the cause stays local. */
  | { readonly kind: "crypto/cannot-read"; readonly cause: ReadFault }
  /** The session has reached its end in messages or time; a new one is due. */
  | { readonly kind: "crypto/session-over" }
  /** Nobody is addressed. */
  | { readonly kind: "crypto/no-recipients" }
  | { readonly kind: "crypto/too-many-recipients"; readonly count: number }
  /** The chosen keys are not all of one suite. */
  | { readonly kind: "crypto/mixed-suites" }
  /** An envelope message needs a prekey of each recipient. */
  | { readonly kind: "crypto/no-prekey" }
  | {
      readonly kind: "crypto/payload-too-large";
      readonly sizeBytes: number;
      readonly maxSizeBytes: number;
    }

  // Prekeys and ledgers.
  /** A prekey certificate may not be used. */
  | {
      readonly kind: "crypto/prekey-refused";
      readonly reason: "malformed" | "owner" | "signature" | "window" | "mode" | "floor";
    }
  /** An entry breaks the rules of its ledger. */
  | {
      readonly kind: "crypto/ledger-refused";
      readonly reason: LedgerFault;
      /** Position the entry claims; null when it cannot be read. */
      readonly seq: number | null;
    }
  /** An entry differs from the one known at its place. */
  | { readonly kind: "crypto/ledger-fork"; readonly seq: number }
  /** A member's account ledger must be known up to `seq` first. */
  | { readonly kind: "crypto/account-needed"; readonly accountId: AccountId; readonly seq: number }

  // Control records and streams.
  /** A control record is malformed, of another conversation or session, or not signed by its device. */
  | { readonly kind: "crypto/control-refused" }
  /** A delta before this one is missing. */
  | { readonly kind: "crypto/stream-gap"; readonly expectedIndex: number }
  /** The same delta again; nothing to do. */
  | { readonly kind: "crypto/stream-repeat" }
  /** Another delta at a position already read: the stream ends. */
  | { readonly kind: "crypto/stream-forked" }
  /** The stream has reached its deltas or its text. */
  | { readonly kind: "crypto/stream-limit" }

  // Password and backup.
  /** The password is not well-formed text. */
  | { readonly kind: "crypto/password-not-text" }
  /** The password has fewer code points than allowed. */
  | { readonly kind: "crypto/password-too-short"; readonly minCodePoints: number }
  /** The password has more bytes than allowed. */
  | { readonly kind: "crypto/password-too-long"; readonly maxSizeBytes: number }
  /** The cost asked for is under the floor or over the ceiling. */
  | { readonly kind: "crypto/password-cost-refused" }
  /** The password, code or passkey is not the one this was wrapped under. */
  | { readonly kind: "crypto/wrong-unlock-key" }
  /** The backup is of the version that the account's ledger names, but another one. */
  | { readonly kind: "crypto/backup-hash-mismatch"; readonly version: number }
  /** The backup is not the version that the account's ledger names. */
  | {
      readonly kind: "crypto/backup-version-mismatch";
      readonly version: number;
      readonly expected: number;
    };

/** Why a message could not be read: for local metrics and help, never told to the sender or the relay. */
export type ReadFault =
  | "malformed"
  | "unknown-version"
  | "unknown-sender"
  | "unknown-session"
  | "unknown-prekey"
  | "not-addressed"
  | "not-member"
  | "recipients-mismatch"
  | "account-unknown"
  | "account-fork"
  | "ledger-unknown"
  | "ledger-fork"
  | "ledger-mismatch"
  | "below-floor"
  | "out-of-range"
  | "out-of-time"
  | "replay"
  | "too-many-skipped"
  | "tag"
  | "commitment"
  | "padding"
  | "signature";

/** Why a ledger entry was refused. */
export type LedgerFault =
  | "malformed"
  | "scope"
  | "repeated"
  | "broken-chain"
  | "expired"
  | "too-many"
  | "closed"
  | "key"
  | "device"
  | "signature"
  | "authority"
  | "account-head"
  | "content";
