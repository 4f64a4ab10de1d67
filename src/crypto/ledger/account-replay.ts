// Replaying an account's ledger: each entry is judged by the state before it, or refused. SPEC §6.1, C21, C22.
import { type Bytes, equalBytes } from "#base/bytes.ts";
import { ok, type Result } from "#base/result.ts";
import { type AccountId, uuidToBytes } from "#protocol/ids.ts";
import type { CryptoFailure, LedgerFault } from "../failure.ts";
import type { Primitives } from "../primitives.ts";
import { type AccountOp, type Card, encodeAccountOp, parseAccountOp } from "./account-op.ts";
import {
  type AccountOf,
  type AccountState,
  agentDeviceId,
  currentDeviceKey,
  everyKey,
} from "./account-state.ts";
import { checkChain, extendChain, refused } from "./chain.ts";
import { type LedgerEntry, peekLedgerEntry, verifyEntry, verifyGrant } from "./entry.ts";

/**
 * The state after all entries, from the first or from a known state.
 *
 * Fails with `crypto/ledger-refused`; `crypto/ledger-fork` when an entry differs from the known one at its place.
 * The known state stays the right one to keep.
 * Source: SPEC C21, C22.
 */
export async function replayAccount(
  primitives: Primitives,
  accountId: AccountId,
  entries: readonly Bytes[],
  from?: AccountState,
  creatorOf?: AccountOf,
): Promise<Result<AccountState, CryptoFailure>> {
  let state = from;
  for (const bytes of entries) {
    const entry = peekLedgerEntry(primitives, bytes);
    if (entry === null) return refused("malformed", null);
    const placed = await checkPlace(primitives, accountId, state, entry);
    if (placed !== null) return placed;
    const next = await applyEntry(primitives, accountId, state, entry, creatorOf);
    if (typeof next === "string") return refused(next, entry.seq);
    state = next;
  }
  return state === undefined ? refused("malformed", null) : ok(state);
}

/** Where an entry stands must be the next place of this ledger. */
function checkPlace(
  primitives: Primitives,
  accountId: AccountId,
  state: AccountState | undefined,
  entry: LedgerEntry,
) {
  const isOurs =
    entry.scope === "account" &&
    equalBytes(entry.scopeId, uuidToBytes(accountId)) &&
    entry.actorId === accountId;
  if (!isOurs) return refused("scope", entry.seq);
  return checkChain(primitives, state, entry, state === undefined ? [] : everyKey(state));
}

async function applyEntry(
  primitives: Primitives,
  accountId: AccountId,
  state: AccountState | undefined,
  entry: LedgerEntry,
  creatorOf: AccountOf | undefined,
): Promise<AccountState | LedgerFault> {
  const op = parseAccountOp(accountId, entry);
  if (op === null) return "malformed";
  if (state === undefined) {
    return op.type === "card"
      ? applyFirstCard(primitives, accountId, entry, op, creatorOf)
      : "content";
  }

  const key = authorKey(state, entry, op);
  if (key === null) return "authority";
  if (!(await verifyEntry(primitives, entry, key))) return "signature";
  const next = { ...state, ...extendChain(state, entry) };
  switch (op.type) {
    case "card":
      return applyLaterCard(primitives, state, next, entry, op, creatorOf);
    case "device-add": {
      if (state.devices.has(op.deviceId)) return "content";
      if (!primitives.acceptVerifyingKey(op.signingKey)) return "key";
      const device = { signingKey: op.signingKey, addedSeq: entry.seq, revokedSeq: null };
      return { ...next, devices: new Map(state.devices).set(op.deviceId, device) };
    }
    case "device-revoke": {
      const device = state.devices.get(op.deviceId);
      if (device?.revokedSeq !== null) return "content";
      const revoked = { ...device, revokedSeq: entry.seq };
      return { ...next, devices: new Map(state.devices).set(op.deviceId, revoked) };
    }
    case "rotate-ik":
      return applyRotation(primitives, state, next, entry, op);
    case "backup":
      if (op.version <= (state.backup?.version ?? -1)) return "content";
      return { ...next, backup: { version: op.version, hash: op.hash } };
  }
}

/** The key that may sign this op in this state, or null. An agent's identity key is its one device. */
function authorKey(state: AccountState, entry: LedgerEntry, op: AccountOp): Bytes | null {
  const isByDevice = op.type === "device-revoke" || op.type === "backup";
  if (state.kind === "agent") {
    const isOwnDevice = entry.actorDeviceId === agentDeviceId(state.accountId);
    const isAboutDevices = op.type === "device-add" || op.type === "device-revoke";
    return isOwnDevice && !isAboutDevices ? state.identityKey : null;
  }
  if (!isByDevice) return entry.actorDeviceId === null ? state.identityKey : null;
  return entry.actorDeviceId === null ? null : currentDeviceKey(state, entry.actorDeviceId);
}

