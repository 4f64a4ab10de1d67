import { aeskw, gcm } from "@noble/ciphers/aes.js";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { describe, expect, test } from "vitest";

import { concat, equalBytes, type Bytes } from "#base/bytes.ts";
import { systemRandom } from "#base/random.ts";

import { hpkeKeySchedule, hpkeOpen, hpkeSeal } from "./hpke.ts";
import { createPrimitives } from "./primitives.ts";
import { hex, readVectors, tally, wycheproofCases, type Outcome } from "./vectors/published.ts";

const native = await createPrimitives({ random: systemRandom });
const noble = await createPrimitives({ random: systemRandom, force: "noble" });

test("[C42] this platform's native primitives give the known answers and forced noble has none", () => {
  expect(native.native).toEqual({ ed25519: true, x25519: true, aesGcm: true });
  expect(noble.native).toEqual({ ed25519: false, x25519: false, aesGcm: false });
});

/** Opens the sealed bytes and seals the plaintext again: both directions must agree with the vector. */
async function aead(
  vector: { readonly msg: Bytes; readonly sealed: Bytes },
  open: () => Promise<Bytes | null> | Bytes | null,
  seal: () => Promise<Bytes> | Bytes,
): Promise<Outcome> {
  const opened = await open();
  if (opened === null) return "refuse";
  return equalBytes(opened, vector.msg) && equalBytes(await seal(), vector.sealed)
    ? "pass"
    : "differ";
}

const same = (a: Bytes | null, b: Bytes): Outcome =>
  a === null ? "refuse" : equalBytes(a, b) ? "pass" : "differ";

