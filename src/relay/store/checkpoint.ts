/**
 * When what is in the write-ahead log moves into the database file. SQLite by itself does it inside a commit, whose
 * callers wait for it; here it is done between commits, once those of the last one have their answer.
 */
import type { DatabaseSync } from "node:sqlite";

/**
 * Pages of the log, 16 MiB, that are moved together. The more they are, the more of them are older states of the same
 * page, which are not moved, and the seldomer a write waits; the fewer, the sooner a killed relay is back.
 */
const DUE_PAGES = 4_000;

/** Takes the moving of a connection's log over from SQLite. */
export function createCheckpoint(db: DatabaseSync): { whenDue(): void } {
  db.exec("PRAGMA wal_autocheckpoint = 0");
  const look = db.prepare("PRAGMA wal_checkpoint(NOOP)");
  const move = db.prepare("PRAGMA wal_checkpoint(PASSIVE)");
  return {
    whenDue() {
      try {
        const { log } = look.get() as { readonly log: number };
        if (log >= DUE_PAGES) move.get();
      } catch {
        // A full or failing disk: what was committed stands in the log, and the next commit tries again.
      }
    },
  };
}
