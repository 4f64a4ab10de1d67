/** Why the relay did not do what it was asked. Facts only: ids, counts, limits. */
import { err } from "#base/result.ts";
import type { ErrorCode } from "#protocol/error-codes.ts";

export type RelayFailure = {
  readonly kind: "relay/refused";
  readonly code: ErrorCode;
  readonly params: Readonly<Record<string, unknown>>;
  readonly retryAfterMs?: number;
};

/** A refusal as a failed result. */
export const refuse = (code: ErrorCode, params: Readonly<Record<string, unknown>> = {}) =>
  err<RelayFailure>({ kind: "relay/refused", code, params });

/** A refusal that names the earliest useful retry. */
export const refuseFor = (code: ErrorCode, retryAfterMs: number) =>
  err<RelayFailure>({
    kind: "relay/refused",
    code,
    params: { retry_after: Math.ceil(retryAfterMs / 1_000), retry_after_ms: retryAfterMs },
    retryAfterMs,
  });
