/**
 * Cuts growing Markdown into blocks that nothing written later can change, and the open tail after them.
 *
 * Only lines after the last cut are looked at again, so a delta costs what is new. A cut is made where CommonMark
 * leaves no doubt: behind a top-level fence that closed, or at a line after a blank one that continues no list, indented code or
 * footnote. Where the line rules are ambiguous without a full parse, nothing is cut until they no longer are.
 */

/** A code fence that is open at the end of the text. */
export type OpenFence = { readonly language: string; readonly code: string };

export type Split = {
  /** Settled blocks, {@link GROUP_SIZE} a group; a full group keeps its identity for ever. */
  readonly groups: readonly (readonly string[])[];
  /** What follows the last cut; may still change its meaning. */
  readonly tail: string;
  /** Set when the tail is nothing but a fence that has not closed. */
  readonly openFence: OpenFence | null;
};

/** Remembers how far a growing text was cut. */
export interface BlockSplitter {
  /** The split of the whole text; text that does not begin with what was settled starts afresh. */
  read(text: string): Split;
}

export const GROUP_SIZE = 16;

export function createBlockSplitter(): BlockSplitter {
  let settledText = "";
  let groups: (readonly string[])[] = [];

  const settle = (block: string): void => {
    const last = groups.at(-1);
    if (last === undefined || last.length >= GROUP_SIZE) groups = [...groups, [block]];
    else groups = [...groups.slice(0, -1), [...last, block]];
  };

  return {
    read(raw) {
      const text = normaliseLines(raw);
      if (!text.startsWith(settledText)) {
        settledText = "";
        groups = [];
      }
      const rest = text.slice(settledText.length);
      const { cuts, openFenceAt } = scan(rest);
      let from = 0;
      for (const cut of cuts) {
        const block = withoutBlankEnd(rest.slice(from, cut));
        if (block !== "") settle(block);
        from = cut;
      }
      settledText = text.slice(0, settledText.length + from);
      const tail = rest.slice(from);
      return { groups, tail, openFence: openFenceAt === from ? readOpenFence(tail) : null };
    },
  };
}

/** All blocks of a text that will not grow. A text with definitions is one block, because they reach everywhere. */
export function splitWhole(text: string): readonly string[] {
  if (hasDefinition(text)) return [normaliseLines(text)];
  const { groups, tail } = createBlockSplitter().read(text);
  const blocks = groups.flat();
  return tail.trim() === "" ? blocks : [...blocks, tail];
}

/** Whether a line may define a link target or a footnote. */
export const hasDefinition = (text: string): boolean =>
  /^[ \t>*+\-\d.)]*\[(?:[^[\]\\]|\\.){1,999}\]:/ms.test(text);

/** The code of a block that is exactly one closed fence, without a parse; null for anything else. */
export function readClosedFence(block: string): OpenFence | null {
  const lines = block.trimEnd().split("\n");
  const fence = openingFence(lines[0] ?? "");
  if (fence === null || lines.length < 2) return null;
  const end = lines.findIndex((line, at) => at > 0 && closesFence(line, fence));
  if (end !== lines.length - 1) return null;
  return { language: fence.language, code: fenceCode(lines.slice(1, end), fence) };
}

type Fence = {
  readonly mark: string;
  readonly length: number;
  readonly indent: number;
  readonly language: string;
};

/** What the lines since the last cut may belong to. */
type Mode =
  /** Nothing, a paragraph, a quotation, a table, indented code: a blank line and a line without deep indent end it. */
  | { readonly kind: "flow"; readonly isCode: boolean }
  /** A top-level list whose last item's text stands at `offset`. */
  | { readonly kind: "list"; readonly offset: number }
  /** A list or not; only a line that could be in no list item tells. */
  | { readonly kind: "unsure" }
  | { readonly kind: "fence"; readonly fence: Fence; readonly at: number }
  | { readonly kind: "html"; readonly end: RegExp }
  /** HTML to the next blank line, or only words that look like it; `after` is what follows the blank line. */
  | { readonly kind: "markup"; readonly isCertain: boolean; readonly after: Mode }
  /** A fence or HTML began whose owner is not known: no cut for the rest of the text. */
  | { readonly kind: "lost" };

const FLOW: Mode = { kind: "flow", isCode: false };
const CODE: Mode = { kind: "flow", isCode: true };
const UNSURE: Mode = { kind: "unsure" };
const LOST: Mode = { kind: "lost" };

