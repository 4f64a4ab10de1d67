/** Looks over an installation and says what is wrong with it, in sentences an operator can act on. SPEC §operation. */
import { accessSync, constants, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import type { Secret } from "#base/secret.ts";
import { makeId, type AttachmentId } from "#protocol/ids.ts";
import type { S3Place } from "../blobs/s3-blobs.ts";
import type { Config } from "../config.ts";
import { DATABASE_FILE, KEY_FILE } from "../data-folder.ts";
import { KEY_BYTES } from "../relay-key.ts";
import { openForReading } from "../store/database.ts";
import { ConnectionLost } from "../store/fault.ts";
import { MIGRATIONS } from "../store/schema.ts";
import { createSqliteSql } from "../store/sqlite-sql.ts";
import { UNFIT_SAYS, UnfitDatabase } from "../store/unfit.ts";
import { KEY_SAYS, sentenceOfLoss } from "./sentences.ts";

export type Finding = { readonly level: "ok" | "warn" | "fail"; readonly says: string };

const ANSWER_WITHIN_MS = 5_000;
/** Below this the relay will soon refuse to write. */
const LEAST_FREE_BYTES = 1_073_741_824;

/** Checks settings, data folder, database and app; touches nothing. */
export async function examine(config: Config): Promise<readonly Finding[]> {
  return [
    runtime(),
    ...folder(config.dataFolder),
    config.key == null ? key(config.dataFolder) : ok("The relay's key comes from PARLEY_KEY."),
    ...(config.database == null
      ? [await database(config.dataFolder)]
      : await server(config.database)),
    ...(config.s3 == null ? [] : [await bucket(config.s3)]),
    ...(config.redis == null ? [] : [await broker(config.redis)]),
    ...reach(config),
    app(config.staticRoot ?? null),
  ];
}

const ok = (says: string): Finding => ({ level: "ok", says });
const warn = (says: string): Finding => ({ level: "warn", says });
const fail = (says: string): Finding => ({ level: "fail", says });

const runtime = (): Finding =>
  ok(`Node ${process.versions.node} with SQLite ${process.versions.sqlite ?? "none"}.`);

function folder(path: string): readonly Finding[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return [warn("The data folder does not exist yet; the relay makes it.")];
  if (!found.isDirectory()) return [fail("The data folder is not a folder.")];
  if (!isWritable(path)) return [fail("The data folder cannot be written by this user.")];
  const free = statfsSync(path);
  const freeBytes = free.bavail * free.bsize;
  const freeGib = (freeBytes / LEAST_FREE_BYTES).toFixed(1);
  return [
    (found.mode & 0o077) === 0
      ? ok("The data folder is this user's alone.")
      : warn("Others on this machine can read the data folder: chmod 700."),
    freeBytes >= LEAST_FREE_BYTES
      ? ok(`${freeGib} GiB are free.`)
      : warn(`Only ${freeGib} GiB are free; a full disk makes the relay refuse to write.`),
  ];
}

function key(path: string): Finding {
  const found = statSync(join(path, KEY_FILE), { throwIfNoEntry: false });
  if (found === undefined)
    return warn("There is no key yet; the relay makes one at its first start.");
  if (found.size !== KEY_BYTES) return fail(KEY_SAYS.damaged);
  return (found.mode & 0o077) === 0
    ? ok("The relay's key is this user's alone.")
    : fail("Others on this machine can read the relay's key: chmod 600.");
}

async function database(path: string): Promise<Finding> {
  const file = join(path, DATABASE_FILE);
  if (statSync(file, { throwIfNoEntry: false }) === undefined)
    return warn("There is no database yet; the relay makes one at its first start.");
  try {
    const db = openForReading(file);
    const sql = createSqliteSql(db);
    const faults = await sql.all<{ quick_check: string }>("PRAGMA quick_check");
    const [{ user_version: version } = { user_version: 0 }] = await sql.all<{
      user_version: number;
    }>("PRAGMA user_version");
    db.close();
    if (version > MIGRATIONS.length) return fail(UNFIT_SAYS["newer-schema"]);
    return faults.every((row) => row.quick_check === "ok")
      ? ok("The database's pages are sound; `verify` reads every row and file.")
      : fail("The database has damaged pages: run `verify`, and put it back from a backup.");
  } catch {
    return fail("The database cannot be read.");
  }
}

async function server(address: Secret<string>): Promise<readonly Finding[]> {
  const { connectTo, readSettings, unfitnessOf } = await import("../postgres/session.ts");
  const { schemaVersion } = await import("../postgres/migrate.ts");
  const client = await connectTo(address, false).catch((fault: unknown) => {
    if (fault instanceof ConnectionLost) return fault;
    throw fault;
  });
  if (client instanceof ConnectionLost) return [fail(sentenceOfLoss(client))];
  try {
    const settings = await readSettings(client);
    const because = unfitnessOf(settings);
    const version = await schemaVersion(client);
    const isKnown = version <= MIGRATIONS.length;
    return [
      because === null
        ? ok(`PostgreSQL ${Math.floor(settings.version / 10_000)} keeps what it acknowledges.`)
        : fail(UNFIT_SAYS[because]),
      isKnown
        ? ok(`The database has schema ${version} of ${MIGRATIONS.length}; the relay does the rest.`)
        : fail(UNFIT_SAYS["newer-schema"]),
      settings.checksums === "on"
        ? ok("Its pages have checksums.")
        : warn("Its pages have no checksums: `pg_checksums --enable` finds damage early."),
    ];
  } catch (fault) {
    return [
      fail(
        fault instanceof UnfitDatabase ? UNFIT_SAYS[fault.because] : "The database cannot be read.",
      ),
    ];
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Asks for a list of nothing, which needs the name, the key and the right to read. */
async function bucket(place: S3Place): Promise<Finding> {
  const { createS3Blobs } = await import("../blobs/s3-blobs.ts");
  const blobs = createS3Blobs(place, { clock: systemClock, random: systemRandom });
  const nothing = makeId<AttachmentId>(systemClock.now(), systemRandom);
  return blobs.stat(nothing).then(
    () => ok("The bucket answers."),
    () => fail("The bucket does not answer, or refuses its key: look at PARLEY_S3_."),
  );
}

/** A relay runs without it; several on one database then hear of each other a second late. */
async function broker(address: Secret<string>): Promise<Finding> {
  const { createClient } = await import("redis");
  const socket = { connectTimeout: ANSWER_WITHIN_MS, reconnectStrategy: false } as const;
  const client = createClient({ url: address.reveal(), socket, disableOfflineQueue: true });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.ping();
    return ok("Redis answers.");
  } catch {
    return warn("Redis does not answer, or refuses the user: what passes comes a second late.");
  } finally {
    client.destroy();
  }
}

function reach({ host = "", origins = [], trustsProxy = false }: Config): readonly Finding[] {
  const isLocal = host === "127.0.0.1" || host === "::1" || host === "localhost";
  const insecure = origins.filter(
    (origin) => !origin.startsWith("https:") && !/^http:\/\/(127\.0\.0\.1|localhost)/.test(origin),
  );
  return [
    ...(isLocal || origins.length > 0
      ? []
      : [fail("It listens beyond this machine, but PARLEY_ORIGIN names no page that may use it.")]),
    ...(insecure.length === 0
      ? [ok("Every origin is https or on this machine.")]
      : [fail("An origin is plain http: browsers give such a page no cryptography.")]),
    ...(isLocal && origins.some((origin) => origin.startsWith("https:")) && !trustsProxy
      ? [warn("Behind a proxy all callers have one address: set PARLEY_TRUST_PROXY=1.")]
      : []),
  ];
}

const app = (root: string | null): Finding =>
  root !== null && statSync(join(root, "index.html"), { throwIfNoEntry: false }) !== undefined
    ? ok("The built app is there.")
    : warn("No built app: only the API is served. `npm run build` makes it.");

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
