/**
 * Writes that a password opens: signing in, changing it, ending the account. Wrong ones are counted by handle, wherever they are
 * tried; a failed try is a success of its command, for its count must be committed. SPEC P16.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Bytes } from "#base/bytes.ts";
import { ok, type Result } from "#base/result.ts";
import type { AgentId, ConversationId, RelationId, UserId } from "#protocol/ids.ts";
import { LOGIN_FAILURES_BEFORE_LOCK, LOGIN_LOCK_MS } from "#protocol/limits.ts";
import type { Backup } from "#protocol/rest.ts";
import { refuse, refuseFor, type RelayFailure } from "../failure.ts";
import { systemEntry } from "../log/append-commands.ts";
import type { Command, Transaction } from "../store/transaction.ts";
import {
  insertSession,
  putBackup,
  type NewSession,
  type PasswordFields,
} from "./account-commands.ts";
import { deleteAgent } from "./agent-commands.ts";
import { changeRelation } from "./relation-commands.ts";

type Denied =
  | { readonly outcome: "refused" }
  | { readonly outcome: "locked"; readonly untilMs: number };

/** Signs in by password. Known and unknown handles fail and lock alike. */
export const login: Command<
  { now: number; handle: string; authHash: Bytes; session: Omit<NewSession, "userId"> },
  { readonly outcome: "in"; readonly userId: UserId } | Denied
> = async (tx, { now, handle, authHash, session }) => {
  const lock = await lockOf(tx, handle, now);
  if (lock.untilMs > now) return ok({ outcome: "locked", untilMs: lock.untilMs });
  const user = await tx.sql.get<{ user_id: UserId; auth_hash: Bytes | null }>(
    "SELECT user_id, auth_hash FROM users WHERE handle = ?",
    handle,
  );
  const expected = user?.auth_hash ?? new Uint8Array(32);
  const matches = timingSafeEqual(expected, authHash) && user?.auth_hash != null;
  const device = session.deviceId;
  const ownsDevice =
    device === null ||
    (await tx.sql.get(
      "SELECT 1 FROM devices WHERE device_id = ? AND user_id = ? AND revoked_at IS NULL",
      device,
      user?.user_id ?? "",
    )) !== undefined;
  if (user !== undefined && matches && ownsDevice) {
    await tx.sql.run("DELETE FROM login_failures WHERE handle = ?", handle);
    await insertSession(tx, { ...session, userId: user.user_id }, now);
    return ok({ outcome: "in", userId: user.user_id });
  }
  await countFailure(tx, handle, lock.failures, now);
  return ok({ outcome: "refused" });
};

/** Login secret and backup change together; every other session ends. */
export const changePassword: Command<
  {
    now: number;
    userId: UserId;
    sessionId: string;
    authHash: Bytes | null;
    /** A way in the old password's place. */
    way: { readonly methodId: string; readonly authHash: Bytes } | null;
    next: PasswordFields;
    backup: Backup;
  },
  { readonly outcome: "changed" } | Denied
> = async (tx, { now, userId, sessionId, authHash, way, next, backup }) => {
  const user = await tx.sql.get<{ handle: string; auth_hash: Bytes | null }>(
    "SELECT handle, auth_hash FROM users WHERE user_id = ?",
    userId,
  );
  if (user === undefined) return refuse("NOT_FOUND");
  const denied =
    way === null
      ? await checkPassword(tx, { ...user, authHash, now })
      : await checkWay(tx, { ...user, userId, ...way, now });
  if (denied !== null) return ok(denied);
  await dropStalePasskeys(tx, userId, backup);
  const stored = await putBackup(tx, { userId, backup });
  if (!stored.ok) return stored;
  await tx.sql.run(
    "UPDATE users SET auth_hash = ?, argon2_salt = ?, argon2_params = ? WHERE user_id = ?",
    next.authHash,
    next.argon2Salt,
    next.argon2Params,
    userId,
  );
  await tx.sql.run("DELETE FROM sessions WHERE user_id = ? AND session_id <> ?", userId, sessionId);
  return ok({ outcome: "changed" });
};

/**
 * Ends an account: relations, own agents (whose relations end after it), memberships, devices, sessions, backup. What it said stays with those it
 * was said to, and its ledger with it, for without it nobody could check old messages.
 */
export const deleteAccount: Command<
  { now: number; userId: UserId; authHash: Bytes | null; tokenHash: Bytes },
  { readonly outcome: "deleted" } | Denied
> = async (tx, { now, userId, authHash, tokenHash }) => {
  const user = await tx.sql.get<{ handle: string; auth_hash: Bytes | null }>(
    "SELECT handle, auth_hash FROM users WHERE user_id = ?",
    userId,
  );
  if (user === undefined) return refuse("NOT_FOUND");
  const denied = await checkPassword(tx, { ...user, authHash, now });
  if (denied !== null) return ok(denied);
  const relations = await tx.sql.all<{ relation_id: RelationId }>(
    "SELECT relation_id FROM relations WHERE (user_id = ?1 OR peer_user_id = ?1) AND status <> 'revoked'",
    userId,
  );
  for (const { relation_id } of relations) {
    const ended = await changeRelation(tx, {
      now,
      relationId: relation_id,
      by: userId,
      to: "revoked",
    });
    if (!ended.ok) return ended;
  }
  const agents = await tx.sql.all<{ agent_id: AgentId }>(
    "SELECT agent_id FROM agents WHERE creator_id = ? AND deleted_at IS NULL",
    userId,
  );
  for (const { agent_id } of agents) {
    // Each needs a token hash of its own that no token has.
    const own = createHash("sha256").update(tokenHash).update(agent_id).digest();
    const gone = await deleteAgent(tx, {
      now,
      agentId: agent_id,
      tokenHash: new Uint8Array(own),
    });
    if (!gone.ok) return gone;
  }
  await leaveEverything(tx, userId, now);
  for (const sql of [
    "DELETE FROM cursor WHERE recipient_dev IN (SELECT device_id FROM devices WHERE user_id = ?)",
    "DELETE FROM prekeys WHERE owner_id IN (SELECT device_id FROM devices WHERE user_id = ?)",
    "DELETE FROM contact_requests WHERE from_id = ?1 OR to_id = ?1",
    "DELETE FROM blocks WHERE user_id = ?1 OR blocked_id = ?1",
    "DELETE FROM users WHERE user_id = ?",
  ])
    await tx.sql.run(sql, userId);
  return ok({ outcome: "deleted" });
};

