import type { en } from "./en.ts";

/** The languages the product is written in. */
export const LOCALES = ["en", "zh-Hans"] as const;
export type Locale = (typeof LOCALES)[number];

/** Names a sentence. English is the measure: a key that is missing or too many in another table does not compile. */
export type TextKey = keyof typeof en;
export type TextTable = Readonly<Record<TextKey, string>>;

export type TextValues = Readonly<Record<string, string | number>>;
/** A sentence with a place in it needs values; one without takes none. */
export type ValuesOf<Key extends TextKey> = (typeof en)[Key] extends `${string}{${string}`
  ? [values: TextValues]
  : [];

/** The language to start with: the first wish of the browser that we speak, else English. */
export function pickLocale(wishes: readonly string[]): Locale {
  for (const wish of wishes) {
    const language = wish.toLowerCase().split("-")[0];
    if (language === "zh") return "zh-Hans";
    if (language === "en") return "en";
  }
  return "en";
}
