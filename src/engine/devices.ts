/** A person's own devices: which there are, and putting one out. SPEC §devices. */
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import { fingerprintText } from "#base/fingerprint-text.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { DeviceView } from "#bridge/views.ts";
import { openDeviceName, sealDeviceName } from "#crypto/device-name.ts";
import { fingerprint } from "#crypto/identity.ts";
import { currentDevices } from "#crypto/ledger/account-state.ts";
import { MAX_DEVICE_NAME_CHARACTERS } from "#protocol/limits.ts";
import { Empty, OwnDevice } from "#protocol/rest.ts";
import type { DeviceId } from "#protocol/ids.ts";
import { appendOwn, fetchAccount } from "./account-ledger.ts";
import { nameOwner } from "./account-keys.ts";
import { translated, type EngineFailure } from "./failure.ts";
import type { Session } from "./session.ts";

type Answer<Value> = Promise<Result<Value, EngineFailure>>;

/** Devices that count by the account's ledger, this one first; the relay only says when they were seen. */
export async function listDevices(session: Session): Answer<readonly DeviceView[]> {
  const { deps, endpoint } = session;
  const { record } = session.account();
  const ledger = await fetchAccount(deps, endpoint.rest, record.userId);
  if (!ledger.ok) return ledger;
  const told = await endpoint.rest.page("/users/me/devices", OwnDevice);
  if (!told.ok) return err(translated(told.failure));
  const toldById = new Map(told.value.items.map((device) => [device.device_id, device]));
  const views = currentDevices(ledger.value).map((id): DeviceView => {
    const device = toldById.get(id);
    const key = ledger.value.devices.get(id)?.signingKey;
    const sealed = device?.name_sealed == null ? null : base64ToBytes(device.name_sealed);
    return {
      id,
      name: sealed && openDeviceName(deps.primitives, nameOwner(record, id), sealed),
      isThis: id === record.deviceId,
      addedAt: device === undefined ? null : Date.parse(device.created_at),
      lastActiveAt: device === undefined ? null : Date.parse(device.last_active_at),
      fingerprintText:
        key === undefined ? "" : fingerprintText(fingerprint(deps.primitives, record.userId, key)),
    };
  });
  return ok(
    views.sort(
      (a, b) => Number(b.isThis) - Number(a.isThis) || (b.addedAt ?? 0) - (a.addedAt ?? 0),
    ),
  );
}

/** Gives a device of this account another name. Fails with `engine/text-empty` and the line's kinds. */
export async function renameDevice(
  session: Session,
  { deviceId, name }: { readonly deviceId: DeviceId; readonly name: string },
): Answer<null> {
  const { deps, endpoint } = session;
  const trimmed = Array.from(name.normalize("NFC").trim())
    .slice(0, MAX_DEVICE_NAME_CHARACTERS)
    .join("");
  if (trimmed === "") return err({ kind: "engine/text-empty" });
  const sealed = sealDeviceName(
    deps.primitives,
    nameOwner(session.account().record, deviceId),
    trimmed,
  );
  const renamed = await endpoint.rest.call("PATCH", `/users/me/devices/${deviceId}`, Empty, {
    name_sealed: bytesToBase64(sealed),
  });
  return renamed.ok ? ok(null) : err(translated(renamed.failure));
}

/**
 * Puts another device out: the account's ledger says so first, then its sessions at the relay end.
 *
 * Fails with `engine/own-device` for this one, which is wiped instead, and the line's kinds.
 */
export async function revokeDevice(
  session: Session,
  { deviceId }: { readonly deviceId: DeviceId },
): Answer<null> {
  if (deviceId === session.endpoint.deviceId) return err({ kind: "engine/own-device" });
  return putOut(session, deviceId);
}

/** Takes a device out of the account, this one too. What was done before is not done again. */
export async function putOut(session: Session, deviceId: DeviceId): Answer<null> {
  const { deps, endpoint } = session;
  const revoked = await appendOwn(deps, endpoint.rest, session.account().record, (ledger) =>
    currentDevices(ledger).includes(deviceId) ? { type: "device-revoke", deviceId } : null,
  );
  if (!revoked.ok) return revoked;
  const removed = await endpoint.rest.call("DELETE", `/users/me/devices/${deviceId}`, Empty);
  const isGone = removed.ok || removed.failure.kind === "peer/not-found";
  return isGone ? ok(null) : err(translated(removed.failure));
}
