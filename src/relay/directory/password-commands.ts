/**
 * Writes that a password opens: signing in, and changing it. Wrong ones are counted by handle, wherever they are
 * tried; a failed try is a success of its command, for its count must be committed. SPEC P16.
 */
import { timingSafeEqual } from "node:crypto";
import type { Bytes } from "#base/bytes.ts";
import { ok, type Result } from "#base/result.ts";
import type { UserId } from "#protocol/ids.ts";
import { LOGIN_FAILURES_BEFORE_LOCK, LOGIN_LOCK_MS } from "#protocol/limits.ts";
import type { Backup } from "#protocol/rest.ts";
import { refuse, refuseFor, type RelayFailure } from "../failure.ts";
import type { Command, Transaction } from "../store/transaction.ts";
import {
  insertSession,
  putBackup,
  type NewSession,
  type PasswordFields,
} from "./account-commands.ts";

type Denied =
  | { readonly outcome: "refused" }
  | { readonly outcome: "locked"; readonly untilMs: number };

/** Signs in by password. Known and unknown handles fail and lock alike. */
export const login: Command<
  { now: number; handle: string; authHash: Bytes; session: Omit<NewSession, "userId"> },
  { readonly outcome: "in"; readonly userId: UserId } | Denied
> = (tx, { now, handle, authHash, session }) => {
  const lock = lockOf(tx, handle, now);
  if (lock.untilMs > now) return ok({ outcome: "locked", untilMs: lock.untilMs });
  const user = tx.sql.get<{ user_id: UserId; auth_hash: Bytes | null }>(
    "SELECT user_id, auth_hash FROM users WHERE handle = ?",
    handle,
  );
  const expected = user?.auth_hash ?? new Uint8Array(32);
  const matches = timingSafeEqual(expected, authHash) && user?.auth_hash != null;
  const device = session.deviceId;
  const ownsDevice =
    device === null ||
    tx.sql.get(
      "SELECT 1 FROM devices WHERE device_id = ? AND user_id = ? AND revoked_at IS NULL",
      device,
      user?.user_id ?? "",
    ) !== undefined;
  if (user !== undefined && matches && ownsDevice) {
    tx.sql.run("DELETE FROM login_failures WHERE handle = ?", handle);
    insertSession(tx, { ...session, userId: user.user_id }, now);
    return ok({ outcome: "in", userId: user.user_id });
  }
  countFailure(tx, handle, lock.failures, now);
  return ok({ outcome: "refused" });
};

/** Login secret and backup change together; every other session ends. */
export const changePassword: Command<
  {
    now: number;
    userId: UserId;
    sessionId: string;
    authHash: Bytes | null;
    next: PasswordFields;
    backup: Backup;
  },
  { readonly outcome: "changed" } | Denied
> = (tx, { now, userId, sessionId, authHash, next, backup }) => {
  const user = tx.sql.get<{ handle: string; auth_hash: Bytes | null }>(
    "SELECT handle, auth_hash FROM users WHERE user_id = ?",
    userId,
  );
  if (user === undefined) return refuse("NOT_FOUND");
  const lock = lockOf(tx, user.handle, now);
  if (lock.untilMs > now) return ok({ outcome: "locked", untilMs: lock.untilMs });
  const matches =
    user.auth_hash === null
      ? authHash === null
      : authHash !== null && timingSafeEqual(user.auth_hash, authHash);
  if (!matches) {
    countFailure(tx, user.handle, lock.failures, now);
    return ok({ outcome: "refused" });
  }
  const stored = putBackup(tx, { userId, backup });
  if (!stored.ok) return stored;
  tx.sql.run(
    "UPDATE users SET auth_hash = ?, argon2_salt = ?, argon2_params = ? WHERE user_id = ?",
    next.authHash,
    next.argon2Salt,
    next.argon2Params,
    userId,
  );
  tx.sql.run("DELETE FROM sessions WHERE user_id = ? AND session_id <> ?", userId, sessionId);
  return ok({ outcome: "changed" });
};

/** How a denied try is answered; a locked one says until when. */
export const deniedRefusal = (denied: Denied, now: number): Result<never, RelayFailure> =>
  denied.outcome === "locked"
    ? refuseFor("ACCOUNT_LOCKED", denied.untilMs - now)
    : refuse("INVALID_CREDENTIALS");

function lockOf(
  tx: Transaction,
  handle: string,
  now: number,
): { readonly failures: number; readonly untilMs: number } {
  tx.sql.run(
    "DELETE FROM login_failures WHERE at < ? AND locked_until < ?",
    now - LOGIN_LOCK_MS,
    now,
  );
  const row = tx.sql.get<{ failures: number; locked_until: number }>(
    "SELECT failures, locked_until FROM login_failures WHERE handle = ?",
    handle,
  );
  return { failures: row?.failures ?? 0, untilMs: row?.locked_until ?? 0 };
}

function countFailure(tx: Transaction, handle: string, before: number, now: number): void {
  const failures = before + 1;
  const lockedUntil = failures >= LOGIN_FAILURES_BEFORE_LOCK ? now + LOGIN_LOCK_MS : 0;
  tx.sql.run(
    `INSERT INTO login_failures (handle, failures, locked_until, at) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET failures = excluded.failures, locked_until = excluded.locked_until, at = excluded.at`,
    handle,
    lockedUntil > 0 ? 0 : failures,
    lockedUntil,
    now,
  );
}
