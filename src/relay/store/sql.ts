/** What the relay says to its database, whatever stands behind it: four verbs, each a promise. */
import type { SQLInputValue } from "node:sqlite";
import { setImmediate as othersTurn } from "node:timers/promises";

export type Param = SQLInputValue;

/** The tables are ours and typed, so the caller names the row's type. */
export interface Sql {
  all<Row>(text: string, ...params: readonly Param[]): Promise<Row[]>;
  get<Row>(text: string, ...params: readonly Param[]): Promise<Row | undefined>;
  /** Runs and gives the number of changed rows. */
  run(text: string, ...params: readonly Param[]): Promise<number>;
}

/** A row that may not be there, as callers outside the database say it. */
export const orNull = async <Row>(row: Promise<Row | undefined>): Promise<Row | null> =>
  (await row) ?? null;

/** How many ids {@link allAmong} asks for at once. */
const MOST_AT_ONCE = 100;
const MARKS = Array.from({ length: MOST_AT_ONCE }, () => "?");

/**
 * What `text`, which ends before its list, gives for any number of ids, {@link MOST_AT_ONCE} a read, with others' work
 * between them.
 */
export async function allAmong<Row>(
  sql: Sql,
  text: string,
  ids: readonly string[],
): Promise<Row[]> {
  const rows: Row[] = [];
  for (let i = 0; i < ids.length; i += MOST_AT_ONCE) {
    if (i > 0) await othersTurn();
    const some = ids.slice(i, i + MOST_AT_ONCE);
    // Always as many, so that it is one statement.
    const asked = MARKS.map((_mark, at) => some[at] ?? "");
    rows.push(...(await sql.all<Row>(`${text} (${MARKS.join(", ")})`, ...asked)));
  }
  return rows;
}
