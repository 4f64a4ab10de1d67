/**
 * Conversations' ledgers: fetched, replayed, kept. What a ledger says is believed because its entries verify, never
 * because the relay says so. Two signed entries at one place freeze sending, and both are kept; a relay that does not
 * show what it showed before freezes it until it does. SPEC E25–E27, E48.
 */
import * as v from "valibot";
import { createKeyedQueue } from "#base/queue.ts";
import { equalBytes, type Bytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { CryptoFailure } from "#crypto/failure.ts";
import { replayConversation } from "#crypto/ledger/conversation-replay.ts";
import type { ConversationState } from "#crypto/ledger/conversation-state.ts";
import { peekLedgerEntry } from "#crypto/ledger/entry.ts";
import { findFork } from "#crypto/ledger/fork.ts";
import type { Primitives } from "#crypto/primitives.ts";
import { parseId, type AccountId, type ConversationId } from "#protocol/ids.ts";
import type { PeerFailure } from "./failure.ts";
import { BytesText, encodeRecord, parseRecord } from "./json-record.ts";
import type { Keyring } from "./keyring.ts";
import { fetchLedger } from "./ledger-rows.ts";
import type { Rest } from "./rest.ts";
import type { Store } from "./store.ts";

export interface Ledgers {
  /** The verified state; fetched when unknown. Fails with `peer/no-ledger`, `peer/bad-ledger`. */
  state(conversationId: ConversationId): Promise<Result<ConversationState, PeerFailure>>;
  /**
   * Asks the relay for entries after ours. Fails with `peer/ledger-withheld` while it does not show our newest one,
   * `peer/fork` when it shows a signed rival of it, `peer/bad-ledger`.
   */
  refresh(conversationId: ConversationId): Promise<Result<ConversationState, PeerFailure>>;
  /** As {@link refresh}, but asks once for each line only, while all is well. */
  confirm(conversationId: ConversationId): Promise<Result<ConversationState, PeerFailure>>;
  /** A new line: what was confirmed over the last one is asked again. */
  doubt(): void;
  /** Takes entries that came with a frame or were made here; repeats are fine. */
  append(
    conversationId: ConversationId,
    entries: readonly Bytes[],
  ): Promise<Result<ConversationState, PeerFailure>>;
  /** Compares the relay's whole ledger with ours, and freezes on proof of a fork. */
  compare(conversationId: ConversationId): Promise<void>;
  isForked(conversationId: ConversationId): boolean;
  /** Takes a ledger out of memory, unless it is forked; the disk has it, and the relay is asked anew before a seal. */
  release(conversationId: ConversationId): Promise<void>;
  /** Who is named in the ledgers in memory. */
  accounts(): ReadonlySet<AccountId>;
  /** Conversations with a kept ledger. */
  ids(): Promise<readonly ConversationId[]>;
}

const TABLE = "ledgers";
const LedgerRecord = v.object({
  entries: v.array(BytesText),
  /** Two signed entries of one place, once seen. */
  fork: v.nullable(v.object({ seq: v.number(), first: BytesText, second: BytesText })),
  /** The relay did not show our newest entry when it was asked last. */
  isWithheld: v.optional(v.boolean(), false),
});
type LedgerRecord = v.InferOutput<typeof LedgerRecord>;
type Kept = { readonly state: ConversationState; readonly record: LedgerRecord };

/** A replay that asks for one more account each time ends by then. */
const MAX_ACCOUNTS_ASKED = 128;

export const createLedgers = (options: Needs): Ledgers => new KeptLedgers(options);

type Needs = {
  readonly primitives: Primitives;
  readonly store: Store;
  readonly rest: Rest;
  readonly keyring: Keyring;
  readonly onChanged: (state: ConversationState) => void;
  readonly onFork: (conversationId: ConversationId) => void;
  readonly onWithheld: (conversationId: ConversationId, isWithheld: boolean) => void;
};

class KeptLedgers implements Ledgers {
  readonly #options: Needs;
  readonly #primitives: Needs["primitives"];
  readonly #store: Needs["store"];
  readonly #rest: Needs["rest"];
  readonly #keyring: Needs["keyring"];
  readonly #kept = new Map<ConversationId, Kept>();
  readonly #queue = createKeyedQueue();
  readonly #confirmed = new Set<ConversationId>();

  constructor(options: Needs) {
    this.#options = options;
    this.#primitives = options.primitives;
    this.#store = options.store;
    this.#rest = options.rest;
    this.#keyring = options.keyring;
  }

  state(conversationId: ConversationId): Promise<Result<ConversationState, PeerFailure>> {
    return this.#queue.run(conversationId, async () => {
      const held = await this.#load(conversationId);
      return held === null ? this.#grow(conversationId) : ok(held.state);
    });
  }

  refresh(conversationId: ConversationId): Promise<Result<ConversationState, PeerFailure>> {
    return this.#queue.run(conversationId, () => this.#grow(conversationId));
  }

  confirm(conversationId: ConversationId): Promise<Result<ConversationState, PeerFailure>> {
    return this.#queue.run(conversationId, async () => {
      const held = await this.#load(conversationId);
      const isConfirmed = held !== null && this.#confirmed.has(conversationId);
      return isConfirmed ? ok(held.state) : this.#grow(conversationId);
    });
  }

  doubt(): void {
    this.#confirmed.clear();
  }

  append(
    conversationId: ConversationId,
    entries: readonly Bytes[],
  ): Promise<Result<ConversationState, PeerFailure>> {
    return this.#queue.run(conversationId, async () => {
      const before = await this.#load(conversationId);
      const first = entries[0] && peekLedgerEntry(this.#primitives, entries[0]);
      const follows = first && first.seq <= (before === null ? 0 : before.state.seq + 1);
      return follows ? this.#extend(conversationId, before, entries) : this.#grow(conversationId);
    });
  }

  compare(conversationId: ConversationId): Promise<void> {
    return this.#queue.run(conversationId, async () => {
      const before = await this.#load(conversationId);
      if (before === null) return;
      const theirs = await fetchLedger(this.#rest, `/conversations/${conversationId}/ledger`, -1);
      if (!theirs.ok) return;
      const rivals = theirs.value.filter(
        (entry) => !isAfter(this.#primitives, entry, before, false),
      );
      // Only what its author signed is proof: the replay judges it against the known heads.
      for (const rival of rivals) {
        const verdict = await this.#replay(conversationId, [rival], before.state);
        if (!verdict.ok && verdict.failure.kind === "crypto/ledger-fork") {
          await this.#freeze(before, [rival]);
          return;
        }
      }
    });
  }

  isForked(conversationId: ConversationId): boolean {
    return (this.#kept.get(conversationId)?.record.fork ?? null) !== null;
  }

  release(conversationId: ConversationId): Promise<void> {
    return this.#queue.run(conversationId, async () => {
      // Whether it is forked is asked of memory.
      if (this.isForked(conversationId)) return;
      this.#kept.delete(conversationId);
      this.#confirmed.delete(conversationId);
    });
  }

  accounts(): ReadonlySet<AccountId> {
    const states = [...this.#kept.values()].map(({ state }) => state);
    return new Set(states.flatMap(({ members, ownerId }) => [ownerId, ...members.keys()]));
  }

  async ids(): Promise<readonly ConversationId[]> {
    const rows = await this.#store.list(TABLE);
    return rows.flatMap(({ key }) => parseId<ConversationId>(key) ?? []);
  }

  async #replay(
    conversationId: ConversationId,
    entries: readonly Bytes[],
    from: ConversationState | undefined,
  ): Promise<Result<ConversationState, CryptoFailure | PeerFailure>> {
    const refreshed = new Set<string>();
    for (let asked = 0; ; asked++) {
      const next = await replayConversation(
        this.#primitives,
        conversationId,
        entries,
        this.#keyring.known,
        from,
      );
      if (next.ok || next.failure.kind !== "crypto/account-needed") return next;
      const { accountId } = next.failure;
      if (asked >= MAX_ACCOUNTS_ASKED || refreshed.has(accountId)) return next;
      const isKnown = this.#keyring.known(accountId) !== undefined;
      const account = await (isKnown
        ? this.#keyring.refresh(accountId)
        : this.#keyring.account(accountId));
      if (isKnown) refreshed.add(accountId);
      if (!account.ok) return account;
    }
  }

  async #load(conversationId: ConversationId): Promise<Kept | null> {
    const held = this.#kept.get(conversationId);
    if (held !== undefined) return held;
    const record = parseRecord(LedgerRecord, await this.#store.get(TABLE, conversationId));
    if (record === null) return null;
    const state = await this.#replay(conversationId, record.entries, undefined);
    if (!state.ok) return null;
    const loaded = { state: state.value, record };
    this.#kept.set(conversationId, loaded);
    return loaded;
  }

  async #keep(next: Kept): Promise<Result<ConversationState, PeerFailure>> {
    const { conversationId } = next.state;
    const put = { table: TABLE, key: conversationId, value: encodeRecord(next.record) };
    const saved = await this.#store.commit({ puts: [put] });
    if (!saved.ok) return saved;
    this.#kept.set(conversationId, next);
    return ok(next.state);
  }

  async #freeze(before: Kept, rivals: readonly Bytes[]): Promise<boolean> {
    const proof = findFork(this.#primitives, before.record.entries, rivals);
    if (proof === null) return false;
    const { seq, first, second } = proof;
    const isNew = before.record.fork === null;
    await this.#keep({ ...before, record: { ...before.record, fork: { seq, first, second } } });
    if (isNew) this.#options.onFork(before.state.conversationId);
    return true;
  }

  async #extend(
    conversationId: ConversationId,
    before: Kept | null,
    entries: readonly Bytes[],
  ): Promise<Result<ConversationState, PeerFailure>> {
    const fresh =
      before === null
        ? entries
        : entries.filter((entry) => isAfter(this.#primitives, entry, before));
    if (fresh.length === 0) {
      return before === null ? err({ kind: "peer/no-ledger", conversationId }) : ok(before.state);
    }
    const next = await this.#replay(conversationId, fresh, before?.state);
    if (!next.ok) {
      const { failure } = next;
      if (
        failure.kind === "crypto/ledger-fork" &&
        before !== null &&
        (await this.#freeze(before, fresh))
      ) {
        return err({ kind: "peer/fork", conversationId });
      }
      return err(failure.kind.startsWith("peer/") ? (failure as PeerFailure) : badLedger(failure));
    }
    const record = {
      entries: [...(before?.record.entries ?? []), ...fresh],
      fork: before?.record.fork ?? null,
      isWithheld: before?.record.isWithheld ?? false,
    };
    const saved = await this.#keep({ state: next.value, record });
    if (saved.ok) this.#options.onChanged(next.value);
    return saved;
  }

  async #grow(conversationId: ConversationId): Promise<Result<ConversationState, PeerFailure>> {
    const before = await this.#load(conversationId);
    const path = `/conversations/${conversationId}/ledger`;
    // From our newest entry on: of a ledger cut short, or another one, nothing behind it would tell.
    const entries = await fetchLedger(this.#rest, path, (before?.state.seq ?? 0) - 1);
    if (!entries.ok) return entries;
    const grown =
      before === null
        ? await this.#extend(conversationId, null, entries.value)
        : await this.#growFrom(before, entries.value);
    if (grown.ok) this.#confirmed.add(conversationId);
    else this.#confirmed.delete(conversationId);
    return grown;
  }

  async #growFrom(
    before: Kept,
    [shown, ...later]: readonly Bytes[],
  ): Promise<Result<ConversationState, PeerFailure>> {
    const { conversationId } = before.state;
    const ours = before.record.entries.at(-1);
    if (shown !== undefined && ours !== undefined && equalBytes(shown, ours)) {
      const settled = await this.#mark(before, false);
      return settled.ok ? this.#extend(conversationId, settled.value, later) : settled;
    }
    if (shown !== undefined) {
      const verdict = await this.#replay(conversationId, [shown], before.state);
      const isRival = !verdict.ok && verdict.failure.kind === "crypto/ledger-fork";
      if (isRival && (await this.#freeze(before, [shown])))
        return err({ kind: "peer/fork", conversationId });
    }
    const marked = await this.#mark(before, true);
    return marked.ok ? err({ kind: "peer/ledger-withheld", conversationId }) : marked;
  }

  /** On disk as well: a program that starts anew begins frozen. */
  async #mark(before: Kept, isWithheld: boolean): Promise<Result<Kept, PeerFailure>> {
    if (before.record.isWithheld === isWithheld) return ok(before);
    const { conversationId } = before.state;
    const next = { ...before, record: { ...before.record, isWithheld } };
    const saved = await this.#keep(next);
    if (!saved.ok) return saved;
    this.#options.onWithheld(conversationId, isWithheld);
    return ok(next);
  }
}

/** Whether an entry is one we do not have; an entry that differs at a known place counts as such. */
function isAfter(primitives: Primitives, bytes: Bytes, before: Kept, differs = true): boolean {
  const entry = peekLedgerEntry(primitives, bytes);
  if (entry === null) return true;
  const known = before.state.heads[entry.seq];
  if (known === undefined) return true;
  return differs && known.some((byte, i) => byte !== entry.hash[i]);
}

const badLedger = (failure: { readonly kind: string; readonly reason?: string }): PeerFailure => ({
  kind: "peer/bad-ledger",
  because: failure.reason === undefined ? failure.kind : `${failure.kind}:${failure.reason}`,
});
