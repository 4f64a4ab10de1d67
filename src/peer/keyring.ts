/**
 * Whom we trust: every account's ledger as we first saw it and as it honestly grew. The first sight pins; after that
 * the relay can only add entries the account itself signed. A new identity key or a weaker card blocks sending until
 * the person decides. SPEC E20–E22.
 */
import * as v from "valibot";
import { equalBytes, type Bytes } from "#base/bytes.ts";
import { createKeyedQueue } from "#base/queue.ts";
import { err, ok, type Result } from "#base/result.ts";
import { fingerprint } from "#crypto/identity.ts";
import { replayAccount } from "#crypto/ledger/account-replay.ts";
import type { AccountState } from "#crypto/ledger/account-state.ts";
import { isLowerCard } from "#crypto/ledger/conversation-state.ts";
import type { Primitives } from "#crypto/primitives.ts";
import type { AccountId } from "#protocol/ids.ts";
import type { PeerFailure } from "./failure.ts";
import { BytesText, encodeRecord, parseRecord } from "./json-record.ts";
import { fetchLedger } from "./ledger-rows.ts";
import type { Rest } from "./rest.ts";
import type { Put, Store } from "./store.ts";

export interface Keyring {
  /** The pinned account; fetched and pinned on first sight. */
  account(accountId: AccountId): Promise<Result<AccountState, PeerFailure>>;
  /** The pinned account if it was already used since start. */
  known(accountId: AccountId): AccountState | undefined;
  /** Asks the relay for more entries. Fails with `peer/key-changed` when they contradict the pinned ones. */
  refresh(accountId: AccountId): Promise<Result<AccountState, PeerFailure>>;
  /** Accepts the account as it is now, after the person decided; a link's fingerprint must match. */
  pin(accountId: AccountId, expected: Bytes | null): Promise<Result<AccountState, PeerFailure>>;
  /** Whether nothing may be sealed to this account until {@link pin}. */
  isBlocked(accountId: AccountId): boolean;
  /** Keeps own entries that were just made, after the relay took them. */
  adopt(
    accountId: AccountId,
    entries: readonly Bytes[],
  ): Promise<Result<AccountState, PeerFailure>>;
}

const TABLE = "accounts";
const AccountRecord = v.object({
  entries: v.array(BytesText),
  /** The identity key that a person, or the first sight, accepted. */
  acceptedKey: BytesText,
  /** The card got weaker, or a rival ledger was shown, since it was accepted. */
  isSuspect: v.boolean(),
});
type AccountRecord = v.InferOutput<typeof AccountRecord>;
type Pinned = { readonly state: AccountState; readonly record: AccountRecord };

/** The record of an account known from its own entries, for whoever makes an account before any endpoint runs. */
export const accountPut = (
  accountId: AccountId,
  entries: readonly Bytes[],
  identityKey: Bytes,
): Put => ({
  table: TABLE,
  key: accountId,
  value: encodeRecord({ entries, acceptedKey: identityKey, isSuspect: false }),
});

export function createKeyring(options: {
  readonly primitives: Primitives;
  readonly store: Store;
  readonly rest: Rest;
  readonly onIdentityChanged: (accountId: AccountId) => void;
}): Keyring {
  const { primitives, store, rest } = options;
  const pinned = new Map<AccountId, Pinned>();
  const queue = createKeyedQueue();

  const load = async (accountId: AccountId): Promise<Pinned | null> => {
    const held = pinned.get(accountId);
    if (held !== undefined) return held;
    const record = parseRecord(AccountRecord, await store.get(TABLE, accountId));
    if (record === null) return null;
    const state = await replayAccount(primitives, accountId, record.entries, undefined, known);
    if (!state.ok) return null;
    pinned.set(accountId, { state: state.value, record });
    return { state: state.value, record };
  };

  const keep = async (next: Pinned): Promise<Result<AccountState, PeerFailure>> => {
    const { accountId } = next.state;
    const put = { table: TABLE, key: accountId, value: encodeRecord(next.record) };
    const saved = await store.commit({ puts: [put] });
    if (!saved.ok) return saved;
    const wasBlocked = isBlocked(accountId);
    pinned.set(accountId, next);
    if (isBlocked(accountId) && !wasBlocked) options.onIdentityChanged(accountId);
    return ok(next.state);
  };

  const replay = async (
    accountId: AccountId,
    entries: readonly Bytes[],
    from: Pinned | null,
  ): Promise<Result<Pinned, PeerFailure>> => {
    const next = await replayAccount(primitives, accountId, entries, from?.state, known);
    if (!next.ok) return err({ kind: "peer/bad-ledger", because: reasonOf(next.failure) });
    const state = next.value;
    if (from === null) {
      return ok({
        state,
        record: { entries: [...entries], acceptedKey: state.identityKey, isSuspect: false },
      });
    }
    return ok({
      state,
      record: {
        entries: [...from.record.entries, ...entries],
        acceptedKey: from.record.acceptedKey,
        isSuspect: from.record.isSuspect || isLowerCard(from.state, state),
      },
    });
  };

  const fetchOnto = async (
    accountId: AccountId,
    from: Pinned | null,
  ): Promise<Result<Pinned, PeerFailure>> => {
    const entries = await fetchLedger(rest, `/keys/ledger/${accountId}`, from?.state.seq ?? -1);
    if (!entries.ok) return entries;
    if (entries.value.length === 0 && from !== null) return ok(from);
    return replay(accountId, entries.value, from);
  };

  const grow = async (accountId: AccountId): Promise<Result<AccountState, PeerFailure>> => {
    const before = await load(accountId);
    const next = await fetchOnto(accountId, before);
    if (next.ok) return next.value === before ? ok(before.state) : keep(next.value);
    if (before === null || next.failure.kind !== "peer/bad-ledger") return next;
    // What the relay shows does not continue what we know: somebody else's keys, or a rolled-back account.
    await keep({ ...before, record: { ...before.record, isSuspect: true } });
    return err({ kind: "peer/key-changed", accountId });
  };

  const known = (accountId: AccountId): AccountState | undefined => pinned.get(accountId)?.state;
  const isBlocked = (accountId: AccountId): boolean => {
    const held = pinned.get(accountId);
    if (held === undefined) return false;
    return held.record.isSuspect || !equalBytes(held.record.acceptedKey, held.state.identityKey);
  };

  return {
    known,
    isBlocked,
    account: (accountId) =>
      queue.run(accountId, async () => {
        const held = await load(accountId);
        return held === null ? grow(accountId) : ok(held.state);
      }),
    refresh: (accountId) => queue.run(accountId, () => grow(accountId)),
    pin: (accountId, expected) =>
      queue.run(accountId, async () => {
        const held = await load(accountId);
        const next = held === null ? await fetchOnto(accountId, null) : ok(held);
        if (!next.ok) return next;
        const { state, record } = next.value;
        const shown = fingerprint(primitives, accountId, state.identityKey);
        if (expected !== null && !equalBytes(expected, shown)) {
          return err({ kind: "peer/key-changed", accountId } as const);
        }
        const accepted = { ...record, acceptedKey: state.identityKey, isSuspect: false };
        return keep({ state, record: accepted });
      }),
    adopt: (accountId, entries) =>
      queue.run(accountId, async () => {
        const next = await replay(accountId, entries, await load(accountId));
        if (!next.ok) return next;
        const { state, record } = next.value;
        return keep({ state, record: { ...record, acceptedKey: state.identityKey } });
      }),
  };
}

const reasonOf = (failure: { readonly kind: string; readonly reason?: string }): string =>
  failure.reason === undefined ? failure.kind : `${failure.kind}:${failure.reason}`;
