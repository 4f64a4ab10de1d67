// What a conversation's ledger says once replayed, and the questions messages ask of it. SPEC §6.2.
import { type Bytes, equalBytes } from "#base/bytes.ts";
import type { AccountId, ConversationId, DeviceId } from "#protocol/ids.ts";
import type { AccountState } from "./account-state.ts";
import type { ConversationType, MemberKind, Role } from "./conversation-op.ts";
import type { LedgerPoint } from "./entry.ts";

/** A member as the ledger has it: who, with which key, as of which place of their account's ledger. */
export type Member = {
  readonly role: Role;
  readonly kind: MemberKind;
  readonly identityKey: Bytes;
  readonly accountSeq: number;
  readonly accountHead: Bytes;
  readonly sinceSeq: number;
};

/** The entries between which someone was a member: from `sinceSeq` on, before `untilSeq`. */
export type Term = {
  readonly accountId: AccountId;
  readonly sinceSeq: number;
  readonly untilSeq: number | null;
};

/** A role and the entry since which it counts, until the account's next one. */
export type RoleTerm = {
  readonly accountId: AccountId;
  readonly sinceSeq: number;
  readonly role: Role;
};

/** A person's consent to one card of a member. */
export type CardAcceptance = {
  readonly by: AccountId;
  readonly accountId: AccountId;
  readonly account: LedgerPoint;
};

/** A person's lasting consent for an agent. Shapes: `grantId` 16, `scopeHash` 32 bytes; `notAfter` epoch ms. */
export type StandingGrant = {
  readonly by: AccountId;
  readonly agentId: AccountId;
  readonly grantId: Bytes;
  readonly scopeHash: Bytes;
  readonly notAfter: number;
};

/** What a replayed conversation ledger says. A value: each entry gives a new one. */
export type ConversationState = {
  readonly conversationId: ConversationId;
  readonly type: ConversationType;
  readonly seq: number;
  readonly head: Bytes;
  /** Hash of every entry, by its seq. */
  readonly heads: readonly Bytes[];
  readonly ownerId: AccountId;
  /** The device that wrote the first entry; the owner's own `add` must be by it too. */
  readonly founderDeviceId: DeviceId | null;
  readonly members: ReadonlyMap<AccountId, Member>;
  /** Who was removed last at which entry, and is no member now. */
  readonly removed: ReadonlyMap<AccountId, number>;
  readonly terms: readonly Term[];
  /** Every role that somebody was given, oldest first. */
  readonly roles: readonly RoleTerm[];
  readonly acceptances: readonly CardAcceptance[];
  readonly grants: readonly StandingGrant[];
  /** Whether people who are plain members may add others. */
  readonly membersMayAdd: boolean;
  readonly isClosed: boolean;
};

/** What reading a message needs to know of the conversation. Made by {@link ledgerView}. */
export interface LedgerView {
  /** Hash of the entry at a place; undefined where the ledger is not known yet. */
  headAt(seq: number): Bytes | undefined;
  isMember(accountId: AccountId, seq: number): boolean;
}

/** The part of a conversation's state that reading a message asks for. */
export const ledgerView = (state: ConversationState): LedgerView => ({
  headAt: (seq) => state.heads[seq],
  isMember: (accountId, seq) => wasMember(state, accountId, seq),
});

/** Whether an account was a member right after the entry at `seq`. Source: SPEC C23. */
export const wasMember = (state: ConversationState, accountId: AccountId, seq: number): boolean =>
  state.terms.some(
    (term) =>
      term.accountId === accountId &&
      term.sinceSeq <= seq &&
      (term.untilSeq === null || seq < term.untilSeq),
  );

/** The role an account had right after the entry at `seq`; null for who was no member there. Source: SPEC C62. */
export const roleAt = (state: ConversationState, accountId: AccountId, seq: number): Role | null =>
  wasMember(state, accountId, seq)
    ? (state.roles.findLast((term) => term.accountId === accountId && term.sinceSeq <= seq)?.role ??
      null)
    : null;

/** Whether a card protects less than the one before it: no sessions any more, or a weaker suite allowed. */
export const isLowerCard = (
  before: Pick<AccountState, "mode"> & { readonly suiteFloor: number },
  after: Pick<AccountState, "mode"> & { readonly suiteFloor: number },
): boolean =>
  (before.mode === "session" && after.mode === "envelope") || after.suiteFloor < before.suiteFloor;

/** Whether this person, or the owner for all, has consented to the member's card as of that place. Source: SPEC C24. */
export const isCardAccepted = (
  state: ConversationState,
  humanId: AccountId,
  memberId: AccountId,
  account: LedgerPoint,
): boolean =>
  state.acceptances.some(
    (acceptance) =>
      (acceptance.by === humanId || acceptance.by === state.ownerId) &&
      acceptance.accountId === memberId &&
      acceptance.account.seq === account.seq &&
      equalBytes(acceptance.account.head, account.head),
  );
