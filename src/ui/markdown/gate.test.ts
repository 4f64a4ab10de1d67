import { describe, expect, test } from "vitest";
import { checkGate, HARD_LIMITS, PAGE_LIMITS } from "./gate.ts";
import { parseMarkdown } from "./pipeline.ts";

const OPTIONS = { footnotePrefix: "n-", footnotesTitle: "Footnotes" };

/** Texts that freeze a parser of Markdown, by what they repeat. */
const FREEZERS: readonly (readonly [name: string, unit: string, count: number])[] = [
  ["list markers on one line", "* ", 2_000],
  ["more list markers on one line", "* ", 8_000],
  ["emphasis in lists", "*a **a ", 3_000],
  ["emphasis that never closes", "*a_ ", 5_000],
  ["quotations on one line", "> ", 5_000],
  ["opening brackets", "[", 5_000],
  ["opening images", "![", 5_000],
  ["opening tags", "<", 5_000],
  ["links in links", "[a](", 5_000],
  ["tags with open attributes", '<a x="', 3_000],
  ["strike-through", "~~a ~", 5_000],
  ["cells", "|", 10_000],
  ["ordered markers on one line", "1. ", 5_000],
  ["addresses after an open bracket", "[https://a.example/ ", 2_000],
];

const backticksOfEveryLength = (runs: number): string =>
  Array.from({ length: runs }, (_, at) => "`".repeat(at + 1)).join("a");

describe("the gate", () => {
  test.each(FREEZERS)("[U14] %s never reach a parser", (_name, unit, count) => {
    expect(checkGate(unit.repeat(count))).toBe("plain");
  });

  test.each(FREEZERS)("[U14] %s are told within the time of one frame", (_name, unit, count) => {
    const text = unit.repeat(count);
    checkGate(text);

    const startedAt = performance.now();
    checkGate(text);

    expect(performance.now() - startedAt).toBeLessThan(50);
  });

  test("[U14] backticks in runs of every length never reach a parser", () => {
    expect(checkGate(backticksOfEveryLength(300))).toBe("plain");
  });

  test("[U14] text above 64 KiB is shown as it is", () => {
    expect(checkGate("a\n\n".repeat(30_000))).toBe("plain");
  });

  test("[U14] what a code fence seems to hide is not refused, but not parsed on the page either", () => {
    expect(checkGate(`<div>\n\`\`\`\n${"* ".repeat(2_000)}\n\`\`\`\n`)).toBe("worker");
    expect(checkGate(`\`\`\`\n${"a[0] | b\n".repeat(150)}\`\`\`\n`)).toBe("worker");
  });

  test("[U14] a long honest answer is parsed block by block on the page, a long block in the worker", () => {
    expect(
      checkGate("A sentence with **two** `words` of [weight](https://a.example).\n".repeat(8)),
    ).toBe("page");
    expect(checkGate("A sentence.\n".repeat(400))).toBe("worker");
  });

  test("[U14] a table of many cells is judged line by line", () => {
    const table = `| a | b |\n|---|---|\n${"| `x` | **y** |\n".repeat(120)}`;

    expect(checkGate(table)).toBe("worker");
  });

  test("[U14] the gate takes linear time", () => {
    const timed = (text: string): number => {
      checkGate(text);
      const startedAt = performance.now();
      for (let run = 0; run < 5; run++) checkGate(text);
      return performance.now() - startedAt;
    };
    const line = "* > - 1. [a](<b> `c` *d _e ~f |\n";

    expect(timed(line.repeat(2_000))).toBeLessThan(Math.max(20, 16 * timed(line.repeat(250))));
  });
});

describe("what the page may parse", () => {
  /** The most of each thing that the page's limits allow, alone and in pairs. */
  const units = [
    "* ",
    "> ",
    "- ",
    "1. ",
    "*a",
    "**a ",
    "_a ",
    "*a_ ",
    "~~a",
    "`a",
    "``a`",
    "[",
    "![",
    "[a](",
    "<a ",
    '<a x="',
    "<!--",
    "a@",
    "www.a.",
    "https://a.",
    "a.a@a.",
    "|",
    "| a ",
    "&amp;",
    "\\*",
    "a ",
    "\n- ",
    "\n  ",
    "\n> ",
    "\n| a |",
    "[^1]",
    "\n[^1]: a",
    "\n[a]: b",
    "a\n",
    "\n\n",
    "# ",
    "\n```\n",
    "\t",
  ];

  test("[U15] the worst text within the page's limits is parsed in less than 50 ms", () => {
    // Each alone, and an eighth of all pairs: each unit meets four or five others.
    const pairs = units.flatMap((one, at) =>
      units.filter((_, other) => (at + other) % 8 === 0).map((other) => one + other),
    );
    const candidates = [...units, ...pairs];
    const texts = candidates.map((unit) => longestOnPage(unit)).filter((text) => text !== "");
    // Compiled code is what readers meet; the first runs only warm it.
    for (const text of texts.slice(0, 40)) parseMarkdown(text, OPTIONS);

    let worst = { ms: 0, text: "" };
    for (const text of texts) {
      let ms = timeOf(text);
      // A pause of the machine is not the parser's: a slow one is asked again.
      for (let again = 0; ms > 25 && again < 4; again++) ms = Math.min(ms, timeOf(text));
      if (ms > worst.ms) worst = { ms, text };
    }

    expect(worst.ms, JSON.stringify(worst.text.slice(0, 80))).toBeLessThan(50);
  });

  function timeOf(text: string): number {
    const startedAt = performance.now();
    parseMarkdown(text, OPTIONS);
    return performance.now() - startedAt;
  }

  /** As many repetitions as still pass, found by halving. */
  function longestOnPage(unit: string): string {
    let low = 0;
    let high = Math.ceil(PAGE_LIMITS.characters / unit.length) + 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (checkGate(unit.repeat(middle)) === "page") low = middle;
      else high = middle;
    }
    return unit.repeat(low);
  }

  test("[U15] the page's limits lie within the hard ones", () => {
    for (const [name, limit] of Object.entries(PAGE_LIMITS))
      expect(limit).toBeLessThanOrEqual(HARD_LIMITS[name as keyof typeof HARD_LIMITS]);
  });
});
