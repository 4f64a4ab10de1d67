import type { Bytes } from "./bytes.ts";

/** Fills a fresh array of `sizeBytes` with random bytes. */
export type RandomBytes = (sizeBytes: number) => Bytes;

/** The platform's CSPRNG. */
export const systemRandom: RandomBytes = (sizeBytes) =>
  crypto.getRandomValues(new Uint8Array(sizeBytes));
