/**
 * The name of a person's device, sealed so that the relay can keep it for the person's other devices. SPEC C44.
 */
import { concat, utf8, utf8ToText, wipe, type Bytes } from "#base/bytes.ts";
import type { Secret } from "#base/secret.ts";
import { enc } from "#protocol/encoding.ts";
import { uuidToBytes, type AccountId, type DeviceId } from "#protocol/ids.ts";

import { LABEL } from "./labels.ts";
import type { Primitives } from "./primitives.ts";

const NONCE_SIZE_BYTES = 24;

/** Whose device it is, and the seed that every device of the person holds. Shapes: `identitySeed` 32 bytes. */
export type DeviceNameOwner = {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  readonly identitySeed: Secret<Bytes>;
};

/** Shapes: nonce 24 bytes, then the ciphertext, 16 bytes longer than the name. */
export function sealDeviceName(p: Primitives, owner: DeviceNameOwner, name: string): Bytes {
  const key = nameKey(p, owner);
  const nonce = p.randomBytes(NONCE_SIZE_BYTES);
  const sealed = p.xchachaSeal(key, nonce, nameAad(owner), utf8(name));
  wipe(key);
  return concat(nonce, sealed);
}

/** The name, or null when it was not sealed for this device by this person. */
export function openDeviceName(
  p: Primitives,
  owner: DeviceNameOwner,
  sealed: Bytes,
): string | null {
  if (sealed.length < NONCE_SIZE_BYTES) return null;
  const key = nameKey(p, owner);
  const nonce = sealed.slice(0, NONCE_SIZE_BYTES);
  const plain = p.xchachaOpen(key, nonce, nameAad(owner), sealed.slice(NONCE_SIZE_BYTES));
  wipe(key);
  return plain === null ? null : utf8ToText(plain);
}

function nameKey(p: Primitives, { accountId, identitySeed }: DeviceNameOwner): Bytes {
  const account = uuidToBytes(accountId);
  const prk = p.hkdfExtract(account, identitySeed.reveal());
  const key = p.hkdfExpand(prk, enc(LABEL.deviceNameKey, account), 32);
  wipe(prk);
  return key;
}

const nameAad = ({ accountId, deviceId }: DeviceNameOwner): Bytes =>
  enc(LABEL.deviceName, uuidToBytes(accountId), uuidToBytes(deviceId));
