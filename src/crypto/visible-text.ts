/**
 * Text in which nothing hides: characters that draw nothing, or move what others draw, are written out as
 * `⟦U+202E⟧`. The table is fixed here, because a platform's character classes change with its version.
 */

/** First and last code point of each hidden range. Line feed and tab are ordinary text. */
const HIDDEN: readonly (readonly [number, number])[] = [
  [0x0000, 0x0008],
  [0x000b, 0x001f],
  [0x007f, 0x009f],
  [0x00ad, 0x00ad],
  [0x034f, 0x034f],
  [0x061c, 0x061c],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0x2800, 0x2800],
  [0x3164, 0x3164],
  [0xd800, 0xdfff],
  // Not U+FE0E and U+FE0F: they choose between two drawings of a sign and are in every other emoji.
  [0xfe00, 0xfe0d],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xfffb],
  [0xfffe, 0xffff],
  [0x1bca0, 0x1bca3],
  [0x1d173, 0x1d17a],
  [0xe0000, 0xe0fff],
];
const LINE_FEED = 0x0a;
const TAB = 0x09;

export type VisibleText = { readonly text: string; readonly isChanged: boolean };

/** Text over several lines with everything hidden written out. */
export const visibleText = (text: string): VisibleText => writeOut(text, isHidden);

/** The same for a name on one line: line feeds and tabs are written out as well. */
export const visibleLine = (text: string): VisibleText =>
  writeOut(
    text,
    (codePoint) => codePoint === LINE_FEED || codePoint === TAB || isHidden(codePoint),
  );

function writeOut(text: string, isWrittenOut: (codePoint: number) => boolean): VisibleText {
  let visible = "";
  let isChanged = false;
  for (const character of text) {
    const codePoint = character.codePointAt(0) ?? 0;
    if (isWrittenOut(codePoint)) {
      visible += `⟦U+${codePoint.toString(16).toUpperCase().padStart(4, "0")}⟧`;
      isChanged = true;
    } else {
      visible += character;
    }
  }
  return { text: visible, isChanged };
}

const isHidden = (codePoint: number): boolean =>
  HIDDEN.some(([first, last]) => codePoint >= first && codePoint <= last);
