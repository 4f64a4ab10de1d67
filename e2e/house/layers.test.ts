import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { mayImport } from "../../oxlint.config.mjs";

const referencesOf = (layer: string): string[] => {
  const config = JSON.parse(readFileSync(`src/${layer}/tsconfig.json`, "utf8")) as {
    references: { path: string }[];
  };
  return config.references.map((reference) => reference.path.replace("../", ""));
};

test("the compiler's walls and the lint's signs name the same layers", () => {
  const walls = Object.fromEntries(
    Object.keys(mayImport).map((layer) => [layer, referencesOf(layer).sort()]),
  );
  const signs = Object.fromEntries(
    Object.entries(mayImport).map(([layer, allowed]) => [layer, [...allowed].sort()]),
  );

  expect(walls).toEqual(signs);
});

test("the layer table of the house says the same", () => {
  const rows = readFileSync("src/README.md", "utf8").matchAll(
    /^\| `(\w+)`\s*\|[^|]*\|[^|]*\|[^|]*\|([^|]*)\|/gm,
  );
  const table = Object.fromEntries(
    [...rows].map(([, layer, allowed]) => [
      layer,
      (allowed ?? "").trim() === "nothing"
        ? []
        : (allowed ?? "")
            .split(",")
            .map((name) => name.trim())
            .sort(),
    ]),
  );
  const signs = Object.fromEntries(
    Object.entries(mayImport).map(([layer, allowed]) => [layer, [...allowed].sort()]),
  );

  expect(table).toEqual(signs);
});

test("every file that src/README.md and src/DECISIONS.md name is there", () => {
  const named = ["src/README.md", "src/DECISIONS.md"].flatMap((page) =>
    [...readFileSync(page, "utf8").matchAll(/`((?:[\w-]+\/)+[\w.-]+\.tsx?)`/g)].map(
      ([, file]) => file ?? "",
    ),
  );

  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((file) => !existsSync(`src/${file}`) && !existsSync(file))).toEqual([]);
});
