// Whom to seal to and how: the keys of one device, chosen from signed records only. SPEC C10, C20, C24.
import type { Bytes } from "#base/bytes.ts";
import type { SuiteId } from "#protocol/envelope.ts";
import type { AccountId, DeviceId } from "#protocol/ids.ts";
import type { DeliveryMode, EnvelopeRecipient } from "#protocol/recipients.ts";
import type { Prekey } from "./prekeys.ts";
import type { Primitives } from "./primitives.ts";

/**
 * How a device is reached: by a prekey that {@link verifyPrekey} gave, or, when an agent has none, by the
 * long-lived X25519 key of its card, which the screen must call reduced security.
 */
export type Delivery =
  | { readonly mode: DeliveryMode; readonly prekey: Prekey }
  | { readonly mode: "session"; readonly bootstrapKey: Bytes };

/** A device to seal to. Shapes: `fingerprint` 32 bytes, of its account's pinned identity key. */
export type Recipient = {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  readonly fingerprint: Bytes;
  readonly delivery: Delivery;
};

/** A recipient with everything that goes into its wrap. */
export type SealTarget = EnvelopeRecipient & {
  readonly fingerprint: Bytes;
  readonly suite: SuiteId;
  readonly publicKey: Bytes;
  /** Hash of the certificate; zeros for a card's long-lived key. */
  readonly certificateHash: Bytes;
};

/** Key id that stands for a card's long-lived key. */
export const BOOTSTRAP_KID: Bytes = new Uint8Array(16);

/** Whether a key id stands for a card's long-lived key. */
export const isBootstrapKid = (kid: Bytes): boolean => kid.every((byte) => byte === 0);

/** The target a recipient is, by session or by a wrap of its own. */
export function targetOf(
  primitives: Primitives,
  recipient: Recipient,
  mode: DeliveryMode,
): SealTarget {
  const { accountId, deviceId, fingerprint, delivery } = recipient;
  const device = { accountId, deviceId, fingerprint, mode };
  if ("bootstrapKey" in delivery) {
    const publicKey = delivery.bootstrapKey;
    const certificateHash = new Uint8Array(32);
    return { ...device, kid: BOOTSTRAP_KID, suite: 1, publicKey, certificateHash };
  }
  const { kid, suite, publicKey, certificate } = delivery.prekey;
  return { ...device, kid, suite, publicKey, certificateHash: primitives.sha256(certificate) };
}

/** The one suite of all targets, or null when they differ or there are none. */
export function suiteOf(targets: readonly SealTarget[]): SuiteId | null {
  const suite = targets[0]?.suite;
  return suite !== undefined && targets.every((target) => target.suite === suite) ? suite : null;
}

/**
 * The strongest suite that every device of a list can be reached with, or null.
 *
 * Shapes: for each device the suites of its valid prekeys; a card's long-lived key counts as suite 1.
 */
export const commonSuite = (suitesByDevice: readonly (readonly SuiteId[])[]): SuiteId | null =>
  ([2, 1] as const).find((suite) => suitesByDevice.every((suites) => suites.includes(suite))) ??
  null;
