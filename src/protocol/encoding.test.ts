import { describe, expect, test } from "vitest";
import { fc } from "#base/properties.contract.ts";
import { concat, utf8 } from "#base/bytes.ts";
import {
  enc,
  lp,
  parseEnc,
  parseLpList,
  readUnsigned,
  splitFixed,
  splitItems,
  u16,
  u32,
  u64,
  u8,
} from "./encoding.ts";

const bytes = (maxLength: number) =>
  fc.uint8Array({ maxLength }).map((array) => new Uint8Array(array));

describe("a labelled record", () => {
  test("[C1] is the label and each field behind its length", () => {
    const record = enc("x", new Uint8Array([7]), new Uint8Array());
    expect(record).toEqual(
      concat(u32(10), utf8("parley/1/x"), u32(1), new Uint8Array([7]), u32(0)),
    );
  });

  test("[C2] parses to its fields, and encodes back to the same bytes", () => {
    fc.assert(
      fc.property(bytes(40), bytes(40), (a, b) => {
        const record = enc("x", a, b);
        const fields = parseEnc("x", record, [{ max: 40 }, { max: 40 }]);
        expect(fields).toEqual([a, b]);
        expect(fields && enc("x", ...fields)).toEqual(record);
      }),
    );
  });

  test("[C2] is refused with any byte more or less", () => {
    const record = enc("x", new Uint8Array(3), new Uint8Array(5));
    const sizes = [3, { max: 5 }] as const;
    expect(parseEnc("x", record, sizes)).not.toBe(null);
    for (let size = 0; size < record.length; size++) {
      expect(parseEnc("x", record.slice(0, size), sizes)).toBe(null);
    }
    expect(parseEnc("x", concat(record, u8(0)), sizes)).toBe(null);
    expect(parseEnc("y", record, sizes)).toBe(null);
  });

  test("[C2] is refused with a field of another width", () => {
    const record = enc("x", new Uint8Array(6));
    expect(parseEnc("x", record, [5])).toBe(null);
    expect(parseEnc("x", record, [{ max: 5 }])).toBe(null);
    expect(parseEnc("x", record, [{ min: 7, max: 9 }])).toBe(null);
    expect(parseEnc("x", record, [{ max: 8, multipleOf: 4 }])).toBe(null);
    expect(parseEnc("x", record, [{ min: 6, max: 6, multipleOf: 3 }])).not.toBe(null);
  });

  test("[C2] of any bytes at all is a record or null, never a throw", () => {
    fc.assert(
      fc.property(bytes(80), (noise) => {
        const record = concat(lp(utf8("parley/1/x")), noise);
        const fields = parseEnc("x", record, [{ max: 80 }, { max: 80 }]);
        if (fields !== null) expect(enc("x", ...fields)).toEqual(record);
      }),
    );
  });
});

describe("integers", () => {
  test("[C1] are unsigned, big-endian and of one width", () => {
    expect([...u8(255), ...u16(258), ...u32(1)]).toEqual([255, 1, 2, 0, 0, 0, 1]);
    expect([...u64(Number.MAX_SAFE_INTEGER)]).toEqual([0, 31, 255, 255, 255, 255, 255, 255]);
    expect(readUnsigned(u64(Number.MAX_SAFE_INTEGER))).toBe(Number.MAX_SAFE_INTEGER);
  });

  test("[C1] that do not fit are a fault of the writer", () => {
    for (const value of [256, -1, 1.5, Number.NaN]) expect(() => u8(value)).toThrow();
    expect(() => u64(2 ** 53)).toThrow();
  });

  test("[C1][C2] beyond what a number holds exactly are refused", () => {
    expect(readUnsigned(new Uint8Array([0, 32, 0, 0, 0, 0, 0, 0]))).toBe(null);
    expect(readUnsigned(new Uint8Array(8).fill(255))).toBe(null);
  });
});

describe("lists in a field", () => {
  test("[C2] split at their width or not at all", () => {
    expect(splitItems(new Uint8Array([1, 2, 3, 4]), 2)).toEqual([
      new Uint8Array([1, 2]),
      new Uint8Array([3, 4]),
    ]);
    expect(splitItems(new Uint8Array(5), 2)).toBe(null);
    expect(splitFixed(new Uint8Array([1, 2, 3]), [1, 2])).toEqual([
      new Uint8Array([1]),
      new Uint8Array([2, 3]),
    ]);
    expect(splitFixed(new Uint8Array(2), [1, 2])).toBe(null);
    expect(splitFixed(new Uint8Array(4), [1, 2])).toBe(null);
  });

  test("[C2] of length-prefixed items keep both caps", () => {
    const list = concat(lp(new Uint8Array(2)), lp(new Uint8Array(1)));
    expect(parseLpList(list, { maxItems: 2, maxItemSizeBytes: 2 })?.length).toBe(2);
    expect(parseLpList(list, { maxItems: 1, maxItemSizeBytes: 2 })).toBe(null);
    expect(parseLpList(list, { maxItems: 2, maxItemSizeBytes: 1 })).toBe(null);
    expect(parseLpList(list.slice(1), { maxItems: 2, maxItemSizeBytes: 2 })).toBe(null);
    expect(parseLpList(new Uint8Array(2), { maxItems: 2, maxItemSizeBytes: 2 })).toBe(null);
  });
});
