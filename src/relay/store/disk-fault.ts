/** What a fault out of SQLite means: a full disk, one that fails, a damaged file, or a bug of ours. */

const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;
/** ERROR, SCHEMA, TOOBIG, CONSTRAINT, MISMATCH, MISUSE, RANGE: a statement of ours is wrong, the disk is not. */
const OUR_BUGS: ReadonlySet<number> = new Set([1, 17, 18, 19, 20, 21, 25]);

/** The code a request is refused with. */
export function refusalCode(fault: unknown): "STORAGE_FULL" | "STORAGE_FAILED" | "INTERNAL" {
  const primary = primaryCode(fault);
  if (primary === null || OUR_BUGS.has(primary)) return "INTERNAL";
  return primary === SQLITE_FULL ? "STORAGE_FULL" : "STORAGE_FAILED";
}

/** Whether a page of the database is not what it was. */
export function isDamage(fault: unknown): boolean {
  const primary = primaryCode(fault);
  return primary === SQLITE_CORRUPT || primary === SQLITE_NOTADB;
}

function primaryCode(fault: unknown): number | null {
  const errcode = fault instanceof Error && "errcode" in fault ? fault.errcode : undefined;
  // The low byte is the primary code.
  return typeof errcode === "number" ? errcode & 0xff : null;
}
