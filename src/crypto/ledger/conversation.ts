// Writing a conversation's ledger. What is written is judged by the same replay that others do. SPEC §6.2.
import type { Bytes } from "#base/bytes.ts";
import { ok, type Result } from "#base/result.ts";
import { type AccountId, type ConversationId, type DeviceId, uuidToBytes } from "#protocol/ids.ts";
import type { CryptoFailure } from "../failure.ts";
import type { Signer } from "../identity.ts";
import type { Primitives } from "../primitives.ts";
import type { AccountOf, AccountState } from "./account-state.ts";
import {
  type ConversationOp,
  type ConversationType,
  encodeConversationOp,
  type Role,
} from "./conversation-op.ts";
import { replayConversation } from "./conversation-replay.ts";
import type { ConversationState } from "./conversation-state.ts";
import { NO_HASH, signLedgerEntry } from "./entry.ts";

/** Who writes an entry, from which device. */
export type LedgerActor = {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  readonly signer: Signer;
};

/** What {@link appendConversation} can add: everything but the start. */
export type NewConversationOp = Exclude<ConversationOp, { type: "create" }>;

/** The op that adds an account as it stands now. */
export const addOf = (
  account: AccountState,
  role: Role,
): Extract<ConversationOp, { type: "add" }> => ({
  type: "add",
  accountId: account.accountId,
  role,
  kind: account.kind,
  identityKey: account.identityKey,
  account: { seq: account.seq, head: account.head },
});

/**
 * Starts a conversation: the two entries that create it and make its owner the first member.
 *
 * Fails with `crypto/ledger-refused` when the device does not count in the owner's account.
 */
export async function startConversation(
  primitives: Primitives,
  options: {
    readonly conversationId: ConversationId;
    readonly type: ConversationType;
    readonly actor: LedgerActor;
    readonly account: AccountState;
    readonly createdAt: number;
  },
): Promise<
  Result<{ readonly entries: readonly Bytes[]; readonly state: ConversationState }, CryptoFailure>
> {
  const { conversationId, account } = options;
  const accountOf: AccountOf = (id) => (id === account.accountId ? account : undefined);
  const { accountId } = options.actor;
  const create = { type: "create", accountId, conversation: options.type } as const;
  const first = await signOp(primitives, conversationId, undefined, { ...options, op: create });
  const created = await replayConversation(primitives, conversationId, [first], accountOf);
  if (!created.ok) return created;
  const own = { ...options, op: addOf(account, "owner") };
  const added = await appendConversation(primitives, created.value, own, accountOf);
  if (!added.ok) return added;
  return ok({ entries: [first, added.value.entry], state: added.value.state });
}

/**
 * Adds one entry and returns the state after it.
 *
 * Shapes: `createdAt`, `notAfter` epoch ms; `notAfter` is required for a standing grant.
 * Fails as {@link replayConversation} does, before anything is sent.
 */
export async function appendConversation(
  primitives: Primitives,
  state: ConversationState,
  options: {
    readonly actor: LedgerActor;
    readonly op: NewConversationOp;
    readonly createdAt: number;
    readonly notAfter?: number;
  },
  accountOf: AccountOf,
): Promise<Result<{ readonly entry: Bytes; readonly state: ConversationState }, CryptoFailure>> {
  const { conversationId } = state;
  const entry = await signOp(primitives, conversationId, state, options);
  const next = await replayConversation(primitives, conversationId, [entry], accountOf, state);
  return next.ok ? ok({ entry, state: next.value }) : next;
}

const signOp = (
  primitives: Primitives,
  conversationId: ConversationId,
  state: ConversationState | undefined,
  options: {
    readonly actor: LedgerActor;
    readonly op: ConversationOp;
    readonly createdAt: number;
    readonly notAfter?: number;
  },
): Promise<Bytes> =>
  signLedgerEntry(
    primitives,
    {
      ...encodeConversationOp(options.op),
      scope: "conversation",
      scopeId: uuidToBytes(conversationId),
      seq: state === undefined ? 0 : state.seq + 1,
      previousHash: state?.head ?? NO_HASH,
      actorId: options.actor.accountId,
      actorDeviceId: options.actor.deviceId,
      createdAt: options.createdAt,
      notAfter: options.notAfter ?? null,
    },
    options.actor.signer,
  );
