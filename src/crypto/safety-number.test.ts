import { expect, test } from "vitest";

import { systemRandom } from "#base/random.ts";
import type { AccountId } from "#protocol/ids.ts";

import { createPrimitives } from "./primitives.ts";
import { safetyNumber } from "./safety-number.ts";

const p = await createPrimitives({ random: systemRandom });
const ada = "01900000-0000-7000-8000-00000000000a" as AccountId;
const bob = "01900000-0000-7000-8000-00000000000b" as AccountId;
const key = (fill: number) => new Uint8Array(32).fill(fill);

test("[C41] both sides read the same twelve groups of five digits", () => {
  const number = safetyNumber(p, ada, key(1), bob, key(2));

  expect(safetyNumber(p, bob, key(2), ada, key(1))).toEqual(number);
  expect(number.groups).toHaveLength(12);
  expect(number.groups.every((group) => /^[0-9]{5}$/.test(group))).toBe(true);
  expect([number.qr.length, number.qr[0]]).toEqual([65, 1]);
});

test("[C41] another key, or keys that changed sides, give another number", () => {
  const number = safetyNumber(p, ada, key(1), bob, key(2));

  expect(safetyNumber(p, ada, key(3), bob, key(2))).not.toEqual(number);
  expect(safetyNumber(p, ada, key(2), bob, key(1))).not.toEqual(number);
});

test("a safety number of one account with itself is a bug", () => {
  expect(() => safetyNumber(p, ada, key(1), ada, key(1))).toThrow("two accounts");
});