function scan(text: string): { readonly cuts: readonly number[]; readonly openFenceAt: number } {
  const cuts: number[] = [];
  let mode: Mode = FLOW;
  let wasBlank = true;
  let lineAt = 0;
  while (lineAt < text.length) {
    const newline = text.indexOf("\n", lineAt);
    const lineEnd = newline === -1 ? text.length : newline;
    const line = text.slice(lineAt, lineEnd);
    const isBlank = /^[ \t]*$/.test(line);
    // A last line that may still grow cuts nothing: "```" can become "```x", and "a" can become "- a".
    const isWhole = newline !== -1;

    if (mode.kind === "fence") {
      if (isWhole && closesFence(line, mode.fence)) {
        mode = FLOW;
        cuts.push(lineEnd + 1);
        wasBlank = true;
        lineAt = lineEnd + 1;
        continue;
      }
    } else if (mode.kind === "html") {
      if (mode.end.test(line)) mode = FLOW;
    } else if (mode.kind === "markup") {
      if (isBlank) mode = mode.after;
      else if (!mode.isCertain && opensRaw(line, lineAt) !== null) mode = LOST;
      else if (!mode.isCertain && listMarker(line) !== null) mode = { ...mode, after: UNSURE };
    } else if (!isBlank && mode.kind !== "lost") {
      if (wasBlank && isWhole && startsAfresh(line, mode) && lineAt > 0) {
        cuts.push(lineAt);
        mode = FLOW;
      }
      mode = advance(mode, line, wasBlank, lineAt);
    }
    wasBlank = isBlank;
    lineAt = lineEnd + 1;
  }
  return { cuts, openFenceAt: mode.kind === "fence" ? mode.at : -1 };
}

/** Whether a line after a blank one certainly belongs to nothing above it. */
function startsAfresh(line: string, mode: Mode): boolean {
  const indent = indentOf(line);
  if (indent > 3) return false;
  // The parser lets indented code swallow some of the lists after it, so a list there cuts nothing.
  if (mode.kind === "flow") return !mode.isCode || listMarker(line) === null;
  if (listMarker(line) !== null && !isThematicBreak(line)) return false;
  return mode.kind === "list" ? indent < mode.offset : indent < 2;
}

/** What the lines belong to once this one is read. */
function advance(mode: Mode, line: string, wasBlank: boolean, at: number): Mode {
  const indent = indentOf(line);
  // Deeper lines belong to an item that is open, or are text; neither opens anything at the top.
  if (mode.kind === "list" && indent >= mode.offset) return mode;
  if (indent > 3) return mode.kind === "flow" ? CODE : mode;

  const markup = markupStart(line);
  if (markup !== null) {
    const isCertain = markup === "block" && !(mode.kind === "unsure" && indent > 1);
    return { kind: "markup", isCertain, after: isCertain || mode.kind === "flow" ? FLOW : UNSURE };
  }
  const opened = opensRaw(line, at);
  if (opened !== null) return mode.kind === "unsure" && indent > 1 ? LOST : opened;
  if (isThematicBreak(line)) return mode.kind === "unsure" && indent > 1 ? mode : FLOW;

  const marker = listMarker(line);
  if (marker !== null) {
    if (!marker.isCertain || (mode.kind === "flow" && mode.isCode)) return UNSURE;
    if (mode.kind === "unsure")
      return indent < 2 ? { kind: "list", offset: marker.offset } : UNSURE;
    // Inside a paragraph only a bullet or "1" begins a list.
    return mode.kind === "list" || wasBlank || marker.mayInterrupt
      ? { kind: "list", offset: marker.offset }
      : UNSURE;
  }
  if (mode.kind === "flow") return FLOW;
  // Beside a list: a lazy continuation of its text, or the end of it.
  return wasBlank && mode.kind === "list" ? FLOW : UNSURE;
}

function opensRaw(line: string, at: number): Mode | null {
  const fence = openingFence(line);
  if (fence !== null) return { kind: "fence", fence, at };
  const trimmed = line.trimStart();
  for (const [begin, end] of RAW_HTML)
    if (begin.test(trimmed)) return end.test(trimmed.slice(2)) ? FLOW : { kind: "html", end };
  return null;
}

