import { describe, expect, test } from "vitest";
import type { Payload } from "#protocol/payload.ts";
import { previewText } from "./payload-text.ts";

const text = (words: string, markdown?: boolean): Payload =>
  ({ type: "text", text: words, ...(markdown === undefined ? {} : { markdown }) }) as Payload;

describe("a preview", () => {
  test("[N57] holds the words of Markdown without its marks, on one line", () => {
    expect(
      previewText(text("# Title\n\n- **bold** and `code`\n- [a link](https://a.example)"), "agent"),
    ).toBe("Title bold and code a link");
  });

  test("[N57] keeps mentions, whose brackets only look like HTML", () => {
    const mention = "@<U:01a1feb6-8279-7c42-9f6b-cdb9f29e7d4e>";

    expect(previewText(text(`**hello** ${mention} <b>x</b>`), "agent")).toBe(`hello ${mention} x`);
  });

  test("[N57] leaves text that is no Markdown as it was written, and people's is none unless it says so", () => {
    const sum = "2 * 3 * 4 _is_ 24";

    expect(previewText(text(sum, false), "agent")).toBe(sum);
    expect(previewText(text(sum), "human")).toBe(sum);
    expect(previewText(text(sum, true), "human")).toBe("2 * 3 * 4 is 24");
  });

  test("[N57] of a card is its title, or its first words where it has none", () => {
    const card = (title: string): Payload =>
      ({
        type: "artifact",
        artifact: { title, summary: "Four steps", payload: { body: "Ready." } },
      }) as unknown as Payload;

    expect(previewText(card("The report"), "agent")).toBe("The report");
    expect(previewText(card(""), "agent")).toBe("Four steps");
  });
});
