/** The relay's SQL is written once, so that both databases take it; only placeholders and column types are rewritten. */
import type { Param } from "../store/sql.ts";

/** `?` and `?1` as PostgreSQL numbers them. No text of ours holds a question mark otherwise. */
export function placeholders(text: string): string {
  let count = 0;
  return text.replaceAll(/\?(\d*)/g, (_mark, given: string) => {
    count += 1;
    return `$${given === "" ? count : given}`;
  });
}

const COLUMN_TYPES = { BLOB: "BYTEA", INTEGER: "BIGINT", REAL: "DOUBLE PRECISION" } as const;
/** Rows that change all the time: room for the new version on the page of the old one. */
const RESTLESS = /(CREATE TABLE (?:conv|cursor) \([^;]*)\) STRICT/g;

/** A migration of ours as PostgreSQL takes it. */
export const migrationToPostgres = (migration: string): string =>
  migration
    .replaceAll(RESTLESS, "$1) WITH (fillfactor = 70)")
    .replaceAll(/\) STRICT/g, ")")
    .replaceAll(
      /\b(BLOB|INTEGER|REAL)\b/g,
      (type) => COLUMN_TYPES[type as keyof typeof COLUMN_TYPES],
    );

/** PostgreSQL has no NUL in text: it becomes what a broken character becomes. */
export const toParam = (param: Param): Param =>
  typeof param === "string" ? param.replaceAll("\0", "\u{FFFD}") : param;
