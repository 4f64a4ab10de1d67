/**
 * The one writer of the database: jobs in, results out after the commit.
 * In a thread of its own for the relay, so that no fsync stops the event loop; inline for tools and tests.
 */
import { Worker } from "node:worker_threads";
import { createEmitter } from "#base/emitter.ts";
import type { Log, LogFields } from "#base/log.ts";
import type { DatabaseSync } from "node:sqlite";
import { factsOf } from "../json-log.ts";
import type { StoredEntry } from "../log/log-store.ts";
import type { CommandArgs, CommandName, CommandResult } from "./commands.ts";
import { groupJob, type Job } from "./group-job.ts";
import { packJobs, unpackOutcome, type Packed } from "./parcel.ts";
import { createGroupRunner } from "./group-runner.ts";
import type { JobOutcome } from "./transaction.ts";
import { refuse } from "../failure.ts";

export interface Writer {
  /** Resolves when the command's group is committed; `tag` travels with the entries it appends. */
  run<Name extends CommandName>(
    name: Name,
    args: CommandArgs<Name>,
    tag?: string | null,
  ): Promise<Awaited<CommandResult<Name>>>;
  /** Tells every committed entry, in commit order, before the command that appended it resolves. */
  onAppended(listener: (entry: StoredEntry, tag: string | null) => void): () => void;
  close(): Promise<void>;
}

/** Jobs of one commit; enough to share an fsync, few enough not to delay the first. */
export const GROUP_SIZE = 128;
/** While one is on its way to the disk, what comes gathers for the next: the busier the disk, the larger the group. */
const GROUPS_UNDER_WAY = 1;

/** Runs a group of named jobs. */
export const createJobRunner = (db: DatabaseSync, onFault: (fault: unknown) => void) => {
  const runGroup = createGroupRunner(db, onFault);
  return (jobs: readonly Job[]): Promise<JobOutcome[]> => runGroup(jobs.map(groupJob));
};

type Transport = {
  /** Calls back once what comes together has come. */
  gather(flush: () => void): void;
  /** Each group is answered by its outcomes, groups in the order they left. */
  send(jobs: readonly Job[]): void;
  onOutcomes(listener: (outcomes: readonly Packed[]) => void): void;
  close(): Promise<void>;
};

/** A writer over the database file in a thread. */
export function createThreadWriter(path: string, log: Log): Writer {
  const thread = new Worker(new URL("./writer-thread.ts", import.meta.url), {
    workerData: { path },
  });
  const exited = new Promise<void>((resolve) => thread.once("exit", () => resolve()));
  const writer = createWriter(
    {
      // What one turn of the event loop brings, over all sockets, crosses as one message.
      gather: setImmediate,
      send(jobs) {
        const parcel = packJobs(jobs);
        thread.postMessage(parcel, [parcel.bodies.buffer]);
      },
      onOutcomes: (listener) =>
        thread.on("message", (message: readonly Packed[] | { readonly fault: LogFields }) => {
          if ("fault" in message) log.error("writer.bug", message.fault);
          else listener(message);
        }),
      close: () => {
        thread.postMessage(null);
        return exited;
      },
    },
    log,
  );
  return writer;
}

/** A writer on this thread: its commits hold up whatever else runs here. For tools and tests. */
export function createInlineWriter(db: DatabaseSync, log: Log): Writer {
  const run = createJobRunner(db, (fault) => log.error("writer.bug", factsOf(fault)));
  let listener: (outcomes: readonly JobOutcome[]) => void = () => undefined;
  return createWriter(
    {
      gather: queueMicrotask,
      send: (jobs) => void run(jobs).then((outcomes) => listener(outcomes)),
      onOutcomes: (next) => {
        listener = next;
      },
      async close() {
        await run([]);
        db.close();
      },
    },
    log,
  );
}

function createWriter(transport: Transport, log: Log): Writer {
  type Waiting = {
    readonly job: Job;
    readonly tag: string | null;
    readonly resolve: (result: unknown) => void;
  };
  const appended = createEmitter<readonly [StoredEntry, string | null]>();
  const underWay: Waiting[][] = [];
  let gathered: Waiting[] = [];
  let closed = false;

  const flush = (most: number): void => {
    while (gathered.length > 0 && underWay.length < most) {
      const group = gathered.slice(0, GROUP_SIZE);
      gathered = gathered.slice(GROUP_SIZE);
      underWay.push(group);
      transport.send(group.map(({ job }) => job));
    }
  };
  const settle = ({ job, tag, resolve }: Waiting, packed: Packed): void => {
    const outcome = unpackOutcome(job, packed);
    // Whoever listens may fail; those who wait for the disk get their answer all the same.
    for (const entry of outcome.appended) {
      try {
        appended.emit([entry, tag]);
      } catch (fault) {
        log.error("append.unheard", factsOf(fault));
      }
    }
    resolve(outcome.result);
  };
  transport.onOutcomes((outcomes) => {
    const group = underWay.shift() ?? [];
    flush(GROUPS_UNDER_WAY);
    for (const [i, waiting] of group.entries()) {
      const outcome = outcomes[i];
      if (outcome !== undefined) settle(waiting, outcome);
    }
  });

  return {
    run(name, args, tag = null) {
      return new Promise((resolve) => {
        if (closed) {
          resolve(refuse("UNAVAILABLE") as never);
          return;
        }
        const waiting = { job: { name, args }, tag, resolve: resolve as (result: unknown) => void };
        if (gathered.push(waiting) === 1) transport.gather(() => flush(GROUPS_UNDER_WAY));
      });
    },
    onAppended: (listener) => appended.on(([entry, tag]) => listener(entry, tag)),
    async close() {
      flush(Number.POSITIVE_INFINITY);
      closed = true;
      await transport.close();
    },
  };
}
