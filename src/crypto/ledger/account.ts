// Writing an account's own ledger: its card, its identity key's changes, its devices, its backup's version.
// What is written is judged by the same replay that others do. SPEC §6.1.
import type { Bytes } from "#base/bytes.ts";
import { assert } from "#base/invariant.ts";
import { ok, type Result } from "#base/result.ts";
import type { SuiteId } from "#protocol/envelope.ts";
import { type AccountId, type DeviceId, uuidToBytes } from "#protocol/ids.ts";
import type { DeliveryMode } from "#protocol/recipients.ts";
import type { CryptoFailure } from "../failure.ts";
import type { Signer } from "../identity.ts";
import type { Primitives } from "../primitives.ts";
import { type AccountOp, encodeAccountOp } from "./account-op.ts";
import { replayAccount } from "./account-replay.ts";
import { type AccountState, agentDeviceId } from "./account-state.ts";
import { type LedgerFields, NO_HASH, signGrant, signLedgerEntry } from "./entry.ts";

/** What {@link appendAccount} can add. Identity keys sign `device-add`, `rotate-ik` and `card`; devices the rest. */
export type NewAccountOp =
  | Extract<AccountOp, { type: "device-add" | "device-revoke" | "backup" }>
  | { readonly type: "rotate-ik"; readonly identity: Signer }
  | {
      readonly type: "card";
      readonly mode: DeliveryMode;
      readonly suiteFloor: SuiteId;
      readonly bootstrapKey: Bytes | null;
      readonly manifestHash: Bytes | null;
    };

/** Starts an account with its card, signed by its identity key; an agent's also by its creator. */
export async function startAccount(
  primitives: Primitives,
  options: {
    readonly accountId: AccountId;
    readonly kind: "human" | "agent";
    readonly identity: Signer;
    readonly mode: DeliveryMode;
    readonly suiteFloor: SuiteId;
    readonly bootstrapKey: Bytes | null;
    readonly manifestHash?: Bytes | null;
    readonly creator?: {
      readonly accountId: AccountId;
      readonly deviceId: DeviceId;
      readonly signer: Signer;
    };
    readonly createdAt: number;
  },
): Promise<{ readonly entry: Bytes; readonly state: AccountState }> {
  const { accountId, identity, creator } = options;
  const card = {
    type: "card",
    identityKey: identity.publicKey,
    mode: options.mode,
    suiteFloor: options.suiteFloor,
    bootstrapKey: options.bootstrapKey,
    creatorId: creator?.accountId ?? null,
    manifestHash: options.manifestHash ?? null,
    countersignature: null,
  } as const;
  const place = {
    accountId,
    seq: 0,
    previousHash: NO_HASH,
    actorDeviceId: options.kind === "agent" ? agentDeviceId(accountId) : null,
    createdAt: options.createdAt,
  };
  const countersignature = creator && {
    deviceId: creator.deviceId,
    signature: await signGrant(primitives, fieldsOf(place, card), creator.signer),
  };
  const fields = fieldsOf(place, { ...card, countersignature: countersignature ?? null });
  const entry = await signLedgerEntry(primitives, fields, identity);
  const replayed = await replayAccount(primitives, accountId, [entry]);
  assert(replayed.ok, "an account starts with a valid card");
  return { entry, state: replayed.value };
}

/**
 * Adds one entry and returns the state after it.
 *
 * Shapes: `actorDeviceId` is null when a person's identity key signs; an agent always names its one device.
 * Fails with `crypto/ledger-refused` when the ledger would not accept the entry.
 */
export async function appendAccount(
  primitives: Primitives,
  state: AccountState,
  options: {
    readonly actorDeviceId: DeviceId | null;
    readonly signer: Signer;
    readonly op: NewAccountOp;
    readonly createdAt: number;
  },
): Promise<Result<{ readonly entry: Bytes; readonly state: AccountState }, CryptoFailure>> {
  const { op, signer } = options;
  const place = {
    accountId: state.accountId,
    seq: state.seq + 1,
    previousHash: state.head,
    actorDeviceId: options.actorDeviceId,
    createdAt: options.createdAt,
  };
  const fields = fieldsOf(place, await completeOp(primitives, state, place, op));
  const entry = await signLedgerEntry(primitives, fields, signer);
  const next = await replayAccount(primitives, state.accountId, [entry], state);
  return next.ok ? ok({ entry, state: next.value }) : next;
}

type Place = {
  readonly accountId: AccountId;
  readonly seq: number;
  readonly previousHash: Bytes;
  readonly actorDeviceId: DeviceId | null;
  readonly createdAt: number;
};

const fieldsOf = ({ accountId, ...place }: Place, op: AccountOp): LedgerFields => ({
  ...place,
  ...encodeAccountOp(accountId, op),
  scope: "account",
  scopeId: uuidToBytes(accountId),
  actorId: accountId,
  notAfter: null,
});

async function completeOp(
  primitives: Primitives,
  state: AccountState,
  place: Place,
  op: NewAccountOp,
): Promise<AccountOp> {
  if (op.type === "card") {
    const { identityKey, creatorId } = state;
    return { ...op, identityKey, creatorId, countersignature: null };
  }
  if (op.type !== "rotate-ik") return op;
  const rotation = { type: "rotate-ik", identityKey: op.identity.publicKey } as const;
  const unsigned = fieldsOf(place, { ...rotation, signature: null });
  return { ...rotation, signature: await signGrant(primitives, unsigned, op.identity) };
}
