/** Why a database server cannot be used, each in a sentence an operator can act on. */
import type { Unfit } from "./session.ts";

export const UNFIT_SAYS: Readonly<Record<Unfit, string>> = {
  "too-old": "The database server is older than PostgreSQL 14.",
  "fsync-off": "The database server runs with fsync=off: a crash would lose what was acknowledged.",
  "synchronous-commit-off":
    "The database answers commits before they are on disk: set synchronous_commit to on for this database and user.",
  standby: "The database server is a standby: give the address of the primary.",
  foreign: "The database holds tables of another program: give the relay a database of its own.",
  "newer-schema": "The database was written by a newer version of the relay.",
};
