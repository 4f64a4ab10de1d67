import { describe, expect, test } from "vitest";
import { checkGate, HARD_LIMITS, PAGE_LIMITS } from "./gate.ts";

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
});

test("[U15] the page's limits lie within the hard ones", () => {
  for (const [name, limit] of Object.entries(PAGE_LIMITS))
    expect(limit).toBeLessThanOrEqual(HARD_LIMITS[name as keyof typeof HARD_LIMITS]);
});

test.each([
  ["characters", "a ", PAGE_LIMITS.characters / 2],
  ["markers on a line", "> ", PAGE_LIMITS.markersPerLine],
  ["markers", "- a\n", PAGE_LIMITS.markers],
  ["runs of delimiters", "*a ", PAGE_LIMITS.delimiterRuns],
  ["brackets", "[ ", PAGE_LIMITS.brackets],
  ["characters without a space", "a", PAGE_LIMITS.wordCharacters],
  ["cells", "| ", PAGE_LIMITS.cells],
])(
  "[U15] as many %s as the page takes stay there, one more goes to the worker",
  (_name, unit, count) => {
    expect(checkGate(unit.repeat(count))).toBe("page");
    expect(checkGate(unit.repeat(count + 1))).toBe("worker");
  },
);
