/** The account of a device link on its new device: keys that were handed over, and a place in the ledger that waits. */
import { bytesToBase64 } from "#base/base64.ts";
import { equalBytes, type Bytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { Secret } from "#base/secret.ts";
import type { BackupContent } from "#crypto/backup-content.ts";
import type { DeviceId, UserId } from "#protocol/ids.ts";
import { createDeviceTokens } from "#peer/accounts.ts";
import { createRest } from "#peer/rest.ts";
import { keysOf, type AccountRecord } from "./account-keys.ts";
import { fetchAccount } from "./account-ledger.ts";
import { keep, settle, type OpenAccount } from "./account-vault.ts";
import type { EngineDeps } from "./deps.ts";
import type { EngineFailure } from "./failure.ts";
import type { Database } from "./store/migrations.ts";

/** What the old device admitted. Shapes: `seed` 32 bytes, of the device key in the ask. */
export type Joining = {
  readonly userId: UserId;
  readonly handle: string;
  readonly displayName: string;
  readonly content: BackupContent;
  readonly deviceId: DeviceId;
  readonly seed: Secret<Bytes>;
};

/**
 * Signs in as the device that the account's ledger has now, and settles.
 *
 * Fails with `engine/bad-backup` when the ledger names another identity or another key for this device, and with the
 * line's kinds; then nothing is kept.
 */
export async function joinAccount(
  deps: EngineDeps,
  database: Database,
  { userId, handle, displayName, content, deviceId, seed }: Joining,
): Promise<
  Result<{ readonly account: OpenAccount; readonly backup: BackupContent }, EngineFailure>
> {
  const record: AccountRecord = {
    userId,
    deviceId,
    handle,
    displayName,
    identitySeed: bytesToBase64(content.identitySeed.reveal()),
    deviceSeed: bytesToBase64(seed.reveal()),
    hasPassword: false,
    backupVersion: 0,
    backupGeneration: 0,
    backupKey: null,
    wayIn: null,
    pendingBackup: null,
    isRegistered: true,
    createdAt: deps.clock.now(),
  };
  const { device, identity } = keysOf(deps.primitives, record);
  const line = { ...deps, baseUrl: deps.origin };
  const login = { origin: deps.origin, userId, deviceId, signer: device };
  const open = createRest({ ...line, tokens: null });
  const tokens = createDeviceTokens({ rest: open, clock: deps.clock, login });
  const ledger = await fetchAccount(deps, createRest({ ...line, tokens }), userId);
  if (!ledger.ok) return ledger;
  const { backup, devices, identityKey } = ledger.value;
  const listed = devices.get(deviceId)?.signingKey;
  const isOurs = listed !== undefined && equalBytes(listed, device.publicKey);
  if (!isOurs || !equalBytes(identityKey, identity.publicKey))
    return err({ kind: "engine/bad-backup" });
  const known = {
    ...record,
    hasPassword: backup !== null,
    backupVersion: backup?.version ?? 0,
    // A backup key's generation is never above the backup's version.
    backupGeneration: backup?.version ?? 0,
  };
  const settled = await settle(deps, database, known);
  const kept = await keep(deps, database, settled, null);
  return kept.ok ? ok({ account: kept.value, backup: content }) : kept;
}