async function applyFirstCard(
  primitives: Primitives,
  accountId: AccountId,
  entry: LedgerEntry,
  card: Card,
  creatorOf: AccountOf | undefined,
): Promise<AccountState | LedgerFault> {
  const isAgent = entry.actorDeviceId === agentDeviceId(accountId);
  if (!isAgent && entry.actorDeviceId !== null) return "authority";
  if (!isAgent && card.creatorId !== null) return "content";
  if (card.creatorId !== null && card.countersignature === null) return "content";
  if (!primitives.acceptVerifyingKey(card.identityKey)) return "key";
  if (!(await verifyEntry(primitives, entry, card.identityKey))) return "signature";
  const creator = await judgeCreator(primitives, accountId, entry, card, creatorOf);
  if (creator === "refused") return "signature";
  const device = { signingKey: card.identityKey, addedSeq: 0, revokedSeq: null };
  return {
    accountId,
    kind: isAgent ? "agent" : "human",
    seq: 0,
    head: entry.hash,
    heads: [entry.hash],
    identityKey: card.identityKey,
    identities: [{ sinceSeq: 0, key: card.identityKey }],
    mode: card.mode,
    suiteFloor: card.suiteFloor,
    bootstrapKey: card.bootstrapKey,
    creatorId: card.creatorId,
    isCreatorProven: creator === "proven",
    manifestHash: card.manifestHash,
    devices: new Map(isAgent ? [[agentDeviceId(accountId), device]] : []),
    backup: null,
  };
}

/** A later card changes how the account is written to, never who it is or who made it. */
async function applyLaterCard(
  primitives: Primitives,
  state: AccountState,
  next: AccountState,
  entry: LedgerEntry,
  card: Card,
  creatorOf: AccountOf | undefined,
): Promise<AccountState | LedgerFault> {
  if (!equalBytes(card.identityKey, state.identityKey)) return "content";
  if (card.creatorId !== state.creatorId) return "content";
  const creator = await judgeCreator(primitives, state.accountId, entry, card, creatorOf);
  if (creator === "refused") return "signature";
  return {
    ...next,
    mode: card.mode,
    suiteFloor: card.suiteFloor,
    bootstrapKey: card.bootstrapKey,
    manifestHash: card.manifestHash,
  };
}

/** A rotation needs the old key (the entry's signature) and the new one (the signature in its data). */
async function applyRotation(
  primitives: Primitives,
  state: AccountState,
  next: AccountState,
  entry: LedgerEntry,
  op: Extract<AccountOp, { type: "rotate-ik" }>,
): Promise<AccountState | LedgerFault> {
  const key = op.identityKey;
  if (!primitives.acceptVerifyingKey(key) || op.signature === null) return "key";
  const unsigned = {
    ...entry,
    ...encodeAccountOp(state.accountId, { ...op, signature: null }),
  };
  if (!(await verifyGrant(primitives, unsigned, op.signature, key))) return "signature";
  const identities = [...state.identities, { sinceSeq: entry.seq, key }];
  const devices = new Map(state.devices);
  const agentDevice = devices.get(agentDeviceId(state.accountId));
  if (state.kind === "agent" && agentDevice !== undefined) {
    devices.set(agentDeviceId(state.accountId), { ...agentDevice, signingKey: key });
  }
  return { ...next, identityKey: key, identities, devices };
}

async function judgeCreator(
  primitives: Primitives,
  accountId: AccountId,
  entry: LedgerEntry,
  card: Card,
  creatorOf: AccountOf | undefined,
): Promise<"proven" | "unproven" | "refused"> {
  const { creatorId, countersignature } = card;
  if (countersignature === null) return "unproven";
  if (creatorId === null) return "refused";
  const creator = creatorOf?.(creatorId);
  if (creator === undefined) return "unproven";
  const key = creator.devices.get(countersignature.deviceId)?.signingKey;
  if (key === undefined) return "refused";
  const op = { type: "card", ...card, countersignature: null } as const;
  const unsigned = { ...entry, ...encodeAccountOp(accountId, op) };
  const holds = await verifyGrant(primitives, unsigned, countersignature.signature, key);
  return holds ? "proven" : "refused";
}
