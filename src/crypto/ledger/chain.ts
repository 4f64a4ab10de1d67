// The rules of the hash chain that every ledger is, whatever it says. SPEC C21, C22.
import { type Bytes, equalBytes } from "#base/bytes.ts";
import { err } from "#base/result.ts";
import type { CryptoFailure, LedgerFault } from "../failure.ts";
import { MAX_LEDGER_ENTRIES } from "../limits.ts";
import type { Primitives } from "../primitives.ts";
import { type LedgerEntry, NO_HASH, verifyEntry } from "./entry.ts";

/** The part of any ledger's state that is its chain. */
export type ChainState = {
  readonly seq: number;
  readonly head: Bytes;
  /** Hash of every entry, by its seq. */
  readonly heads: readonly Bytes[];
};

/** The chain with one more entry. */
export const extendChain = ({ heads }: ChainState, { seq, hash }: LedgerEntry): ChainState => ({
  seq,
  head: hash,
  heads: [...heads, hash],
});

/**
 * Null when the entry is the next one of the chain, else why not.
 *
 * Shapes: `authorKeys` are all keys its author ever had: a rival counts as a fork only when one of them
 * signed it, so that nobody can freeze a conversation with bytes of their own.
 */
export async function checkChain(
  primitives: Primitives,
  state: ChainState | undefined,
  entry: LedgerEntry,
  authorKeys: readonly Bytes[],
): Promise<{ readonly ok: false; readonly failure: CryptoFailure } | null> {
  const known = state?.heads[entry.seq];
  if (known !== undefined) {
    if (equalBytes(known, entry.hash)) return refused("repeated", entry.seq);
    const isSigned = await isSignedByAny(primitives, entry, authorKeys);
    return isSigned
      ? err({ kind: "crypto/ledger-fork", seq: entry.seq } as const)
      : refused("signature", entry.seq);
  }
  const isNext =
    entry.seq === (state === undefined ? 0 : state.seq + 1) &&
    equalBytes(entry.previousHash, state?.head ?? NO_HASH);
  if (!isNext) return refused("broken-chain", entry.seq);
  if (entry.seq >= MAX_LEDGER_ENTRIES) return refused("too-many", entry.seq);
  if (entry.notAfter !== null && entry.notAfter < entry.createdAt) {
    return refused("expired", entry.seq);
  }
  return null;
}

/** A refusal with its place; null when the entry cannot be read. */
export const refused = (reason: LedgerFault, seq: number | null) =>
  err({ kind: "crypto/ledger-refused", reason, seq } as const);

async function isSignedByAny(
  primitives: Primitives,
  entry: LedgerEntry,
  keys: readonly Bytes[],
): Promise<boolean> {
  for (const key of keys) {
    if (await verifyEntry(primitives, entry, key)) return true;
  }
  return false;
}
