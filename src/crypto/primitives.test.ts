import { ED25519_TORSION_SUBGROUP, ed25519 } from "@noble/curves/ed25519.js";
import { fc } from "#base/properties.contract.ts";
import { describe, expect, test, vi } from "vitest";

import { concat, equalBytes, hexToBytes, utf8, type Bytes } from "#base/bytes.ts";
import { systemRandom } from "#base/random.ts";
import { createSeededRandom } from "#base/seeded-random.ts";

import {
  passesAesGcmAnswers,
  passesEd25519SignAnswers,
  passesEd25519VerifyAnswers,
  passesX25519Answers,
} from "./known-answers.ts";
import { createPrimitives, type AesGcm } from "./primitives.ts";

const native = await createPrimitives({ random: systemRandom });
const noble = await createPrimitives({ random: systemRandom, force: "noble" });
const both = [native, noble] as const;

const { Point } = ed25519;
type Point = InstanceType<typeof Point>;
const encoded = (point: Point): Bytes => Uint8Array.from(point.toBytes());
const ORDER = Point.Fn.ORDER;
const TORSION = ED25519_TORSION_SUBGROUP.map((hex) => Point.fromHex(hex));
const EIGHTH_ORDER = Point.fromHex(
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
);
const ZERO = new Uint8Array(32);
const IDENTITY = encoded(Point.ZERO);

const bytes32 = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Uint8Array.from(bytes));

/** Little-endian bytes of a number. */
function littleEndian(value: bigint): Bytes {
  return Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 255n));
}
const numberOf = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n);

/** A signature with a nonce point of our choice; `r` is its part in the prime-order group. */
function signatureWith(
  seed: Bytes,
  message: Bytes,
  nonceBytes: Bytes,
  r: bigint,
  keyBytes: Bytes = native.ed25519PublicKey(seed),
): Bytes {
  const { scalar } = ed25519.utils.getExtendedPublicKey(seed);
  const challenge = challengeOf(nonceBytes, keyBytes, message);
  return concat(nonceBytes, littleEndian((r + challenge * scalar) % ORDER));
}

const challengeOf = (nonceBytes: Bytes, keyBytes: Bytes, message: Bytes): bigint =>
  numberOf(native.sha512(concat(nonceBytes, keyBytes, message))) % ORDER;

/** A message whose challenge is a multiple of eight, so that a key's torsion leaves the equation. */
function messageThatHides(nonceBytes: Bytes, keyBytes: Bytes): Bytes {
  for (let count = 0; ; count++) {
    const message = utf8(`message ${count}`);
    if (challengeOf(nonceBytes, keyBytes, message) % 8n === 0n) return message;
  }
}

const verdicts = (publicKey: Bytes, message: Bytes, signature: Bytes): Promise<boolean[]> =>
  Promise.all(both.map((p) => p.ed25519Verify(publicKey, message, signature)));

