/**
 * Says, in linear time and before any parser sees it, where a piece of Markdown may be parsed.
 *
 * Parsers of Markdown are quadratic or worse on text that is made for it; its authors hold that out of scope. So text
 * within the page's limits is parsed on the page, text within the hard limits by a worker that can be killed, and the rest is
 * shown as it is.
 */

export type GateVerdict = "page" | "worker" | "plain";

type Limits = {
  readonly characters: number;
  /** Quotation and list markers at the start of one line. */
  readonly markersPerLine: number;
  /** The same in the whole text: each item of a list costs as much as a paragraph. */
  readonly markers: number;
  /** Runs of `*`, `_`, `~` and backticks in one paragraph. */
  readonly delimiterRuns: number;
  /** `[` and `<` in one paragraph. */
  readonly brackets: number;
  /** Longest stretch without a space: bare addresses are looked for in it. */
  readonly wordCharacters: number;
  readonly cells: number;
};

/** What bench/markdown-gate.ts measures the worst text for that can be made within it. */
export const PAGE_LIMITS: Limits = {
  characters: 4_096,
  markersPerLine: 6,
  markers: 160,
  delimiterRuns: 100,
  brackets: 60,
  wordCharacters: 600,
  cells: 300,
};

/** Above any of these no parser is asked. */
export const HARD_LIMITS: Limits = {
  characters: 65_536,
  markersPerLine: 16,
  markers: 20_000,
  delimiterRuns: 200,
  brackets: 500,
  wordCharacters: 65_536,
  cells: 2_000,
};

/** Elements of a drawn message; checked after parsing in the worker. */
export const MAX_NODES = 20_000;

export function checkGate(text: string): GateVerdict {
  if (text.length > HARD_LIMITS.characters) return "plain";
  const counts = measure(text);
  if (exceeds(counts.outside, HARD_LIMITS)) return "plain";
  return exceeds(counts.everywhere, PAGE_LIMITS) ? "worker" : "page";
}

const exceeds = (counts: Limits, limits: Limits): boolean =>
  counts.characters > limits.characters ||
  counts.markersPerLine > limits.markersPerLine ||
  counts.markers > limits.markers ||
  counts.delimiterRuns > limits.delimiterRuns ||
  counts.brackets > limits.brackets ||
  counts.wordCharacters > limits.wordCharacters ||
  counts.cells > limits.cells;

type Counts = { -readonly [Name in keyof Limits]: number };

const zero = (): Counts => ({
  characters: 0,
  markersPerLine: 0,
  markers: 0,
  delimiterRuns: 0,
  brackets: 0,
  wordCharacters: 0,
  cells: 0,
});

/**
 * The largest of each count. What looks like a code fence counts only `everywhere`: whether the parser will agree that it
 * is one is not known here, so such text goes to the worker and is not refused.
 */
function measure(text: string): { readonly outside: Limits; readonly everywhere: Limits } {
  const outside = zero();
  const everywhere = zero();
  everywhere.characters = text.length;
  outside.characters = text.length;
  let fence = "";
  // Of the paragraph at hand: a table's cells are parsed one by one, so its lines count one by one.
  let paragraph = zero();
  let isTable = false;
  for (const line of text.split(/\r\n?|\n/)) {
    const { markers, rest } = stripMarkers(line);
    const run = /^(`{3,}|~{3,})/.exec(rest)?.[1] ?? "";
    const isFenceLine = run !== "" && (fence === "" || run.startsWith(fence));
    const isInside = fence !== "" || isFenceLine;
    if (isFenceLine) fence = fence === "" ? run : "";
    if (rest === "") {
      paragraph = zero();
      isTable = false;
    }
    if (/^\|?\s*:?-+:?\s*(?:\|[\s:|-]*)?$/.test(rest) && rest.includes("|")) isTable = true;
    const counted = countLine(rest);
    counted.markersPerLine = markers;
    everywhere.markers += markers;
    if (!isInside) outside.markers += markers;
    add(paragraph, counted);
    raise(everywhere, paragraph);
    if (!isInside) raise(outside, isTable ? counted : paragraph);
  }
  return { outside, everywhere };
}

/** Markers are taken off greedily: one too many only makes the gate stricter. */
function stripMarkers(line: string): { readonly markers: number; readonly rest: string } {
  let at = 0;
  let markers = 0;
  for (;;) {
    while (line[at] === " " || line[at] === "\t") at += 1;
    const mark = line[at];
    const next = line[at + 1];
    if (mark === ">") at += 1;
    else if (isBullet(mark) && (next === undefined || next === " " || next === "\t")) at += 1;
    else {
      const ordered = /^\d{1,9}[.)](?=[ \t]|$)/.exec(line.slice(at, at + 11))?.[0];
      if (ordered === undefined) return { markers, rest: line.slice(at) };
      at += ordered.length;
    }
    markers += 1;
  }
}

const isBullet = (mark: string | undefined): boolean =>
  mark === "*" || mark === "-" || mark === "+";

function countLine(line: string): Counts {
  const counts = zero();
  let before = "";
  let word = 0;
  for (const character of line) {
    if (character === " " || character === "\t") word = 0;
    else word += 1;
    if (word > counts.wordCharacters) counts.wordCharacters = word;
    if (character === "[" || character === "<") counts.brackets += 1;
    else if (character === "|") counts.cells += 1;
    else if (isDelimiter(character) && character !== before) counts.delimiterRuns += 1;
    before = character;
  }
  return counts;
}

const isDelimiter = (character: string): boolean =>
  character === "*" || character === "_" || character === "~" || character === "`";

function add(sum: Counts, line: Counts): void {
  sum.delimiterRuns += line.delimiterRuns;
  sum.brackets += line.brackets;
  sum.cells += line.cells;
  sum.markersPerLine = Math.max(sum.markersPerLine, line.markersPerLine);
  sum.wordCharacters = Math.max(sum.wordCharacters, line.wordCharacters);
}

function raise(largest: Counts, counts: Counts): void {
  largest.markersPerLine = Math.max(largest.markersPerLine, counts.markersPerLine);
  largest.delimiterRuns = Math.max(largest.delimiterRuns, counts.delimiterRuns);
  largest.brackets = Math.max(largest.brackets, counts.brackets);
  largest.wordCharacters = Math.max(largest.wordCharacters, counts.wordCharacters);
  largest.cells = Math.max(largest.cells, counts.cells);
}
