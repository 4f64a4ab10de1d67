import { describe, expect, test } from "vitest";

import { bytesToHex } from "#base/bytes.ts";
import { systemRandom } from "#base/random.ts";
import { Secret } from "#base/secret.ts";

import { ARGON2, ARGON2_CEILING, ARGON2_FLOOR } from "./limits.ts";
import { checkPassword, derivePassword, type PasswordInput } from "./password.ts";
import { createPrimitives, type Argon2Params } from "./primitives.ts";

const system = await createPrimitives({ random: systemRandom });
/** Primitives whose Argon2id is quick: the cost is not what these tests are about. */
const p = {
  ...system,
  argon2id: async (password, salt, { memoryKiB, passes, lanes }) =>
    system.hmacSha256(
      system.hmacSha256(salt, Uint8Array.of(memoryKiB & 255, passes, lanes)),
      password,
    ),
} satisfies typeof system;

const input: PasswordInput = {
  password: new Secret("twelve chars"),
  origin: "https://parley.example",
  login: "ada",
  salt: new Uint8Array(32).fill(1),
  params: ARGON2,
};

async function keysOf(change: Partial<PasswordInput>): Promise<string> {
  const keys = await derivePassword(p, { ...input, ...change });
  if (!keys.ok) return keys.failure.kind;
  return `${bytesToHex(keys.value.authKey.reveal())} ${bytesToHex(keys.value.kek.reveal())}`;
}

describe("protection password", () => {
  test("[C38] what logs in and what wraps are two keys of 32 bytes that do not print", async () => {
    const keys = await derivePassword(p, input);

    expect(keys.ok).toBe(true);
    if (!keys.ok) return;
    const { authKey, kek } = keys.value;
    expect([authKey.reveal().length, kek.reveal().length]).toEqual([32, 32]);
    expect(authKey.reveal()).not.toEqual(kek.reveal());
    expect(JSON.stringify(keys.value)).toBe('{"authKey":"«secret»","kek":"«secret»"}');
  });

  test("[C38] another relay, login, salt, cost or password gives other keys", async () => {
    const all = await Promise.all([
      keysOf({}),
      keysOf({ origin: "https://other.example" }),
      keysOf({ login: "eve" }),
      keysOf({ salt: new Uint8Array(32).fill(2) }),
      keysOf({ params: { ...ARGON2, passes: 4 } }),
      keysOf({ password: new Secret("Twelve chars") }),
      keysOf({ password: new Secret("twelve chars ") }),
    ]);

    expect(new Set(all).size).toBe(all.length);
  });

  test("[C38] two spellings of one accent are one password", async () => {
    const composed = "twelve ch\u00E4rs";
    const decomposed = "twelve cha\u0308rs";

    expect(await keysOf({ password: new Secret(composed) })).toBe(
      await keysOf({ password: new Secret(decomposed) }),
    );
  });

  test("[C38] length is counted in code points after normalising", () => {
    const kind = (text: string) => {
      const checked = checkPassword(new Secret(text));
      return checked.ok ? "ok" : checked.failure.kind;
    };

    expect(kind("😀".repeat(12))).toBe("ok");
    expect(kind("😀".repeat(11))).toBe("crypto/password-too-short");
    expect(kind("a\u0308".repeat(11))).toBe("crypto/password-too-short");
    expect(kind("a".repeat(1_024))).toBe("ok");
    expect(kind("a".repeat(1_025))).toBe("crypto/password-too-long");
    expect(kind("汉".repeat(342))).toBe("crypto/password-too-long");
    expect(kind(`twelve chars\uD800`)).toBe("crypto/password-not-text");
  });

  test("[C38] a cost under the floor or over the ceiling is refused before any work", async () => {
    const refused: readonly Argon2Params[] = [
      { ...ARGON2, memoryKiB: ARGON2_FLOOR.memoryKiB - 1 },
      { ...ARGON2, passes: ARGON2_FLOOR.passes - 1 },
      { ...ARGON2, lanes: 0 },
      { ...ARGON2, memoryKiB: ARGON2_CEILING.memoryKiB + 1 },
      { ...ARGON2, passes: ARGON2_CEILING.passes + 1 },
      { ...ARGON2, lanes: ARGON2_CEILING.lanes + 1 },
      { ...ARGON2, passes: 2.5 },
      { ...ARGON2, memoryKiB: Number.NaN },
    ];

    const idle = { ...p, argon2id: () => expect.unreachable("work was done") };
    for (const params of refused)
      expect(await derivePassword(idle, { ...input, params })).toEqual({
        ok: false,
        failure: { kind: "crypto/password-cost-refused" },
      });
    expect(await keysOf({ params: ARGON2_FLOOR })).toMatch(/^[0-9a-f]{64} /);
    expect(await keysOf({ salt: new Uint8Array(31) })).toBe("crypto/malformed");
  });
});
