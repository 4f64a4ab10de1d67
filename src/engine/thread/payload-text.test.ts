import { describe, expect, test } from "vitest";
import type { Payload } from "#protocol/payload.ts";
import { previewText } from "./payload-text.ts";

const text = (words: string, markdown?: boolean): Payload =>
  ({ type: "text", text: words, ...(markdown === undefined ? {} : { markdown }) }) as Payload;

describe("a preview", () => {
  test("[N57] holds the words of Markdown without its marks, on one line", () => {
    expect(
      previewText(text("# Title\n\n- **bold** and `code`\n- [a link](https://a.example)")),
    ).toBe("Title bold and code a link");
  });

  test("[N57] keeps mentions, whose brackets only look like HTML", () => {
    const mention = "@<U:01a1feb6-8279-7c42-9f6b-cdb9f29e7d4e>";

    expect(previewText(text(`**hello** ${mention} <b>x</b>`))).toBe(`hello ${mention} x`);
  });

  test("[N57] leaves text that is no Markdown as it was written", () => {
    expect(previewText(text("2 * 3 * 4 _is_ 24", false))).toBe("2 * 3 * 4 _is_ 24");
  });
});
