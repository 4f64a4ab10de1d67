import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Bytes } from "#base/bytes.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { baringOf } from "./bare-picture.ts";
import { pictureOf } from "./picture.ts";

const read = (name: string): Bytes =>
  new Uint8Array(readFileSync(new URL(`vectors/${name}`, import.meta.url)));
const bare = (picture: Bytes): Bytes | null => baringOf(picture)?.(picture) ?? null;
const mustBare = (picture: Bytes): Bytes => {
  const rest = bare(picture);
  if (rest === null) throw new Error("not bared");
  return rest;
};
const has = (bytes: Bytes, part: Uint8Array | string): boolean => Buffer.from(bytes).includes(part);
/** What cameras and editors wrote: each text, the word for place data in XMP, the latitude 48° 8' as it stands in Exif. */
const DESCRIPTIONS = [
  "NEEDLE",
  "GPSLat",
  "adobe",
  Buffer.from([0, 0, 0, 48, 0, 0, 0, 1, 0, 0, 0, 8]),
];

const DESCRIBED = [
  "described.jpg",
  "described-progressive.jpg",
  "described.png",
  "described.webp",
  "described.gif",
  "described.avif",
  "described.heic",
];

describe("a picture to be sent", () => {
  test.each(DESCRIBED)("[N149] %s loses what was written beside its pixels", (name) => {
    const picture = read(name);

    const rest = mustBare(picture);

    expect(DESCRIPTIONS.some((one) => has(picture, one))).toBe(true);
    expect(DESCRIPTIONS.filter((one) => has(rest, one))).toEqual([]);
    expect(mustBare(rest)).toEqual(rest);
  });

  test("[N149] keeps every coded pixel and the way up", () => {
    const turned = mustBare(read("described.jpg"));
    const webp = read("plain.webp");

    expect(mustBare(read("described-progressive.jpg"))).toEqual(read("plain-progressive.jpg"));
    expect(mustBare(read("plain.jpg"))).toEqual(read("plain.jpg"));
    expect(has(turned, read("plain.jpg").subarray(20))).toBe(true);
    expect(has(mustBare(read("described.webp")), webp.subarray(12))).toBe(true);
    expect(mustBare(webp)).toEqual(webp);
    for (const [name, type] of [
      ["described.png", "IDAT"],
      ["described.gif", "NETSCAPE2.0"],
    ] as const) {
      const picture = Buffer.from(read(name));
      expect(
        has(mustBare(read(name)), picture.subarray(picture.indexOf(type)).subarray(0, 16)),
      ).toBe(true);
    }
    expect(mustBare(read("described.avif"))).toHaveLength(read("described.avif").length);
  });

  test.each([
    ["described.jpg", 16, 24],
    ["described-progressive.jpg", 24, 16],
    ["described.png", 16, 24],
    ["described.avif", 16, 24],
    // Browsers show a WebP as it is stored.
    ["described.webp", 24, 16],
  ])("[N149] %s has the size it is shown in, before and after", (name, width, height) => {
    expect(pictureOf(read(name))).toMatchObject({ width, height });
    expect(pictureOf(mustBare(read(name)))).toMatchObject({ width, height });
  });

  test("[N149] what no one can follow to its end is not bared, and nothing throws", () => {
    const random = createSeededRandom(0x149);
    const torn = DESCRIBED.flatMap((name) => {
      const picture = read(name);
      return Array.from({ length: 60 }, (_, i) => {
        const copy = picture.slice(0, i % 2 === 0 ? 12 + (at(random) % picture.length) : undefined);
        for (let n = 0; n < 4; n++) copy[12 + (at(random) % copy.length)] = random(1)[0] ?? 0;
        return copy;
      });
    });

    const rests = torn.map(bare);

    expect(rests.filter((rest) => rest === null).length).toBeGreaterThan(50);
    for (const [i, rest] of rests.entries())
      expect(rest?.length ?? 0).toBeLessThanOrEqual((torn[i]?.length ?? 0) + 64);
    expect(["plain text", "%PDF-1.7 and so on", "II*\0\b\0\0\0", ""].map(named)).toEqual(
      Array(4).fill(null),
    );
  });

  test("[N149] a JPEG that was cut short keeps its pixels up to there", () => {
    const picture = read("described-progressive.jpg");
    const cut = picture.subarray(0, picture.length - 40);

    const rest = mustBare(cut);

    expect(has(rest, "NEEDLE")).toBe(false);
    expect(has(read("plain-progressive.jpg"), rest)).toBe(true);
  });
});

const at = (random: (bytes: number) => Bytes): number => {
  const [high = 0, low = 0] = random(2);
  return high * 256 + low;
};
const named = (text: string) => baringOf(new TextEncoder().encode(text));
