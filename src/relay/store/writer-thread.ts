/** The writer's thread: takes groups of jobs, commits each group, answers. A null message ends it. */
import { parentPort, workerData } from "node:worker_threads";
import { assert } from "#base/invariant.ts";
import { factsOf } from "../json-log.ts";
import { openForWriting } from "./database.ts";
import { createJobRunner, shortened, type Job } from "./writer.ts";

const port = parentPort;
assert(port !== null, "this module runs in a worker thread");
const db = openForWriting((workerData as { readonly path: string }).path, "");
const run = createJobRunner(db, (fault) => port.postMessage({ fault: factsOf(fault) }));

const end = async (): Promise<void> => {
  // Groups run in turn: when this one is done, so are all before it.
  await run([]);
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  port.close();
};

const answer = async (jobs: readonly Job[]): Promise<void> => {
  const outcomes = await run(jobs);
  port.postMessage({ outcomes: shortened(jobs, outcomes) });
};

port.on("message", (jobs: readonly Job[] | null) => void (jobs === null ? end() : answer(jobs)));
