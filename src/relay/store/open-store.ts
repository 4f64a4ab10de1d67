/** The database with its one writer and its reader, opened and closed together. */
import type { Log } from "#base/log.ts";
import type { RandomBytes } from "#base/random.ts";
import { makeId } from "#protocol/ids.ts";
import { openForReading, openForWriting } from "./database.ts";
import type { Sql } from "./sql.ts";
import { createSqliteSql } from "./sqlite-sql.ts";
import { createInlineWriter, createThreadWriter, type Writer } from "./writer.ts";

export type Store = {
  readonly writer: Writer;
  /** Reads what is committed, over a connection of its own. */
  readonly sql: Sql;
  close(): Promise<void>;
};

/** Opens a database file; its commits wait for the disk in a thread, or `here`, which is for tools and tests. */
export async function openStore(
  path: string,
  random: RandomBytes,
  log: Log,
  writes: "in-thread" | "here" = "in-thread",
): Promise<Store> {
  // Migrations run here first, so that the reader finds a whole schema.
  const db = openForWriting(path, makeId(Date.now(), random));
  if (writes === "in-thread") db.close();
  const writer = writes === "here" ? createInlineWriter(db, log) : createThreadWriter(path, log);
  const reader = openForReading(path);
  return {
    writer,
    sql: createSqliteSql(reader),
    async close() {
      await writer.close();
      reader.close();
    },
  };
}
