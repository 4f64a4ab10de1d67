import { crc32, inflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { parseCard } from "#protocol/artifact.ts";
import { checkFormValues } from "#protocol/form-values.ts";
import { firstPrimes } from "./primes.ts";
import { chordWav, NOON, skyPng } from "./pictures.ts";
import { TOPICS } from "./topics.ts";
import { WORDS, type GuideWords } from "./words.ts";

const BOTH: readonly GuideWords[] = [WORDS.en, WORDS.zh];
const allText = (words: GuideWords): string =>
  JSON.stringify(words) +
  words.greeting("N") +
  words.mention("id") +
  words.vote.result(["a"], 1) +
  words.tools.told("10:00", "UTC") +
  words.stop.stopped(3) +
  words.approval.denied("x");

describe("the guide's words", () => {
  test("lists every topic in the greeting, in the order the numbers pick", () => {
    for (const words of BOTH)
      expect(words.greeting("").match(/^\d+\./gm)).toEqual(TOPICS.map((_, i) => `${i + 1}.`));
  });

  test("make cards that every client can draw", () => {
    for (const { menu, form, cards } of BOTH) {
      expect(parseCard("reply", { body: menu.body, suggestions: menu.suggestions }).ok).toBe(true);
      expect(parseCard("form", form.card).ok).toBe(true);
      expect(parseCard("info", cards.info.card).ok).toBe(true);
    }
  });

  test("have the same form in both languages", () => {
    const shape = (words: GuideWords) =>
      words.form.card.fields.map(({ id, type, required }) => [id, type, required]);

    expect(shape(WORDS.zh)).toEqual(shape(WORDS.en));
    expect(Object.keys(checkFormValues(WORDS.en.form.card.fields, {}))).toEqual([
      "name",
      "day",
      "guests",
      "room",
      "agreed",
    ]);
  });

  test("are calm: no emoji, no exclamation marks outside code and pictures", () => {
    for (const words of BOTH) {
      const text = allText(words)
        .replaceAll(/```.*?```/g, "")
        .replaceAll("![", "[");
      expect(text).not.toMatch(/[!！]/);
      expect(text).not.toMatch(/\p{Extended_Pictographic}/u);
    }
  });
});

describe("the guide's pictures", () => {
  test("are whole PNG and WAV files", () => {
    const png = Buffer.from(skyPng(12, 8, NOON));
    const wav = Buffer.from(chordWav(0.5, [440]));

    expect(png.subarray(1, 4).toString()).toBe("PNG");
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([12, 8]);
    const data = png.indexOf("IDAT");
    const sizeBytes = png.readUInt32BE(data - 4);
    const body = png.subarray(data, data + 4 + sizeBytes);
    expect(png.readUInt32BE(data + 4 + sizeBytes)).toBe(crc32(body));
    expect(inflateSync(body.subarray(4))).toHaveLength((1 + 12 * 3) * 8);
    expect(wav.readUInt32LE(4)).toBe(wav.length - 8);
    expect(wav.readUInt32LE(40)).toBe(8_000);
  });
});

describe("primes", () => {
  test("are the first ones in order", () => {
    expect(firstPrimes(8)).toEqual([2, 3, 5, 7, 11, 13, 17, 19]);
    expect(firstPrimes(1_000).at(-1)).toBe(7_919);
  });
});