describe("Ed25519", () => {
  const seed = new Uint8Array(32).fill(7);
  const publicKey = native.ed25519PublicKey(seed);
  const message = utf8("a message");

  test("[C42] native and noble make the same signatures, keys and secrets", async () => {
    await fc.assert(
      fc.asyncProperty(
        bytes32,
        bytes32,
        fc.uint8Array({ maxLength: 200 }),
        async (one, other, text) => {
          const message = Uint8Array.from(text);
          const [a, b] = await Promise.all(both.map((p) => p.ed25519Sign(one, message)));
          const [c, d] = await Promise.all(
            both.map((p) => p.x25519(one, p.x25519PublicKey(other))),
          );
          expect(a).toEqual(b);
          expect(c).toEqual(d);
          expect(await verdicts(native.ed25519PublicKey(one), message, a ?? ZERO)).toEqual([
            true,
            true,
          ]);
        },
      ),
      { numRuns: 30 },
    );
  });

  test("[C13] a signature with one flipped bit is refused by both", async () => {
    const signature = await native.ed25519Sign(seed, message);

    await fc.assert(
      fc.asyncProperty(fc.nat(64 * 8 - 1), async (bit) => {
        const other = signature.slice();
        other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(await verdicts(publicKey, message, other)).toEqual([false, false]);
      }),
      { numRuns: 60 },
    );
  });

  test("[C13] keys of small or mixed order and second spellings are not accepted", () => {
    const small = TORSION.map(encoded);
    const mixedOrder = TORSION.slice(1).map((point) => encoded(Point.BASE.add(point)));
    const nonCanonical = Array.from({ length: 19 }, (_, y) =>
      littleEndian(2n ** 255n - 19n + BigInt(y)),
    );
    const minusZero =
      hexToBytes("0100000000000000000000000000000000000000000000000000000000000080") ?? ZERO;

    for (const key of [
      ...small,
      ...mixedOrder,
      ...nonCanonical,
      minusZero,
      ZERO,
      publicKey.slice(1),
    ]) {
      expect(both.map((p) => p.acceptVerifyingKey(key))).toEqual([false, false]);
    }
    expect(both.map((p) => p.acceptVerifyingKey(publicKey))).toEqual([true, true]);
  });

  test("[C13] the identity key verifies nothing, although some platforms let it sign anything", async () => {
    const signature = concat(IDENTITY, ZERO);

    expect(await verdicts(IDENTITY, message, signature)).toEqual([false, false]);
  });

  test("[C13] a mixed-order key is refused by both where its torsion leaves the equation", async () => {
    const r = 987_654_321n;
    const nonce = encoded(Point.BASE.multiply(r));
    for (const torsion of TORSION.slice(1)) {
      const key = encoded(Point.fromBytes(publicKey).add(torsion));
      const hidden = messageThatHides(nonce, key);
      const signature = signatureWith(seed, hidden, nonce, r, key);
      expect(await verdicts(key, hidden, signature)).toEqual([false, false]);
    }
    expect(await verdicts(publicKey, message, signatureWith(seed, message, nonce, r))).toEqual([
      true,
      true,
    ]);
  });

  test("[C13] mixed-order keys and nonce points are refused by both, whatever the torsion", async () => {
    const r = 987_654_321n;
    for (const torsion of TORSION.slice(1)) {
      const nonce = encoded(Point.BASE.multiply(r).add(torsion));
      const mixedKey = encoded(Point.fromBytes(publicKey).add(torsion));
      expect(await verdicts(publicKey, message, signatureWith(seed, message, nonce, r))).toEqual([
        false,
        false,
      ]);
      expect(await verdicts(mixedKey, message, await native.ed25519Sign(seed, message))).toEqual([
        false,
        false,
      ]);
    }
  });

  test("[C13] small-order nonce points are refused by both, the identity and its second spelling too", async () => {
    const respelled = littleEndian(2n ** 255n - 19n + 1n);

    for (const nonce of [...TORSION.map(encoded), encoded(EIGHTH_ORDER), respelled]) {
      const signature = signatureWith(seed, message, nonce, 0n);
      expect(await verdicts(publicKey, message, signature)).toEqual([false, false]);
    }
  });

  test("[C13] S + L is refused by both", async () => {
    const signature = await native.ed25519Sign(seed, message);
    const large = concat(
      signature.slice(0, 32),
      littleEndian(numberOf(signature.slice(32)) + ORDER),
    );

    expect(await verdicts(publicKey, message, large)).toEqual([false, false]);
  });

  test("[C13] a signature of another length is refused by both", async () => {
    const signature = await native.ed25519Sign(seed, message);

    expect(await verdicts(publicKey, message, signature.slice(1))).toEqual([false, false]);
    expect(await verdicts(publicKey, message, concat(signature, new Uint8Array(1)))).toEqual([
      false,
      false,
    ]);
  });

  test("more keys than are remembered still verify", async () => {
    const random = createSeededRandom(1);
    const seeds = Array.from({ length: 260 }, () => random(32));

    for (const one of [...seeds, ...seeds.slice(0, 3)]) {
      const signature = await native.ed25519Sign(one, message);
      expect(await native.ed25519Verify(native.ed25519PublicKey(one), message, signature)).toBe(
        true,
      );
    }
  });
});

