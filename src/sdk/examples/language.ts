/** The two languages the examples speak, told apart by script. */
export type Language = "en" | "zh";

/** The language of a text; null when it has neither Han characters nor Latin letters. */
export function languageOf(text: string): Language | null {
  if (/\p{Script=Han}/u.test(text)) return "zh";
  return /\p{Script=Latin}/u.test(text) ? "en" : null;
}
