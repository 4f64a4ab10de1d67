/**
 * The worst text that the gate lets the page parse, against prose of the same length in the same run.
 * Prints milliseconds (least of five) and the ratio. Run: node bench/markdown-gate.ts
 */
import { checkGate, PAGE_LIMITS } from "../src/ui/markdown/gate.ts";
import { parseMarkdown } from "../src/ui/markdown/pipeline.ts";

const OPTIONS = { footnotePrefix: "n-", footnotesTitle: "Footnotes" };
const RUNS = 5;

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

// Each alone, and an eighth of all pairs: each unit meets four or five others.
const pairs = units.flatMap((one, at) =>
  units.filter((_, other) => (at + other) % 8 === 0).map((other) => one + other),
);
const texts = [...units, ...pairs].map(longestOnPage).filter((text) => text !== "");
const prose = "A sentence of **common** length with a [link](https://a.example) in it.\n\n";
const proseMs = leastMs(prose.repeat(Math.floor(PAGE_LIMITS.characters / prose.length)));

let worst = { ms: 0, text: "" };
for (const text of texts) {
  const ms = leastMs(text);
  if (ms > worst.ms) worst = { ms, text };
}
console.log(`prose   ${proseMs.toFixed(1)} ms`);
console.log(`worst   ${worst.ms.toFixed(1)} ms  ${JSON.stringify(worst.text.slice(0, 40))}`);
console.log(`ratio   ${(worst.ms / proseMs).toFixed(1)}`);

function leastMs(text: string): number {
  let least = Infinity;
  for (let run = 0; run < RUNS; run++) {
    const startedAt = performance.now();
    parseMarkdown(text, OPTIONS);
    least = Math.min(least, performance.now() - startedAt);
  }
  return least;
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