describe("key agreement", () => {
  test("[C14] X25519 with an all-zero result fails in both", async () => {
    for (const u of [0n, 1n, 2n ** 255n - 20n, 2n ** 255n - 19n]) {
      const results = await Promise.all(
        both.map((p) => p.x25519(new Uint8Array(32).fill(9), littleEndian(u))),
      );
      expect(results).toEqual([null, null]);
    }
  });

  test("[C14] a key of another length fails in both", async () => {
    const results = await Promise.all(
      both.map((p) => p.x25519(new Uint8Array(32).fill(9), new Uint8Array(31))),
    );

    expect(results).toEqual([null, null]);
  });

  test("[C14] X-Wing passes on an all-zero X25519 half, in either direction", () => {
    const seed = new Uint8Array(32).fill(5);
    const { publicKey } = native.xwingKeygen(seed);
    const lowKey = concat(publicKey.slice(0, 1184), ZERO);
    const encapsulated = native.xwingEncapsulate(publicKey);
    const lowEnc = concat(encapsulated?.enc.slice(0, 1088) ?? ZERO, ZERO);

    expect(native.xwingEncapsulate(lowKey)).toBeNull();
    expect(native.xwingDecapsulate(seed, lowEnc)).toBeNull();
    expect(native.xwingDecapsulate(seed, lowEnc.slice(1))).toBeNull();
    expect(native.xwingEncapsulate(lowKey.slice(1))).toBeNull();
  });
});

