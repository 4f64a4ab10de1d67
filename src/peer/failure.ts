/**
 * What can go wrong for an endpoint, as plain data. No key, plaintext or name is ever in here; ids, codes and
 * counts only. A relay's refusal with a meaning of its own has its own kind, all others are `peer/refused`.
 */
import { ERROR_CODES, isErrorCode } from "#protocol/error-codes.ts";
import type { AccountId, ConversationId, MessageId, StreamId } from "#protocol/ids.ts";

export type PeerFailure =
  // The line.
  /** There is no connection and the call cannot wait for one. */
  | { readonly kind: "peer/offline" }
  /** The other side did not answer in time. */
  | { readonly kind: "peer/timed-out" }
  /** The endpoint is closed or closing. */
  | { readonly kind: "peer/closed" }
  /** An answer of the relay has another shape than agreed. */
  | { readonly kind: "peer/bad-answer"; readonly path: string }
  /** The relay does not accept who we say we are, and a fresh token did not help. */
  | { readonly kind: "peer/unauthenticated"; readonly reason: string }
  /** The relay ended this device's session for good. */
  | { readonly kind: "peer/session-invalidated"; readonly reason: string }

  // The store.
  | { readonly kind: "peer/store-full" }
  | { readonly kind: "peer/store-failed" }
  | { readonly kind: "peer/store-closed" }

  // Refusals of the relay.
  | { readonly kind: "peer/not-member" }
  | { readonly kind: "peer/not-found" }
  | { readonly kind: "peer/relation-revoked" }
  | { readonly kind: "peer/relation-suspended" }
  | { readonly kind: "peer/blocked" }
  | { readonly kind: "peer/rate-limited"; readonly retryAfterMs: number }
  | { readonly kind: "peer/too-large"; readonly limit: number }
  /** The day's bytes, or the uploads at once, are used up. */
  | { readonly kind: "peer/over-quota"; readonly limit: number }
  | { readonly kind: "peer/recall-window" }
  | { readonly kind: "peer/revision-conflict"; readonly currentRevision: number }
  | { readonly kind: "peer/refused"; readonly code: string; readonly retryAfterMs?: number }

  // Trust.
  /** A member has no key that a session could open to. */
  | { readonly kind: "peer/no-prekey"; readonly accountId: AccountId }
  /** The identity is not the one that was pinned, or the link's fingerprint is another one. */
  | { readonly kind: "peer/key-changed"; readonly accountId: AccountId }
  /** A ledger was shown in two versions; sending stays frozen. */
  | { readonly kind: "peer/fork"; readonly conversationId: ConversationId | null }
  /** The relay does not show a ledger as far as it did before; sending is frozen until it does. */
  | { readonly kind: "peer/ledger-withheld"; readonly conversationId: ConversationId }
  /** A ledger's entries do not verify; `because` is the kind below. */
  | { readonly kind: "peer/bad-ledger"; readonly because: string }
  /** This conversation has no ledger here and the relay gives none. */
  | { readonly kind: "peer/no-ledger"; readonly conversationId: ConversationId }
  /** Nothing could be sealed; `because` is the kind below. */
  | { readonly kind: "peer/cannot-seal"; readonly because: string }
  /** One outward face for every message that does not open; `because` stays on this side. */
  | { readonly kind: "peer/cannot-read"; readonly because: string; readonly messageId?: MessageId }

  // Messages, files and streams.
  /** A file is not what its message says it is: size, hash or a chunk's seal. */
  | { readonly kind: "peer/damaged-file" }
  /** What was to be sent is not on this device any more. */
  | { readonly kind: "peer/file-gone" }
  /** The payload does not pass its own schema. */
  | { readonly kind: "peer/bad-payload"; readonly path: string }
  /** No outgoing message has this id. */
  | { readonly kind: "peer/unknown-message"; readonly messageId: MessageId }
  /** The stream was ended by the relay, or its author fell silent. */
  | { readonly kind: "peer/stream-ended"; readonly streamId: StreamId; readonly reason: string };

/** The failure a relay's error code stands for. */
export function failureOfCode(
  code: string,
  params: Readonly<Record<string, unknown>>,
  retryAfterMs?: number,
): PeerFailure {
  switch (code) {
    case "NOT_MEMBER":
      return { kind: "peer/not-member" };
    case "NOT_FOUND":
      return { kind: "peer/not-found" };
    case "RELATION_REVOKED":
      return { kind: "peer/relation-revoked" };
    case "RELATION_SUSPENDED":
      return { kind: "peer/relation-suspended" };
    case "BLOCKED":
      return { kind: "peer/blocked" };
    case "RATE_LIMITED":
    case "TOO_MANY_IN_FLIGHT":
      return { kind: "peer/rate-limited", retryAfterMs: retryAfterMs ?? 1_000 };
    case "QUOTA_EXCEEDED":
      return { kind: "peer/over-quota", limit: countOf(params["limit"]) };
    case "TOO_LARGE":
      return { kind: "peer/too-large", limit: countOf(params["limit"]) };
    case "RECALL_WINDOW_EXPIRED":
      return { kind: "peer/recall-window" };
    case "REVISION_CONFLICT":
      return {
        kind: "peer/revision-conflict",
        currentRevision: countOf(params["current_revision"]),
      };
    default:
      return retryAfterMs === undefined
        ? { kind: "peer/refused", code }
        : { kind: "peer/refused", code, retryAfterMs };
  }
}

/** Whether the same may succeed later without anyone's decision: no line, a busy relay, a failing store. */
export function isPassing(failure: PeerFailure): boolean {
  switch (failure.kind) {
    case "peer/offline":
    case "peer/timed-out":
    // Something between us and the relay answers in its stead.
    case "peer/bad-answer":
    case "peer/rate-limited":
    case "peer/store-full":
    case "peer/store-failed":
      return true;
    case "peer/refused":
      return isErrorCode(failure.code) && ERROR_CODES[failure.code].retry === "later";
    default:
      return false;
  }
}

const countOf = (value: unknown): number =>
  typeof value === "number" && Number.isSafeInteger(value) ? value : 0;
