// The reader's end of a chain: steps forward over what has not come yet and keeps those keys for a while.
// A value: each use gives a chain that shares no secret bytes with the one before. SPEC C16.
import { type Bytes, wipe } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import { MAX_SKIP, SKIPPED_TTL_MS } from "../limits.ts";
import type { Primitives } from "../primitives.ts";
import { messageKey, nextChainKey } from "./chain-key.ts";

/** The key of a message that has not come yet, and since when it waits (epoch ms). */
export type SkippedKey = {
  readonly index: number;
  readonly key: Secret<Bytes>;
  readonly skippedAt: number;
};

/** The next key not derived yet, and those left behind in order of their index. */
export type ReceiverChain = {
  readonly next: number;
  readonly key: Secret<Bytes>;
  readonly skipped: readonly SkippedKey[];
};

/**
 * The key of one message, and the chain in which it is used up.
 *
 * Fails with `replay` for a key that is used up or erased, `too-many-skipped` beyond MAX_SKIP.
 * On failure the chain passed in is still the right one to keep.
 */
export function takeMessageKey(
  primitives: Primitives,
  chain: ReceiverChain,
  index: number,
  now: number,
): Result<
  { readonly messageKey: Bytes; readonly chain: ReceiverChain },
  "replay" | "too-many-skipped"
> {
  const { next, key, skipped } = expireSkippedKeys(chain, now);
  if (index < next) {
    const kept = skipped.find((candidate) => candidate.index === index);
    if (kept === undefined) return err("replay");
    const others = skipped.filter((candidate) => candidate.index !== index);
    const taken = copyChain({ next, key, skipped: others });
    return ok({ messageKey: copyBytes(kept.key.reveal()), chain: taken });
  }
  if (index - next + skipped.length > MAX_SKIP) return err("too-many-skipped");

  let chainKey = copyBytes(key.reveal());
  const passed: SkippedKey[] = [];
  for (let at = next; at < index; at++) {
    const passedKey = new Secret(messageKey(primitives, chainKey, at));
    passed.push({ index: at, key: passedKey, skippedAt: now });
    chainKey = step(primitives, chainKey);
  }
  const wanted = messageKey(primitives, chainKey, index);
  const after = new Secret(step(primitives, chainKey));
  const kept = skipped.map(copySkipped);
  return ok({
    messageKey: wanted,
    chain: { next: index + 1, key: after, skipped: [...kept, ...passed] },
  });
}

/** The chain without keys whose message has not come in time. */
export const expireSkippedKeys = (chain: ReceiverChain, now: number): ReceiverChain => ({
  ...chain,
  skipped: chain.skipped.filter(({ skippedAt }) => now - skippedAt < SKIPPED_TTL_MS),
});

/** Overwrites every secret of a chain that has been replaced. */
export function eraseChain({ key, skipped }: ReceiverChain): void {
  wipe(key.reveal(), ...skipped.map((candidate) => candidate.key.reveal()));
}

/** The same chain with secret bytes of its own, so that erasing one leaves the other whole. */
export const copyChain = ({ next, key, skipped }: ReceiverChain): ReceiverChain => ({
  next,
  key: new Secret(copyBytes(key.reveal())),
  skipped: skipped.map(copySkipped),
});

function step(primitives: Primitives, chainKey: Bytes): Bytes {
  const after = nextChainKey(primitives, chainKey);
  wipe(chainKey);
  return after;
}

const copySkipped = ({ index, key, skippedAt }: SkippedKey): SkippedKey => ({
  index,
  key: new Secret(copyBytes(key.reveal())),
  skippedAt,
});

const copyBytes = (bytes: Bytes): Bytes => new Uint8Array(bytes);