describe("known answers", () => {
  test("[C42] a platform that is wrong in one way is turned away", async () => {
    const lax = async (publicKey: Bytes, message: Bytes, signature: Bytes) =>
      ed25519.verify(signature, message, publicKey);
    const hedged = async (seed: Bytes, message: Bytes) =>
      native.ed25519Sign(seed, concat(message, message));
    const careless = async (privateKey: Bytes, publicKey: Bytes) =>
      (await native.x25519(privateKey, publicKey)) ?? ZERO;
    const forgetful = async (key: Bytes) => {
      const right = await native.importAesGcm(key);
      return { seal: right.seal, open: async () => utf8("known answer") };
    };

    expect(await passesEd25519VerifyAnswers(lax)).toBe(false);
    expect(await passesEd25519VerifyAnswers(async () => true)).toBe(false);
    expect(await passesEd25519VerifyAnswers(async () => false)).toBe(false);
    expect(await passesEd25519SignAnswers(hedged)).toBe(false);
    expect(await passesX25519Answers(careless)).toBe(false);
    expect(await passesAesGcmAnswers(forgetful)).toBe(false);
    const deaf = async (publicKey: Bytes, _message: Bytes, signature: Bytes) =>
      native.ed25519Verify(publicKey, Uint8Array.of(0x72), signature);
    expect(await passesEd25519VerifyAnswers(deaf)).toBe(false);
    const [head, plain] = [utf8("head"), utf8("known answer")];
    const aes = (change: (right: AesGcm) => Partial<AesGcm>) => async (key: Bytes) => {
      const right = await native.importAesGcm(key);
      return { seal: right.seal, open: right.open, ...change(right) };
    };
    for (const wrong of [
      aes((right) => ({ seal: (nonce, _aad, text) => right.seal(nonce, plain, text) })),
      aes((right) => ({ open: (nonce, _aad, sealed) => right.open(nonce, head, sealed) })),
      aes((right) => ({
        open: async (nonce, aad, sealed) =>
          (await right.open(nonce, aad, sealed)) ?? (equalBytes(aad, head) ? plain : null),
      })),
      aes(() => ({ open: async () => null })),
    ])
      expect(await passesAesGcmAnswers(wrong)).toBe(false);
    expect(await passesAesGcmAnswers(aes(() => ({})))).toBe(true);
  });

  test("[C42] what a platform does wrong is done by noble, and nothing else is", async () => {
    const { subtle } = crypto;
    /** The platform with one of its calls changed. */
    const onPlatform = async (wrong: Partial<SubtleCrypto>) => {
      const bent = new Proxy(subtle, {
        get: (target, name) => {
          const value: unknown = Reflect.get(wrong, name) ?? Reflect.get(target, name);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
      vi.stubGlobal("crypto", { subtle: bent });
      try {
        return await createPrimitives({ random: systemRandom });
      } finally {
        vi.unstubAllGlobals();
      }
    };
    const all = { ed25519: true, x25519: true, aesGcm: true };
    const zeros = async () => new ArrayBuffer(64);
    const seed = new Uint8Array(32).fill(7);
    const message = utf8("a message");

    expect((await onPlatform({})).native).toEqual(all);
    const signsOtherwise = await onPlatform({ sign: zeros });
    expect(signsOtherwise.native).toEqual(all);
    expect(await signsOtherwise.ed25519Sign(seed, message)).toEqual(
      await noble.ed25519Sign(seed, message),
    );
    const believesAll = await onPlatform({ verify: async () => true });
    expect(believesAll.native).toEqual({ ...all, ed25519: false });
    expect(await believesAll.ed25519Verify(noble.ed25519PublicKey(seed), message, seed)).toBe(
      false,
    );
    const agreesOnAnything = await onPlatform({ deriveBits: async () => new ArrayBuffer(32) });
    expect(agreesOnAnything.native).toEqual({ ...all, x25519: false });
    const key = noble.x25519PublicKey(new Uint8Array(32).fill(9));
    expect(await agreesOnAnything.x25519(seed, key)).toEqual(await noble.x25519(seed, key));
    const opensAnything = await onPlatform({ decrypt: async () => new ArrayBuffer(12) });
    expect(opensAnything.native).toEqual({ ...all, aesGcm: false });
    const refuses = async () => Promise.reject(new Error("not supported"));
    expect((await onPlatform({ importKey: refuses })).native).toEqual({
      ed25519: false,
      x25519: false,
      aesGcm: false,
    });
  });

  test("[C42] noble itself gives every known answer", async () => {
    expect(await passesEd25519VerifyAnswers(noble.ed25519Verify)).toBe(true);
    expect(await passesEd25519SignAnswers(noble.ed25519Sign)).toBe(true);
    expect(await passesX25519Answers(noble.x25519)).toBe(true);
    expect(await passesAesGcmAnswers(noble.importAesGcm)).toBe(true);
  });
});

describe("randomness and sizes", () => {
  test("[C5] every random byte comes from the source that was given", async () => {
    const drawn: number[] = [];
    const random = (sizeBytes: number): Bytes => {
      drawn.push(sizeBytes);
      return systemRandom(sizeBytes);
    };
    const p = await createPrimitives({ random });

    p.randomBytes(24);
    p.xwingEncapsulate(p.xwingKeygen(new Uint8Array(32)).publicKey);

    expect(drawn).toEqual([24, 64]);
  });

  test("a key or nonce of ours with a wrong size is a bug", async () => {
    const key = new Uint8Array(32);
    const nonce = new Uint8Array(12);

    expect(() => native.xchachaSeal(key, nonce, key, key)).toThrow("24 bytes expected");
    expect(() => native.chachaOpen(nonce, nonce, key, key)).toThrow("32 bytes expected");
    await expect(native.aesGcmSeal(key, key, key, key)).rejects.toThrow("12 bytes expected");
    expect(() => native.xwingKeygen(nonce)).toThrow("32 bytes expected");
  });

  test("SHA-256 in pieces is SHA-256 of the whole", () => {
    const hash = native.createSha256();
    hash.update(utf8("one "));
    hash.update(utf8("whole"));

    expect(hash.digest()).toEqual(native.sha256(utf8("one whole")));
  });

  test("Argon2id gives the published tag", async () => {
    // From the test program of the reference implementation.
    const tag = await native.argon2id(
      utf8("password"),
      utf8("somesalt"),
      { memoryKiB: 65_536, passes: 2, lanes: 1 },
      32,
    );

    expect(tag).toEqual(
      hexToBytes("09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"),
    );
  });
});
