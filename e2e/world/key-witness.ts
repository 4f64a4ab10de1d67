/** Primitives that remember every secret they were given or gave, so that a story can look for them elsewhere. */
import type { Primitives } from "../../src/crypto/primitives.ts";

/** Members whose first argument is a secret key or seed. */
const KEYED = [
  "hmacSha256",
  "hkdfExpand",
  "xchachaSeal",
  "xchachaOpen",
  "chachaSeal",
  "chachaOpen",
  "aesGcmSeal",
  "aesGcmOpen",
  "importAesGcm",
  "ed25519PublicKey",
  "ed25519Sign",
  "x25519PublicKey",
  "x25519",
  "xwingKeygen",
  "xwingDecapsulate",
] as const satisfies readonly (keyof Primitives)[];

/** The same primitives; each secret is told once, in hex, before it is used. */
export function witnessed(real: Primitives, tell: (hex: string) => void): Primitives {
  const seen = new Set<string>();
  const calls = KEYED.map((name) => {
    const call = real[name] as (...args: unknown[]) => unknown;
    return [
      name,
      (...args: unknown[]) => {
        const [key] = args;
        const hex = key instanceof Uint8Array ? Buffer.from(key).toString("hex") : "";
        if (hex.length >= 32 && !seen.has(hex)) {
          seen.add(hex);
          tell(hex);
        }
        return call(...args);
      },
    ] as const;
  });
  return { ...real, ...Object.fromEntries(calls) };
}
