/**
 * Two identities as digits that two people can read to each other, and as bytes for a QR code.
 * Both sides compute the same from the same two keys. SPEC C41.
 */
import { compareBytes, concat, type Bytes } from "#base/bytes.ts";
import { assert } from "#base/invariant.ts";
import { enc, u8 } from "#protocol/encoding.ts";
import { uuidToBytes, type AccountId } from "#protocol/ids.ts";

import { LABEL } from "./labels.ts";
import { SAFETY_NUMBER_ROUNDS } from "./limits.ts";
import type { Primitives } from "./primitives.ts";

const VERSION = 1;
const GROUPS = 12;
const GROUP_SIZE_BYTES = 5;

/** What people compare. Shapes: `groups` 12 times five digits, `qr` 65 bytes: version, then the hash. */
export type SafetyNumber = { readonly groups: readonly string[]; readonly qr: Bytes };

/**
 * The safety number of two accounts and their identity keys, whichever is named first.
 *
 * Shapes: identity keys 32 bytes. Takes about 5,200 hashes.
 */
export function safetyNumber(
  primitives: Primitives,
  oneAccountId: AccountId,
  oneIdentityKey: Bytes,
  otherAccountId: AccountId,
  otherIdentityKey: Bytes,
): SafetyNumber {
  assert(oneAccountId !== otherAccountId, "a safety number is of two accounts");
  const sides = [
    { account: uuidToBytes(oneAccountId), identityKey: oneIdentityKey },
    { account: uuidToBytes(otherAccountId), identityKey: otherIdentityKey },
  ].sort((a, b) => compareBytes(a.account, b.account));
  const seed = enc(
    LABEL.safetyNumber,
    u8(VERSION),
    ...sides.flatMap(({ account, identityKey }) => [account, identityKey]),
  );

  let hash = primitives.sha512(seed);
  for (let round = 0; round < SAFETY_NUMBER_ROUNDS; round++) {
    hash = primitives.sha512(concat(hash, seed));
  }
  return {
    groups: Array.from({ length: GROUPS }, (_, index) =>
      fiveDigits(hash, index * GROUP_SIZE_BYTES),
    ),
    qr: concat(u8(VERSION), hash),
  };
}

function fiveDigits(hash: Bytes, at: number): string {
  let value = 0;
  for (const byte of hash.subarray(at, at + GROUP_SIZE_BYTES)) value = value * 256 + byte;
  return String(value % 100_000).padStart(5, "0");
}
