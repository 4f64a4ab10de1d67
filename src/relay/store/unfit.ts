/** Why a database cannot be used, each in a sentence an operator can act on. */

/** Why the relay does not run on a database. */
export type Unfit =
  | "too-old"
  | "fsync-off"
  | "synchronous-commit-off"
  | "standby"
  | "foreign"
  | "newer-schema";

/** Thrown when a database is reached and cannot be used. */
export class UnfitDatabase extends Error {
  override readonly name = "UnfitDatabase";
  readonly because: Unfit;
  constructor(because: Unfit) {
    super(`the database cannot be used: ${because}`);
    this.because = because;
  }
}

export const UNFIT_SAYS: Readonly<Record<Unfit, string>> = {
  "too-old": "The database server is older than PostgreSQL 14.",
  "fsync-off": "The database server runs with fsync=off: a crash would lose what was acknowledged.",
  "synchronous-commit-off":
    "The database answers commits before they are on disk: set synchronous_commit to on for this database and user.",
  standby: "The database server is a standby: give the address of the primary.",
  foreign: "The database holds tables of another program: give the relay a database of its own.",
  "newer-schema":
    "The database was written by a newer version of the relay: start that one, or put back the copy made before the upgrade.",
};
