/** The relay's database, wherever it is, with its writer and its reader, opened and closed together. */
import { statSync } from "node:fs";
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { RandomBytes } from "#base/random.ts";
import type { Secret } from "#base/secret.ts";
import { makeId } from "#protocol/ids.ts";
import { openForReading, openForWriting } from "./database.ts";
import type { Sql } from "./sql.ts";
import { createSqliteSql } from "./sqlite-sql.ts";
import { createInlineWriter, createThreadWriter, type Writer } from "./writer.ts";

export type Store = {
  readonly writer: Writer;
  /** Reads what is committed, over a connection of its own. */
  readonly sql: Sql;
  /** What the database takes on its disk. */
  sizeBytes(): Promise<number>;
  close(): Promise<void>;
};

/** A file, whose commits wait for the disk in a thread or `here`, which is for tools and tests; or a server. */
export type StorePlace =
  | { readonly file: string; readonly writes?: "in-thread" | "here" }
  | { readonly postgres: Secret<string> };

/** A server when there is one, else the file. */
export const placeOf = (
  postgres: Secret<string> | null | undefined,
  file: string,
  writes: "in-thread" | "here" = "in-thread",
): StorePlace => (postgres == null ? { file, writes } : { postgres });

type Needs = { readonly clock: Clock; readonly random: RandomBytes; readonly log: Log };

/** Opens and migrates. Rejects when the place cannot be used; see `openPostgres` for a server. */
export async function openStore(place: StorePlace, { clock, random, log }: Needs): Promise<Store> {
  const logEpoch = makeId(clock.now(), random);
  if ("file" in place) return openFile(place.file, place.writes ?? "in-thread", logEpoch, log);
  const { openPostgres } = await import("../postgres/open-postgres.ts");
  return openPostgres({ address: place.postgres, logEpoch, clock, events: log });
}

function openFile(path: string, writes: "in-thread" | "here", logEpoch: string, log: Log): Store {
  // Migrations run here first, so that the reader finds a whole schema.
  const db = openForWriting(path, logEpoch);
  if (writes === "in-thread") db.close();
  const writer = writes === "here" ? createInlineWriter(db, log) : createThreadWriter(path, log);
  const reader = openForReading(path);
  return {
    writer,
    sql: createSqliteSql(reader),
    sizeBytes: () => Promise.resolve(bytesOf(path)),
    async close() {
      await writer.close();
      reader.close();
    },
  };
}

/** Bytes of the file and of its write-ahead log. */
const bytesOf = (file: string): number =>
  [file, `${file}-wal`].reduce(
    (sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
