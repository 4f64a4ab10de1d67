/**
 * One group of jobs as one transaction of PostgreSQL: its locks first, then the jobs, then the commit. Savepoints are
 * dear, so each job gets one of its own only when the group turned out to hold one that has to be undone. The locks make commands that could disturb each other run one after the other, on all nodes. SPEC R52.
 */
import type { Client } from "pg";
import { refuse } from "../failure.ts";
import { ConnectionLost, isWorthARetry, refusalCode } from "../store/fault.ts";
import { partsOf, type GroupJob } from "../store/group-job.ts";
import { createTransaction, type JobOutcome } from "../store/transaction.ts";
import { appendTogether } from "./append-together.ts";
import { createPostgresSql, lossAsSuch } from "./session.ts";

export type LaneJob = GroupJob & {
  /** Null: nothing may be written beside it. */
  readonly keys: readonly string[] | null;
};

/** committed: for sure. unknown: the line broke while the server was committing. */
export type GroupEnd = {
  readonly end: "committed" | "unknown";
  readonly outcomes: readonly JobOutcome[];
};

/** "Prly" and one: all writes share this lock, and what must be alone has it for itself. */
const EVERYTHING = 0x50726c7a;
// Each waits for the locks in the same order, so that no two wait for each other.
const LOCK = `SELECT pg_advisory_xact_lock_shared($1),
  (SELECT count(pg_advisory_xact_lock(hashtextextended(key, 0))) FROM unnest($2::text[]) AS key)`;
const LOCK_ALL = "SELECT pg_advisory_xact_lock($1)";

/**
 * Runs the jobs and commits. Rejects when nothing was committed: with {@link ConnectionLost}, or with what the server
 * said of the transaction as a whole. A job that finds a bug of ours fails alone, and `onFault` hears why.
 */
export async function runGroup(
  client: Client,
  jobs: readonly LaneJob[],
  onFault: (fault: unknown) => void,
): Promise<GroupEnd> {
  const sql = createPostgresSql(client);
  // Sent without waiting for the answer; the next statement is right behind it.
  let broken: unknown = null;
  const ahead = (text: string): void =>
    void lossAsSuch(client.query(text)).catch((fault: unknown) => {
      broken ??= fault;
    });
  const isFatal = (fault: unknown): boolean =>
    broken !== null || fault instanceof ConnectionLost || isWorthARetry(fault);
  const runOne = async (job: LaneJob): Promise<JobOutcome> => {
    const { tx, appended } = createTransaction(sql);
    ahead("SAVEPOINT job");
    const undo = (): void => {
      ahead("ROLLBACK TO SAVEPOINT job");
      ahead("RELEASE SAVEPOINT job");
    };
    try {
      const result = await job.run(tx);
      if (result.ok) ahead("RELEASE SAVEPOINT job");
      else undo();
      return { result, appended: result.ok ? appended : [] };
    } catch (fault) {
      if (isFatal(fault)) throw fault;
      undo();
      const code = refusalCode(fault);
      if (code === "INTERNAL") onFault(fault);
      return { result: refuse(code), appended: [] };
    }
  };
  const begin = async (): Promise<void> => {
    ahead("BEGIN");
    await takeLocks(client, jobs);
  };
  await begin();
  let outcomes = await runBare(client, jobs).catch((fault: unknown) => {
    if (isFatal(fault)) throw fault;
    return null;
  });
  if (outcomes === null) {
    ahead("ROLLBACK");
    await begin();
    outcomes = [];
    for (const job of jobs) outcomes.push(await runOne(job));
  }
  return { end: await commit(client, () => broken), outcomes };
}

/** Null: a job was refused after it had written, so each needs a savepoint. */
async function runBare(client: Client, jobs: readonly LaneJob[]): Promise<JobOutcome[] | null> {
  const sql = createPostgresSql(client);
  const outcomes: JobOutcome[] = [];
  for (const part of partsOf(jobs)) {
    if (part.kind === "appends") {
      const together = await appendTogether(client, part.requests);
      if (together === null) return null;
      outcomes.push(...together);
      continue;
    }
    const { tx, appended, hasWritten } = createTransaction(sql);
    const result = await part.job.run(tx);
    if (!result.ok && hasWritten()) return null;
    outcomes.push({ result, appended });
  }
  return outcomes;
}

async function takeLocks(client: Client, jobs: readonly LaneJob[]): Promise<void> {
  const isAlone = jobs.some(({ keys }) => keys === null);
  const keys = [...new Set(jobs.flatMap((job) => job.keys ?? []))].toSorted();
  await lossAsSuch(
    isAlone
      ? client.query(LOCK_ALL, [EVERYTHING])
      : client.query({ name: "parley-lock", text: LOCK, values: [EVERYTHING, keys] }),
  );
}

async function commit(client: Client, broken: () => unknown): Promise<"committed" | "unknown"> {
  let command: string;
  try {
    ({ command } = await lossAsSuch(client.query("COMMIT")));
  } catch (fault) {
    if (fault instanceof ConnectionLost) return "unknown";
    throw broken() ?? fault;
  }
  // Whatever was sent ahead has been answered by now. A transaction that had failed is rolled back by its COMMIT,
  // without an error.
  if (command === "COMMIT" && broken() === null) return "committed";
  throw broken() ?? new ConnectionLost("the transaction was rolled back");
}
