/**
 * What can go wrong in the engine, as plain data, and how it is told to the page. What comes from below keeps its
 * kind; ids stay here, because the page's words are made of kinds, counts and limits only.
 */
import { err, type Result } from "#base/result.ts";
import type { BridgeFailure } from "#bridge/failure.ts";
import type { AddressFailure } from "#channels/address.ts";
import type { CryptoFailure } from "#crypto/failure.ts";
import type { ChannelFailure } from "#peer/channel-failure.ts";
import type { PeerFailure } from "#peer/failure.ts";
import { MAX_DEVICES_PER_HUMAN, MAX_PASSKEYS } from "#protocol/limits.ts";

export type EngineFailure =
  // The door.
  /** The call needs an open account and there is none, or it is locked. */
  | { readonly kind: "engine/not-open" }
  /** There is an account on this device already. */
  | { readonly kind: "engine/already-open" }
  /** The lock or the account needs a password that was never set. */
  | { readonly kind: "engine/no-password" }
  /** The password does not open this account. */
  | { readonly kind: "engine/wrong-password" }
  /** The password is under the agreed length; `min` in characters. */
  | { readonly kind: "engine/weak-password"; readonly min: number }
  /** A handle has other characters or another length than allowed. */
  | { readonly kind: "engine/bad-handle" }
  | { readonly kind: "engine/handle-taken" }
  /** Too many wrong passwords; `seconds` until the next may be tried. */
  | { readonly kind: "engine/account-locked"; readonly seconds: number }
  /** The account has as many devices as it may. */
  | { readonly kind: "engine/device-limit"; readonly limit: number }
  /** The call is about another device than this. */
  | { readonly kind: "engine/own-device" }
  /** The text is no recovery file of this server, or a damaged one. */
  | { readonly kind: "engine/bad-recovery-file" }
  /** The recovery code is mistyped or another file's. */
  | { readonly kind: "engine/bad-recovery-code" }
  /** File and code fit, and the relay takes them no more: a newer code was made, or this one withdrawn. */
  | { readonly kind: "engine/recovery-withdrawn" }
  /** No code waits to be kept: it is made first. */
  | { readonly kind: "engine/no-recovery-made" }
  /** The passkey is not one of this account's, or of this device's where it is locked. */
  | { readonly kind: "engine/bad-passkey" }
  /** A passkey needs a backup that this device can open, which a password entered here gives. */
  | { readonly kind: "engine/password-first" }
  /** The account has as many passkeys as it may. */
  | { readonly kind: "engine/passkey-limit"; readonly limit: number }
  /** The text is no code or link of a device link. */
  | { readonly kind: "engine/bad-device-link" }
  /** The device link ran out, was closed at its other end, or never was. */
  | { readonly kind: "engine/device-link-gone" }
  /** Another browser has asked by this link already. */
  | { readonly kind: "engine/device-link-used" }
  /** The device was admitted and did not come in time. */
  | { readonly kind: "engine/device-not-come" }
  /** The device does not take what it is sent: it is not open, or was removed. */
  | { readonly kind: "engine/device-away" }
  /** Nothing to hand over in the time that was chosen. */
  | { readonly kind: "engine/no-history" }
  /** The relay's backup does not open to the identity that the account's ledger names. */
  | { readonly kind: "engine/bad-backup" }

  /** The engine's code did not come: no network, or a build that is gone from the server. */
  | { readonly kind: "engine/not-fetched" }

  // The disk.
  | { readonly kind: "engine/store-blocked" }
  | { readonly kind: "engine/store-newer" }
  | { readonly kind: "engine/store-unavailable" }

  // Contacts.
  /** The text is no invite link, or one for another server. */
  | { readonly kind: "engine/bad-invite" }
  /** The link's fingerprint is not that of the key the relay shows: the flow stops here. */
  | { readonly kind: "engine/fingerprint-mismatch" }
  /** By its bytes it is no picture of a kind that is shown, or it is too large to be a face. */
  | { readonly kind: "engine/no-picture" }
  | { readonly kind: "engine/unknown-request" }
  | { readonly kind: "engine/own-invite" }

  // Conversations.
  | { readonly kind: "engine/unknown-conversation" }
  | { readonly kind: "engine/unknown-message" }
  /** Only what is over can be forgotten. */
  | { readonly kind: "engine/still-going" }
  /** Nothing can be sent here now; `because` as the conversation's view says it. */
  | { readonly kind: "engine/sending-blocked"; readonly because: string }
  | { readonly kind: "engine/text-too-long"; readonly limit: number }
  | { readonly kind: "engine/text-empty" }
  | { readonly kind: "engine/recall-too-late" }

  // Files.
  | { readonly kind: "engine/file-too-large"; readonly limit: number }
  /** More files than one message carries. */
  | { readonly kind: "engine/too-many-files"; readonly limit: number }
  /** The browser does not give its bytes: a folder, or a file that went or changed meanwhile. */
  | { readonly kind: "engine/file-unreadable" }
  /** The file is not beside this draft: it went with the browser's storage, or was taken away. */
  | { readonly kind: "engine/file-gone" }
  | { readonly kind: "engine/unknown-file" }
  /** The call's signal aborted. */
  | { readonly kind: "engine/cancelled" }

  // Cards.
  | { readonly kind: "engine/unknown-artifact" }
  /** Secret fields cannot be sealed to an agent yet. */
  | { readonly kind: "engine/secret-unavailable" }
  /** The card takes no answer from this person now. */
  | { readonly kind: "engine/answer-refused" }
  /** Fields that do not pass the form's own rules; `count` of them. */
  | { readonly kind: "engine/bad-answer"; readonly count: number }
  /** The approval cannot be signed; `because` as the card's view says it. */
  | { readonly kind: "engine/approval-blocked"; readonly because: string }
  | { readonly kind: "engine/reason-required" }

  // Plain agent servers.
  /** The conversation is with a person or an agent of the relay; or the call is for those alone. */
  | { readonly kind: "engine/not-plain" }
  | { readonly kind: "engine/plain-cannot" }

  /** A crypto, peer or channel failure on its way up. */
  | AddressFailure
  | ChannelFailure
  | PeerFailure
  | CryptoFailure;

