/**
 * The end of deleted agents' relations, some at a time: one agent may have tens of thousands, and everybody's writes
 * would wait for them as one transaction. What a stop or a crash interrupts goes on, at whatever node. SPEC R63.
 */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import { ok, type Result } from "#base/result.ts";
import type { RelayFailure } from "../failure.ts";
import { factsOf } from "../json-log.ts";
import type { Writer } from "../store/writer.ts";
import type { Directory } from "./directory.ts";

export type Endings = {
  /** Ends what there is to end, and beyond {@link AWAITED} lots leaves the rest to itself. Fails as the writer does. */
  begin(): Promise<Result<null, RelayFailure>>;
  /**
   * Looks whether something is left to end, as of an earlier run that was interrupted; never twice at a time. After a
   * refusal it rests first: a minute, then twice as long each time, an hour at most.
   */
  goOn(): Promise<void>;
  /** Resolves when nothing is being ended any more. */
  stop(): Promise<void>;
};

/** Whoever deletes an agent of so many lots is answered when they are done; others need not wait for the last. */
const AWAITED = 20;
const SHORTEST_REST_MS = 60_000;
const LONGEST_REST_MS = 3_600_000;

export function createEndings(needs: {
  readonly directory: Pick<Directory, "hasEndingAgents">;
  readonly writer: Pick<Writer, "run">;
  readonly clock: Clock;
  readonly events: Log;
}): Endings {
  const { directory, writer, clock, events } = needs;
  let goingOn: Promise<void> | null = null;
  let isStopped = false;
  let rest = { ms: 0, until: 0 };
  const restLonger = (): void => {
    const ms = Math.min(Math.max(2 * rest.ms, SHORTEST_REST_MS), LONGEST_REST_MS);
    rest = { ms, until: clock.now() + ms };
  };
  const endSome = async (most: number): Promise<Result<"all" | "some", RelayFailure>> => {
    for (let lots = 0; lots < most; lots++) {
      if (isStopped) break;
      const ended = await writer.run("endRelations", { now: clock.now() });
      if (!ended.ok) return ended;
      if (!ended.value.mayBeMore) return ok("all");
    }
    return ok("some");
  };
  const look = async (): Promise<void> => {
    if (isStopped || clock.now() < rest.until) return;
    try {
      const ended = (await directory.hasEndingAgents())
        ? await endSome(Number.POSITIVE_INFINITY)
        : null;
      if (ended?.ok !== false) {
        rest = { ms: 0, until: 0 };
        return;
      }
      restLonger();
      events.warn("ending.refused", { code: ended.failure.code, rest_s: rest.ms / 1_000 });
    } catch (fault) {
      restLonger();
      events.warn("ending.failed", factsOf(fault));
    }
  };
  const goOn = (): Promise<void> => {
    goingOn ??= look().finally(() => {
      goingOn = null;
    });
    return goingOn;
  };
  return {
    goOn,
    async begin() {
      const ended = await endSome(AWAITED);
      if (!ended.ok) return ended;
      if (ended.value === "some") void goOn();
      return ok(null);
    },
    async stop() {
      isStopped = true;
      await goingOn;
    },
  };
}
