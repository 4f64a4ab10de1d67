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
import { COMMANDS, type CommandArgs, type CommandName, type CommandResult } from "./commands.ts";
import { createGroupRunner, type JobOutcome, type Transaction } from "./transaction.ts";
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

/** A job as it crosses to whoever does it. */
export type Job = { readonly name: CommandName; readonly args: unknown };

/** Jobs of one commit; enough to share an fsync, few enough not to delay the first. */
export const GROUP_SIZE = 64;

/** Runs a group of named jobs. The table ties each name to its arguments' type. */
export const createJobRunner = (db: DatabaseSync, onFault: (fault: unknown) => void) => {
  const runGroup = createGroupRunner(db, onFault);
  return (jobs: readonly Job[]): Promise<JobOutcome[]> =>
    runGroup(
      jobs.map(
        ({ name, args }) =>
          (tx: Transaction) =>
            COMMANDS[name](tx, args as never),
      ),
    );
};

type Transport = {
  send(jobs: readonly Job[]): void;
  onOutcomes(listener: (outcomes: readonly JobOutcome[]) => void): void;
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
      send: (jobs) => thread.postMessage(jobs),
      onOutcomes: (listener) =>
        thread.on("message", (message: { outcomes: JobOutcome[] } | { fault: LogFields }) => {
          if ("outcomes" in message) listener(message.outcomes);
          else log.error("writer.bug", message.fault);
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
  type Waiting = { readonly tag: string | null; readonly resolve: (result: unknown) => void };
  const appended = createEmitter<readonly [StoredEntry, string | null]>();
  const waiting: Waiting[] = [];
  let gathered: Job[] = [];
  let closed = false;

  const flush = (): void => {
    const jobs = gathered;
    gathered = [];
    for (let at = 0; at < jobs.length; at += GROUP_SIZE)
      transport.send(jobs.slice(at, at + GROUP_SIZE));
  };
  transport.onOutcomes((outcomes) => {
    // Outcomes come back in the order the jobs left.
    for (const [i, job] of waiting.splice(0, outcomes.length).entries()) {
      const outcome = outcomes[i];
      if (outcome === undefined) continue;
      // Whoever listens may fail; those who wait for the disk get their answer all the same.
      for (const entry of outcome.appended) {
        try {
          appended.emit([entry, job.tag]);
        } catch (fault) {
          log.error("append.unheard", factsOf(fault));
        }
      }
      job.resolve(outcome.result);
    }
  });

  return {
    run(name, args, tag = null) {
      return new Promise((resolve) => {
        if (closed) {
          resolve(refuse("UNAVAILABLE") as never);
          return;
        }
        waiting.push({ tag, resolve: resolve as (result: unknown) => void });
        // Whatever one turn of the event loop brings leaves as one message.
        if (gathered.push({ name, args }) === 1) queueMicrotask(flush);
      });
    },
    onAppended: (listener) => appended.on(([entry, tag]) => listener(entry, tag)),
    async close() {
      flush();
      closed = true;
      await transport.close();
    },
  };
}
