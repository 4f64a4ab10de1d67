/** Opens the database and brings an older one up to date, step by step; a step is never changed once released. */
import { openDB, type IDBPDatabase, type OpenDBCallbacks } from "idb";
import { err, ok, type Result } from "#base/result.ts";
import type { EngineFailure } from "../failure.ts";
import { SCHEMA_VERSION, type ParleySchema } from "./schema.ts";

export type Database = IDBPDatabase<ParleySchema>;

/** Step `n` leads from version `n` to `n + 1`. */
const STEPS: readonly ((database: Database) => void)[] = [
  (database) => {
    database.createObjectStore("records", { keyPath: "name" }).createIndex("byGroup", "group");
    database.createObjectStore("rows", { keyPath: ["log", "page", "slot"] });
    database.createObjectStore("door");
  },
];

/** Databases whose opening waits for another tab. */
const blocked = new Set<string>();

/**
 * The database called `name`.
 *
 * `onLost` is called once when the browser or a newer version in another tab takes the connection away.
 * Fails with `engine/store-blocked` (another tab holds an older version), `engine/store-newer` (made by a newer
 * version of the app) and `engine/store-unavailable` (no storage: private mode, quota 0, damage).
 */
export function openDatabase(
  name: string,
  onLost: () => void,
): Promise<Result<Database, EngineFailure>> {
  // A second wish to open would wait behind the first without a word.
  if (blocked.has(name)) return Promise.resolve(err({ kind: "engine/store-blocked" }));
  return new Promise((resolve) => {
    let isGivenUp = false;
    const opening = openOrReject(name, {
      upgrade(database, oldVersion) {
        for (const step of STEPS.slice(oldVersion)) step(database);
      },
      blocked() {
        isGivenUp = true;
        blocked.add(name);
        resolve(err({ kind: "engine/store-blocked" }));
      },
      blocking(_current, _blocked, event) {
        (event.target as IDBDatabase).close();
        onLost();
      },
      terminated: onLost,
    });
    const settled = (): boolean => blocked.delete(name);
    void opening.then(settled, settled);
    opening.then(
      (database) => {
        // The block may end after we said no: nobody holds this connection then.
        if (isGivenUp) database.close();
        else resolve(ok(database));
      },
      (error: unknown) => resolve(err({ kind: kindOf(error) })),
    );
  });
}

/** A browser that forbids storage throws where it should reject. */
const openOrReject = async (name: string, hear: OpenDBCallbacks<ParleySchema>): Promise<Database> =>
  openDB<ParleySchema>(name, SCHEMA_VERSION, hear);

const kindOf = (error: unknown): "engine/store-newer" | "engine/store-unavailable" =>
  error instanceof Error && error.name === "VersionError"
    ? "engine/store-newer"
    : "engine/store-unavailable";
