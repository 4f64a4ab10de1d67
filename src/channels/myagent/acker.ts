/** Acknowledges what came: the highest seq, at most every 200 ms. The server needs none; it may save it memory. */
import type { Clock } from "#base/clock.ts";

export const ACK_INTERVAL_MS = 200;

export interface Acker {
  heard(seq: number): void;
  stop(): void;
}

/** Creates an acker for one line. */
export function createAcker(clock: Clock, send: (lastSeq: number) => void): Acker {
  let highest = 0;
  let acknowledged = 0;
  let cancel: (() => void) | null = null;

  return {
    heard(seq) {
      highest = Math.max(highest, seq);
      if (cancel !== null || highest === acknowledged) return;
      cancel = clock.after(ACK_INTERVAL_MS, () => {
        cancel = null;
        acknowledged = highest;
        send(highest);
      });
    },
    stop() {
      cancel?.();
      cancel = null;
    },
  };
}
