/** Writes about people: registration, devices, sessions, backup, their own ledger. */
import { bytesToBase64 } from "#base/base64.ts";
import { equalBytes, type Bytes } from "#base/bytes.ts";
import { ok, type Result } from "#base/result.ts";
import type { AccountId, DeviceId, UserId } from "#protocol/ids.ts";
import { MAX_DEVICES_PER_HUMAN, REFRESH_GRACE_MS } from "#protocol/limits.ts";
import type { Backup } from "#protocol/rest.ts";
import { refuse, type RelayFailure } from "../failure.ts";
import { checkLedgerPlace, checkWholeLedger, hashOf, NO_HASH, rotatedKey } from "../ledger-head.ts";
import type { Command, Transaction } from "../store/transaction.ts";

/** A signed-in browser; `deviceId` null: it may only enrol itself. */
export type NewSession = {
  readonly sessionId: string;
  readonly userId: UserId;
  readonly deviceId: DeviceId | null;
  readonly refreshHash: Bytes;
  readonly expiresAt: number;
};

export type NewDevice = {
  readonly deviceId: DeviceId;
  readonly signingKey: Bytes;
  readonly certificate: Bytes;
  readonly nameSealed: string | null;
};

export type PasswordFields = {
  readonly authHash: Bytes;
  readonly argon2Salt: string;
  readonly argon2Params: string;
};

export const registerUser: Command<
  {
    readonly now: number;
    readonly userId: UserId;
    readonly handle: string;
    readonly displayName: string;
    readonly identityKey: Bytes;
    readonly password: PasswordFields | null;
    readonly ledger: readonly Bytes[];
    readonly device: NewDevice;
    readonly backup: Backup | null;
    readonly session: NewSession;
  },
  null
