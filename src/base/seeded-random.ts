import type { RandomBytes } from "./random.ts";

/** Repeatable bytes for tests and vectors (mulberry32); never for keys. */
export function createSeededRandom(seed: number): RandomBytes {
  let state = seed >>> 0;
  const nextByte = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) & 0xff;
  };
  return (sizeBytes) => Uint8Array.from({ length: sizeBytes }, nextByte);
}
