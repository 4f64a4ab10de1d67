import { useMemo } from "react";
import type { Locale } from "./tables.ts";
import { useLocale } from "./text.tsx";

/** Times, days, sizes and counts in a language's own form. Times are epoch ms. */
export type Formats = {
  /** 14:05 */
  time(at: number): string;
  /** Monday, 3 March 2026: for tooltips and day lines far back. */
  day(at: number): string;
  /** Full date with time to the minute. */
  moment(at: number): string;
  /** Today, yesterday, a weekday within a week, else the date. */
  dayLine(at: number, now: number): string;
  /** Short enough for a list row: time today, weekday this week, else day and month. */
  short(at: number, now: number): string;
  /** 2 minutes ago, in 5 seconds. */
  relative(at: number, now: number): string;
  /** 4:05, or 1:04:05 from an hour on. */
  countdown(leftMs: number): string;
  duration(durationMs: number): string;
  bytes(sizeBytes: number): string;
  count(value: number): string;
  list(items: readonly string[]): string;
  /** Sentences and headings one after the other, each with its stop, parted as the language parts them. */
  sentences(...parts: readonly string[]): string;
  /** In brackets, behind a word. */
  aside(words: string): string;
};

export const useFormats = (): Formats => {
  const locale = useLocale();
  return useMemo(() => formatsOf(regionOf(locale, navigator.languages)), [locale]);
};

/** The reader's own region of a language, for clocks and dates: the browser's first wish in that language and script. */
export function regionOf(locale: Locale, wishes: readonly string[]): string {
  const { language, script } = new Intl.Locale(locale).maximize();
  const isOurs = (wish: string): boolean => {
    const wished = new Intl.Locale(wish).maximize();
    return wished.language === language && wished.script === script;
  };
  return wishes.find(isOurs) ?? locale;
}

const DAY_MS = 86_400_000;
const RELATIVE_STEPS = [
  ["day", DAY_MS],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
] as const;
const BYTE_UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;

const made = new Map<string, Formats>();

/** The formats of a language tag; made once. */
export function formatsOf(locale: string): Formats {
  const known = made.get(locale);
  if (known !== undefined) return known;
  const formats = makeFormats(locale);
  made.set(locale, formats);
  return formats;
}

function makeFormats(locale: string): Formats {
  const dates = (options: Intl.DateTimeFormatOptions) => {
    const format = new Intl.DateTimeFormat(locale, options);
    return (at: number) => format.format(at);
  };
  const time = dates({ hour: "numeric", minute: "2-digit" });
  const day = dates({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
  const moment = dates({ dateStyle: "medium", timeStyle: "short" });
  const weekday = dates({ weekday: "long" });
  const shortWeekday = dates({ weekday: "short" });
  const dayMonth = dates({ day: "numeric", month: "short" });
  const dayMonthYear = dates({ day: "numeric", month: "short", year: "numeric" });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const count = new Intl.NumberFormat(locale);
  const list = new Intl.ListFormat(locale, { type: "conjunction" });
  const sizes = BYTE_UNITS.map(
    (unit) =>
      new Intl.NumberFormat(locale, {
        style: "unit",
        unit,
        unitDisplay: unit === "byte" ? "long" : "short",
        maximumFractionDigits: 1,
      }),
  );
  const inUnit = (value: number, unit: "second" | "millisecond" | "minute") =>
    new Intl.NumberFormat(locale, {
      style: "unit",
      unit,
      unitDisplay: "short",
      maximumFractionDigits: 1,
    }).format(value);
  return {
    time,
    day,
    moment,
    dayLine: (at, now) => {
      const daysAgo = daysBetween(at, now);
      if (daysAgo <= 1 && daysAgo >= 0) return capitalised(relative.format(-daysAgo, "day"));
      return daysAgo > 0 && daysAgo < 7 ? weekday(at) : day(at);
    },
    short: (at, now) => {
      const daysAgo = daysBetween(at, now);
      if (daysAgo === 0) return time(at);
      if (daysAgo > 0 && daysAgo < 7) return shortWeekday(at);
      return daysAgo < 300 ? dayMonth(at) : dayMonthYear(at);
    },
    relative: (at, now) => {
      const gapMs = at - now;
      for (const [unit, unitMs] of RELATIVE_STEPS)
        if (Math.abs(gapMs) >= unitMs) return relative.format(Math.trunc(gapMs / unitMs), unit);
      return relative.format(0, "second");
    },
    countdown: (leftMs) => clockText(Math.max(0, Math.ceil(leftMs / 1_000))),
    duration: (durationMs) =>
      durationMs < 1_000
        ? inUnit(Math.round(durationMs), "millisecond")
        : durationMs < 60_000
          ? inUnit(durationMs / 1_000, "second")
          : inUnit(durationMs / 60_000, "minute"),
    bytes: (sizeBytes) => {
      const step = Math.min(3, Math.floor(Math.log10(Math.max(1, sizeBytes)) / 3));
      return sizes[step]?.format(sizeBytes / 1_000 ** step) ?? "";
    },
    count: (value) => count.format(value),
    list: (items) => list.format(items),
    ...joinsOf(locale),
  };
}

/** Chinese marks are as wide as a letter and take no space. */
function joinsOf(locale: string): Pick<Formats, "sentences" | "aside"> {
  const isChinese = new Intl.Locale(locale).language === "zh";
  const stop = isChinese ? "。" : ".";
  const ended = (part: string): string => (/[.。?？!！…:：]$/u.test(part) ? part : part + stop);
  return {
    sentences: (...parts) =>
      parts
        .filter((part) => part !== "")
        .map(ended)
        .join(isChinese ? "" : " "),
    aside: (words) => (isChinese ? `（${words}）` : ` (${words})`),
  };
}

/** Calendar days from `at` to `now` where the reader is. */
function daysBetween(at: number, now: number): number {
  const midnight = (time: number) => new Date(time).setHours(0, 0, 0, 0);
  return Math.round((midnight(now) - midnight(at)) / DAY_MS);
}

function clockText(seconds: number): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(seconds % 60)}`
    : `${minutes}:${two(seconds % 60)}`;
}

const capitalised = (text: string): string => text.charAt(0).toLocaleUpperCase() + text.slice(1);
