/** The writer's thread: takes groups of jobs, commits each group, answers. A null message ends it. */
import { parentPort, workerData } from "node:worker_threads";
import { assert } from "#base/invariant.ts";
import { factsOf } from "../json-log.ts";
import { openForWriting } from "./database.ts";
import { createJobRunner, GROUP_SIZE, type Job } from "./writer.ts";

const port = parentPort;
assert(port !== null, "this module runs in a worker thread");
const db = openForWriting((workerData as { readonly path: string }).path, "");
const run = createJobRunner(db, (fault) => port.postMessage({ fault: factsOf(fault) }));

let waiting: Job[] = [];
const flush = async (): Promise<void> => {
  const jobs = waiting;
  waiting = [];
  if (jobs.length > 0) port.postMessage({ outcomes: await run(jobs) });
};

const end = async (): Promise<void> => {
  // Groups run in turn: when this one is done, so are all before it.
  await flush();
  await run([]);
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  port.close();
};

port.on("message", (jobs: readonly Job[] | null) => {
  if (jobs === null) {
    void end();
    return;
  }
  // Groups that came while the last commit was on its way to the disk share the next one.
  if (waiting.length === 0) setImmediate(() => void flush());
  waiting.push(...jobs);
  if (waiting.length >= GROUP_SIZE) void flush();
});
