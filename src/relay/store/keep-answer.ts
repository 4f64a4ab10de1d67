import type { Bytes } from "#base/bytes.ts";
import { ok } from "#base/result.ts";
import type { Command } from "./transaction.ts";

/** Keeps the answer to a request that may be repeated, and forgets those of yesterday. */
export const keepAnswer: Command<
  {
    readonly now: number;
    readonly scope: string;
    readonly requestHash: Bytes;
    readonly status: number;
    readonly sealed: Bytes;
    readonly forgetBefore: number;
  },
  null
> = async (tx, { now, scope, requestHash, status, sealed, forgetBefore }) => {
  await tx.sql.run("DELETE FROM idempotency WHERE at <= ?", forgetBefore);
  await tx.sql.run(
    `INSERT INTO idempotency (scope, request_hash, status, sealed, at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
    scope,
    requestHash,
    status,
    sealed,
    now,
  );
  return ok(null);
};
