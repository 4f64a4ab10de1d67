/**
 * Many small writes, one commit: jobs that arrived together share a transaction, each in a savepoint of its own,
 * so a refused one leaves the others alone. SPEC S14.
 */
import type { DatabaseSync } from "node:sqlite";
import type { Result } from "#base/result.ts";
import type { NewEntry, StoredEntry } from "../log/log-store.ts";
import { refuse, type RelayFailure } from "../failure.ts";
import { insertEntry } from "./insert-entry.ts";
import { refusalCode } from "./disk-fault.ts";
import { createSql, type Sql } from "./sql.ts";

/** What a command may do inside the running transaction. */
export interface Transaction {
  readonly sql: Sql;
  /** Gives the entry the conversation's next seq and remembers it for those who wait for the commit. */
  append(entry: NewEntry, now: number): StoredEntry;
}

export type Command<Args, Value> = (tx: Transaction, args: Args) => Result<Value, RelayFailure>;

/** What one job came to; `appended` holds its new entries in order and is empty when it was refused. */
export type JobOutcome = {
  readonly result: Result<unknown, RelayFailure>;
  readonly appended: readonly StoredEntry[];
};

type Job = (tx: Transaction) => Result<unknown, RelayFailure>;

/**
 * Runs jobs in order and commits once. When the commit fails, every job has failed.
 * A job that throws has found a bug of ours: it alone fails, with `INTERNAL`, and `onFault` hears why.
 */
export function createGroupRunner(
  db: DatabaseSync,
  onFault: (fault: unknown) => void,
): (jobs: readonly Job[]) => JobOutcome[] {
  const sql = createSql(db);
  const failed = (fault: unknown): JobOutcome => {
    const code = refusalCode(fault);
    if (code === "INTERNAL") onFault(fault);
    return { result: refuse(code), appended: [] };
  };
  const runOne = (job: Job): JobOutcome => {
    const appended: StoredEntry[] = [];
    const append = (entry: NewEntry, now: number): StoredEntry => {
      const stored = insertEntry(sql, entry, now);
      appended.push(stored);
      return stored;
    };
    sql.run("SAVEPOINT job");
    try {
      const result = job({ sql, append });
      if (!result.ok) sql.run("ROLLBACK TO job");
      sql.run("RELEASE job");
      return { result, appended: result.ok ? appended : [] };
    } catch (fault) {
      // Some disk errors end the whole transaction; then no job of the group can stand.
      if (!db.isTransaction) throw fault;
      sql.run("ROLLBACK TO job");
      sql.run("RELEASE job");
      return failed(fault);
    }
  };
  return (jobs) => {
    try {
      sql.run("BEGIN IMMEDIATE");
      const outcomes = jobs.map(runOne);
      sql.run("COMMIT");
      return outcomes;
    } catch (fault) {
      if (db.isTransaction) sql.run("ROLLBACK");
      const outcome = failed(fault);
      return jobs.map(() => outcome);
    }
  };
}
