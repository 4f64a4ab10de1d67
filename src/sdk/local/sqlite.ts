/** SQLite as Node brings it, asked for when it is needed: on a Node without it, this file's import still succeeds. */
import type { DatabaseSync } from "node:sqlite";

/** Opens a database file. Throws as `DatabaseSync` does. */
export function openDatabase(path: string, options: { readonly timeout: number }): DatabaseSync {
  const { DatabaseSync: Database } = process.getBuiltinModule("node:sqlite");
  return new Database(path, options);
}
