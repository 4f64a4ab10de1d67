/** What stands on an avatar: one or two letters, or one CJK character. Never more than two glyphs, never empty. */
export function initialsOf(name: string): string {
  const words = name
    .normalize("NFC")
    .split(/[\s\p{Cc}\p{Cf}\p{P}\p{S}]+/u)
    .filter((word) => word !== "");
  const first = firstGlyph(words[0]);
  if (first === "") return "?";
  // A CJK name is known by its last character, and two would not fit.
  if (isCjk(first)) return lastGlyph(words[0]);
  const second = firstGlyph(words.length > 1 ? words.at(-1) : undefined);
  return capital(first) + (isCjk(second) ? "" : capital(second));
}

/** A hue from 0 to 359 that an id always gets; spread by FNV-1a. */
export function hueOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  // Twenty-four hues that can be told apart, instead of 360 that cannot.
  return ((hash >>> 0) % 24) * 15;
}

/** Capitals of one letter may be several: ß, ﬃ. */
const capital = (glyph: string): string => firstGlyph(glyph.toLocaleUpperCase());

const isCjk = (glyph: string): boolean =>
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u.test(glyph);
const firstGlyph = (word: string | undefined): string => glyphsOf(word)[0] ?? "";
const lastGlyph = (word: string | undefined): string => glyphsOf(word).at(-1) ?? "";

function glyphsOf(word: string | undefined): readonly string[] {
  // Marks that pile up on a letter would leave the tile.
  const bare = (word ?? "").slice(0, 200).replaceAll(/\p{M}+/gu, "");
  return Array.from(new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(bare)).map(
    (part) => part.segment,
  );
}
