/** What a relay's database holds, read with nothing of the relay's own. */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { DATABASE_FILE } from "../../src/relay/data-folder.ts";

export type StoredRow = { readonly id: string; readonly seq: number; readonly body: string };

/** Messages of every conversation in their order; throws when the file cannot be read. */
export function storedRows(dataFolder: string): readonly StoredRow[] {
  const database = new DatabaseSync(join(dataFolder, DATABASE_FILE));
  try {
    return database
      .prepare(
        "SELECT msg_id AS id, seq, hex(body) AS body FROM entry WHERE kind = 'message.new' ORDER BY conv, seq",
      )
      .all()
      .map((row) => ({
        id: String(row["id"]),
        seq: Number(row["seq"]),
        body: String(row["body"]),
      }));
  } finally {
    database.close();
  }
}
