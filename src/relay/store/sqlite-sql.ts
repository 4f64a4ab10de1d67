/**
 * Statements of SQLite, prepared once and run many times, over one connection. Each is done before its call returns;
 * the promise only carries the outcome.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Param, Sql } from "./sql.ts";

export function createSqliteSql(db: DatabaseSync): Sql {
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
  const using = async <Value>(
    text: string,
    use: (statement: StatementSync) => Value,
  ): Promise<Value> => {
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
    get: <Row>(text: string, ...params: readonly Param[]) =>
      using(text, (statement) => statement.get(...params) as Row | undefined),
    run: (text, ...params) => using(text, (statement) => Number(statement.run(...params).changes)),
  };
}
