import { fc } from "#base/properties.contract.ts";
import { expect, test } from "vitest";
import { createSeededRandom } from "#base/seeded-random.ts";
import { bytesToUuid, isUuid, makeId, parseId, uuidToBytes } from "./ids.ts";

test("[P1] ids we make are UUIDv7 and sort by the millisecond they were made in", () => {
  const random = createSeededRandom(7);
  const early = makeId(1_700_000_000_000, random);
  const late = makeId(1_700_000_000_001, random);

  expect(early).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(early < late).toBe(true);
});

test("sixteen bytes and their text are one id", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      expect(uuidToBytes(bytesToUuid(bytes))).toEqual(Uint8Array.from(bytes));
    }),
  );
});

test("only canonical text is an id", () => {
  const canonical = "0190fab2-5c1e-7abc-8def-0123456789ab";

  expect(parseId(canonical)).toBe(canonical);
  expect(
    [canonical.toUpperCase(), `${canonical} `, canonical.slice(1), 5, null].map(isUuid),
  ).toEqual([false, false, false, false, false]);
});
