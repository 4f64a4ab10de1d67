import { fc } from "#base/properties.contract.ts";
import { describe, expect, test } from "vitest";

import { systemRandom } from "#base/random.ts";

import { approvalLocale, approvalView } from "./approval-view.ts";
import { createPrimitives } from "./primitives.ts";
import { goldenCard } from "./vectors/golden-sealed.ts";
import { visibleLine, visibleText } from "./visible-text.ts";

const card = goldenCard(await createPrimitives({ random: systemRandom }));
const rowsWith = (change: Partial<typeof card>) => approvalView({ ...card, ...change }, "en");

describe("approval view", () => {
  test("[C36] the same request gives the same rows, and languages differ in our words only", () => {
    const english = approvalView(card, "en");
    const chinese = approvalView(card, "zh-Hans");

    expect(approvalView(structuredClone(card), "en")).toEqual(english);
    expect(chinese.map(({ value }) => value).filter((_, at) => at !== 2)).toEqual(
      english.map(({ value }) => value).filter((_, at) => at !== 2),
    );
  });

  test("[C36] every member of the request, detail and option stands in a row of its own, uncut", () => {
    const long = "x".repeat(50_000);
    const rows = rowsWith({
      action: "act",
      summary: "sum",
      editable: ["a", "z"],
      request: { z: long, a: { y: 1, deep: [1, "1"] }, "": null },
      details: [{ label: "Diff", value: long, kind: "diff", lang: "c++" }],
      quorum: { required: 2, approvers: [] },
    });

    expect(rows.map(({ label }) => label)).toEqual([
      "Action",
      "Summary",
      "Risk",
      "Detail (diff, c++): Diff",
      'Request: ""',
      "Request: a",
      "Request: z",
      "You may change",
      "You may change",
      "Choice that approves",
      "Choice that denies",
      "Approvals needed",
      "Expires",
      "Digest",
    ]);
    expect(rows[3]?.value).toBe(long);
    expect(rows[5]?.value).toBe('{"deep":[1,"1"],"y":1}');
    expect([0, 1, 4, 7, 8, 11].map((at) => rows[at]?.value)).toEqual([
      "act",
      "sum",
      "null",
      "a",
      "z",
      "2",
    ]);
    expect(rows[6]?.value).toBe(`"${long}"`);
  });

  test("[C36] a request that is no object is one row, and text that is not well formed is escaped", () => {
    const valueOf = (request: unknown) =>
      rowsWith({ request }).find(({ label }) => label.startsWith("Request"))?.value;

    expect(valueOf(["a", 1])).toBe('["a",1]');
    expect(valueOf(null)).toBe("null");
    expect(valueOf(undefined)).toBe("");
    expect(valueOf("\uD800")).toBe('"\\ud800"');
  });

  test("[C36] no row of the agent's passes for one of ours", () => {
    const rows = rowsWith({
      details: [{ label: "Risk", value: "Low", kind: "text", lang: "x): Risk" }],
      options: [
        { id: "a", label: "Deny", decision: "approve" },
        { id: "b", label: "Approve", decision: "deny" },
      ],
    });

    expect(rows.filter(({ label }) => label === "Risk")).toEqual([
      { label: "Risk", value: "High", warning: "This can do lasting damage." },
    ]);
    expect(rows).toContainEqual({ label: "Detail (text): Risk", value: "Low", warning: "" });
    expect(rows).toContainEqual({ label: "Choice that approves", value: "Deny", warning: "" });
  });

  test("[C36] a choice that asks for a reason and a risk that is high carry their warnings", () => {
    const warningOf = (risk: typeof card.risk) => rowsWith({ risk })[2]?.warning;

    expect(warningOf("low")).toBe("");
    expect(warningOf("medium")).toBe("");
    expect(warningOf("critical")).toBe("This can do damage that cannot be undone.");
    expect(rowsWith({})).toContainEqual({
      label: "Choice that denies",
      value: "Not now",
      warning: "Asks for a reason.",
    });
  });

  test("[C36] hidden characters are written out and warned of, in names and in values", () => {
    const [row] = rowsWith({
      details: [{ label: "Pa\u200Bth\n", value: "a\u202Eb\tc\nd", kind: "text" }],
    }).filter(({ label }) => label.startsWith("Detail"));

    expect(row).toEqual({
      label: "Detail (text): Pa⟦U+200B⟧th⟦U+000A⟧",
      value: "a⟦U+202E⟧b\tc\nd",
      warning: "Contains hidden characters, written out here.",
    });
  });

  test("[C36] a name that hides something is warned of, however plain its value", () => {
    const rows = rowsWith({
      details: [{ label: "Pa\u200Bth", value: "plain", kind: "text" }],
      request: { "a\u202Eb": 1 },
    });

    expect(rows.filter(({ warning }) => warning.startsWith("Contains hidden"))).toEqual([
      expect.objectContaining({ label: "Detail (text): Pa⟦U+200B⟧th", value: "plain" }),
      expect.objectContaining({ label: "Request: a⟦U+202E⟧b", value: "1" }),
    ]);
  });

  test("[C36] times are shown in one zone, and one that is none as it came", () => {
    const expiry = (expires_at: string) =>
      rowsWith({ expires_at }).find(({ label }) => label === "Expires")?.value;

    expect(expiry("2026-03-01T14:10:00.500+02:00")).toBe("2026-03-01 12:10:00 UTC");
    expect(expiry("tomorrow")).toBe("tomorrow");
  });

  test("the closest language is taken", () => {
    expect(["zh-CN", "zh", "ZH-hant", "en-GB", "de", "zhx"].map(approvalLocale)).toEqual([
      "zh-Hans",
      "zh-Hans",
      "zh-Hans",
      "en",
      "en",
      "en",
    ]);
  });
});

describe("visible text", () => {
  test("[C36] no control, bidi, zero-width or tag character is left, whatever the text", () => {
    const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const { text: line } = visibleLine(text);
        expect(line.replaceAll(ALLOWED_FORMAT, "")).not.toMatch(hidden);
      }),
    );
    for (const codePoint of [
      0, 0x1b, 0x7f, 0xad, 0x61c, 0x200d, 0x2066, 0x2069, 0xfeff, 0xe0041, 0xd800,
      // What draws nothing and is no format character: fillers, variation selectors, a blank of Braille.
      0x034f,
      0x115f, 0x1160, 0x17b4, 0x180b, 0x2800, 0x3164, 0xfe00, 0xffa0, 0xe0100, 0xe01ef,
    ]) {
      const { text, isChanged } = visibleText(String.fromCodePoint(codePoint));
      expect([text.startsWith("⟦U+"), isChanged]).toEqual([true, true]);
    }
  });

  test("[C36] ordinary text of any script stays as it is", () => {
    const text = "Grüße, 你好, مرحبا, नमस्ते ❤️ 12 €\n\tend";

    expect(visibleText(text)).toEqual({ text, isChanged: false });
  });
});

// Format characters that draw something: Arabic, Syriac, Kaithi and hieroglyph marks around numbers and signs.
const ALLOWED_FORMAT =
  /[\u0600-\u0605\u06DD\u070F\u0890\u0891\u08E2\u{110BD}\u{110CD}\u{13430}-\u{1343F}]/gu;
