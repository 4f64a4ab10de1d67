// Two signed entries at one place are proof that somebody was told another story. SPEC C22.
import { type Bytes, equalBytes } from "#base/bytes.ts";
import type { Primitives } from "../primitives.ts";
import { type LedgerEntry, type LedgerScope, peekLedgerEntry } from "./entry.ts";

/** Both entries of one place, as they travelled, to be kept and shown. */
export type ForkProof = {
  readonly scope: LedgerScope;
  /** Account or conversation id, 16 bytes. */
  readonly scopeId: Bytes;
  readonly seq: number;
  readonly first: Bytes;
  readonly second: Bytes;
};

/** The earliest place at which two versions of one ledger differ, or null. The versions need not start alike. */
export function findFork(
  primitives: Primitives,
  ours: readonly Bytes[],
  theirs: readonly Bytes[],
): ForkProof | null {
  const known = new Map<number, { readonly entry: LedgerEntry; readonly bytes: Bytes }>();
  for (const bytes of ours) {
    const entry = peekLedgerEntry(primitives, bytes);
    if (entry !== null) known.set(entry.seq, { entry, bytes });
  }
  let earliest: ForkProof | null = null;
  for (const second of theirs) {
    const rival = peekLedgerEntry(primitives, second);
    const first = rival === null ? undefined : known.get(rival.seq);
    if (rival === null || first === undefined || !isRival(first.entry, rival)) continue;
    if (earliest !== null && earliest.seq <= rival.seq) continue;
    const { scope, scopeId, seq } = rival;
    earliest = { scope, scopeId, seq, first: first.bytes, second };
  }
  return earliest;
}

const isRival = (a: LedgerEntry, b: LedgerEntry): boolean =>
  a.scope === b.scope && equalBytes(a.scopeId, b.scopeId) && !equalBytes(a.hash, b.hash);
