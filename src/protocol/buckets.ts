// The few sizes a padded plaintext may have, so that a size says little. crypto/SPEC.md C7.

/** Padded plaintext of one message: 129 blocks of 4,096. */
export const MAX_PLAINTEXT_SIZE_BYTES = 528_384;

const BLOCK_SIZE_BYTES = 4096;
const SMALL_BUCKETS = [256, 512, 1024, 2048];
/** Whether a padded plaintext may have this size. */
export const isBucket = (sizeBytes: number): boolean => bucketFor(sizeBytes) === sizeBytes;

/** The smallest padded size that holds this many bytes; null above the largest. */
export function bucketFor(sizeBytes: number): number | null {
  if (sizeBytes > MAX_PLAINTEXT_SIZE_BYTES) return null;
  const small = SMALL_BUCKETS.find((bucket) => bucket >= sizeBytes);
  return small ?? Math.ceil(sizeBytes / BLOCK_SIZE_BYTES) * BLOCK_SIZE_BYTES;
}
