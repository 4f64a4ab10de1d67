/** What a fault out of a database means: a full disk, one that fails, damage, a lost connection, or a bug of ours. */

const SQLITE_ERROR = 1;
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;
/** ERROR, SCHEMA, TOOBIG, CONSTRAINT, MISMATCH, MISUSE, RANGE: a statement of ours is wrong, the disk is not. */
const OUR_BUGS: ReadonlySet<number> = new Set([1, 17, 18, 19, 20, 21, 25]);

/** READONLY, IOERR, FULL, CANTOPEN. */
const UNWRITABLE: ReadonlySet<number> = new Set([8, 10, 13, 14]);
const NO_WRITES = /^(EROFS|EACCES|EPERM|ENOSPC|EDQUOT|EIO|ENOTDIR)$/;

/** SQLSTATE classes that say something of the server or its disk, not of our statement. */
const SERVER_TROUBLE = /^(08|25P03|25006|40|53|55P03|57|58|XX)/;
const POSTGRES_FULL = "53100";
const SERIALIZATION_FAILURE = "40001";
const DEADLOCK = "40P01";
const DAMAGED = /^XX00[12]$/;

/** The line to the database server broke, or was never there. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
}

/** The code a request is refused with. */
export function refusalCode(fault: unknown): "STORAGE_FULL" | "STORAGE_FAILED" | "INTERNAL" {
  if (fault instanceof ConnectionLost) return "STORAGE_FAILED";
  const state = sqlStateOf(fault);
  if (state === POSTGRES_FULL) return "STORAGE_FULL";
  if (state !== null) return SERVER_TROUBLE.test(state) ? "STORAGE_FAILED" : "INTERNAL";
  const primary = primaryCode(fault);
  if (primary === null || OUR_BUGS.has(primary)) return "INTERNAL";
  return primary === SQLITE_FULL ? "STORAGE_FULL" : "STORAGE_FAILED";
}

/** Whether a page of the database is not what it was. */
export function isDamage(fault: unknown): boolean {
  const primary = primaryCode(fault);
  const state = sqlStateOf(fault);
  return primary === SQLITE_CORRUPT || primary === SQLITE_NOTADB || DAMAGED.test(state ?? "");
}

/** Whether SQLite does not know what a statement names: the statement is wrong, or the tables are not ours any more. */
export const isUnknownToSchema = (fault: unknown): boolean => primaryCode(fault) === SQLITE_ERROR;

/** Whether somebody else has the file of a database. */
export function isHeld(fault: unknown): boolean {
  const primary = primaryCode(fault);
  return primary === SQLITE_BUSY || primary === SQLITE_LOCKED;
}

/** Whether the same transaction, begun anew, may well succeed. */
export function isWorthARetry(fault: unknown): boolean {
  const state = sqlStateOf(fault);
  return state === SERIALIZATION_FAILURE || state === DEADLOCK;
}

/** Whether the disk of the data folder takes no writes, as SQLite or the file system says it. */
export function isUnwritable(fault: unknown): boolean {
  const primary = primaryCode(fault);
  if (primary !== null) return UNWRITABLE.has(primary);
  if (!(fault instanceof Error && "syscall" in fault && "code" in fault)) return false;
  // A port that is not given is no disk.
  return fault.syscall !== "listen" && typeof fault.code === "string" && NO_WRITES.test(fault.code);
}

/** Five characters by which PostgreSQL names a fault; a fault of the line has no severity. */
export function sqlStateOf(fault: unknown): string | null {
  if (!(fault instanceof Error) || !("severity" in fault) || !("code" in fault)) return null;
  return typeof fault.code === "string" ? fault.code : null;
}

function primaryCode(fault: unknown): number | null {
  const errcode = fault instanceof Error && "errcode" in fault ? fault.errcode : undefined;
  // The low byte is the primary code.
  return typeof errcode === "number" ? errcode & 0xff : null;
}
