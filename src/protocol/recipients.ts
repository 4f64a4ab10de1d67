// Whom a message or a session is addressed to: a sorted list of devices, each once, with the key it was sealed to.
// crypto/SPEC.md C11.
import { type Bytes, compareBytes } from "#base/bytes.ts";
import { enc, splitItems, u16 } from "./encoding.ts";
import { type AccountId, bytesToUuid, type DeviceId, uuidToBytes } from "./ids.ts";

/** One recipient: account 16, device 16, key id 16, mode 1. */
export const RECIPIENT_SIZE_BYTES = 49;
/** Devices one envelope is sealed to: the cost of an open grows with them. */
export const MAX_RECIPIENTS = 64;
/** How a device receives: by a session's chain, or by a wrap of its own in every message. */
export type DeliveryMode = "session" | "envelope";
/** One addressed device. `kid`: 16 bytes, zeros = the long-lived key of an agent's card. */
export type EnvelopeRecipient = {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  readonly kid: Bytes;
  readonly mode: DeliveryMode;
};

/** A recipient list as it travels: items sorted bytewise. The caller gives each device once. */
export function encodeRecipients(recipients: readonly EnvelopeRecipient[]): Bytes {
  const items = recipients.map(encodeRecipient).toSorted(compareBytes);
  const list = new Uint8Array(items.length * RECIPIENT_SIZE_BYTES);
  items.forEach((item, i) => list.set(item, i * RECIPIENT_SIZE_BYTES));
  return list;
}

/** The bytes whose hash is the head's `recipientsHash`; the label is crypto's. */
export const recipientsRecord = (label: string, recipientList: Bytes): Bytes =>
  enc(label, u16(recipientList.length / RECIPIENT_SIZE_BYTES), recipientList);

/** Orders recipients as their list does. */
export const compareRecipients = (a: EnvelopeRecipient, b: EnvelopeRecipient): number =>
  compareBytes(encodeRecipient(a), encodeRecipient(b));

/** The recipients of a list, or null unless it is sorted and no device stands twice. */
export function parseRecipients(list: Uint8Array): readonly EnvelopeRecipient[] | null {
  const items = splitItems(list, RECIPIENT_SIZE_BYTES);
  if (items === null) return null;
  for (const [i, item] of items.entries()) {
    const before = items[i - 1];
    // Comparing the device alone also refuses one device under two keys.
    if (before && compareBytes(before.subarray(0, 32), item.subarray(0, 32)) >= 0) return null;
    if (item[48] !== 1 && item[48] !== 2) return null;
  }
  return items.map((item) => ({
    accountId: bytesToUuid<AccountId>(item.subarray(0, 16)),
    deviceId: bytesToUuid<DeviceId>(item.subarray(16, 32)),
    kid: item.slice(32, 48),
    mode: item[48] === 1 ? "session" : "envelope",
  }));
}

const encodeRecipient = ({ accountId, deviceId, kid, mode }: EnvelopeRecipient): Bytes => {
  const item = new Uint8Array(RECIPIENT_SIZE_BYTES);
  item.set(uuidToBytes(accountId), 0);
  item.set(uuidToBytes(deviceId), 16);
  item.set(kid, 32);
  item[48] = mode === "session" ? 1 : 2;
  return item;
};
