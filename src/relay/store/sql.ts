/** Statements prepared once and run many times, over one connection. */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";

export type Param = SQLInputValue;

/** The tables are ours and STRICT, so the caller names the row's type. */
export interface Sql {
  all<Row>(text: string, ...params: readonly Param[]): Row[];
  /** One row at a time; whoever stops early reads no further. */
  each<Row>(text: string, ...params: readonly Param[]): Iterable<Row>;
  get<Row>(text: string, ...params: readonly Param[]): Row | undefined;
  /** Runs and gives the number of changed rows. */
  run(text: string, ...params: readonly Param[]): number;
}

export function createSql(db: DatabaseSync): Sql {
  const statementByText = new Map<string, StatementSync>();
  const prepared = (text: string): StatementSync => {
    let statement = statementByText.get(text);
    if (statement === undefined) {
      statement = db.prepare(text);
      statementByText.set(text, statement);
    }
    return statement;
  };
  return {
    all: <Row>(text: string, ...params: readonly Param[]) => prepared(text).all(...params) as Row[],
    each: <Row>(text: string, ...params: readonly Param[]) =>
      prepared(text).iterate(...params) as Iterable<unknown> as Iterable<Row>,
    get: <Row>(text: string, ...params: readonly Param[]) =>
      prepared(text).get(...params) as Row | undefined,
    run: (text, ...params) => Number(prepared(text).run(...params).changes),
  };
}
