import { setupI18n, type I18n } from "@lingui/core";
import { I18nProvider, useLingui } from "@lingui/react";
import { useMemo, type ReactNode } from "react";
import type { Locale, TextKey, TextTable, ValuesOf } from "./tables.ts";

/** Says a sentence in the reader's language. */
export type Say = <Key extends TextKey>(key: Key, ...values: ValuesOf<Key>) => string;

/** One language, loaded and ready to speak. */
export type Text = { readonly locale: Locale; readonly i18n: I18n };

/** Fetches one language's table; the other one stays on the server. */
export async function loadText(locale: Locale): Promise<Text> {
  return locale === "en"
    ? makeText(locale, (await import("./en.ts")).en)
    : makeText(locale, (await import("./zh-hans.ts")).zhHans);
}

/** A language from its table. */
export function makeText(locale: Locale, table: TextTable): Text {
  return { locale, i18n: setupI18n({ locale, messages: { [locale]: table } }) };
}

/** Gives everything inside it one language. */
export function TextProvider({ text, children }: { text: Text; children: ReactNode }) {
  return <I18nProvider i18n={text.i18n}>{children}</I18nProvider>;
}

/** `const t = useText(); t("composer.send")`. */
export function useText(): Say {
  const { i18n } = useLingui();
  return useMemo<Say>(
    () =>
      (key, ...values) =>
        i18n._(key, values[0] ?? {}),
    [i18n],
  );
}

export function useLocale(): Locale {
  return useLingui().i18n.locale as Locale;
}
