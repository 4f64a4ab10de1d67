// Replaying a conversation's ledger: each entry is judged by the state before it and by its author's account
// ledger at the place the conversation knows, so every replay by anyone ends alike. SPEC §6.2, C21, C22.
import { type Bytes, equalBytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import { type AccountId, type ConversationId, uuidToBytes } from "#protocol/ids.ts";
import { MAX_GROUP_MEMBERS } from "#protocol/limits.ts";
import type { CryptoFailure, LedgerFault } from "../failure.ts";
import type { Primitives } from "../primitives.ts";
import {
  type AccountOf,
  type AccountState,
  deviceKeyAt,
  everyKey,
  identityKeyAt,
} from "./account-state.ts";
import { mayAuthor } from "./authority.ts";
import { checkChain, extendChain, refused } from "./chain.ts";
import { type ConversationOp, parseConversationOp } from "./conversation-op.ts";
import type { ConversationState, Member } from "./conversation-state.ts";
import { type LedgerEntry, type LedgerPoint, peekLedgerEntry, verifyEntry } from "./entry.ts";

type Refusal = { readonly ok: false; readonly failure: CryptoFailure };

/**
 * The state after all entries, from the first or from a known state.
 *
 * Fails with `crypto/ledger-refused`; `crypto/ledger-fork` when an entry differs from the known one at its place;
 * `crypto/account-needed` when an author's or new member's account ledger must be known further first.
 * The known state stays the right one to keep.
 * Source: SPEC C21, C22.
 */
export async function replayConversation(
  primitives: Primitives,
  conversationId: ConversationId,
  entries: readonly Bytes[],
  accountOf: AccountOf,
  from?: ConversationState,
): Promise<Result<ConversationState, CryptoFailure>> {
  let state = from;
  for (const bytes of entries) {
    const next = await replayEntry(primitives, conversationId, bytes, accountOf, state);
    if (!next.ok) return next;
    state = next.value;
  }
  return state === undefined ? refused("malformed", null) : ok(state);
}

async function replayEntry(
  primitives: Primitives,
  conversationId: ConversationId,
  bytes: Bytes,
  accountOf: AccountOf,
  state: ConversationState | undefined,
): Promise<Result<ConversationState, CryptoFailure>> {
  const entry = peekLedgerEntry(primitives, bytes);
  if (entry === null) return refused("malformed", null);
  const isOurs =
    entry.scope === "conversation" && equalBytes(entry.scopeId, uuidToBytes(conversationId));
  if (!isOurs) return refused("scope", entry.seq);
  const account = accountOf(entry.actorId);
  const authorKeys = account === undefined ? [] : everyKey(account);
  const misplaced = await checkChain(primitives, state, entry, authorKeys);
  if (misplaced !== null) return misplaced;
  const op = parseConversationOp(entry);
  if (op === null) return refused("malformed", entry.seq);
  if (state?.isClosed) return refused("closed", entry.seq);

  if (state === undefined) return replayCreate(primitives, conversationId, entry, op, account);
  return state.members.size === 0 && state.seq === 0
    ? replayFounder(primitives, state, entry, op, account)
    : replayByMember(primitives, state, entry, op, accountOf);
}

/** The first entry: its author is the owner; which devices count is known with the second. */
async function replayCreate(
  primitives: Primitives,
  conversationId: ConversationId,
  entry: LedgerEntry,
  op: ConversationOp,
  account: AccountState | undefined,
): Promise<Result<ConversationState, CryptoFailure>> {
  if (op.type !== "create" || op.accountId !== entry.actorId) return refused("content", entry.seq);
  if (account === undefined) return accountNeeded(entry.actorId, 0);
  const device = entry.actorDeviceId && account.devices.get(entry.actorDeviceId);
  if (!device) return refused("device", entry.seq);
  const keys = account.kind === "agent" ? everyKey(account) : [device.signingKey];
  const verdicts = await Promise.all(keys.map((key) => verifyEntry(primitives, entry, key)));
  if (!verdicts.includes(true)) return refused("signature", entry.seq);
  return ok({
    conversationId,
    type: op.conversation,
    seq: entry.seq,
    head: entry.hash,
    heads: [entry.hash],
    ownerId: op.accountId,
    founderDeviceId: entry.actorDeviceId,
    members: new Map(),
    removed: new Map(),
    terms: [],
    roles: [],
    acceptances: [],
    grants: [],
    membersMayAdd: false,
    isClosed: false,
  });
}

/** The second entry: the owner becomes the first member, by the same device. */
async function replayFounder(
  primitives: Primitives,
  state: ConversationState,
  entry: LedgerEntry,
  op: ConversationOp,
  account: AccountState | undefined,
): Promise<Result<ConversationState, CryptoFailure>> {
  const isOwnAdd =
    op.type === "add" &&
    op.role === "owner" &&
    op.accountId === state.ownerId &&
    entry.actorId === state.ownerId &&
    entry.actorDeviceId === state.founderDeviceId;
  if (!isOwnAdd) return refused("authority", entry.seq);
  const unproven = await checkAuthor(primitives, entry, account, op.account);
  if (unproven !== null) return unproven;
  return addMember(state, entry, op, account);
}

async function replayByMember(
  primitives: Primitives,
  state: ConversationState,
  entry: LedgerEntry,
  op: ConversationOp,
  accountOf: AccountOf,
): Promise<Result<ConversationState, CryptoFailure>> {
  const actor = state.members.get(entry.actorId);
  if (actor === undefined) return refused("authority", entry.seq);
  // Someone who announces a change of their account is judged by the account after it: a new device may
  // announce itself, a device just revoked may not speak again.
  const isOwnChange = op.type === "device-add" || op.type === "device-revoke" || op.type === "mode";
  const place = isOwnChange ? op.account : { seq: actor.accountSeq, head: actor.accountHead };
  const unproven = await checkAuthor(primitives, entry, accountOf(entry.actorId), place);
  if (unproven !== null) return unproven;
  if (!mayAuthor(state, entry.actorId, actor, op)) return refused("authority", entry.seq);
  return applyOp(state, entry, op, accountOf);
}

/** Null when the author's device counts at that place of their account ledger and signed the entry. */
async function checkAuthor(
  primitives: Primitives,
  entry: LedgerEntry,
  account: AccountState | undefined,
  place: LedgerPoint,
): Promise<Refusal | null> {
  const unknown = checkPoint(entry, entry.actorId, account, place);
  if (account === undefined || unknown !== null) return unknown;
  const key = entry.actorDeviceId && deviceKeyAt(account, entry.actorDeviceId, place.seq);
  if (!key) return refused("device", entry.seq);
  return (await verifyEntry(primitives, entry, key)) ? null : refused("signature", entry.seq);
}

/** Null when the place is one of this account's ledger as we know it. */
function checkPoint(
  entry: LedgerEntry,
  accountId: AccountId,
  account: AccountState | undefined,
  place: LedgerPoint,
): Refusal | null {
  const head = account?.heads[place.seq];
  if (head === undefined) return accountNeeded(accountId, place.seq);
  return equalBytes(head, place.head) ? null : refused("account-head", entry.seq);
}

function applyOp(
  state: ConversationState,
  entry: LedgerEntry,
  op: ConversationOp,
  accountOf: AccountOf,
): Result<ConversationState, CryptoFailure> {
  const next = { ...state, ...extendChain(state, entry) };
  const account = accountOf(op.accountId);
  if (op.type === "add") return addMember(state, entry, op, account);
  const member = state.members.get(op.accountId);
  if (member === undefined) return refused("content", entry.seq);
  switch (op.type) {
    case "remove":
      return ok(withoutMember(next, op.accountId, entry.seq));
    case "role":
      return ok(withRole(next, op.accountId, member, op.role, entry.actorId));
    case "device-add":
    case "device-revoke":
    case "mode": {
      const { seq, head } = op.account;
      if (account === undefined || seq <= member.accountSeq) return refused("content", entry.seq);
      const identityKey = identityKeyAt(account, seq);
      const moved = { ...member, identityKey, accountSeq: seq, accountHead: head };
      return ok({ ...next, members: new Map(state.members).set(op.accountId, moved) });
    }
    case "accept-card": {
      const { accountId, account: point } = op;
      const acceptance = { by: entry.actorId, accountId, account: point };
      return ok({ ...next, acceptances: [...state.acceptances, acceptance] });
    }
    case "close":
      return ok({ ...next, isClosed: true });
    case "standing-grant": {
      const isRepeated = state.grants.some(({ grantId }) => equalBytes(grantId, op.grantId));
      if (entry.notAfter === null || isRepeated) return refused("content", entry.seq);
      const { accountId: agentId, grantId, scopeHash } = op;
      const grant = { by: entry.actorId, agentId, grantId, scopeHash, notAfter: entry.notAfter };
      return ok({ ...next, grants: [...state.grants, grant] });
    }
    case "revoke": {
      const grants = state.grants.filter(({ grantId }) => !equalBytes(grantId, op.grantId));
      return ok({ ...next, grants });
    }
    case "invite-policy":
      return ok({ ...next, membersMayAdd: op.membersMayAdd });
    case "create":
      return refused("content", entry.seq);
  }
}

function addMember(
  state: ConversationState,
  entry: LedgerEntry,
  op: Extract<ConversationOp, { type: "add" }>,
  account: AccountState | undefined,
): Result<ConversationState, CryptoFailure> {
  const fault = judgeNewMember(state, op);
  if (fault !== null) return refused(fault, entry.seq);
  const unknown = checkPoint(entry, op.accountId, account, op.account);
  if (unknown !== null) return unknown;
  const isSamePerson =
    account !== undefined &&
    account.kind === op.kind &&
    equalBytes(identityKeyAt(account, op.account.seq), op.identityKey);
  if (!isSamePerson) return refused("content", entry.seq);

  const { role, kind, identityKey } = op;
  const { seq: accountSeq, head: accountHead } = op.account;
  const member = { role, kind, identityKey, accountSeq, accountHead, sinceSeq: entry.seq };
  const removed = new Map(state.removed);
  removed.delete(op.accountId);
  return ok({
    ...state,
    ...extendChain(state, entry),
    members: new Map(state.members).set(op.accountId, member),
    removed,
    terms: [...state.terms, { accountId: op.accountId, sinceSeq: entry.seq, untilSeq: null }],
    roles: [...state.roles, { accountId: op.accountId, sinceSeq: entry.seq, role }],
  });
}

/** Whether the conversation has room for this member: pairs are pairs, and of the kinds they say. */
function judgeNewMember(
  state: ConversationState,
  op: Extract<ConversationOp, { type: "add" }>,
): LedgerFault | null {
  if (state.members.has(op.accountId)) return "content";
  if (state.members.size >= (state.type === "group" ? MAX_GROUP_MEMBERS : 2)) return "too-many";
  const kinds = [...state.members.values()].map(({ kind }) => kind);
  if (state.type === "h2h" && op.kind !== "human") return "content";
  if (state.type === "h2a" && kinds.includes(op.kind)) return "content";
  return null;
}

function withoutMember(
  state: ConversationState,
  accountId: AccountId,
  untilSeq: number,
): ConversationState {
  const members = new Map(state.members);
  members.delete(accountId);
  return {
    ...state,
    members,
    removed: new Map(state.removed).set(accountId, untilSeq),
    terms: state.terms.map((term) =>
      term.accountId === accountId && term.untilSeq === null ? { ...term, untilSeq } : term,
    ),
    grants: state.grants.filter(({ by, agentId }) => by !== accountId && agentId !== accountId),
  };
}

/** Making someone else the owner hands the conversation over: there is always one at most. */
function withRole(
  state: ConversationState,
  accountId: AccountId,
  member: Member,
  role: Member["role"],
  ownerId: AccountId,
): ConversationState {
  // The chain was extended before: `seq` is this entry's.
  const sinceSeq = state.seq;
  const members = new Map(state.members).set(accountId, { ...member, role });
  const roles = [...state.roles, { accountId, sinceSeq, role }];
  const owner = state.members.get(ownerId);
  if (role !== "owner" || owner === undefined) return { ...state, members, roles };
  members.set(ownerId, { ...owner, role: "admin" });
  roles.push({ accountId: ownerId, sinceSeq, role: "admin" });
  return { ...state, members, roles, ownerId: accountId };
}

const accountNeeded = (accountId: AccountId, seq: number): Refusal =>
  err({ kind: "crypto/account-needed", accountId, seq } as const);
