import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const RULE = /^\s*[-|] ?\*\*\[([A-Z]+\d+)\]\*\*/gm;
const TITLE = /\b(?:test|it|describe)(?:\.\w+)*(?:\([^)]*\))?\(\s*["'`]([^"'`]*)/g;

const ruleIds = (): Map<string, string> => {
  const fileById = new Map<string, string>();
  for (const file of globSync("src/*/SPEC.md"))
    for (const [, id] of readFileSync(file, "utf8").matchAll(RULE)) {
      expect(fileById.has(id ?? ""), `${id} stands in ${file} and ${fileById.get(id ?? "")}`).toBe(
        false,
      );
      fileById.set(id ?? "", file);
    }
  return fileById;
};

const testedIds = (): Map<string, string> => {
  const fileById = new Map<string, string>();
  for (const file of [
    ...globSync("src/**/*.{test.ts,test.tsx,contract.ts}"),
    ...globSync("e2e/**/*.{test,spec,contract}.ts"),
  ])
    for (const [, title] of readFileSync(file, "utf8").matchAll(TITLE))
      for (const [, ids] of (title ?? "").matchAll(/\[([A-Z]+\d+(?:[ ,]+[A-Z]+\d+)*)\]/g))
        for (const id of (ids ?? "").split(/[ ,]+/)) fileById.set(id, file);
  return fileById;
};

test("every rule of every SPEC has a test that names it", () => {
  const tested = testedIds();

  expect(
    [...ruleIds()].filter(([id]) => !tested.has(id)).map(([id, file]) => `${id} of ${file}`),
  ).toEqual([]);
});

test("every rule a test names stands in a SPEC", () => {
  const rules = ruleIds();

  expect(
    [...testedIds()].filter(([id]) => !rules.has(id)).map(([id, file]) => `${id} in ${file}`),
  ).toEqual([]);
});

test("every rule that SECURITY.md rests a claim on stands in a SPEC", () => {
  const rules = ruleIds();
  const named = [...readFileSync("SECURITY.md", "utf8").matchAll(/\[([A-Z]\d+)\]/g)].map(
    ([, id]) => id ?? "",
  );

  expect(named.length).toBeGreaterThan(40);
  expect(named.filter((id) => !rules.has(id))).toEqual([]);
});
