// What reading someone's message needs to know of them, taken from their replayed account ledger. SPEC C12, C23.
import type { Bytes } from "#base/bytes.ts";
import type { AccountId, DeviceId } from "#protocol/ids.ts";
import type { DeliveryMode } from "#protocol/recipients.ts";
import { fingerprint } from "./identity.ts";
import { type AccountState, currentDeviceKey } from "./ledger/account-state.ts";
import type { Primitives } from "./primitives.ts";

/** A sender's device as pinned. Made by {@link senderView}. */
export interface SenderView {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  /** Never one that came with a message. */
  readonly signingKey: Bytes;
  /** Of the account's identity key. */
  readonly fingerprint: Bytes;
  /** How the account's card says it is written to. */
  readonly mode: DeliveryMode;
  /** Hash of the entry at a place of the account's ledger; undefined where it is not known yet. */
  accountHeadAt(seq: number): Bytes | undefined;
}

/** The sender's device as its account has it now; null for an unknown or revoked one. */
export function senderView(
  primitives: Primitives,
  account: AccountState,
  deviceId: DeviceId,
): SenderView | null {
  const signingKey = currentDeviceKey(account, deviceId);
  if (signingKey === null) return null;
  return {
    accountId: account.accountId,
    deviceId,
    signingKey,
    fingerprint: fingerprint(primitives, account.accountId, account.identityKey),
    mode: account.mode,
    accountHeadAt: (seq) => account.heads[seq],
  };
}
