/** Frames a replay may bring again. */
import { identityOf, type ServerFrame } from "./frame.ts";

/** The server keeps 1,000 events and replays 200; older ones cannot come back. */
const KEPT_IDS = 2_000;

export interface SeenFrames {
  /** Whether the frame is new; it is remembered. */
  isNew(frame: ServerFrame): boolean;
}

/** Creates a memory of the last 2,000 frames, over any number of lines. */
export function createSeenFrames(): SeenFrames {
  const ids = new Set<string>();
  return {
    isNew(frame) {
      const id = identityOf(frame);
      if (id === null) return true;
      if (ids.has(id)) return false;
      ids.add(id);
      if (ids.size > KEPT_IDS) {
        const [oldest] = ids;
        if (oldest !== undefined) ids.delete(oldest);
      }
      return true;
    },
  };
}
