/** Primitives that remember every secret they were given or gave, so that a story can look for them elsewhere. */
import { createPrimitives, type Primitives } from "../../src/crypto/primitives.ts";
import { systemRandom } from "../../src/base/random.ts";

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
  "ed25519PublicKey",
  "ed25519Sign",
  "x25519PublicKey",
  "x25519",
  "xwingKeygen",
  "xwingDecapsulate",
] as const;

export async function createKeyWitness(): Promise<{
  readonly primitives: Primitives;
  readonly secrets: ReadonlySet<string>;
}> {
  const real = await createPrimitives({ random: systemRandom });
  const secrets = new Set<string>();
  const witnessed: Record<string, unknown> = { ...real };
  for (const name of KEYED) {
    const call = real[name] as (...args: unknown[]) => unknown;
    witnessed[name] = (...args: unknown[]) => {
      if (args[0] instanceof Uint8Array && args[0].length >= 16)
        secrets.add(Buffer.from(args[0]).toString("hex"));
      return call(...args);
    };
  }
  return { primitives: witnessed as unknown as Primitives, secrets };
}
