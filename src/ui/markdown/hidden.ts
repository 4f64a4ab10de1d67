/** Characters that a reader does not see, but a shell, a search or another reader does. */

/** A piece of text: words as they are, or a run of what hides. */
export type TextRun =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "hidden"; readonly code: string; readonly count: number };

// One pass, no backtracking: each alternative begins with another set of characters.
const HIDDEN =
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for.
  /[\u{0}-\u{8}\u{b}\u{c}\u{e}-\u{1f}\u{7f}-\u{9f}\u{ad}\u{61c}\u{115f}\u{1160}\u{180e}\u{200b}\u{200e}\u{200f}\u{2028}-\u{202e}\u{2060}-\u{206f}\u{3164}\u{feff}\u{ffa0}\u{fff9}-\u{fffb}\u{e0000}-\u{e0fff}]+|[\u{200c}\u{200d}]{2,}|\p{M}{9,}|(?<![\p{Emoji}\p{Script=Han}\p{Script=Mongolian}\u{20e3}])[\u{fe00}-\u{fe0f}]+/gu;

/** Cuts text into what is seen and what is not; joined again it is the same text minus nothing. */
export function splitHidden(text: string): readonly TextRun[] {
  if (!mayHide(text)) return text === "" ? [] : [{ kind: "text", text }];
  const runs: TextRun[] = [];
  let from = 0;
  for (const match of text.matchAll(HIDDEN)) {
    const found = match[0];
    // Eight marks on one letter are writing; what is above them is not.
    const keep = /^\p{M}/u.test(found) && !/^[\u{fe00}-\u{fe0f}]/u.test(found) ? 8 : 0;
    const characters = Array.from(found);
    const hidden = characters.slice(keep);
    const at = match.index + characters.slice(0, keep).join("").length;
    if (at > from) runs.push({ kind: "text", text: text.slice(from, at) });
    runs.push({ kind: "hidden", code: codeOf(hidden[0] ?? ""), count: hidden.length });
    from = match.index + found.length;
  }
  if (from < text.length) runs.push({ kind: "text", text: text.slice(from) });
  return runs;
}

/** The text without what hides: what "copy as command" puts on the clipboard. */
export const withoutHidden = (text: string): string =>
  splitHidden(text)
    .map((run) => (run.kind === "text" ? run.text : ""))
    .join("");

export const hasHidden = (text: string): boolean =>
  splitHidden(text).some((run) => run.kind === "hidden");

// Plain ASCII with line ends, which nearly all text is, is answered without the large pattern.
const mayHide = (text: string): boolean => !/^[\t\n\r\x20-\x7e]*$/.test(text);

const codeOf = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
