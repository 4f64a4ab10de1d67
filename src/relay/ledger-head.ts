/**
 * The few fields by which a blind relay keeps a ledger's order: scope, owner of the chain, place and predecessor.
 * It believes nothing else in an entry and checks no signature; readers do both. Layout: crypto/SPEC.md, layer 6.
 */
import { createHash } from "node:crypto";
import { equalBytes, type Bytes } from "#base/bytes.ts";
import { ok, type Result } from "#base/result.ts";
import { readUnsigned } from "#protocol/encoding.ts";
import { uuidToBytes, type AccountId, type ConversationId } from "#protocol/ids.ts";
import { MAX_LEDGER_ENTRY_BYTES } from "#protocol/limits.ts";
import { refuse, type RelayFailure } from "./failure.ts";

export type LedgerScope = "account" | "conversation";

export const NO_HASH: Bytes = new Uint8Array(32);

export const hashOf = (entry: Uint8Array): Bytes =>
  new Uint8Array(createHash("sha256").update(entry).digest());

/**
 * Whether an entry says of itself that it stands at this place of this chain.
 *
 * Fails with `BAD_REQUEST`: such an entry would break the chain for every reader.
 */
export function checkLedgerPlace(
  entry: Uint8Array,
  place: {
    readonly scope: LedgerScope;
    readonly id: AccountId | ConversationId;
    readonly seq: number;
    readonly prevHash: Uint8Array;
  },
): Result<null, RelayFailure> {
  const head = entry.length <= MAX_LEDGER_ENTRY_BYTES ? peek(entry) : null;
  const agrees =
    head !== null &&
    head.scope === (place.scope === "account" ? 0 : 1) &&
    equalBytes(head.id, uuidToBytes(place.id)) &&
    head.seq === place.seq &&
    equalBytes(head.prevHash, place.prevHash);
  return agrees ? ok(null) : refuse("BAD_REQUEST", { path: "ledger" });
}

/** The hashes of a chain from its first entry, or a refusal. */
export function checkWholeLedger(
  entries: readonly Bytes[],
  scope: LedgerScope,
  id: AccountId | ConversationId,
): Result<
  readonly { readonly entry: Bytes; readonly prevHash: Bytes; readonly hash: Bytes }[],
  RelayFailure
> {
  let prevHash = NO_HASH;
  const rows = [];
  for (const [seq, entry] of entries.entries()) {
    const placed = checkLedgerPlace(entry, { scope, id, seq, prevHash });
    if (!placed.ok) return placed;
    const hash = hashOf(entry);
    rows.push({ entry, prevHash, hash });
    prevHash = hash;
  }
  return ok(rows);
}

/** Code of the operation that puts another identity key in the place of the one before. */
const ROTATION_OP = 4;

/**
 * The key that an entry of an account's own ledger says is the identity's from now on; null when it says no such thing.
 * As with every entry, whether it was signed by whom it must be is for readers to judge.
 */
export function rotatedKey(entry: Uint8Array): Bytes | null {
  const fields = fieldsOf(entry, 10);
  const [op, , data] = fields?.slice(7) ?? [];
  if (op?.length !== 1 || op[0] !== ROTATION_OP || data?.length !== 96) return null;
  return data.slice(0, 32) as Bytes;
}

type Peeked = {
  readonly scope: number;
  readonly id: Uint8Array;
  readonly seq: number;
  readonly prevHash: Uint8Array;
};

// label, scope 1, id 16, seq 8, prev_hash 32: the head of the record, whatever follows.
function peek(entry: Uint8Array): Peeked | null {
  const [, scope, id, seq, prevHash] = fieldsOf(entry, 5) ?? [];
  if (scope?.length !== 1 || id?.length !== 16 || seq?.length !== 8 || prevHash?.length !== 32)
    return null;
  const seqNumber = readUnsigned(seq);
  return seqNumber === null ? null : { scope: scope[0] ?? 0, id, seq: seqNumber, prevHash };
}

/** The first fields of a length-prefixed record; null when it ends before. */
function fieldsOf(entry: Uint8Array, count: number): readonly Uint8Array[] | null {
  const fields: Uint8Array[] = [];
  let at = 0;
  while (fields.length < count) {
    if (entry.length < at + 4) return null;
    const sizeBytes = readUnsigned(entry.subarray(at, at + 4)) ?? 0;
    if (entry.length < at + 4 + sizeBytes) return null;
    fields.push(entry.subarray(at + 4, at + 4 + sizeBytes));
    at += 4 + sizeBytes;
  }
  return fields;
}