> = async (tx, registration) => {
  const { userId, handle, now, device, password } = registration;
  if (await isAccount(tx, userId)) return refuse("ID_TAKEN", { path: "user_id" });
  if (await tx.sql.get("SELECT 1 FROM users WHERE handle = ?", handle))
    return refuse("HANDLE_TAKEN");
  const chain = checkWholeLedger(registration.ledger, "account", userId);
  if (!chain.ok) return chain;
  await tx.sql.run(
    `INSERT INTO users (user_id, handle, display_name, identity_key, auth_hash, argon2_salt, argon2_params, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    userId,
    handle,
    registration.displayName,
    registration.identityKey,
    password?.authHash ?? null,
    password?.argon2Salt ?? null,
    password?.argon2Params ?? null,
    now,
  );
  for (const [seq, row] of chain.value.entries()) await insertLedgerRow(tx, userId, seq, row);
  const enrolled = await insertDevice(tx, userId, device, now);
  if (!enrolled.ok) return enrolled;
  if (registration.backup !== null) await insertBackup(tx, userId, registration.backup);
  await insertSession(tx, registration.session, now);
  return ok(null);
};

/** Appends the device's certificate to the account's ledger and enrols it, together. */
export const addDevice: Command<
  {
    readonly now: number;
    readonly userId: UserId;
    readonly device: NewDevice;
    readonly ledgerSeq: number;
    readonly prevHash: Bytes;
    /** The session that enrols itself; null when another device of the account admits. */
    readonly sessionId: string | null;
  },
  null
> = async (tx, { now, userId, device, ledgerSeq, prevHash, sessionId }) => {
  const devices = await tx.sql.all<{ device_id: string }>(
    "SELECT device_id FROM devices WHERE user_id = ? AND revoked_at IS NULL",
    userId,
  );
  if (devices.length >= MAX_DEVICES_PER_HUMAN) {
    return refuse("DEVICE_LIMIT", { devices: devices.map((row) => row.device_id) });
  }
  const appended = await appendAccountLedger(tx, {
    accountId: userId,
    ledgerSeq,
    prevHash,
    entry: device.certificate,
  });
  if (!appended.ok) return appended;
  const enrolled = await insertDevice(tx, userId, device, now);
  if (!enrolled.ok) return enrolled;
  if (sessionId === null) return ok(null);
  await tx.sql.run(
    "UPDATE sessions SET device_id = ? WHERE session_id = ?",
    device.deviceId,
    sessionId,
  );
  return ok(null);
};

export const removeDevice: Command<
  { now: number; userId: UserId; deviceId: DeviceId },
  null
> = async (tx, { now, userId, deviceId }) => {
  const removed = await tx.sql.run(
    "UPDATE devices SET revoked_at = ? WHERE device_id = ? AND user_id = ? AND revoked_at IS NULL",
    now,
    deviceId,
    userId,
  );
  if (removed === 0) return refuse("NOT_FOUND");
  await tx.sql.run("DELETE FROM sessions WHERE device_id = ?", deviceId);
  await tx.sql.run("DELETE FROM prekeys WHERE owner_id = ?", deviceId);
  await tx.sql.run("DELETE FROM push_subscriptions WHERE device_id = ?", deviceId);
  await tx.sql.run("DELETE FROM cursor WHERE recipient_dev = ?", deviceId);
  return ok(null);
};

export const startSession: Command<{ now: number; session: NewSession }, null> = async (
  tx,
  { now, session },
) => {
  await insertSession(tx, session, now);
  await tx.sql.run(
    "UPDATE devices SET last_active_at = ? WHERE device_id = ?",
    now,
    session.deviceId,
  );
  return ok(null);
};

export type Refreshed = {
  readonly sessionId: string;
  readonly userId: UserId;
  readonly deviceId: DeviceId | null;
  /** False: the other tab changed the token a moment ago; its new cookie stands. */
  readonly rotated: boolean;
};

/** Changes a refresh token for the next. An old one shown late means it was copied: the session ends. */
export const refreshSession: Command<
  { now: number; tokenHash: Bytes; nextHash: Bytes },
  Refreshed | { reused: true; sessionId: string; userId: UserId; deviceId: DeviceId | null } | null
> = async (tx, { now, tokenHash, nextHash }) => {
  const row = await tx.sql.get<{
    session_id: string;
    user_id: UserId;
    device_id: DeviceId | null;
    refresh_hash: Bytes;
    rotated_at: number;
    expires_at: number;
  }>("SELECT * FROM sessions WHERE refresh_hash = ? OR old_hash = ?", tokenHash, tokenHash);
  if (row === undefined || row.expires_at <= now) return ok(null);
  const session = { sessionId: row.session_id, userId: row.user_id, deviceId: row.device_id };
  if (!equalBytes(row.refresh_hash, tokenHash)) {
    if (now - row.rotated_at <= REFRESH_GRACE_MS) return ok({ ...session, rotated: false });
    await tx.sql.run("DELETE FROM sessions WHERE session_id = ?", row.session_id);
    return ok({ ...session, reused: true });
  }
  await tx.sql.run(
    "UPDATE sessions SET refresh_hash = ?, old_hash = ?, rotated_at = ? WHERE session_id = ?",
    nextHash,
    tokenHash,
    now,
    row.session_id,
  );
  return ok({ ...session, rotated: true });
};

export const endSession: Command<{ sessionId: string }, null> = async (tx, { sessionId }) => {
  await tx.sql.run("DELETE FROM sessions WHERE session_id = ?", sessionId);
  return ok(null);
};

export const putBackup: Command<{ userId: UserId; backup: Backup }, null> = async (
  tx,
  { userId, backup },
) => {
  const stored = await tx.sql.get<{ version: number }>(
    "SELECT version FROM backups WHERE user_id = ?",
    userId,
  );
  const version = backup.backup_version ?? 0;
  if (stored !== undefined && version < stored.version) {
    return refuse("BACKUP_CONFLICT", { backup_version: stored.version });
  }
  await insertBackup(tx, userId, backup);
  return ok(null);
};

export const updateProfile: Command<
  {
    userId: UserId;
    displayName: string | null;
    readReceipts: boolean | null;
    presence: boolean | null;
  },
  null
> = async (tx, { userId, displayName, readReceipts, presence }) => {
  await tx.sql.run(
    `UPDATE users SET display_name = coalesce(?, display_name), read_receipts = coalesce(?, read_receipts),
     presence = coalesce(?, presence) WHERE user_id = ?`,
    displayName,
    readReceipts === null ? null : Number(readReceipts),
    presence === null ? null : Number(presence),
    userId,
  );
  return ok(null);
};

export const putPrekeys: Command<
  {
    ownerId: AccountId | DeviceId;
    prekeys: readonly { kid: string; suite: number; certificate: string }[];
  },
  null
> = async (tx, { ownerId, prekeys }) => {
  await tx.sql.run("DELETE FROM prekeys WHERE owner_id = ?", ownerId);
  for (const [position, { kid, suite, certificate }] of prekeys.entries()) {
    await tx.sql.run(
      "INSERT INTO prekeys (owner_id, position, kid, suite, certificate) VALUES (?, ?, ?, ?, ?)",
      ownerId,
      position,
      kid,
      suite,
      certificate,
    );
  }
  return ok(null);
};

export const appendAccountLedger: Command<
  { accountId: AccountId; ledgerSeq: number; prevHash: Bytes; entry: Bytes },
  null
> = async (tx, { accountId, ledgerSeq, prevHash, entry }) => {
  const head = (await tx.sql.get<{ seq: number; hash: Bytes }>(
    "SELECT seq, hash FROM account_ledger WHERE account_id = ? ORDER BY seq DESC LIMIT 1",
    accountId,
  )) ?? { seq: -1, hash: NO_HASH };
  if (ledgerSeq !== head.seq + 1 || !equalBytes(prevHash, head.hash)) {
    return refuse("LEDGER_CONFLICT", {
      head: { ledger_seq: head.seq, hash: bytesToBase64(head.hash) },
    });
  }
  const placed = checkLedgerPlace(entry, {
    scope: "account",
    id: accountId,
    seq: ledgerSeq,
    prevHash,
  });
  if (!placed.ok) return placed;
  await insertLedgerRow(tx, accountId, ledgerSeq, { entry, prevHash, hash: hashOf(entry) });
  const rotated = rotatedKey(entry);
  if (rotated !== null) {
    await tx.sql.run("UPDATE users SET identity_key = ? WHERE user_id = ?", rotated, accountId);
    await tx.sql.run("UPDATE agents SET signing_key = ? WHERE agent_id = ?", rotated, accountId);
  }
  return ok(null);
};

export async function isAccount(tx: Pick<Transaction, "sql">, id: AccountId): Promise<boolean> {
  return (
    (await tx.sql.get(
      "SELECT 1 FROM users WHERE user_id = ? UNION ALL SELECT 1 FROM agents WHERE agent_id = ?",
      id,
      id,
    )) !== undefined
  );
}

export async function insertLedgerRow(
  tx: Transaction,
  accountId: AccountId,
  seq: number,
  row: { readonly entry: Bytes; readonly prevHash: Bytes; readonly hash: Bytes },
): Promise<void> {
  await tx.sql.run(
    "INSERT INTO account_ledger (account_id, seq, prev_hash, hash, entry) VALUES (?, ?, ?, ?, ?)",
    accountId,
    seq,
    row.prevHash,
    row.hash,
    row.entry,
  );
}

async function insertDevice(
  tx: Transaction,
  userId: UserId,
  device: NewDevice,
  now: number,
): Promise<Result<null, RelayFailure>> {
  const inserted = await tx.sql.run(
    `INSERT INTO devices (device_id, user_id, signing_key, certificate, name_sealed, created_at, last_active_at)
     VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    device.deviceId,
    userId,
    device.signingKey,
    device.certificate,
    device.nameSealed,
    now,
    now,
  );
  return inserted === 0 ? refuse("ID_TAKEN", { path: "device_id" }) : ok(null);
}

async function insertBackup(tx: Transaction, userId: UserId, backup: Backup): Promise<void> {
  await tx.sql.run(
    `INSERT INTO backups (user_id, version, body) VALUES (?, ?, ?)
     ON CONFLICT (user_id) DO UPDATE SET version = excluded.version, body = excluded.body`,
    userId,
    backup.backup_version ?? 0,
    JSON.stringify(backup),
  );
}

export async function insertSession(
  tx: Transaction,
  session: NewSession,
  now: number,
): Promise<void> {
  await tx.sql.run("DELETE FROM sessions WHERE expires_at <= ?", now);
  await tx.sql.run(
    `INSERT INTO sessions (session_id, user_id, device_id, refresh_hash, rotated_at, created_at, expires_at)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    session.sessionId,
    session.userId,
    session.deviceId,
    session.refreshHash,
    now,
    now,
    session.expiresAt,
  );
}