describe.each([
  ["native", native],
  ["noble", noble],
] as const)("published vectors on %s primitives", (_name, p) => {
  test("[C13] Ed25519 accepts the 88 valid and refuses the 63 invalid signatures", async () => {
    const counts = await tally(wycheproofCases("ed25519"), async (vector) =>
      (await p.ed25519Verify(hex(vector["pk"]), hex(vector["msg"]), hex(vector["sig"])))
        ? "pass"
        : "refuse",
    );

    expect(counts).toEqual({ "valid pass": 88, "invalid refuse": 63 });
  });

  test("[C14] X25519 agrees on every non-zero secret and refuses every zero one", async () => {
    const isZero = (text: string | undefined): boolean => /^0+$/.test(text ?? "");
    const cases = wycheproofCases("x25519");

    const counts = await tally(cases, async (vector) => {
      const shared = await p.x25519(hex(vector["private"]), hex(vector["public"]));
      return isZero(vector["shared"]) && shared !== null
        ? "differ"
        : same(shared, hex(vector["shared"]));
    });

    expect(cases.filter((vector) => isZero(vector["shared"]))).toHaveLength(31);
    expect(counts).toEqual({ "valid pass": 264, "acceptable pass": 223, "acceptable refuse": 31 });
  });

  test("XChaCha20-Poly1305 agrees, and a nonce of another size is a bug", async () => {
    const counts = await tally(wycheproofCases("xchacha20_poly1305"), (vector) => {
      const [key, iv, aad, msg] = [vector["key"], vector["iv"], vector["aad"], vector["msg"]].map(
        hex,
      ) as Four;
      const sealed = hex(`${vector["ct"]}${vector["tag"]}`);
      return aead(
        { msg, sealed },
        () => p.xchachaOpen(key, iv, aad, sealed),
        () => p.xchachaSeal(key, iv, aad, msg),
      );
    });

    expect(counts).toEqual({ "valid pass": 246, "invalid refuse": 60, "invalid throw": 9 });
  });

  test("ChaCha20-Poly1305 agrees, and a nonce of another size is a bug", async () => {
    const counts = await tally(wycheproofCases("chacha20_poly1305"), (vector) => {
      const [key, iv, aad, msg] = [vector["key"], vector["iv"], vector["aad"], vector["msg"]].map(
        hex,
      ) as Four;
      const sealed = hex(`${vector["ct"]}${vector["tag"]}`);
      return aead(
        { msg, sealed },
        () => p.chachaOpen(key, iv, aad, sealed),
        () => p.chachaSeal(key, iv, aad, msg),
      );
    });

    expect(counts).toEqual({ "valid pass": 256, "invalid refuse": 60, "invalid throw": 9 });
  });

  test("AES-256-GCM with a 12-byte nonce agrees, and other key and nonce sizes are bugs", async () => {
    const isOurs = (vector: Readonly<Record<string, string>>): boolean =>
      vector["keySize"] === "256" && vector["ivSize"] === "96";
    const cases = wycheproofCases("aes_gcm");
    const run = (vector: (typeof cases)[number]): Promise<Outcome> => {
      const [key, iv, aad, msg] = [vector["key"], vector["iv"], vector["aad"], vector["msg"]].map(
        hex,
      ) as Four;
      const sealed = hex(`${vector["ct"]}${vector["tag"]}`);
      return aead(
        { msg, sealed },
        () => p.aesGcmOpen(key, iv, aad, sealed),
        () => p.aesGcmSeal(key, iv, aad, msg),
      );
    };

    expect(await tally(cases.filter(isOurs), run)).toEqual({
      "valid pass": 39,
      "invalid refuse": 27,
    });
    expect(
      await tally(
        cases.filter((vector) => !isOurs(vector)),
        run,
      ),
    ).toEqual({
      "valid throw": 190,
      "invalid throw": 60,
    });
  });

  test("HKDF-SHA256 agrees and refuses lengths beyond 255 blocks", async () => {
    const counts = await tally(wycheproofCases("hkdf_sha256"), (vector) => {
      const prk = p.hkdfExtract(hex(vector["salt"]), hex(vector["ikm"]));
      return same(
        p.hkdfExpand(prk, hex(vector["info"]), Number(vector["size"])),
        hex(vector["okm"]),
      );
    });

    expect(counts).toEqual({ "valid pass": 83, "invalid throw": 3 });
  });

  test("HMAC-SHA256 agrees, truncated tags included", async () => {
    const counts = await tally(wycheproofCases("hmac_sha256"), (vector) => {
      const tag = p.hmacSha256(hex(vector["key"]), hex(vector["msg"]));
      const isSame = equalBytes(tag.slice(0, Number(vector["tagSize"]) / 8), hex(vector["tag"]));
      return isSame ? "pass" : "refuse";
    });

    expect(counts).toEqual({ "valid pass": 66, "invalid refuse": 108 });
  });

  test("X-Wing makes the published keys, encapsulations and secrets", () => {
    const vectors = readVectors("./xwing/xwing-test-vectors.json") as readonly Record<
      string,
      string
    >[];

    expect(vectors).toHaveLength(3);
    for (const vector of vectors) {
      const publicKey = p.xwingKeygen(hex(vector["seed"])).publicKey;
      const encapsulated = p.xwingEncapsulate(publicKey, hex(vector["eseed"]));
      expect(publicKey).toEqual(hex(vector["pk"]));
      expect(encapsulated).toEqual({ enc: hex(vector["ct"]), sharedSecret: hex(vector["ss"]) });
      expect(p.xwingDecapsulate(hex(vector["sk"]), hex(vector["ct"]))).toEqual(hex(vector["ss"]));
    }
  });

  test("[C14] HPKE in base mode seals and opens the published first message of suite 0x01", async () => {
    const base = hpkeVectors().filter(
      (vector) => vector["mode"] === "0" && vector["aead_id"] === "3",
    );

    expect(base).toHaveLength(1);
    for (const vector of base) {
      const first = vector.encryptions[0] ?? {};
      const [enc, info, aad, ct, pt] = [
        vector["enc"],
        vector["info"],
        first["aad"],
        first["ct"],
        first["pt"],
      ].map(hex) as [Bytes, Bytes, Bytes, Bytes, Bytes];
      const fixed = { ...p, randomBytes: () => hex(vector["skEm"]) };
      const sealed = await hpkeSeal(fixed, 0x01, hex(vector["pkRm"]), info, aad, pt);
      expect(sealed).toEqual({ ok: true, value: { enc, ciphertext: ct } });
      expect(await hpkeOpen(p, 0x01, hex(vector["skRm"]), enc, info, aad, ct)).toEqual(pt);
    }
  });

  test("HPKE's base key schedule gives the published keys for every AEAD that has one", () => {
    const keySizes: Record<string, number> = { "1": 16, "3": 32 };
    const base = hpkeVectors().filter(
      (vector) => vector["mode"] === "0" && keySizes[vector["aead_id"] ?? ""] !== undefined,
    );

    expect(base).toHaveLength(2);
    for (const vector of base) {
      const aeadId = vector["aead_id"] ?? "";
      const ids = {
        kemId: 0x20,
        kdfId: 1,
        aeadId: Number(aeadId),
        keySizeBytes: keySizes[aeadId] ?? 0,
      };
      const schedule = hpkeKeySchedule(p, ids, hex(vector["shared_secret"]), hex(vector["info"]));
      expect(schedule).toEqual({ key: hex(vector["key"]), baseNonce: hex(vector["base_nonce"]) });
    }
  });
});

