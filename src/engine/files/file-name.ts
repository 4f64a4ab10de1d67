/** Names of files that strangers chose. Pure. */

const MAX_CHARACTERS = 120;
/** Path separators, what disks refuse, control characters, and what turns or hides parts of a name. */
const UNFIT =
  // oxlint-disable-next-line no-control-regex
  /[\\/:*?"<>|\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$/i;

/** A name that is safe to save under: one component, nothing hidden in it, its ending kept. */
export function safeFileName(name: string): string {
  const plain = name
    .normalize("NFC")
    .replaceAll(UNFIT, "_")
    .replace(/^[.\s]+/, "")
    .replace(/[.\s]+$/, "");
  const whole = RESERVED.test(plain) ? `_${plain}` : plain;
  return whole === "" ? "file" : shorten(whole);
}

function shorten(name: string): string {
  const characters = Array.from(name);
  if (characters.length <= MAX_CHARACTERS) return name;
  const ending = /\.[^.]{1,16}$/u.exec(name)?.[0] ?? "";
  const kept = characters.slice(0, MAX_CHARACTERS - Array.from(ending).length).join("");
  return kept + ending;
}