/** HTML that blank lines do not end (CommonMark 4.6, start conditions 1 to 5). */
const RAW_HTML: readonly (readonly [RegExp, RegExp])[] = [
  [/^<(?:script|pre|style|textarea)(?:[\s>]|$)/i, /<\/(?:script|pre|style|textarea)>/i],
  [/^<!--/, /-->/],
  [/^<\?/, /\?>/],
  [/^<!\[CDATA\[/, /\]\]>/],
  [/^<![a-z]/i, />/],
];

/** Names whose tags begin HTML even in the middle of a paragraph (CommonMark 4.6, start condition 6). */
const BLOCK_TAGS: ReadonlySet<string> = new Set(
  `address article aside base basefont blockquote body caption center col colgroup dd details dialog dir div dl dt fieldset
  figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header hr html iframe legend li link main menu menuitem
  nav noframes ol optgroup option p param search section summary table tbody td tfoot th thead title tr track ul`.split(
    /\s+/,
  ),
);

function markupStart(line: string): "block" | "perhaps" | null {
  const match = /^ {0,3}<\/?([a-z][a-z0-9-]*)(.?)/i.exec(line);
  const name = match?.[1]?.toLowerCase();
  if (match === null || name === undefined) return null;
  if (/^(?:script|pre|style|textarea)$/.test(name) && opensRaw(line, 0) !== null) return null;
  return BLOCK_TAGS.has(name) && /^[\s/>]?$/.test(match[2] ?? "") ? "block" : "perhaps";
}

function openingFence(line: string): Fence | null {
  const match = /^( {0,3})(`{3,}|~{3,})(.*)$/.exec(line);
  if (match === null) return null;
  const [, spaces = "", run = "", info = ""] = match;
  if (run.startsWith("`") && info.includes("`")) return null;
  return {
    mark: run.charAt(0),
    length: run.length,
    indent: spaces.length,
    language: info.trim().split(/\s/)[0] ?? "",
  };
}

function closesFence(line: string, fence: Fence): boolean {
  const match = /^ {0,3}(`{3,}|~{3,})[ \t]*$/.exec(line);
  const run = match?.[1] ?? "";
  return run.startsWith(fence.mark) && run.length >= fence.length;
}

function readOpenFence(tail: string): OpenFence | null {
  const [first = "", ...lines] = tail.split("\n");
  const fence = openingFence(first);
  // The line of the fence itself may still grow into something else.
  if (fence === null || lines.length === 0) return null;
  return { language: fence.language, code: fenceCode(lines, fence) };
}

/** Lines of a fence without the indent that the fence itself has. */
const fenceCode = (lines: readonly string[], fence: Fence): string =>
  fence.indent === 0
    ? lines.join("\n")
    : lines
        .map((line) => {
          const spaces = /^ */.exec(line)?.[0].length ?? 0;
          return line.slice(Math.min(spaces, fence.indent));
        })
        .join("\n");

type ListMarker = {
  readonly offset: number;
  readonly isCertain: boolean;
  readonly mayInterrupt: boolean;
};

function listMarker(line: string): ListMarker | null {
  const match = /^( {0,3})([-+*]|(\d{1,9})[.)])(?:([ \t]+)(.*))?$/.exec(line);
  if (match === null) return null;
  const [, spaces = "", mark = "", number, gap = "", rest = ""] = match;
  const gapWidth = gap.length > 4 ? 1 : gap.length;
  return {
    offset: spaces.length + mark.length + Math.max(1, gapWidth),
    // An empty item, or one set off by a tab, needs the full rules.
    isCertain: rest.trim() !== "" && !gap.includes("\t"),
    mayInterrupt: number === undefined || number === "1",
  };
}

const isThematicBreak = (line: string): boolean =>
  /^ {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$/.test(line);

/** Columns before the first character; a tab reaches to the next multiple of four. */
function indentOf(line: string): number {
  let columns = 0;
  for (const character of line) {
    if (character === " ") columns += 1;
    else if (character === "\t") columns += 4 - (columns % 4);
    else break;
  }
  return columns;
}

/** Blank lines after a block are no part of it; a fence that its list item closed would take them for code. */
function withoutBlankEnd(block: string): string {
  let end = block.length;
  while (end > 0 && /\s/.test(block.charAt(end - 1))) end -= 1;
  const newline = block.indexOf("\n", end);
  return end === 0 || newline === -1 ? block.slice(0, end) : block.slice(0, newline + 1);
}

const normaliseLines = (text: string): string =>
  text.includes("\r") ? text.replaceAll(/\r\n?/g, "\n") : text;
