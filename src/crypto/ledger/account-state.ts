// What an account's ledger says once replayed, and the questions others ask of it. SPEC §6.1.
import type { Bytes } from "#base/bytes.ts";
import type { SuiteId } from "#protocol/envelope.ts";
import type { AccountId, DeviceId } from "#protocol/ids.ts";
import type { DeliveryMode } from "#protocol/recipients.ts";

/** A device's key and the entries between which it counts. */
export type AccountDevice = {
  readonly signingKey: Bytes;
  readonly addedSeq: number;
  readonly revokedSeq: number | null;
};

/** What a replayed account ledger says. A value: each entry gives a new one. */
export type AccountState = {
  readonly accountId: AccountId;
  readonly kind: "human" | "agent";
  readonly seq: number;
  readonly head: Bytes;
  /** Hash of every entry, by its seq. */
  readonly heads: readonly Bytes[];
  readonly identityKey: Bytes;
  /** Every identity key and since when it counts, oldest first. */
  readonly identities: readonly { readonly sinceSeq: number; readonly key: Bytes }[];
  readonly mode: DeliveryMode;
  readonly suiteFloor: SuiteId;
  readonly bootstrapKey: Bytes | null;
  readonly creatorId: AccountId | null;
  /** Whether the creator's signature was checked; false when the creator's ledger was not at hand. */
  readonly isCreatorProven: boolean;
  readonly manifestHash: Bytes | null;
  readonly devices: ReadonlyMap<DeviceId, AccountDevice>;
  readonly backup: { readonly version: number; readonly hash: Bytes } | null;
};

/** Finds another account's state; undefined when it is not known here. */
export type AccountOf = (accountId: AccountId) => AccountState | undefined;

/** The device an agent is: all its processes together, under the agent's own id. */
export const agentDeviceId = (accountId: AccountId): DeviceId => accountId as string as DeviceId;

/** The key of a device that counts now; null for an unknown or revoked one. Source: SPEC C23. */
export function currentDeviceKey(account: AccountState, deviceId: DeviceId): Bytes | null {
  const device = account.devices.get(deviceId);
  return device?.revokedSeq === null ? device.signingKey : null;
}

/** The devices that count now. */
export const currentDevices = (account: AccountState): readonly DeviceId[] =>
  [...account.devices].filter(([, device]) => device.revokedSeq === null).map(([id]) => id);

/** The key a device had at a place of the ledger; null if it did not count there. */
export function deviceKeyAt(account: AccountState, deviceId: DeviceId, seq: number): Bytes | null {
  const device = account.devices.get(deviceId);
  if (device === undefined || device.addedSeq > seq) return null;
  if (device.revokedSeq !== null && device.revokedSeq <= seq) return null;
  return account.kind === "agent" ? identityKeyAt(account, seq) : device.signingKey;
}

/** The identity key at a place of the ledger. */
export const identityKeyAt = (account: AccountState, seq: number): Bytes =>
  account.identities.findLast(({ sinceSeq }) => sinceSeq <= seq)?.key ?? account.identityKey;

/** Every key that ever spoke for the account. */
export const everyKey = (account: AccountState): readonly Bytes[] => [
  ...account.identities.map(({ key }) => key),
  ...[...account.devices.values()].map(({ signingKey }) => signingKey),
];