type Four = [Bytes, Bytes, Bytes, Bytes];

type HpkeVector = Readonly<Record<string, string>> & {
  readonly encryptions: readonly Readonly<Record<string, string>>[];
};
function hpkeVectors(): readonly HpkeVector[] {
  const vectors = readVectors("./hpke/rfc9180-appendixA-x25519.json") as readonly HpkeVector[];
  expect(vectors).toHaveLength(12);
  return vectors;
}

// What lies under a primitive, or beside it, and has no native counterpart here.
describe("published vectors on the libraries themselves", () => {
  test("noble's AES-GCM agrees for every key size and refuses IVs under 64 bits", async () => {
    const counts = await tally(wycheproofCases("aes_gcm"), (vector) => {
      const sealed = concat(hex(vector["ct"]), hex(vector["tag"]));
      const cipher = () => gcm(hex(vector["key"]), hex(vector["iv"]), hex(vector["aad"]));
      return aead(
        { msg: hex(vector["msg"]), sealed },
        () => cipher().decrypt(sealed),
        () => cipher().encrypt(hex(vector["msg"])),
      );
    });

    expect(counts).toEqual({ "valid pass": 205, "valid throw": 24, "invalid throw": 87 });
  });

  test("noble's AES key wrap agrees and refuses the acceptable cases, whose keys are too short", async () => {
    const counts = await tally(wycheproofCases("aes_wrap"), (vector) => {
      const cipher = aeskw(hex(vector["key"]));
      const [msg, ct] = [hex(vector["msg"]), hex(vector["ct"])];
      return equalBytes(cipher.decrypt(ct), msg) && equalBytes(cipher.encrypt(msg), ct)
        ? "pass"
        : "differ";
    });

    expect(counts).toEqual({ "valid pass": 36, "acceptable throw": 3, "invalid throw": 126 });
  });

  test("ML-KEM-768 makes the published keys from seeds", async () => {
    const counts = await tally(wycheproofCases("mlkem_768_keygen_seed"), (vector) => {
      const keys = ml_kem768.keygen(hex(vector["seed"]));
      return same(concat(keys.publicKey, keys.secretKey), hex(`${vector["ek"]}${vector["dk"]}`));
    });

    expect(counts).toEqual({ "valid pass": 100 });
  });

  test("ML-KEM-768 encapsulates to the published secrets and refuses unreduced keys", async () => {
    const counts = await tally(wycheproofCases("mlkem_768_encaps"), (vector) => {
      const { cipherText, sharedSecret } = ml_kem768.encapsulate(
        hex(vector["ek"]),
        hex(vector["m"]),
      );
      return same(concat(cipherText, sharedSecret), hex(`${vector["c"]}${vector["K"]}`));
    });

    expect(counts).toEqual({ "valid pass": 133, "invalid throw": 132 });
  });

  test("ML-KEM-768 decapsulates to the published secrets, implicit rejection included", async () => {
    const counts = await tally(wycheproofCases("mlkem_768"), (vector) => {
      const { secretKey } = ml_kem768.keygen(hex(vector["seed"]));
      return same(ml_kem768.decapsulate(hex(vector["c"]), secretKey), hex(vector["K"]));
    });

    expect(counts).toEqual({ "valid pass": 153, "invalid throw": 40 });
  });
});
