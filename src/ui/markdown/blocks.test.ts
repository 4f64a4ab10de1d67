import { fc } from "#base/properties.contract.ts";
import { describe, expect, test } from "vitest";
import {
  createBlockSplitter,
  GROUP_SIZE,
  hasDefinition,
  readClosedFence,
  splitWhole,
} from "./blocks.ts";

const settledOf = (text: string): readonly string[] =>
  createBlockSplitter().read(text).groups.flat();

describe("cutting growing Markdown", () => {
  test("[U10] a block is settled once the line after a blank one belongs to nothing above it", () => {
    const text = "one\n\ntwo\nmore\n\n# three\n";

    expect(settledOf(text)).toEqual(["one\n", "two\nmore\n"]);
  });

  test("[U10] a list is one block over blank lines until something stands outside it", () => {
    const text = "- a\n\n- b\n\n  still b\n\nafter\n";

    expect(settledOf(text)).toEqual(["- a\n\n- b\n\n  still b\n"]);
  });

  test("[U10] indented code keeps its blank lines", () => {
    expect(settledOf("    a\n\n    b\n\nc\n")).toEqual(["    a\n\n    b\n"]);
  });

  test("[U10] a closed fence is settled at once and its blank lines cut nothing", () => {
    const split = createBlockSplitter().read("```js\na\n\nb\n```\nrest");

    expect(split.groups).toEqual([["```js\na\n\nb\n```\n"]]);
    expect(split.tail).toBe("rest");
  });

  test("[U10] a last line that may still grow cuts nothing", () => {
    expect(settledOf("- a\n\nb")).toEqual([]);
    expect(settledOf("```\na\n```")).toEqual([]);
  });

  test("[U10] a fence that may lie in a list or beside it stops all cutting", () => {
    const text = "para\n2. foo\n   ```\ncode\n\nmore\n   ```\n\nend\n";

    expect(settledOf(text)).toEqual([]);
  });

  test("[U10] HTML that blank lines do not end is not cut", () => {
    expect(settledOf("<!-- a\n\nb -->\n\nc\n")).toEqual(["<!-- a\n\nb -->\n"]);
  });

  test("[U10] reading piece by piece settles the same blocks as reading at once", () => {
    const line = fc.constantFrom(
      "a",
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
      "<!-- c",
      "-->",
      "| a | b |",
      "|---|---|",
      "[^1]: n",
      "<div>",
      "  - n",
      "\t- t",
      "-",
      "* * *",
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 14 }), fc.array(fc.nat(12)), (lines, steps) => {
        const text = lines.join("\n");
        const splitter = createBlockSplitter();
        let at = 0;
        for (const step of steps) splitter.read(text.slice(0, (at += step)));

        expect(splitter.read(text)).toEqual(createBlockSplitter().read(text));
      }),
      { numRuns: 300 },
    );
  });

  test("[U10] no character is lost or moved between blocks and tail, but blank lines", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("a\n", "\n", "- a\n", "```\n", "> b\n", "  c\n")),
        (parts) => {
          const { groups, tail } = createBlockSplitter().read(parts.join(""));

          expect((groups.flat().join("") + tail).replaceAll("\n", "")).toBe(
            parts.join("").replaceAll("\n", ""),
          );
        },
      ),
    );
  });

  test("[U11] a full group of blocks keeps its identity while text grows", () => {
    const splitter = createBlockSplitter();
    const paragraphs = (count: number): string =>
      Array.from({ length: count }, (_, at) => `p${at}\n\n`).join("");

    const before = splitter.read(`${paragraphs(GROUP_SIZE)}x\n`).groups[0];
    const after = splitter.read(`${paragraphs(GROUP_SIZE + 5)}x\n`).groups;

    expect(before).toHaveLength(GROUP_SIZE);
    expect(after[0]).toBe(before);
    expect(after).toHaveLength(2);
  });

  test("[U11] text that is not the grown one starts afresh", () => {
    const splitter = createBlockSplitter();
    splitter.read("one\n\ntwo\n");

    expect(splitter.read("other\n\ntext\n").groups).toEqual([["other\n"]]);
  });
});

describe("fences", () => {
  test("[U12] an open fence is told apart from text, with its language and code so far", () => {
    const split = createBlockSplitter().read("before\n\n  ```TS title\n    a\n  b");

    expect(split.openFence).toEqual({ language: "TS", code: "  a\nb" });
  });

  test("[U12] the line of a fence that may still grow is no fence yet", () => {
    expect(createBlockSplitter().read("```t").openFence).toBeNull();
  });

  test("[U12] only a block that is one closed fence is read without a parse", () => {
    expect(readClosedFence("```js\na\n```\n")).toEqual({ language: "js", code: "a" });
    expect(readClosedFence("```js\na\n")).toBeNull();
    expect(readClosedFence("```js\na\n```\nb\n")).toBeNull();
    expect(readClosedFence("``` a`b\n```")).toBeNull();
  });
});

describe("whole texts", () => {
  test("[U13] a text with a definition is one block, because definitions reach everywhere", () => {
    expect(hasDefinition("> - [a]: /b")).toBe(true);
    expect(splitWhole("see [a]\n\nmore\n\n[a]: https://a.example\n")).toHaveLength(1);
    expect(splitWhole("see a\n\nmore\n\nend\n")).toHaveLength(3);
  });
});
