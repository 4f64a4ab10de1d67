import { globSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { compileTable, compiledTables } from "./compile-tables.ts";
import { en } from "./en.ts";
import { failureWords } from "./failures.ts";
import { formatsOf, regionOf } from "./format.ts";
import { pickLocale, type TextKey } from "./tables.ts";
import { zhHans } from "./zh-hans.ts";

const keys = Object.keys(en) as readonly TextKey[];

/** The names of the values a compiled sentence asks for. */
function argumentsOf(tokens: unknown): readonly string[] {
  if (!Array.isArray(tokens)) return [];
  return tokens
    .flatMap((token: unknown) =>
      Array.isArray(token)
        ? [String(token[0]), ...Object.values((token[2] ?? {}) as object).flatMap(argumentsOf)]
        : [],
    )
    .filter((name, at, all) => all.indexOf(name) === at)
    .sort();
}

describe("the words", () => {
  test("[U1] both languages have a sentence for every key", () => {
    expect(Object.keys(zhHans).sort()).toEqual([...keys].sort());
    expect(keys.filter((key) => en[key].length === 0 || zhHans[key].length === 0)).toEqual([]);
  });

  test("[U1] every sentence compiles, and Chinese asks for no value that English is not given", () => {
    const english = compileTable(en);
    const chinese = compileTable(zhHans);
    const asksForMore = (key: TextKey): boolean =>
      argumentsOf(chinese[key]).some((name) => !argumentsOf(english[key]).includes(name));

    expect(keys.filter(asksForMore)).toEqual([]);
  });

  test("[U1] every sentence is said somewhere", () => {
    const source = globSync("src/**/*.{ts,tsx}")
      .filter((file) => !/\.test\.|text\/(en|zh-hans)\.ts$/.test(file))
      .map((file) => readFileSync(file, "utf8"))
      .join("\n");
    const made = [...source.matchAll(/`([a-z][A-Za-z]*\.[^`\s]*?\$\{[^`]*)`/g)].map(
      ([, text = ""]) =>
        new RegExp(
          `^${text.replaceAll(".", String.raw`\.`).replaceAll(/\$\{.*?\}/g, "[A-Za-z0-9-]+")}$`,
        ),
    );
    const isSaid = (key: TextKey): boolean =>
      source.includes(`"${key}"`) || made.some((shape) => shape.test(key));

    expect(keys.filter((key) => !isSaid(key))).toEqual([]);
  });

  test("[U2] no sentence shouts", () => {
    expect(keys.filter((key) => /[!！]/.test(en[key] + zhHans[key]))).toEqual([]);
  });

  test("[U105] Chinese words are followed by Chinese marks", () => {
    const marked = /\p{Script=Han}\s?[,;:?()]|[,;:?()]\s?\p{Script=Han}/u;

    expect(keys.filter((key) => marked.test(zhHans[key]))).toEqual([]);
  });

  test("[U3] the build replaces the tables by compiled ones and touches nothing else", async () => {
    const plugin = compiledTables();
    const path = new URL("en.ts", import.meta.url).pathname;

    expect((await plugin.load(path))?.code).toContain('"general.back":["Back"]');
    expect(await plugin.load(path.replace("en.ts", "text.tsx"))).toBeNull();
  });

  test("the first language of the browser that we speak is taken", () => {
    expect(pickLocale(["fr-FR", "zh-TW", "en"])).toBe("zh-Hans");
    expect(pickLocale(["fr"])).toBe("en");
  });
});

describe("failures in words", () => {
  const kinds = globSync("src/*/failure.ts").flatMap((file) =>
    [...readFileSync(file, "utf8").matchAll(/kind: "([a-z]+\/[a-z0-9-]+)"/g)].map(
      ([, kind]) => kind ?? "",
    ),
  );

  test("[U4] every kind of failure of every layer has a title and an advice in both languages", () => {
    expect(kinds.length).toBeGreaterThan(30);
    for (const kind of kinds) {
      const { title, advice } = failureWords(kind);

      expect(en[title], kind).toBeTruthy();
      expect(zhHans[advice], kind).toBeTruthy();
    }
  });

  test("[U4] a kind from a version to come gets the words of its layer, or says it is our fault", () => {
    expect(failureWords("crypto/never-heard-of").title).toBe("failure.unreadable.title");
    expect(failureWords("constructor").title).toBe("failure.ours.title");
    expect(failureWords("engine/something-new").action).toBe("report");
  });

  test("[U4] a disk that is full, forbidden, newer or held by another tab has words of its own", () => {
    const kinds = [
      "peer/store-full",
      "peer/store-failed",
      "engine/store-unavailable",
      "engine/store-newer",
      "engine/store-blocked",
    ];

    expect(kinds.map((kind) => failureWords(kind).title)).toEqual([
      "failure.storageFull.title",
      "failure.storage.title",
      "failure.storageForbidden.title",
      "failure.storageNewer.title",
      "failure.storageBlocked.title",
    ]);
  });

  test("[U4] what a person can do differs by what happened", () => {
    expect(failureWords("crypto/bad-signature")).toMatchObject({ action: "report" });
    expect(failureWords("peer/offline")).toMatchObject({ title: "failure.offline.title" });
    expect(failureWords("crypto/wrong-unlock-key").title).toBe("failure.wrongPassword.title");
  });
});

describe("times, sizes and counts", () => {
  const noon = new Date(2026, 2, 4, 12, 0).getTime();
  const day = 86_400_000;

  test("[U5] a day line says today, yesterday, a weekday, or the date", () => {
    const { dayLine } = formatsOf("en");

    expect(dayLine(noon, noon)).toBe("Today");
    expect(dayLine(noon - day, noon)).toBe("Yesterday");
    expect(dayLine(noon - 3 * day, noon)).toBe("Sunday");
    expect(dayLine(noon - 30 * day, noon)).toContain("2026");
  });

  test("[U5] each language writes them in its own form", () => {
    expect(formatsOf("zh-Hans").dayLine(noon - day, noon)).toBe("昨天");
    expect(formatsOf("en").bytes(2_345_678)).toBe("2.3 MB");
    expect(formatsOf("en").relative(noon - 120_000, noon)).toBe("2 minutes ago");
  });

  test("[U5] a clock and a date follow the reader's region of the language, not another language's", () => {
    expect(regionOf("en", ["de-AT", "en-GB", "en-US"])).toBe("en-GB");
    expect(regionOf("zh-Hans", ["zh-TW", "zh-SG"])).toBe("zh-SG");
    expect(regionOf("zh-Hans", ["en-GB"])).toBe("zh-Hans");
    expect(formatsOf("en-GB").time(noon + 5 * 3_600_000)).toBe("17:00");
    expect(formatsOf("en-US").time(noon + 5 * 3_600_000)).toMatch(/^5:00.PM$/);
  });

  test("[U105] sentences are joined by what the language puts between them", () => {
    const english = formatsOf("en-GB");
    const chinese = formatsOf("zh-CN");

    expect(english.sentences("Not sent", "You are offline.")).toBe("Not sent. You are offline.");
    expect(english.sentences("Really?", "", "Yes")).toBe("Really? Yes.");
    expect(chinese.sentences("未发送", "你已离线。")).toBe("未发送。你已离线。");
    expect(chinese.sentences("剩余 4:59。", "不要给别人看")).toBe("剩余 4:59。不要给别人看。");
    expect(["Ada" + english.aside("you"), "Ada" + chinese.aside("你")]).toEqual([
      "Ada (you)",
      "Ada（你）",
    ]);
  });

  test("[U105] no sentence is joined to another by a space of its own", () => {
    const joined = globSync("src/ui/**/*.tsx").filter((file) =>
      /\}[.,]? \{t\(|\}[.,]? \$\{t\(|\}\) \{t\(/.test(readFileSync(file, "utf8")),
    );

    expect(joined).toEqual([]);
  });

  test("[U5] a countdown never goes below zero", () => {
    const { countdown } = formatsOf("en");

    expect(countdown(245_000)).toBe("4:05");
    expect(countdown(3_845_000)).toBe("1:04:05");
    expect(countdown(-1)).toBe("0:00");
  });
});
