/**
 * A copy of everything that must survive, made while the relay runs: the database as of one moment, the files it
 * names, the relay's key. The copy is a data folder that a relay can be started on. SPEC §operation.
 */
import { constants } from "node:fs";
import { copyFile, mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { backup as copyDatabase } from "node:sqlite";
import { err, ok, type Result } from "#base/result.ts";
import { DATABASE_FILE, KEY_FILE, BLOB_FOLDER } from "../data-folder.ts";
import { openForReading } from "../store/database.ts";
import { createSqliteSql } from "../store/sqlite-sql.ts";

/** More than any database has: a step that others write between would start over. */
const ALL_PAGES = 2_147_483_647;

export type BackupDone = { readonly pages: number; readonly files: number; readonly bytes: number };
export type BackupFailure =
  | { readonly kind: "relay/backup-target-in-use" }
  | { readonly kind: "relay/no-database" };

/**
 * Copies the data folder `from` into the folder `to`, which is made. Files in a bucket stay there: `withFiles` is false
 * then. A key that comes by the settings is not in the folder, and is kept where they are.
 *
 * Fails with `relay/no-database` (nothing to copy) and `relay/backup-target-in-use` (`to` holds something already: a
 * good copy is never overwritten by a worse one). Rejects when the disk does.
 */
export async function backUp(
  from: string,
  to: string,
  withFiles = true,
): Promise<Result<BackupDone, BackupFailure>> {
  const source = await stat(join(from, DATABASE_FILE)).catch(() => null);
  if (source === null) return err({ kind: "relay/no-database" });
  await mkdir(to, { recursive: true, mode: 0o700 });
  if ((await readdir(to)).length > 0) return err({ kind: "relay/backup-target-in-use" });

  const live = openForReading(join(from, DATABASE_FILE));
  const pages = await copyDatabase(live, join(to, DATABASE_FILE), { rate: ALL_PAGES });
  live.close();
  const key = join(from, KEY_FILE);
  if ((await stat(key).catch(() => null)) !== null)
    await copyFile(key, join(to, KEY_FILE), constants.COPYFILE_EXCL);
  await mkdir(join(to, BLOB_FOLDER), { mode: 0o700 });
  if (!withFiles) return ok({ pages, files: 0, bytes: 0 });

  // The copied database says which files belong to it; files that are confirmed never change.
  const copy = openForReading(join(to, DATABASE_FILE));
  const confirmed = await createSqliteSql(copy).all<{ attachment_id: string; size: number }>(
    "SELECT attachment_id, size FROM upload WHERE sha256 IS NOT NULL",
  );
  copy.close();
  let bytes = 0;
  for (const { attachment_id, size } of confirmed) {
    const [here, there] = [from, to].map((folder) => join(folder, BLOB_FOLDER, attachment_id));
    await copyFile(here ?? "", there ?? "", constants.COPYFILE_FICLONE);
    bytes += size;
  }
  return ok({ pages, files: confirmed.length, bytes });
}
