import { expect, test } from "vitest";
import { Secret } from "#base/secret.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { createPrimitives } from "./primitives.ts";
import { readRecoveryCode, writeRecoveryCode } from "./recovery-code.ts";

const primitives = await createPrimitives({ random: createSeededRandom(45) });

test("[C45] a recovery code reads back however it is typed, and a slip is noticed", () => {
  const code = new Secret(primitives.randomBytes(16));

  const written = writeRecoveryCode(primitives, code);

  expect(written).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}$/);
  const sloppy = written
    .toLowerCase()
    .replaceAll("-", "  ")
    .replaceAll("0", "o")
    .replaceAll("1", "l");
  expect(readRecoveryCode(primitives, sloppy)?.reveal()).toEqual(code.reveal());
  const last = written.at(-1) === "7" ? "8" : "7";
  for (const slip of [
    written.slice(0, -1),
    written.slice(0, -1) + last,
    `${written}0`,
    "U".repeat(28),
  ])
    expect(readRecoveryCode(primitives, slip)).toBeNull();
});

test("[C45] letters that look like a digit are read as that digit", () => {
  // Sixteen bytes that are written as ones but for the last letter's bits, and sixteen that are written as zeros.
  const ones = Uint8Array.from(
    { length: 16 },
    (_, at) => [0x08, 0x42, 0x10, 0x84, 0x21][at % 5] ?? 0,
  );
  for (const [bytes, digit, looksLike] of [
    [ones, "1", ["I", "i", "L", "l"]],
    [new Uint8Array(16), "0", ["O", "o"]],
  ] as const) {
    const written = writeRecoveryCode(primitives, new Secret(bytes));
    expect(written.startsWith(digit.repeat(4))).toBe(true);
    for (const letter of looksLike)
      expect(readRecoveryCode(primitives, written.replaceAll(digit, letter))?.reveal()).toEqual(
        bytes,
      );
  }
});
