/** What the relay says to its database, whatever stands behind it: four verbs, each a promise. */
import type { SQLInputValue } from "node:sqlite";

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
