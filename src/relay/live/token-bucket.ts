/** How often something may happen: a steady rate with room for bursts. */
export type Rate = { readonly perSecond: number; readonly burst: number };

/** Tokens left at a moment; refilled on looking. */
export type Bucket = { tokens: number; at: number };

/**
 * Takes one token.
 *
 * Gives 0 when it was there, else the milliseconds until it will be.
 */
export function takeToken(bucket: Bucket, rate: Rate, now: number): number {
  const refilled = bucket.tokens + (Math.max(0, now - bucket.at) / 1_000) * rate.perSecond;
  bucket.tokens = Math.min(rate.burst, refilled);
  bucket.at = now;
  if (bucket.tokens >= 1) {
    bucket.tokens -= 1;
    return 0;
  }
  return Math.ceil(((1 - bucket.tokens) / rate.perSecond) * 1_000);
}

/** Buckets by key, forgotten once they would be full again. */
export interface Buckets {
  /** As {@link takeToken}, for the key's own bucket. */
  take(key: string, rate: Rate): number;
}

/** Below so many nobody looks for what can be forgotten. */
const FEW = 1_000;

export function createBuckets(now: () => number): Buckets {
  const bucketByKey = new Map<string, { bucket: Bucket; rate: Rate }>();
  let sweepAt = FEW;
  const sweep = (): void => {
    for (const [key, { bucket, rate }] of bucketByKey) {
      if (now() - bucket.at > (rate.burst / rate.perSecond) * 1_000) bucketByKey.delete(key);
    }
    // Twice what had to stay: a newcomer's share of the looking is the same however many there are.
    sweepAt = Math.max(FEW, bucketByKey.size * 2);
  };
  return {
    take(key, rate) {
      let held = bucketByKey.get(key);
      if (held === undefined) {
        if (bucketByKey.size >= sweepAt) sweep();
        held = { bucket: { tokens: rate.burst, at: now() }, rate };
        bucketByKey.set(key, held);
      }
      return takeToken(held.bucket, rate, now());
    },
  };
}
