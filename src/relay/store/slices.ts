/**
 * Long lists are read in slices with others' work between them: SQLite answers on the thread that asks, and a server's
 * rows are taken apart there. SPEC R64.
 */
import { setImmediate as othersTurn } from "node:timers/promises";

/** Rows of one read: a few milliseconds' work. */
export const SLICE = 500;

/**
 * All there is, in the order of a key. `read` gives rows whose key is greater than `after`, which is empty at first;
 * `nextAfter` says after which key the next slice begins, null: there is none. What comes or goes meanwhile may be
 * missing or not.
 */
export async function* inSlices<Row>(
  read: (after: string) => Promise<readonly Row[]>,
  nextAfter: (slice: readonly Row[]) => string | null,
): AsyncGenerator<readonly Row[]> {
  for (let after = ""; ;) {
    const slice = await read(after);
    yield slice;
    const next = nextAfter(slice);
    if (next === null) return;
    after = next;
    await othersTurn();
  }
}

/** A row of a slice that most were left out of; `at` is its place in the whole slice, from one. */
export type CutRow = { readonly at: number };

/**
 * What of a slice `test` holds for, and its last row when it is full, so that the next can begin after it. `slice`
 * selects up to {@link SLICE} rows in the order of `key`.
 */
export const cutSlice = (slice: string, key: string, test: string): string =>
  `SELECT * FROM (
     SELECT slice.*, row_number() OVER (ORDER BY ${key}) AS at FROM (${slice}) AS slice
   ) AS placed WHERE ${test} OR at = ${SLICE} ORDER BY ${key}`;

/** The key of the last row of a slice that {@link cutSlice} cut, when it was full. */
export const lastOfCut =
  <Row extends CutRow>(keyOf: (row: Row) => string) =>
  (slice: readonly Row[]): string | null => {
    const last = slice.at(-1);
    return last?.at === SLICE ? keyOf(last) : null;
  };

/** The key of the last row of a slice that is full. */
export const lastOfFull =
  <Row>(keyOf: (row: Row) => string) =>
  (slice: readonly Row[]): string | null => {
    const last = slice.at(-1);
    return last === undefined || slice.length < SLICE ? null : keyOf(last);
  };
