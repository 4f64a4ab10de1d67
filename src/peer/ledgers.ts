/**
 * Conversations' ledgers: fetched, replayed, kept. What a ledger says is believed because its entries verify, never
 * because the relay says so. Two signed entries at one place freeze sending, and both are kept. SPEC E25–E27.
 */
import * as v from "valibot";
import { createKeyedQueue } from "#base/queue.ts";
import type { Bytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { CryptoFailure } from "#crypto/failure.ts";
import { replayConversation } from "#crypto/ledger/conversation-replay.ts";
import type { ConversationState } from "#crypto/ledger/conversation-state.ts";
import { peekLedgerEntry } from "#crypto/ledger/entry.ts";
import { findFork } from "#crypto/ledger/fork.ts";
import type { Primitives } from "#crypto/primitives.ts";
import { parseId, type ConversationId } from "#protocol/ids.ts";
import type { PeerFailure } from "./failure.ts";
import { BytesText, encodeRecord, parseRecord } from "./json-record.ts";
import type { Keyring } from "./keyring.ts";
import { fetchLedger } from "./ledger-rows.ts";
import type { Rest } from "./rest.ts";
import type { Store } from "./store.ts";

export interface Ledgers {
  /** The verified state; fetched when unknown. Fails with `peer/no-ledger`, `peer/bad-ledger`. */
  state(conversationId: ConversationId): Promise<Result<ConversationState, PeerFailure>>;
  /** Asks the relay for entries after ours. */
  refresh(conversationId: ConversationId): Promise<Result<ConversationState, PeerFailure>>;
  /** Takes entries that came with a frame or were made here; repeats are fine. */
  append(
    conversationId: ConversationId,
    entries: readonly Bytes[],
  ): Promise<Result<ConversationState, PeerFailure>>;
  /** Compares the relay's whole ledger with ours, and freezes on proof of a fork. */
  compare(conversationId: ConversationId): Promise<void>;
  isForked(conversationId: ConversationId): boolean;
  /** Conversations with a kept ledger. */
  ids(): Promise<readonly ConversationId[]>;
}

const TABLE = "ledgers";
const LedgerRecord = v.object({
  entries: v.array(BytesText),
  /** Two signed entries of one place, once seen. */
  fork: v.nullable(v.object({ seq: v.number(), first: BytesText, second: BytesText })),
});
type LedgerRecord = v.InferOutput<typeof LedgerRecord>;
type Kept = { readonly state: ConversationState; readonly record: LedgerRecord };

/** A replay that asks for one more account each time ends by then. */
const MAX_ACCOUNTS_ASKED = 128;

export function createLedgers(options: {
  readonly primitives: Primitives;
  readonly store: Store;
  readonly rest: Rest;
  readonly keyring: Keyring;
  readonly onChanged: (state: ConversationState) => void;
  readonly onFork: (conversationId: ConversationId) => void;
}): Ledgers {
  const { primitives, store, rest, keyring } = options;
  const kept = new Map<ConversationId, Kept>();
  const queue = createKeyedQueue();

  const replay = async (
    conversationId: ConversationId,
    entries: readonly Bytes[],
    from: ConversationState | undefined,
  ): Promise<Result<ConversationState, CryptoFailure | PeerFailure>> => {
    const refreshed = new Set<string>();
    for (let asked = 0; ; asked++) {
      const next = await replayConversation(
        primitives,
        conversationId,
        entries,
        keyring.known,
        from,
      );
      if (next.ok || next.failure.kind !== "crypto/account-needed") return next;
      const { accountId } = next.failure;
      if (asked >= MAX_ACCOUNTS_ASKED || refreshed.has(accountId)) return next;
      const isKnown = keyring.known(accountId) !== undefined;
      const account = await (isKnown ? keyring.refresh(accountId) : keyring.account(accountId));
      if (isKnown) refreshed.add(accountId);
      if (!account.ok) return account;
    }
  };

  const load = async (conversationId: ConversationId): Promise<Kept | null> => {
    const held = kept.get(conversationId);
    if (held !== undefined) return held;
    const record = parseRecord(LedgerRecord, await store.get(TABLE, conversationId));
    if (record === null) return null;
    const state = await replay(conversationId, record.entries, undefined);
    if (!state.ok) return null;
    const loaded = { state: state.value, record };
    kept.set(conversationId, loaded);
    return loaded;
  };

  const keep = async (next: Kept): Promise<Result<ConversationState, PeerFailure>> => {
    const { conversationId } = next.state;
    const put = { table: TABLE, key: conversationId, value: encodeRecord(next.record) };
    const saved = await store.commit({ puts: [put] });
    if (!saved.ok) return saved;
    kept.set(conversationId, next);
    return ok(next.state);
  };

  const freeze = async (before: Kept, rivals: readonly Bytes[]): Promise<boolean> => {
    const proof = findFork(primitives, before.record.entries, rivals);
    if (proof === null) return false;
    const { seq, first, second } = proof;
    const isNew = before.record.fork === null;
    await keep({ ...before, record: { ...before.record, fork: { seq, first, second } } });
    if (isNew) options.onFork(before.state.conversationId);
    return true;
  };

  const extend = async (
    conversationId: ConversationId,
    before: Kept | null,
    entries: readonly Bytes[],
  ): Promise<Result<ConversationState, PeerFailure>> => {
    const fresh =
      before === null ? entries : entries.filter((entry) => isAfter(primitives, entry, before));
    if (fresh.length === 0) {
      return before === null ? err({ kind: "peer/no-ledger", conversationId }) : ok(before.state);
    }
    const next = await replay(conversationId, fresh, before?.state);
    if (!next.ok) {
      const { failure } = next;
      if (
        failure.kind === "crypto/ledger-fork" &&
        before !== null &&
        (await freeze(before, fresh))
      ) {
        return err({ kind: "peer/fork", conversationId });
      }
      return err(failure.kind.startsWith("peer/") ? (failure as PeerFailure) : badLedger(failure));
    }
    const record = {
      entries: [...(before?.record.entries ?? []), ...fresh],
      fork: before?.record.fork ?? null,
    };
    const saved = await keep({ state: next.value, record });
    if (saved.ok) options.onChanged(next.value);
    return saved;
  };

  const grow = async (
    conversationId: ConversationId,
  ): Promise<Result<ConversationState, PeerFailure>> => {
    const before = await load(conversationId);
    const path = `/conversations/${conversationId}/ledger`;
    const entries = await fetchLedger(rest, path, before?.state.seq ?? -1);
    return entries.ok ? extend(conversationId, before, entries.value) : entries;
  };

  return {
    state: (conversationId) =>
      queue.run(conversationId, async () => {
        const held = await load(conversationId);
        return held === null ? grow(conversationId) : ok(held.state);
      }),
    refresh: (conversationId) => queue.run(conversationId, () => grow(conversationId)),
    append: (conversationId, entries) =>
      queue.run(conversationId, async () => {
        const before = await load(conversationId);
        const first = entries[0] && peekLedgerEntry(primitives, entries[0]);
        const follows = first && first.seq <= (before === null ? 0 : before.state.seq + 1);
        return follows ? extend(conversationId, before, entries) : grow(conversationId);
      }),
    compare: (conversationId) =>
      queue.run(conversationId, async () => {
        const before = await load(conversationId);
        if (before === null) return;
        const theirs = await fetchLedger(rest, `/conversations/${conversationId}/ledger`, -1);
        if (!theirs.ok) return;
        const rivals = theirs.value.filter((entry) => !isAfter(primitives, entry, before, false));
        // Only what its author signed is proof: the replay judges it against the known heads.
        for (const rival of rivals) {
          const verdict = await replay(conversationId, [rival], before.state);
          if (!verdict.ok && verdict.failure.kind === "crypto/ledger-fork") {
            await freeze(before, [rival]);
            return;
          }
        }
      }),
    isForked: (conversationId) => (kept.get(conversationId)?.record.fork ?? null) !== null,
    async ids() {
      const rows = await store.list(TABLE);
      return rows.flatMap(({ key }) => parseId<ConversationId>(key) ?? []);
    },
  };
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
