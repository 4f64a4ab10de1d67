/**
 * A copy of what must survive where the database is a server: its dump by `pg_dump`, as of one moment, the files it
 * names and the relay's key. For a copy up to the last second the server's own archive of its log is the means.
 * SPEC §operation.
 */
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { copyFile, mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { err, ok, type Result } from "#base/result.ts";
import type { Secret } from "#base/secret.ts";
import { BLOB_FOLDER, KEY_FILE } from "../data-folder.ts";
import { connectTo, createPostgresSql } from "../postgres/session.ts";
import type { BackupFailure } from "./backup.ts";

/** Made by `pg_dump --format=custom`; `pg_restore` reads it. */
export const DUMP_FILE = "database.dump";

export type ServerBackupDone = { readonly dump_bytes: number; readonly files: number };
export type ServerBackupFailure =
  | Exclude<BackupFailure, { kind: "relay/no-database" }>
  | { readonly kind: "relay/no-pg-dump"; readonly advice: string }
  | { readonly kind: "relay/pg-dump-failed"; readonly code: number };

const ADVICE =
  "Install the client programs of PostgreSQL, or back the server up by pg_basebackup and its log archive; relay.key and the folder of files go with it.";

/**
 * Copies database, files and key into the folder `to`, which is made.
 *
 * Fails with `relay/backup-target-in-use`, `relay/no-pg-dump` (the program is not there, with what to do instead) and
 * `relay/pg-dump-failed` (its exit code). Rejects when disk or server do.
 */
export async function backUpServer(
  dataFolder: string,
  database: Secret<string>,
  to: string,
): Promise<Result<ServerBackupDone, ServerBackupFailure>> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  if ((await readdir(to)).length > 0) return err({ kind: "relay/backup-target-in-use" });
  const dump = join(to, DUMP_FILE);
  const failure = await runDump(database, dump);
  if (failure !== null) return err(failure);

  // Asked after the dump: every file that it names is among these, and confirmed files never change.
  const client = await connectTo(database, false);
  const confirmed = await createPostgresSql(client).all<{ attachment_id: string }>(
    "SELECT attachment_id FROM upload WHERE sha256 IS NOT NULL",
  );
  await client.end();
  await mkdir(join(to, BLOB_FOLDER), { mode: 0o700 });
  let files = 0;
  for (const { attachment_id } of confirmed) {
    const here = join(dataFolder, BLOB_FOLDER, attachment_id);
    // Files in a bucket are the bucket's to keep.
    if ((await stat(here).catch(() => null)) === null) continue;
    await copyFile(here, join(to, BLOB_FOLDER, attachment_id), constants.COPYFILE_FICLONE);
    files += 1;
  }
  const key = join(dataFolder, KEY_FILE);
  if ((await stat(key).catch(() => null)) !== null)
    await copyFile(key, join(to, KEY_FILE), constants.COPYFILE_EXCL);
  return ok({ dump_bytes: (await stat(dump)).size, files });
}

async function runDump(
  database: Secret<string>,
  file: string,
): Promise<ServerBackupFailure | null> {
  try {
    await promisify(execFile)("pg_dump", ["--format=custom", `--file=${file}`], {
      // By its environment, not its arguments: those can be seen by everybody on the machine.
      env: { ...process.env, ...placeOf(database) },
    });
    return null;
  } catch (fault) {
    const code = fault instanceof Error && "code" in fault ? fault.code : null;
    if (code === "ENOENT") return { kind: "relay/no-pg-dump", advice: ADVICE };
    return { kind: "relay/pg-dump-failed", code: typeof code === "number" ? code : -1 };
  }
}

function placeOf(database: Secret<string>): Record<string, string> {
  const { hostname, port, username, password, pathname, searchParams } = new URL(database.reveal());
  const sslMode = searchParams.get("sslmode");
  return {
    PGHOST: hostname,
    PGPORT: port === "" ? "5432" : port,
    PGDATABASE: decodeURIComponent(pathname.slice(1)),
    ...(username === "" ? {} : { PGUSER: decodeURIComponent(username) }),
    ...(password === "" ? {} : { PGPASSWORD: decodeURIComponent(password) }),
    ...(sslMode === null ? {} : { PGSSLMODE: sslMode }),
  };
}
