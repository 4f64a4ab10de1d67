/** Asks the relay for what the agent lacks, hands it in, and asks again once it is dealt with. */
import * as v from "valibot";
import { backoffDelayMs } from "#base/backoff.ts";
import type { Clock } from "#base/clock.ts";
import type { RandomBytes } from "#base/random.ts";
import { isPassing } from "#peer/failure.ts";
import type { Rest } from "#peer/rest.ts";
import { parseDurableFrame } from "#protocol/frame.ts";
import type { AgentId } from "#protocol/ids.ts";
import { errorOfFailure } from "../error-of-failure.ts";
import type { RestLine } from "./rest-line.ts";

/** The relay holds a poll so long when there is nothing. */
const WAIT_S = 20;
const LIMIT = 100;

/**
 * Polls until `signal` aborts. The cursor that acknowledges a batch goes with the question after it, so that a process
 * that dies in between is given the batch again.
 *
 * @throws {@link HasheeError} fatal when the relay refuses for good
 */
export async function pollUntil(
  signal: AbortSignal,
  parts: {
    readonly agentId: AgentId;
    /** Its calls must end when `signal` aborts. */
    readonly rest: Rest;
    readonly line: RestLine;
    readonly clock: Clock;
    readonly random: RandomBytes;
  },
): Promise<void> {
  const { agentId, rest, line, clock, random } = parts;
  let cursor = "";
  for (let tries = 0; !signal.aborted;) {
    const path = `/agents/${agentId}/messages/poll?limit=${LIMIT}&wait=${WAIT_S}${cursor}`;
    const page = await rest.page(path, v.unknown());
    if (signal.aborted) return;
    if (!page.ok) {
      // Another process may be the one that polls, until it leaves: that passes, too.
      if (!isPassing(page.failure)) throw errorOfFailure(page.failure, true);
      await pause(clock, backoffDelayMs(tries++, random), signal);
      continue;
    }
    tries = 0;
    const { items, nextCursor } = page.value;
    await Promise.all(
      items.map(async (item) => {
        const frame = parseDurableFrame(item);
        if (frame.ok) await line.deliver(frame.value);
      }),
    );
    cursor = nextCursor === null ? "" : `&cursor=${encodeURIComponent(nextCursor)}`;
  }
}

const pause = (clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const cancel = clock.after(delayMs, resolve);
    signal.addEventListener("abort", () => (cancel(), resolve()), { once: true });
  });
