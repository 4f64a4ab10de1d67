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
  // A statement that failed reports its fault again at its next use, whatever it is used for: it is not used again.
  const using = <Value>(text: string, use: (statement: StatementSync) => Value): Value => {
    try {
      return use(prepared(text));
    } catch (fault) {
      statementByText.delete(text);
      throw fault;
    }
  };
  return {
    all: <Row>(text: string, ...params: readonly Param[]) =>
      using(text, (statement) => statement.all(...params) as Row[]),
    *each<Row>(text: string, ...params: readonly Param[]) {
      const rows = using(text, (statement) => statement.iterate(...params));
      try {
        for (const row of rows) yield row as unknown as Row;
      } catch (fault) {
        statementByText.delete(text);
        throw fault;
      }
    },
    get: <Row>(text: string, ...params: readonly Param[]) =>
      using(text, (statement) => statement.get(...params) as Row | undefined),
    run: (text, ...params) => using(text, (statement) => Number(statement.run(...params).changes)),
  };
}
