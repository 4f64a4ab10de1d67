/**
 * Whom we trust: every account's ledger as we first saw it and as it honestly grew. The first sight pins; after that
 * the relay can only add entries the account itself signed. A new identity key or a weaker card blocks sending until
 * the person decides. SPEC E20–E22, E100.
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
  readonly known: (accountId: AccountId) => AccountState | undefined;
  /** Whether the account was ever pinned here, in this run or an earlier one. */
  isPinned(accountId: AccountId): Promise<boolean>;
  /** Asks the relay for more entries. Fails with `peer/key-changed` when they contradict the pinned ones. */
  refresh(accountId: AccountId): Promise<Result<AccountState, PeerFailure>>;
  /** Accepts the account as it is now, after the person decided; a link's fingerprint must match. */
  pin(accountId: AccountId, expected: Bytes | null): Promise<Result<AccountState, PeerFailure>>;
  /**
   * Compares an account with what its person knew of it elsewhere, at first sight if it cannot be seen now. Another
   * identity key or a card that protects less blocks it.
   */
  expect(accountId: AccountId, known: KnownCard): Promise<Result<AccountState, PeerFailure>>;
  /** Why nothing may be sealed to this account until {@link pin}; null: it may. */
  changeOf(accountId: AccountId): KeyChange | null;
  /** Whether nothing may be sealed to this account until {@link pin}. */
  isBlocked(accountId: AccountId): boolean;
  /**
   * Takes accounts out of memory that are not among these, are not blocked and were not asked for since it was called
   * before; the disk has them.
   */
  retain(needed: ReadonlySet<AccountId>): void;
  /** Keeps own entries that were just made, after the relay took them. */
  adopt(
    accountId: AccountId,
    entries: readonly Bytes[],
  ): Promise<Result<AccountState, PeerFailure>>;
}

/**
 * `identity`: the account itself took another key. `weaker`: its card asks for less protection. `record`: the relay
 * shows a ledger that does not continue the one we know.
 */
export type KeyChange = "identity" | "weaker" | "record";

/** What a backup or another device of the person knew of an account. Shapes: `identityKey` 32 bytes. */
export type KnownCard = Pick<AccountState, "identityKey" | "mode"> & {
  readonly suiteFloor: number;
};

const TABLE = "accounts";
/** What accounts are to be that were not seen here yet. */
const EXPECTED = "expected-accounts";
const ExpectedRecord = v.object({
  identityKey: BytesText,
  mode: v.picklist(["session", "envelope"]),
  suiteFloor: v.number(),
});
const AccountRecord = v.object({
  entries: v.array(BytesText),
  /** The identity key that a person, or the first sight, accepted. */
  acceptedKey: BytesText,
  /** A ledger that does not continue this one was shown since it was accepted. */
  isSuspect: v.boolean(),
  /** The card got weaker since it was accepted. */
  isWeaker: v.optional(v.boolean(), false),
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
  value: encodeRecord({ entries, acceptedKey: identityKey, isSuspect: false, isWeaker: false }),
});

export const createKeyring = (options: Needs): Keyring => new PinnedKeyring(options);

type Needs = {
  readonly primitives: Primitives;
  readonly store: Store;
  readonly rest: Rest;
  readonly onIdentityChanged: (accountId: AccountId, change: KeyChange) => void;
};

class PinnedKeyring implements Keyring {
  readonly #options: Needs;
  readonly #primitives: Needs["primitives"];
  readonly #store: Needs["store"];
  readonly #rest: Needs["rest"];
  readonly #pinned = new Map<AccountId, Pinned>();
  readonly #queue = createKeyedQueue();
  /** Asked for since the last time that accounts were taken out of memory. */
  #recent = new Set<AccountId>();

  /** Bound: others hand it on as a question. */
  readonly known = (accountId: AccountId): AccountState | undefined =>
    this.#pinned.get(accountId)?.state;

  constructor(options: Needs) {
    this.#options = options;
    this.#primitives = options.primitives;
    this.#store = options.store;
    this.#rest = options.rest;
  }

  isBlocked(accountId: AccountId): boolean {
    return this.changeOf(accountId) !== null;
  }

  changeOf(accountId: AccountId): KeyChange | null {
    const held = this.#pinned.get(accountId);
    if (held === undefined) return null;
    const { acceptedKey, isSuspect, isWeaker } = held.record;
    if (!equalBytes(acceptedKey, held.state.identityKey)) return "identity";
    if (isWeaker) return "weaker";
    return isSuspect ? "record" : null;
  }

  async isPinned(accountId: AccountId): Promise<boolean> {
    return this.#pinned.has(accountId) || (await this.#store.get(TABLE, accountId)) !== null;
  }

