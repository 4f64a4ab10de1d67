import { beforeAll, describe, expect, test } from "vitest";
import { type Bytes, bytesToHex } from "#base/bytes.ts";
import { startStream } from "./stream-seal.ts";
import { makeEveryStructure } from "./vectors/every-structure.ts";
import { createWorld, type Watch } from "./vectors/people.ts";

/** What was drawn while every structure was made, and what it was used for; bytes as hexadecimal text. */
const drawn = new Set<string>();
const sealedUnder: { readonly key: string; readonly nonce: string }[] = [];
const privateKeys: string[] = [];
const sealedKeys: string[] = [];

const watch: Watch = {
  random: (source) => (sizeBytes) => {
    const bytes = source(sizeBytes);
    drawn.add(bytesToHex(bytes));
    return bytes;
  },
  primitives: (asked) => ({
    ...asked,
    xchachaSeal(key, nonce, aad, plain) {
      sealedUnder.push({ key: bytesToHex(key), nonce: bytesToHex(nonce) });
      return asked.xchachaSeal(key, nonce, aad, plain);
    },
    // HPKE alone: its plaintext is a key wherever it has the size of one.
    chachaSeal(key, nonce, aad, plain) {
      sealedUnder.push({ key: bytesToHex(key), nonce: bytesToHex(nonce) });
      if (plain.length === 32) sealedKeys.push(bytesToHex(plain));
      return asked.chachaSeal(key, nonce, aad, plain);
    },
    x25519PublicKey: (privateKey) => asked.x25519PublicKey(noted(privateKey)),
    xwingKeygen: (seed) => asked.xwingKeygen(noted(seed)),
    async importAesGcm(key) {
      const imported = await asked.importAesGcm(key);
      return {
        ...imported,
        seal(nonce, aad, plain) {
          sealedUnder.push({ key: bytesToHex(key), nonce: bytesToHex(nonce) });
          return imported.seal(nonce, aad, plain);
        },
      };
    },
  }),
};

function noted(privateKey: Bytes): Bytes {
  privateKeys.push(bytesToHex(privateKey));
  return privateKey;
}

beforeAll(async () => {
  await makeEveryStructure(watch);
});

describe("whatever is made", () => {
  test("[C5] seals with nonces that were drawn; a delta alone counts its own", () => {
    const wide = sealedUnder.filter(({ nonce }) => nonce.length === 48);
    const counted = wide.filter(({ nonce }) => !drawn.has(nonce));
    expect(wide.length).toBeGreaterThan(10);
    expect(counted.map(({ nonce }) => nonce)).toEqual(["0".repeat(48)]);
  });

  test("[C5] uses no nonce twice under one key", () => {
    const pairs = sealedUnder.map(({ key, nonce }) => `${key} ${nonce}`);
    expect(new Set(pairs).size).toBe(pairs.length);
  });

  test("[C5] draws its private keys and every key it seals for others", () => {
    expect(privateKeys.length).toBeGreaterThan(5);
    expect(sealedKeys.length).toBeGreaterThan(2);
    expect([...privateKeys, ...sealedKeys].filter((key) => !drawn.has(key))).toEqual([]);
  });

  test("[C5] streams under a key that was drawn", async () => {
    const { primitives } = await createWorld(3, watch);
    const keys = [startStream(primitives), startStream(primitives)].map(({ streamKey }) =>
      bytesToHex(streamKey),
    );
    expect(keys.every((key) => drawn.has(key))).toBe(true);
    expect(new Set(keys).size).toBe(2);
  });
});
