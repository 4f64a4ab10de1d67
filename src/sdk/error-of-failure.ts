/** Which error of the documented table a failure of the peer layer is. */
import type { PeerFailure } from "#peer/failure.ts";
import { HasheeError } from "./agent-error.ts";

/** The error a caller or an error handler gets; the peer's own word stays as `cause`. */
export function errorOfFailure(failure: PeerFailure, fatal = false): HasheeError {
  const { code, retryAfterMs, params } = factsOf(failure);
  return new HasheeError(code, { retryAfterMs, params, fatal, cause: failure });
}

type Facts = {
  readonly code: string;
  readonly retryAfterMs?: number | undefined;
  readonly params?: Readonly<Record<string, unknown>>;
};

function factsOf(failure: PeerFailure): Facts {
  switch (failure.kind) {
    case "peer/offline":
      return { code: "UNAVAILABLE" };
    case "peer/timed-out":
      return { code: "TIMEOUT" };
    case "peer/closed":
    case "peer/store-closed":
      return { code: "CLOSED" };
    case "peer/unauthenticated":
    case "peer/session-invalidated":
      return { code: "UNAUTHENTICATED", params: { reason: failure.reason } };
    case "peer/store-full":
    case "peer/store-failed":
      return { code: "STORAGE_FULL" };
    case "peer/not-member":
      return { code: "NOT_MEMBER" };
    case "peer/not-found":
    case "peer/no-ledger":
    case "peer/unknown-message":
      return { code: "NOT_FOUND" };
    case "peer/relation-revoked":
      return { code: "RELATION_REVOKED" };
    case "peer/relation-suspended":
      return { code: "RELATION_SUSPENDED" };
    case "peer/blocked":
      return { code: "BLOCKED" };
    case "peer/rate-limited":
      return { code: "RATE_LIMITED", retryAfterMs: failure.retryAfterMs };
    case "peer/too-large":
      return { code: "TOO_LARGE", params: { limit: failure.limit } };
    case "peer/over-quota":
      return { code: "QUOTA_EXCEEDED", params: { limit: failure.limit } };
    case "peer/recall-window":
      return { code: "RECALL_WINDOW_EXPIRED" };
    case "peer/revision-conflict":
      return {
        code: "REVISION_CONFLICT",
        params: { current_revision: failure.currentRevision },
      };
    case "peer/refused":
      return { code: failure.code, retryAfterMs: failure.retryAfterMs };
    case "peer/cannot-read":
    case "peer/damaged-file":
    case "peer/file-gone":
      return { code: "DECRYPT_FAILED" };
    case "peer/bad-payload":
      return { code: "BAD_REQUEST", params: { path: failure.path } };
    case "peer/stream-ended":
      return { code: streamCode(failure.reason), params: { reason: failure.reason } };
    case "peer/no-prekey":
    case "peer/key-changed":
    case "peer/fork":
    case "peer/ledger-withheld":
    case "peer/bad-ledger":
    case "peer/cannot-seal":
      return { code: "KEYS_UNUSABLE", params: { because: failure.kind } };
    case "peer/bad-answer":
      return { code: "INTERNAL" };
  }
}

const STREAM_REASONS: Readonly<Record<string, string>> = {
  aborted: "STREAM_UNKNOWN",
  disabled: "STREAM_DISABLED",
  limit: "STREAM_LIMIT",
  orphaned: "STREAM_ORPHANED",
  timeout: "STREAM_TIMEOUT",
};

const streamCode = (reason: string): string =>
  reason.startsWith("STREAM_") ? reason : (STREAM_REASONS[reason] ?? "STREAM_UNKNOWN");
