import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createBlockSplitter, hasDefinition, readClosedFence, splitWhole } from "./blocks.ts";
import { parseMarkdown } from "./pipeline.ts";
import { textOf, type HastChild, type HastElement } from "./tree.ts";

type Example = { readonly markdown: string; readonly example: number };

const OPTIONS = { footnotePrefix: "n-", footnotesTitle: "Footnotes" };
const SOURCES = ["commonmark-spec-0.31.2", "gfm-spec-0.29", "gfm-extensions", "gfm-regression"];

const examplesOf = (source: string): readonly Example[] =>
  JSON.parse(readFileSync(new URL(`vectors/${source}.json`, import.meta.url), "utf8")) as Example[];
const blocksOf = (text: string): readonly HastChild[] =>
  (parseMarkdown(text, OPTIONS)?.children ?? []).filter((child) => child.type === "element");
const stripPositions = (nodes: readonly HastChild[]): unknown =>
  JSON.parse(
    JSON.stringify(nodes, (key, value: unknown) => (key === "position" ? undefined : value)),
  );
/** Blocks parsed one by one must give what the whole gives, or a reader sees another text than was written. */
const drawnApart = (blocks: readonly string[]): unknown =>
  stripPositions(blocks.flatMap((block) => blocksOf(block)));

describe("the examples of CommonMark and GFM", () => {
  test.each(SOURCES)(
    "[U13] every example of %s cut into blocks says what it says as a whole",
    (source) => {
      for (const { markdown, example } of examplesOf(source)) {
        const whole = markdown.replaceAll(/\r\n?/g, "\n");

        expect(drawnApart(splitWhole(whole)), `${source} ${example}`).toEqual(
          stripPositions(blocksOf(whole)),
        );
      }
    },
  );

  test.each(SOURCES)("[U13] so does every prefix of every third example of %s", (source) => {
    for (const { markdown, example } of examplesOf(source).filter((_, at) => at % 3 === 0)) {
      const splitter = createBlockSplitter();
      for (let length = 1; length <= Math.min(markdown.length, 200); length++) {
        const prefix = markdown.slice(0, length);
        const { groups, tail } = splitter.read(prefix);
        // A single block is the whole already, and a definition is dealt with when the text ends.
        if (groups.length === 0 || hasDefinition(prefix)) continue;

        expect(drawnApart([...groups.flat(), tail]), `${source} ${example} ${length}`).toEqual(
          stripPositions(blocksOf(prefix)),
        );
      }
    }
  });

  test("[U12] a closed fence read without a parse holds what the parser finds in it", () => {
    let fenceCount = 0;
    for (const { markdown } of SOURCES.flatMap(examplesOf))
      for (const block of splitWhole(markdown)) {
        const fence = readClosedFence(block);
        const drawn = fence === null ? null : blocksOf(block);
        if (fence === null || drawn === null) continue;
        fenceCount += 1;

        expect(drawn).toHaveLength(1);
        const code = (drawn[0] as HastElement).children[0] as HastElement;
        expect(textOf(code)).toBe(fence.code === "" ? "" : `${fence.code}\n`);
      }
    expect(fenceCount).toBeGreaterThan(30);
  });
});

describe("random documents", () => {
  const LINES = [
    "a",
    "",
    "",
    "- a",
    "  b",
    "1. x",
    "2. y",
    "```",
    "~~~",
    "   ```",
    "> q",
    "# h",
    "    code",
    "***",
    "---",
    "===",
    "<!-- c",
    "-->",
    "| a | b |",
    "|---|---|",
    "<div>",
    "</div>",
    "  - n",
    "\t- t",
    "-",
    "* * *",
    "   - d",
    " b",
    "10) z",
    "  ```",
    "> - q",
    "   para",
    "+ p",
    "<pre>",
    "</pre>",
    "<?x",
    "?>",
    "*",
    "    - deep",
  ];
  test("[U13] whatever lines follow each other, blocks say what the whole says", () => {
    // A linear congruential walk: the same documents on every run.
    let state = 7;
    const next = (bound: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
      return (state >>> 8) % bound;
    };
    for (let run = 0; run < 1_500; run++) {
      const lines = Array.from({ length: 3 + next(8) }, () => LINES[next(LINES.length)] ?? "");
      const text = lines.join("\n");
      if (hasDefinition(text)) continue;

      expect
        .soft(drawnApart(splitWhole(text)), JSON.stringify(text))
        .toEqual(stripPositions(blocksOf(text)));
    }
  });
});
