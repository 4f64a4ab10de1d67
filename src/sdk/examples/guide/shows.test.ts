import { describe, expect, test } from "vitest";
import { parseCard } from "#protocol/artifact.ts";
import { checkFormValues } from "#protocol/form-values.ts";
import { firstPrimes } from "./primes.ts";
import { rowsOf } from "./shows.ts";
import { TOPICS } from "./topics.ts";
import { WORDS, type GuideWords } from "./words.ts";

const BOTH: readonly GuideWords[] = [WORDS.en, WORDS.zh];
const allText = (words: GuideWords): string =>
  JSON.stringify(words) +
  words.greeting("N") +
  words.mention("id") +
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

describe("the guide's rows", () => {
  test("show labels for choices and cannot break out of their table", () => {
    const { fields } = WORDS.en.form.card;
    const rows = rowsOf(fields, {
      name: "a | b\n[c](d)",
      room: "garden",
      extras: ["window", "quiet"],
      agreed: true,
      note: "",
    });

    expect(rows).toEqual([
      ["Name", "a \\| b \\[c\\](d)"],
      ["Room", "To the garden"],
      ["Also", "A window seat, A quiet corner"],
      ["I know that nothing is booked", "✓"],
    ]);
  });
});

describe("primes", () => {
  test("are the first ones in order", () => {
    expect(firstPrimes(8)).toEqual([2, 3, 5, 7, 11, 13, 17, 19]);
    expect(firstPrimes(1_000).at(-1)).toBe(7_919);
  });
});
