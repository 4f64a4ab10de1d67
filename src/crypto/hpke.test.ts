import { fc } from "#base/properties.contract.ts";
import { describe, expect, test } from "vitest";

import { utf8 } from "#base/bytes.ts";
import { systemRandom } from "#base/random.ts";

import { HPKE_SIZES, HPKE_TAG_SIZE_BYTES, hpkeOpen, hpkePublicKey, hpkeSeal } from "./hpke.ts";
import { createPrimitives } from "./primitives.ts";

const p = await createPrimitives({ random: systemRandom });
const [info, aad, plain] = ["info", "aad", "a seed of 32 bytes, or a content key"].map(utf8) as [
  Uint8Array<ArrayBuffer>,
  Uint8Array<ArrayBuffer>,
  Uint8Array<ArrayBuffer>,
];

describe.each([0x01, 0x02] as const)("suite %i", (suite) => {
  const privateKey = new Uint8Array(32).fill(suite);
  const publicKey = hpkePublicKey(p, suite, privateKey);

  test("[C14] what was sealed to a key opens with it, at the stated sizes", async () => {
    const sealed = await hpkeSeal(p, suite, publicKey, info, aad, plain);

    expect(sealed.ok).toBe(true);
    if (!sealed.ok) return;
    const { enc, ciphertext } = sealed.value;
    expect(publicKey.length).toBe(HPKE_SIZES[suite].publicKeySizeBytes);
    expect(enc.length).toBe(HPKE_SIZES[suite].encSizeBytes);
    expect(ciphertext.length).toBe(plain.length + HPKE_TAG_SIZE_BYTES);
    expect(await hpkeOpen(p, suite, privateKey, enc, info, aad, ciphertext)).toEqual(plain);
  });

  test("a flipped byte anywhere, or another key, context or data, does not open", async () => {
    const sealed = await hpkeSeal(p, suite, publicKey, info, aad, plain);
    if (!sealed.ok) throw new Error("sealing failed");
    const { enc, ciphertext } = sealed.value;
    const otherKey = new Uint8Array(32).fill(9);

    expect(await hpkeOpen(p, suite, otherKey, enc, info, aad, ciphertext)).toBeNull();
    expect(await hpkeOpen(p, suite, privateKey, enc, aad, aad, ciphertext)).toBeNull();
    expect(await hpkeOpen(p, suite, privateKey, enc, info, info, ciphertext)).toBeNull();
    await fc.assert(
      fc.asyncProperty(
        fc.nat(enc.length + ciphertext.length - 1),
        fc.integer({ min: 1, max: 127 }),
        async (at, mask) => {
          const flip = (bytes: Uint8Array, offset: number) =>
            Uint8Array.from(bytes, (byte, index) => (index + offset === at ? byte ^ mask : byte));
          const opened = await hpkeOpen(
            p,
            suite,
            privateKey,
            flip(enc, 0),
            info,
            aad,
            flip(ciphertext, enc.length),
          );
          expect(opened).toBeNull();
        },
      ),
      { numRuns: 25 },
    );
  });

  test("[C14] a key that gives an all-zero secret is refused by name", async () => {
    const low = publicKey.slice();
    low.fill(0, low.length - 32);

    expect(await hpkeSeal(p, suite, low, info, aad, plain)).toEqual({
      ok: false,
      failure: { kind: "crypto/bad-public-key" },
    });
    const lowEnc = new Uint8Array(HPKE_SIZES[suite].encSizeBytes);
    expect(await hpkeOpen(p, suite, privateKey, lowEnc, info, aad, plain)).toBeNull();
  });
});
