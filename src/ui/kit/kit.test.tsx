import { readFileSync } from "node:fs";
import { fc } from "#base/properties.contract.ts";
import type { ReactNode } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, test } from "vitest";
import { en } from "#ui/text/en.ts";
import { makeText, TextProvider } from "#ui/text/text.tsx";
import { Avatar } from "./Avatar.tsx";
import { hueOf, initialsOf } from "./avatar-face.ts";
import { Button } from "./Button.tsx";
import { Checkbox, RadioField, Switch } from "./Choices.tsx";
import { TextField } from "./Field.tsx";
import { IconButton } from "./IconButton.tsx";
import { KitProvider } from "./KitProvider.tsx";
import { Select } from "./Select.tsx";

const TEXT = makeText("en", en);
const draw = (node: ReactNode): string =>
  renderToStaticMarkup(
    <TextProvider text={TEXT}>
      <KitProvider>{node}</KitProvider>
    </TextProvider>,
  );

describe("avatars", () => {
  test.each([
    ["Ada Lovelace", "AL"],
    ["ada", "A"],
    ["王小明", "明"],
    ["  --  ", "?"],
    ["", "?"],
    ["Jean-Luc Picard", "JP"],
    ["\ufb03 \u00dfo", "FS"],
    ["\u202eevil", "E"],
    [`z${"\u0301".repeat(50)}`, "Ź"],
  ])("[U30] the face of %j is %j", (name, face) => {
    expect(initialsOf(name)).toBe(face);
  });

  test("[U30] every name has a face of one or two glyphs", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (name) => {
        const glyphs = [...new Intl.Segmenter().segment(initialsOf(name))].length;

        expect(glyphs).toBeGreaterThanOrEqual(1);
        expect(glyphs).toBeLessThanOrEqual(2);
      }),
    );
  });

  test("[U30] an id always has the same hue", () => {
    expect(hueOf("a")).toBe(hueOf("a"));
    expect(new Set(["a", "b", "c", "d", "e"].map(hueOf)).size).toBeGreaterThan(2);
  });

  test("[U31] trust is said in words beside the ring", () => {
    const html = draw(<Avatar id="x" name="Guide" kind="agent" trust="changed" />);

    expect(html).toContain('aria-label="Key in doubt"');
    expect(html).toContain('data-trust="changed"');
  });
});

describe("controls", () => {
  test("[U32] a button that is only an icon has a name", () => {
    expect(draw(<IconButton icon="send" label="Send" />)).toContain('aria-label="Send"');
  });

  test("[U32] no button submits a form unless it says so", () => {
    expect(draw(<Button>Go</Button>)).toContain('type="button"');
    expect(draw(<IconButton icon="send" label="Send" />)).toContain('type="button"');
  });

  test("[U33] a field's help and error are tied to its control", () => {
    const html = draw(
      <TextField label="Handle" help="Seen by all" error="Taken" value="" onChange={() => {}} />,
    );
    const [, label] = /<label[^>]* for="([^"]+)"/.exec(html) ?? [];

    expect(html).toContain(`id="${label}"`);
    expect(html).toContain("Taken");
    expect(html).toContain("Seen by all");
  });

  test("[U34] nothing of the kit writes a style element or a script", () => {
    const html = draw(
      <>
        <Select label="a" value="x" options={[{ value: "x", label: "X" }]} onChange={() => {}} />
        <RadioField
          label="a"
          value="x"
          options={[{ value: "x", label: "X" }]}
          onChange={() => {}}
        />
        <Checkbox label="a" checked onChange={() => {}} />
        <Switch label="a" checked onChange={() => {}} />
      </>,
    );

    expect(html).not.toMatch(/<style|<script/);
  });
});

describe("the tokens", () => {
  const css = readFileSync(new URL("../style/tokens.css", import.meta.url), "utf8");
  const [high = ""] = /@media \(prefers-contrast: more\) \{[\s\S]*?\n\}/.exec(css) ?? [];
  const normal = css.replace(high, "");

  /** The two colours of a token: light and dark, as lightness, chroma and hue. */
  function coloursOf(name: string, from: string): readonly (readonly number[])[] {
    const value = new RegExp(`--${name}: ([^;]+);`).exec(from)?.[1] ?? "";
    const found = [...value.matchAll(/oklch\(([\d. ]+)\)/g)].map(([, parts]) =>
      (parts ?? "").trim().split(/ +/).map(Number),
    );
    return found.length === 1 ? [...found, ...found] : found;
  }

  /** Relative luminance of an OKLCH colour: Oklab to linear sRGB, clipped, weighed as WCAG 2 does. */
  function luminanceOf([lightness = 0, chroma = 0, hue = 0]: readonly number[]): number {
    const a = chroma * Math.cos((hue * Math.PI) / 180);
    const b = chroma * Math.sin((hue * Math.PI) / 180);
    const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
    const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
    const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
    const clip = (value: number): number => Math.min(1, Math.max(0, value));
    return (
      0.2126 * clip(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s) +
      0.7152 * clip(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s) +
      0.0722 * clip(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s)
    );
  }

  function contrasts(front: string, back: string, from = normal): readonly number[] {
    const backs = coloursOf(back, from).length > 0 ? from : normal;
    return coloursOf(front, coloursOf(front, from).length > 0 ? from : normal).map((colour, at) => {
      const one = luminanceOf(colour);
      const other = luminanceOf(coloursOf(back, backs)[at] ?? []);
      return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    });
  }

  test.each(
    ["paper", "raised", "sunken"].flatMap((ground) =>
      ["ink", "ink-soft", "ink-faint", "accent", "unproven", "danger", "proven"].map((ink) => [
        ink,
        ground,
      ]),
    ),
  )(
    "[U35] text in %s on %s has a contrast of 4.5 to 1 in light, dark and high contrast",
    (ink = "", ground = "") => {
      for (const contrast of [...contrasts(ink, ground), ...contrasts(ink, ground, high)])
        expect(contrast).toBeGreaterThanOrEqual(4.5);
    },
  );

  test.each([
    ["on-fill", "accent-fill"],
    ["on-fill", "accent-fill-strong"],
    ["on-fill", "danger-fill"],
    ["on-fill", "danger-fill-strong"],
    ["accent", "accent-wash"],
    ["unproven", "unproven-wash"],
    ["danger", "danger-wash"],
    ["proven", "proven-wash"],
    ["ink", "bubble"],
    ["ink-faint", "bubble"],
    ["on-accent", "accent"],
    ["code-word", "sunken"],
    ["code-text", "sunken"],
    ["code-name", "sunken"],
    ["code-value", "sunken"],
    ["code-quiet", "sunken"],
  ])("[U35] text in %s on %s has a contrast of 4.5 to 1", (ink, ground) => {
    for (const contrast of contrasts(ink, ground)) expect(contrast).toBeGreaterThanOrEqual(4.5);
  });

  test.each(["line-control", "accent-fill", "unproven-line", "focus"])(
    "[U35] a control drawn in %s has a contrast of 3 to 1 against paper",
    (line) => {
      for (const contrast of contrasts(line, "paper")) expect(contrast).toBeGreaterThanOrEqual(3);
    },
  );
});