/** The failure as the page may see it: its kind, and those facts that a sentence for people can use. */
export function toBridgeFailure(failure: EngineFailure): BridgeFailure {
  const params: Record<string, string | number> = {};
  for (const [name, fact] of Object.entries(failure)) {
    if (typeof fact === "number") params[name] = fact;
    if (name === "because" || name === "code" || name === "reason") params[name] = String(fact);
  }
  return Object.keys(params).length === 0 ? { kind: failure.kind } : { kind: failure.kind, params };
}

/** A result for the page. */
export const toBridge = <Value>(
  result: Result<Value, EngineFailure>,
): Result<Value, BridgeFailure> => (result.ok ? result : err(toBridgeFailure(result.failure)));

/** A refusal of the relay whose meaning the account screens have words for; every other failure as it is. */
export function translated(failure: PeerFailure): EngineFailure {
  if (failure.kind !== "peer/refused") return failure;
  const { code, retryAfterMs = 0 } = failure;
  switch (code) {
    case "HANDLE_TAKEN":
      return { kind: "engine/handle-taken" };
    case "INVALID_CREDENTIALS":
      return { kind: "engine/wrong-password" };
    case "ACCOUNT_LOCKED":
      return { kind: "engine/account-locked", seconds: Math.ceil(retryAfterMs / 1_000) };
    case "PASSKEY_LIMIT":
      return { kind: "engine/passkey-limit", limit: MAX_PASSKEYS };
    case "DEVICE_LIMIT":
      return { kind: "engine/device-limit", limit: MAX_DEVICES_PER_HUMAN };
    default:
      return failure;
  }
}
