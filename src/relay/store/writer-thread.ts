/** The writer's thread: takes groups of jobs, commits each group, answers. A null message ends it. */
import { parentPort, workerData } from "node:worker_threads";
import { assert } from "#base/invariant.ts";
import { factsOf } from "../json-log.ts";
import { createCheckpoint } from "./checkpoint.ts";
import { openForWriting } from "./database.ts";
import { packOutcomes, unpackJobs, type Parcel } from "./parcel.ts";
import { createJobRunner } from "./writer.ts";

const port = parentPort;
assert(port !== null, "this module runs in a worker thread");
const db = openForWriting((workerData as { readonly path: string }).path, "");
const checkpoint = createCheckpoint(db);
const run = createJobRunner(db, (fault) => port.postMessage({ fault: factsOf(fault) }));

const end = async (): Promise<void> => {
  // Groups run in turn: when this one is done, so are all before it.
  await run([]);
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  port.close();
};

const answer = async (parcel: Parcel): Promise<void> => {
  const jobs = unpackJobs(parcel);
  port.postMessage(packOutcomes(jobs, await run(jobs)));
  checkpoint.whenDue();
};

port.on("message", (parcel: Parcel | null) => void (parcel === null ? end() : answer(parcel)));
