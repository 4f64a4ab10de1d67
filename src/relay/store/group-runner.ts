/**
 * Many small writes, one commit: jobs that arrived together share a transaction, and a refused one leaves the others
 * alone. Savepoints are dear and almost never needed, so a group is tried without them first. SPEC S14, R4.
 */
import type { DatabaseSync } from "node:sqlite";
import { refuse } from "../failure.ts";
import { appendTogether } from "./append-together.ts";
import { refusalCode } from "./fault.ts";
import { partsOf, type GroupJob } from "./group-job.ts";
import { createSqliteSql } from "./sqlite-sql.ts";
import { createTransaction, type JobOutcome } from "./transaction.ts";

/**
 * Runs jobs in order and commits once. When the commit fails, every job has failed.
 * A job that throws has found a bug of ours: it alone fails, with `INTERNAL`, and `onFault` hears why.
 * The connection is one, and so is its transaction: a group that is handed in while another runs waits for its end.
 */
export function createGroupRunner(
  db: DatabaseSync,
  onFault: (fault: unknown) => void,
): (jobs: readonly GroupJob[]) => Promise<JobOutcome[]> {
  const sql = createSqliteSql(db);
  const failed = (fault: unknown): JobOutcome => {
    const code = refusalCode(fault);
    if (code === "INTERNAL") onFault(fault);
    return { result: refuse(code), appended: [] };
  };
  const runOne = async (job: GroupJob): Promise<JobOutcome> => {
    const { tx, appended } = createTransaction(sql);
    await sql.run("SAVEPOINT job");
    try {
      const result = await job.run(tx);
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
  const runEach = async (jobs: readonly GroupJob[]): Promise<JobOutcome[]> => {
    const outcomes: JobOutcome[] = [];
    for (const job of jobs) outcomes.push(await runOne(job));
    return outcomes;
  };
  /** Null: one of them left something to undo, so each needs a savepoint. */
  const runBare = async (jobs: readonly GroupJob[]): Promise<JobOutcome[] | null> => {
    const outcomes: JobOutcome[] = [];
    for (const part of partsOf(jobs)) {
      if (part.kind === "appends") {
        const together = await appendTogether(sql, part.requests).catch(() => null);
        if (together === null) return null;
        outcomes.push(...together);
        continue;
      }
      const { tx, appended, hasWritten } = createTransaction(sql);
      const result = await part.job.run(tx).catch(() => null);
      if (result === null || (!result.ok && hasWritten())) return null;
      outcomes.push({ result, appended });
    }
    return outcomes;
  };
  const runGroup = async (jobs: readonly GroupJob[]): Promise<JobOutcome[]> => {
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
