// Reads the published vectors that lie beside this file; see README.md for their sources.
import { readFileSync } from "node:fs";

import { hexToBytes, type Bytes } from "#base/bytes.ts";
import { assert } from "#base/invariant.ts";

/** One Wycheproof case: every field text, the group's fields mixed in under their own names. */
export type WycheproofCase = Readonly<Record<string, string>> & {
  readonly result: "valid" | "invalid" | "acceptable";
  readonly flags: string;
};

type Group = Readonly<Record<string, unknown>> & {
  readonly tests: readonly Readonly<Record<string, unknown>>[];
};

/** A vector file as parsed JSON. */
export const readVectors = (path: string): unknown =>
  JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));

/** All cases of a Wycheproof file, flattened. */
export function wycheproofCases(name: string): readonly WycheproofCase[] {
  const file = readVectors(`./wycheproof/${name}_test.json`) as {
    readonly numberOfTests: number;
    readonly testGroups: readonly Group[];
  };
  const cases = file.testGroups.flatMap(({ tests, publicKey, ...group }) =>
    tests.map((test) => {
      const flat = { ...group, ...(publicKey as object | undefined), ...test };
      return Object.fromEntries(
        Object.entries(flat).map(([key, value]) => [key, String(value)]),
      ) as WycheproofCase;
    }),
  );
  assert(cases.length === file.numberOfTests, "a vector file holds all its cases");
  return cases;
}

/** Bytes of a hexadecimal field. */
export function hex(text: string | undefined): Bytes {
  const bytes = text === undefined ? null : hexToBytes(text);
  assert(bytes !== null, "vector fields are hexadecimal");
  return bytes;
}

/** What became of a case: the expected bytes or verdict, a refusal, other bytes, or a thrown bug. */
export type Outcome = "pass" | "refuse" | "differ" | "throw";

/** Counts outcomes by expected result: `{ "valid pass": 88, … }`. */
export async function tally(
  cases: readonly WycheproofCase[],
  run: (vector: WycheproofCase) => Promise<Outcome> | Outcome,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const vector of cases) {
    let outcome: Outcome;
    try {
      outcome = await run(vector);
    } catch {
      outcome = "throw";
    }
    const name = `${vector.result} ${outcome}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
