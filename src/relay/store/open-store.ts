/** The database with its one writer and its reader, opened and closed together. */
import type { Log } from "#base/log.ts";
import type { RandomBytes } from "#base/random.ts";
import { makeId } from "#protocol/ids.ts";
import { IN_MEMORY, openForReading, openForWriting } from "./database.ts";
import { createSql, type Sql } from "./sql.ts";
import { createInlineWriter, createThreadWriter, type Writer } from "./writer.ts";

export type Store = {
  readonly writer: Writer;
  readonly sql: Sql;
  close(): Promise<void>;
};

/** Opens a file with a writer thread, or `:memory:` with an inline writer. */
export function openStore(path: string, random: RandomBytes, log: Log): Store {
  // Migrations run here first, so that the reader finds a whole schema.
  const db = openForWriting(path, makeId(Date.now(), random));
  if (path === IN_MEMORY) {
    return {
      writer: createInlineWriter(db, log),
      sql: createSql(db),
      close: async () => db.close(),
    };
  }
  db.close();
  const writer = createThreadWriter(path, log);
  const reader = openForReading(path);
  return {
    writer,
    sql: createSql(reader),
    async close() {
      await writer.close();
      reader.close();
    },
  };
}
