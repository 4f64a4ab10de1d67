/**
 * One connection that writes: jobs wait in its row and are committed in groups. A group that the server could not
 * serialize is run again; a connection that broke is made anew by the next group. SPEC R53.
 */
import type { Client } from "pg";
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { Result } from "#base/result.ts";
import { refuse, type RelayFailure } from "../failure.ts";
import { factsOf } from "../json-log.ts";
import { ConnectionLost, isWorthARetry, refusalCode } from "../store/fault.ts";
import type { JobOutcome } from "../store/transaction.ts";
import { GROUP_SIZE } from "../store/writer.ts";
import { runGroup, type GroupEnd, type LaneJob } from "./group.ts";
import { createPostgresSql } from "./session.ts";
import type { Turns } from "./turns.ts";

export type Waiting = {
  readonly job: LaneJob;
  readonly tag: string | null;
  resolve(result: Result<unknown, RelayFailure>): void;
};

type Needs = {
  connect(): Promise<Client>;
  /** Tells the entries of a committed job. */
  tell(outcome: JobOutcome, tag: string | null): void;
  readonly turns: Turns;
  readonly clock: Clock;
  readonly events: Log;
};

const MOST_TRIES = 6;
const RETRY_AFTER_MS = [5, 20, 50, 100, 200];
const LOOK_AGAIN_MS = 1_000;

type Doubt = {
  readonly outcomes: readonly JobOutcome[];
  readonly tags: readonly (string | null)[];
};

export class Lane {
  readonly #needs: Needs;
  readonly #isAlone: boolean;
  #row: Waiting[] = [];
  #client: Client | null = null;
  /** Groups whose commit was not answered: their callers know nothing, their entries may stand. */
  #doubts: Doubt[] = [];
  #cancelLook: (() => void) | null = null;
  #working: Promise<void> | null = null;
  #isClosed = false;

  /** `isAlone`: its groups run beside no other. */
  constructor(needs: Needs, isAlone: boolean) {
    this.#needs = needs;
    this.#isAlone = isAlone;
  }

  add(waiting: Waiting): void {
    this.#row.push(waiting);
    this.#work();
  }

  /** Does what is waiting, then hangs up. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelLook?.();
    while (this.#working !== null) await this.#working;
    await this.#client?.end().catch(() => undefined);
  }

  #work(): void {
    this.#working ??= this.#drain().finally(() => {
      this.#working = null;
      if (this.#row.length > 0) this.#work();
    });
  }

  async #drain(): Promise<void> {
    const { turns } = this.#needs;
    // Whatever one turn of the event loop brings shares the first group.
    await Promise.resolve();
    do {
      const group = this.#row.splice(0, GROUP_SIZE);
      const task = (): Promise<void> => this.#runAndTell(group);
      await (this.#isAlone ? turns.alone(task) : turns.beside(task));
    } while (this.#row.length > 0);
  }

  async #runAndTell(group: readonly Waiting[]): Promise<void> {
    const { tell, events } = this.#needs;
    try {
      const { end, outcomes } = await this.#runUntilDone(group);
      if (end === "unknown") {
        this.#doubts.push({ outcomes, tags: group.map(({ tag }) => tag) });
        this.#lookLater();
        throw new ConnectionLost("the commit was not answered");
      }
      for (const [i, { tag, resolve }] of group.entries()) {
        const outcome = outcomes[i];
        if (outcome === undefined) continue;
        tell(outcome, tag);
        resolve(outcome.result);
      }
    } catch (fault) {
      const code = refusalCode(fault);
      events[code === "INTERNAL" ? "error" : "warn"]("database.refused", factsOf(fault));
      for (const { resolve } of group) resolve(refuse(code));
    }
  }

  async #runUntilDone(group: readonly Waiting[]): Promise<GroupEnd> {
    const jobs = group.map(({ job }) => job);
    for (let tries = 1; ; tries++) {
      const client = await this.#connected();
      try {
        const ended = await runGroup(client, jobs, (fault) =>
          this.#needs.events.error("writer.bug", factsOf(fault)),
        );
        if (ended.end === "unknown") this.#drop();
        return ended;
      } catch (fault) {
        const isLost = fault instanceof ConnectionLost;
        // A line that broke between two groups is found by the second one: nothing of it was committed.
        if (isLost) this.#drop();
        else await this.#rollBack(client);
        if (tries >= MOST_TRIES || (isLost && tries > 1) || !(isLost || isWorthARetry(fault)))
          throw fault;
        if (!isLost) await this.#pause(RETRY_AFTER_MS[tries - 1] ?? 0);
      }
    }
  }

  async #connected(): Promise<Client> {
    const client = this.#client ?? (await this.#needs.connect());
    this.#client = client;
    if (this.#doubts.length > 0) await this.#settleDoubts(client);
    return client;
  }

  #drop(): void {
    const client = this.#client;
    this.#client = null;
    void client?.end().catch(() => undefined);
  }

  async #rollBack(client: Client): Promise<void> {
    await client.query("ROLLBACK").catch(() => this.#drop());
  }

  // Who was refused asks again and is answered by the entry that stands; who listens must hear of it now.
  async #settleDoubts(client: Client): Promise<void> {
    const sql = createPostgresSql(client);
    for (let doubt = this.#doubts[0]; doubt !== undefined; doubt = this.#doubts[0]) {
      const [first] = doubt.outcomes.flatMap(({ appended }) => appended);
      const stands =
        first !== undefined &&
        (await sql.get(
          "SELECT 1 FROM entry WHERE conv = ? AND seq = ? AND kind = ? AND at = ? AND meta = ? AND msg_id IS NOT DISTINCT FROM ?",
          first.conversationId,
          first.seq,
          first.kind,
          first.at,
          JSON.stringify(first.meta),
          first.messageId,
        )) !== undefined;
      this.#doubts.shift();
      if (!stands) continue;
      for (const [i, outcome] of doubt.outcomes.entries())
        this.#needs.tell(outcome, doubt.tags[i] ?? null);
    }
  }

  // Without another write nobody else would look.
  #lookLater(): void {
    if (this.#isClosed || this.#cancelLook !== null) return;
    this.#cancelLook = this.#needs.clock.after(LOOK_AGAIN_MS, () => {
      this.#cancelLook = null;
      this.#working ??= this.#look().finally(() => {
        this.#working = null;
        if (this.#row.length > 0) this.#work();
      });
    });
  }

  async #look(): Promise<void> {
    try {
      await this.#connected();
    } catch {
      this.#drop();
    }
    if (this.#doubts.length > 0) this.#lookLater();
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.#needs.clock.after(delayMs, resolve));
  }
}