// The relay's routing copy; the signed entry that says so is for an owner or admin to write.
async function leaveEverything(tx: Transaction, userId: UserId, now: number): Promise<void> {
  const groups = await tx.sql.all<{ conv: ConversationId }>(
    `SELECT conv FROM member JOIN conv ON id = conv
     WHERE account = ? AND left_seq IS NULL AND conv.type = 'group'`,
    userId,
  );
  for (const { conv } of groups) {
    const meta = { change: "member_removed", by: userId, subject_id: userId };
    await tx.append(systemEntry(conv, "group.updated", meta), now);
  }
  await tx.sql.run(
    `UPDATE member SET left_seq = (SELECT next_seq - 1 FROM conv WHERE id = member.conv)
     WHERE account = ? AND left_seq IS NULL`,
    userId,
  );
}

// Their wraps are of the backup key, and another generation is another key.
async function dropStalePasskeys(tx: Transaction, userId: UserId, next: Backup): Promise<void> {
  const row = await tx.sql.get<{ body: string }>(
    "SELECT body FROM backups WHERE user_id = ?",
    userId,
  );
  const before = row === undefined ? null : (JSON.parse(row.body) as Backup);
  if (before?.bk_gen !== next.bk_gen)
    await tx.sql.run("DELETE FROM ways WHERE user_id = ? AND method = 'passkey'", userId);
}

async function checkWay(
  tx: Transaction,
  tried: {
    readonly handle: string;
    readonly userId: UserId;
    readonly methodId: string;
    readonly authHash: Bytes;
    readonly now: number;
  },
): Promise<Denied | null> {
  const lock = await lockOf(tx, tried.handle, tried.now);
  if (lock.untilMs > tried.now) return { outcome: "locked", untilMs: lock.untilMs };
  const way = await tx.sql.get<{ auth_hash: Bytes }>(
    "SELECT auth_hash FROM ways WHERE user_id = ? AND method_id = ?",
    tried.userId,
    tried.methodId,
  );
  if (way !== undefined && timingSafeEqual(way.auth_hash, tried.authHash)) return null;
  await countFailure(tx, tried.handle, lock.failures, tried.now);
  return { outcome: "refused" };
}

/** How a denied try is answered; a locked one says until when. */
export const deniedRefusal = (denied: Denied, now: number): Result<never, RelayFailure> =>
  denied.outcome === "locked"
    ? refuseFor("ACCOUNT_LOCKED", denied.untilMs - now)
    : refuse("INVALID_CREDENTIALS");

// Who never set a password proves nothing by one: their session has to do.
async function checkPassword(
  tx: Transaction,
  tried: {
    readonly handle: string;
    readonly auth_hash: Bytes | null;
    readonly authHash: Bytes | null;
    readonly now: number;
  },
): Promise<Denied | null> {
  const { handle, auth_hash, authHash, now } = tried;
  const lock = await lockOf(tx, handle, now);
  if (lock.untilMs > now) return { outcome: "locked", untilMs: lock.untilMs };
  const matches =
    auth_hash === null
      ? authHash === null
      : authHash !== null && timingSafeEqual(auth_hash, authHash);
  if (matches) return null;
  await countFailure(tx, handle, lock.failures, now);
  return { outcome: "refused" };
}

async function lockOf(
  tx: Transaction,
  handle: string,
  now: number,
): Promise<{ readonly failures: number; readonly untilMs: number }> {
  await tx.sql.run(
    "DELETE FROM login_failures WHERE at < ? AND locked_until < ?",
    now - LOGIN_LOCK_MS,
    now,
  );
  const row = await tx.sql.get<{ failures: number; locked_until: number }>(
    "SELECT failures, locked_until FROM login_failures WHERE handle = ?",
    handle,
  );
  return { failures: row?.failures ?? 0, untilMs: row?.locked_until ?? 0 };
}

async function countFailure(
  tx: Transaction,
  handle: string,
  before: number,
  now: number,
): Promise<void> {
  const failures = before + 1;
  const lockedUntil = failures >= LOGIN_FAILURES_BEFORE_LOCK ? now + LOGIN_LOCK_MS : 0;
  await tx.sql.run(
    `INSERT INTO login_failures (handle, failures, locked_until, at) VALUES (?, ?, ?, ?)
     ON CONFLICT (handle) DO UPDATE SET failures = excluded.failures, locked_until = excluded.locked_until, at = excluded.at`,
    handle,
    lockedUntil > 0 ? 0 : failures,
    lockedUntil,
    now,
  );
}