  retain(needed: ReadonlySet<AccountId>): void {
    for (const accountId of this.#pinned.keys()) {
      const isNeeded = needed.has(accountId) || this.#recent.has(accountId);
      // A blocked one stays: that nothing may be sealed to it is asked of memory.
      if (isNeeded || this.#queue.isBusy(accountId) || this.isBlocked(accountId)) continue;
      this.#pinned.delete(accountId);
    }
    this.#recent = new Set();
  }

  account(accountId: AccountId): Promise<Result<AccountState, PeerFailure>> {
    return this.#queue.run(accountId, async () => {
      const held = await this.#load(accountId);
      return held === null ? this.#grow(accountId) : ok(held.state);
    });
  }

  refresh(accountId: AccountId): Promise<Result<AccountState, PeerFailure>> {
    return this.#queue.run(accountId, () => this.#grow(accountId));
  }

  pin(accountId: AccountId, expected: Bytes | null): Promise<Result<AccountState, PeerFailure>> {
    return this.#queue.run(accountId, async () => {
      const held = await this.#load(accountId);
      const next = held === null ? await this.#fetchOnto(accountId, null) : ok(held);
      if (!next.ok) return next;
      const { state, record } = next.value;
      const shown = fingerprint(this.#primitives, accountId, state.identityKey);
      if (expected !== null && !equalBytes(expected, shown)) {
        return err({ kind: "peer/key-changed", accountId } as const);
      }
      const accepted = {
        ...record,
        acceptedKey: state.identityKey,
        isSuspect: false,
        isWeaker: false,
      };
      return this.#keep({ state, record: accepted });
    });
  }

  expect(accountId: AccountId, known: KnownCard): Promise<Result<AccountState, PeerFailure>> {
    return this.#queue.run(accountId, async () => {
      const held = await this.#load(accountId);
      if (held !== null) return this.#keep(compared(held, known));
      const { identityKey, mode, suiteFloor } = known;
      const value = encodeRecord({ identityKey, mode, suiteFloor });
      const saved = await this.#store.commit({
        puts: [{ table: EXPECTED, key: accountId, value }],
      });
      return saved.ok ? this.#grow(accountId) : saved;
    });
  }

  adopt(
    accountId: AccountId,
    entries: readonly Bytes[],
  ): Promise<Result<AccountState, PeerFailure>> {
    return this.#queue.run(accountId, async () => {
      const next = await this.#replay(accountId, entries, await this.#load(accountId));
      if (!next.ok) return next;
      const { state, record } = next.value;
      return this.#keep({ state, record: { ...record, acceptedKey: state.identityKey } });
    });
  }

  async #load(accountId: AccountId): Promise<Pinned | null> {
    this.#recent.add(accountId);
    const held = this.#pinned.get(accountId);
    if (held !== undefined) return held;
    const record = parseRecord(AccountRecord, await this.#store.get(TABLE, accountId));
    if (record === null) return null;
    const state = await replayAccount(
      this.#primitives,
      accountId,
      record.entries,
      undefined,
      this.known,
    );
    if (!state.ok) return null;
    this.#pinned.set(accountId, { state: state.value, record });
    return { state: state.value, record };
  }

  async #keep(next: Pinned): Promise<Result<AccountState, PeerFailure>> {
    const { accountId } = next.state;
    const put = { table: TABLE, key: accountId, value: encodeRecord(next.record) };
    const deletes = [{ table: EXPECTED, key: accountId }];
    const saved = await this.#store.commit({ puts: [put], deletes });
    if (!saved.ok) return saved;
    const wasBlocked = this.isBlocked(accountId);
    this.#pinned.set(accountId, next);
    const change = this.changeOf(accountId);
    if (change !== null && !wasBlocked) this.#options.onIdentityChanged(accountId, change);
    return ok(next.state);
  }

  async #replay(
    accountId: AccountId,
    entries: readonly Bytes[],
    from: Pinned | null,
  ): Promise<Result<Pinned, PeerFailure>> {
    const next = await replayAccount(this.#primitives, accountId, entries, from?.state, this.known);
    if (!next.ok) return err({ kind: "peer/bad-ledger", because: reasonOf(next.failure) });
    const state = next.value;
    if (from === null) {
      return ok({
        state,
        record: {
          entries: [...entries],
          acceptedKey: state.identityKey,
          isSuspect: false,
          isWeaker: false,
        },
      });
    }
    return ok({
      state,
      record: {
        entries: [...from.record.entries, ...entries],
        acceptedKey: from.record.acceptedKey,
        isSuspect: from.record.isSuspect,
        isWeaker: from.record.isWeaker || isLowerCard(from.state, state),
      },
    });
  }

  async #fetchOnto(
    accountId: AccountId,
    from: Pinned | null,
  ): Promise<Result<Pinned, PeerFailure>> {
    const path = `/keys/ledger/${accountId}`;
    if (from === null) {
      const all = await fetchLedger(this.#rest, path, -1);
      if (!all.ok) return all;
      const seen = await this.#replay(accountId, all.value, null);
      const known = parseRecord(ExpectedRecord, await this.#store.get(EXPECTED, accountId));
      return seen.ok && known !== null ? ok(compared(seen.value, known)) : seen;
    }
    // From the last entry we know: a ledger put in its place, or cut short, would have nothing behind it to contradict us.
    const entries = await fetchLedger(this.#rest, path, from.state.seq - 1);
    if (!entries.ok) return entries;
    const [last, ...later] = entries.value;
    const known = from.record.entries.at(-1);
    if (last === undefined || known === undefined || !equalBytes(last, known))
      return err({ kind: "peer/bad-ledger", because: "not-continued" });
    return later.length === 0 ? ok(from) : this.#replay(accountId, later, from);
  }

  async #grow(accountId: AccountId): Promise<Result<AccountState, PeerFailure>> {
    const before = await this.#load(accountId);
    const next = await this.#fetchOnto(accountId, before);
    if (next.ok) return next.value === before ? ok(before.state) : this.#keep(next.value);
    if (before === null || next.failure.kind !== "peer/bad-ledger") return next;
    // What the relay shows does not continue what we know: somebody else's keys, or a rolled-back account.
    await this.#keep({ ...before, record: { ...before.record, isSuspect: true } });
    return err({ kind: "peer/key-changed", accountId });
  }
}

/** An account that is not as it was known counts as changed since it was accepted. */
const compared = ({ state, record }: Pinned, known: KnownCard): Pinned => ({
  state,
  record: {
    ...record,
    acceptedKey: known.identityKey,
    isWeaker: record.isWeaker || isLowerCard(known, state),
  },
});

const reasonOf = (failure: { readonly kind: string; readonly reason?: string }): string =>
  failure.reason === undefined ? failure.kind : `${failure.kind}:${failure.reason}`;
