/**
 * Writes to PostgreSQL: several lanes, each a connection with its groups. What is about one conversation goes to one
 * lane, in order; what must be alone has a lane of its own, and the others pause for it. SPEC R52.
 */
import type { Client } from "pg";
import type { Clock } from "#base/clock.ts";
import { createEmitter } from "#base/emitter.ts";
import type { Log } from "#base/log.ts";
import { refuse } from "../failure.ts";
import { factsOf } from "../json-log.ts";
import type { StoredEntry } from "../log/log-store.ts";
import { groupJob } from "../store/group-job.ts";
import { scopeOf, type Scope } from "../store/scopes.ts";
import type { JobOutcome } from "../store/transaction.ts";
import type { Writer } from "../store/writer.ts";
import { Lane } from "./lane.ts";
import { createTurns } from "./turns.ts";

/** Lanes for conversations: enough to keep the server's disk busy, few enough for its processes. */
const LANES = 4;

export function createPostgresWriter(needs: {
  connect(): Promise<Client>;
  readonly clock: Clock;
  readonly events: Log;
}): Writer {
  const { clock, events } = needs;
  const appended = createEmitter<readonly [StoredEntry, string | null]>();
  // Whoever listens may fail; those who wait for the commit get their answer all the same.
  const tell = (outcome: JobOutcome, tag: string | null): void => {
    for (const entry of outcome.appended) {
      try {
        appended.emit([entry, tag]);
      } catch (fault) {
        events.error("append.unheard", factsOf(fault));
      }
    }
  };
  const laneNeeds = { connect: needs.connect, tell, turns: createTurns(), clock, events };
  const alone = new Lane(laneNeeds, true);
  const unordered = new Lane(laneNeeds, false);
  const ordered = Array.from({ length: LANES }, () => new Lane(laneNeeds, false));
  const lanes = [alone, unordered, ...ordered];
  const laneFor = (scope: Scope): Lane => {
    if (scope === null) return alone;
    const [key] = scope;
    return (key === undefined ? undefined : ordered[placeOf(key)]) ?? unordered;
  };
  let isClosed = false;
  return {
    run(name, args, tag = null) {
      return new Promise((resolve) => {
        if (isClosed) {
          resolve(refuse("UNAVAILABLE") as never);
          return;
        }
        const keys = scopeOf(name, args);
        laneFor(keys).add({
          job: { keys, ...groupJob({ name, args }) },
          tag,
          resolve: resolve as (result: unknown) => void,
        });
      });
    },
    onAppended: (listener) => appended.on(([entry, tag]) => listener(entry, tag)),
    async close() {
      isClosed = true;
      await Promise.all(lanes.map((lane) => lane.close()));
    },
  };
}

function placeOf(key: string): number {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return Math.abs(hash) % LANES;
}
