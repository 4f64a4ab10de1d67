/** Lines and characters of a payload between two places that must have been in view. */
const LINES_PER_STRETCH = 8;
const CHARACTERS_PER_STRETCH = 600;

/** Cuts a payload into stretches short enough that one in view was wholly in view; joined they are the payload. */
export function cutStretches(value: string): readonly string[] {
  const stretches: string[] = [];
  let stretch = "";
  let lines = 0;
  for (const line of value.split(/(?<=\n)/)) {
    for (let at = 0; at === 0 || at < line.length; at += CHARACTERS_PER_STRETCH) {
      stretch += line.slice(at, at + CHARACTERS_PER_STRETCH);
      lines += 1;
      if (lines >= LINES_PER_STRETCH || stretch.length >= CHARACTERS_PER_STRETCH) {
        stretches.push(stretch);
        stretch = "";
        lines = 0;
      }
    }
  }
  return stretch === "" ? stretches : [...stretches, stretch];
}
