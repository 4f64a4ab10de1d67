/** Writes about ways into an account beside its password. SPEC P290. */
import type { Bytes } from "#base/bytes.ts";
import { ok } from "#base/result.ts";
import type { UserId } from "#protocol/ids.ts";
import { MAX_PASSKEYS } from "#protocol/limits.ts";
import type { WayKind } from "#protocol/rest.ts";
import { refuse } from "../failure.ts";
import type { Command } from "../store/transaction.ts";

/** A new recovery code takes the place of the one before. Fails with `PASSKEY_LIMIT` for one passkey too many. */
export const putWay: Command<
  {
    readonly now: number;
    readonly userId: UserId;
    readonly method: WayKind;
    readonly methodId: string;
    readonly authHash: Bytes;
    readonly wrap: string | null;
  },
  null
> = async (tx, { now, userId, method, methodId, authHash, wrap }) => {
  if (method === "recovery-code")
    await tx.sql.run("DELETE FROM ways WHERE user_id = ? AND method = ?", userId, method);
  const others = await tx.sql.all<{ method_id: string }>(
    "SELECT method_id FROM ways WHERE user_id = ? AND method = 'passkey' AND method_id <> ?",
    userId,
    methodId,
  );
  if (method === "passkey" && others.length >= MAX_PASSKEYS)
    return refuse("PASSKEY_LIMIT", { limit: MAX_PASSKEYS });
  await tx.sql.run(
    `INSERT INTO ways (user_id, method_id, method, auth_hash, wrap, created_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (user_id, method_id) DO UPDATE SET method = excluded.method, auth_hash = excluded.auth_hash,
     wrap = excluded.wrap, created_at = excluded.created_at`,
    userId,
    methodId,
    method,
    authHash,
    wrap,
    now,
  );
  return ok(null);
};

export const dropWay: Command<
  { readonly userId: UserId; readonly methodId: string },
  null
> = async (tx, { userId, methodId }) =>
  (await tx.sql.run("DELETE FROM ways WHERE user_id = ? AND method_id = ?", userId, methodId)) === 0
    ? refuse("NOT_FOUND")
    : ok(null);
