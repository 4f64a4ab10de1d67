/**
 * Many small writes, one commit: jobs that arrived together share a transaction, and a refused one leaves the others
 * alone. Savepoints are dear and almost never needed, so a group is tried without them first. SPEC S14, R4.
 */
import type { DatabaseSync } from "node:sqlite";
import type { Result } from "#base/result.ts";
import type { NewEntry, StoredEntry } from "../log/log-store.ts";
import { refuse, type RelayFailure } from "../failure.ts";
import { insertEntry } from "./insert-entry.ts";
import { refusalCode } from "./fault.ts";
import type { Sql } from "./sql.ts";
import { createSqliteSql } from "./sqlite-sql.ts";

/** What a command may do inside the running transaction. */
export interface Transaction {
  readonly sql: Sql;
  /** Gives the entry the conversation's next seq and remembers it for those who wait for the commit. */
  append(entry: NewEntry, now: number): Promise<StoredEntry>;
}

/** Waits for nothing but its own transaction: whoever else waits for the writer waits for this. */
export type Command<Args, Value> = (
  tx: Transaction,
  args: Args,
) => Promise<Result<Value, RelayFailure>>;

/** What one job came to; `appended` holds its new entries in order and is empty when it was refused. */
export type JobOutcome = {
  readonly result: Result<unknown, RelayFailure>;
  readonly appended: readonly StoredEntry[];
};

/** What a job writes through, the entries it has appended so far, and whether anything would have to be undone. */
export function createTransaction(sql: Sql): {
  readonly tx: Transaction;
  readonly appended: StoredEntry[];
  hasWritten(): boolean;
} {
  const appended: StoredEntry[] = [];
  let hasWritten = false;
  const watched =
    <Args extends readonly [text: string, ...rest: unknown[]], Value>(
      verb: (...args: Args) => Value,
    ) =>
    (...args: Args): Value => {
      hasWritten ||= !args[0].startsWith("SELECT");
      return verb(...args);
    };
  const append = async (entry: NewEntry, now: number): Promise<StoredEntry> => {
    hasWritten = true;
    const stored = await insertEntry(sql, entry, now);
    appended.push(stored);
    return stored;
  };
  const own = { all: watched(sql.all), get: watched(sql.get), run: watched(sql.run) };
  return { tx: { sql: own as Sql, append }, appended, hasWritten: () => hasWritten };
}

type Job = (tx: Transaction) => Promise<Result<unknown, RelayFailure>>;

/**
 * Runs jobs in order and commits once. When the commit fails, every job has failed.
 * A job that throws has found a bug of ours: it alone fails, with `INTERNAL`, and `onFault` hears why.
 * The connection is one, and so is its transaction: a group that is handed in while another runs waits for its end.
 */
export function createGroupRunner(
  db: DatabaseSync,
  onFault: (fault: unknown) => void,
): (jobs: readonly Job[]) => Promise<JobOutcome[]> {
  const sql = createSqliteSql(db);
  const failed = (fault: unknown): JobOutcome => {
    const code = refusalCode(fault);
    if (code === "INTERNAL") onFault(fault);
    return { result: refuse(code), appended: [] };
  };
  const runOne = async (job: Job): Promise<JobOutcome> => {
    const { tx, appended } = createTransaction(sql);
    await sql.run("SAVEPOINT job");
    try {
      const result = await job(tx);
      if (!result.ok) await sql.run("ROLLBACK TO job");
      await sql.run("RELEASE job");
      return { result, appended: result.ok ? appended : [] };
    } catch (fault) {
      // Some disk errors end the whole transaction; then no job of the group can stand.
      if (!db.isTransaction) throw fault;
      await sql.run("ROLLBACK TO job");
      await sql.run("RELEASE job");
      return failed(fault);
    }
  };
  const runEach = async (jobs: readonly Job[]): Promise<JobOutcome[]> => {
    const outcomes: JobOutcome[] = [];
    for (const job of jobs) outcomes.push(await runOne(job));
    return outcomes;
  };
  /** Null: one of them left something to undo, so each needs a savepoint. */
  const runBare = async (jobs: readonly Job[]): Promise<JobOutcome[] | null> => {
    const outcomes: JobOutcome[] = [];
    for (const job of jobs) {
      const { tx, appended, hasWritten } = createTransaction(sql);
      const result = await job(tx).catch(() => null);
      if (result === null || (!result.ok && hasWritten())) return null;
      outcomes.push({ result, appended });
    }
    return outcomes;
  };
  const runGroup = async (jobs: readonly Job[]): Promise<JobOutcome[]> => {
    if (jobs.length === 0) return [];
    try {
      await sql.run("BEGIN IMMEDIATE");
      let outcomes = await runBare(jobs);
      if (outcomes === null) {
        if (db.isTransaction) await sql.run("ROLLBACK");
        await sql.run("BEGIN IMMEDIATE");
        outcomes = await runEach(jobs);
      }
      await sql.run("COMMIT");
      return outcomes;
    } catch (fault) {
      if (db.isTransaction) await sql.run("ROLLBACK");
      const outcome = failed(fault);
      return jobs.map(() => outcome);
    }
  };
  let before: Promise<unknown> = Promise.resolve();
  return (jobs) => {
    const outcomes = before.then(() => runGroup(jobs));
    before = outcomes.catch(() => undefined);
    return outcomes;
  };
}
