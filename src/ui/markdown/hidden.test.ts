import { fc } from "#base/properties.contract.ts";
import { describe, expect, test } from "vitest";
import { hasHidden, splitHidden, withoutHidden } from "./hidden.ts";

const codesIn = (text: string): readonly string[] =>
  splitHidden(text).flatMap((run) => (run.kind === "hidden" ? [`${run.code}×${run.count}`] : []));

describe("hidden characters", () => {
  test("[U23] bidi controls, zero-width characters, tags and controls are cut out of the text", () => {
    expect(codesIn("a\u202eb\u2066c")).toEqual(["U+202E×1", "U+2066×1"]);
    expect(codesIn("rm\u200b\u200b -rf")).toEqual(["U+200B×2"]);
    expect(codesIn("x\u{e0041}\u{e0042}")).toEqual(["U+E0041×2"]);
    expect(codesIn("a\u0007b\u009fc")).toEqual(["U+0007×1", "U+009F×1"]);
    expect(codesIn("a\u3164b")).toEqual(["U+3164×1"]);
  });

  test("[U23] writing that needs joiners, selectors or marks stays whole", () => {
    for (const text of ["👩‍🚀", "❤️", "می‌خواهم", "क्‍ष", "é", "tab\tand\nline", "1️⃣", "葛󠄀".slice(0, 1)])
      expect(codesIn(text)).toEqual([]);
  });

  test("[U23] joiners in a run, stray selectors and a ninth mark on one letter do not", () => {
    expect(codesIn("a\u200d\u200d\u200cb")).toEqual(["U+200D×3"]);
    expect(codesIn("a\ufe0fb")).toEqual(["U+FE0F×1"]);
    expect(codesIn(`z${"\u0301".repeat(30)}`)).toEqual(["U+0301×22"]);
  });

  test("[U24] what is copied as a command holds none of them", () => {
    expect(withoutHidden("curl\u200b a\u202e.sh")).toBe("curl a.sh");
  });

  test("[U24] nothing else is lost from any text, and what is left hides nothing", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 80 }), (text) => {
        const runs = splitHidden(text);
        const seen = withoutHidden(text);

        expect(runs.every((run) => run.kind === "hidden" || text.includes(run.text))).toBe(true);
        expect(seen.length).toBeLessThanOrEqual(text.length);
        if (!hasHidden(text)) expect(seen).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });

  test("[U24] 60,000 characters of any one kind are looked through in passing", () => {
    for (const unit of ["\u0301", "\u200d", "\ufe0f", "é", "\u{e0041}", "漢"]) {
      const before = process.threadCpuUsage();
      splitHidden(unit.repeat(60_000));
      const { user, system } = process.threadCpuUsage(before);

      // Not by the clock: whatever else runs on the machine takes none of this thread's own time.
      expect((user + system) / 1_000).toBeLessThan(500);
    }
  });
});
