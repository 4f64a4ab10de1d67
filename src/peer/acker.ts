/** Tells the relay how far each conversation is stored here: within a second, or every 32 entries. SPEC E41, E42. */
import type { Clock } from "#base/clock.ts";
import type { ConversationId } from "#protocol/ids.ts";
import { ACK_EVERY_ENTRIES, ACK_WITHIN_MS } from "#protocol/limits.ts";

export interface Acker {
  /** Everything up to `seq` is stored, or was dropped for good. */
  stored(conversationId: ConversationId, seq: number): void;
  /** An entry was told whose caller acknowledges: nothing from it on is acked before. */
  told(conversationId: ConversationId, seq: number): void;
  /** The caller has dealt with everything up to `seq`. */
  dealtWith(conversationId: ConversationId, seq: number): void;
  /** Sends what is due now. */
  flush(): void;
  /** A new line, or a reset log: what was acked before says nothing about it. */
  restart(conversationId: ConversationId | null): void;
  /** Whether the relay was told of everything here, so that nothing is lost with {@link release}. */
  isLevel(conversationId: ConversationId): boolean;
  release(conversationId: ConversationId): void;
}

type Lane = {
  storedSeq: number;
  ackedSeq: number;
  readonly outstanding: Set<number>;
};

export function createAcker(options: {
  readonly clock: Clock;
  /** False while there is no line. */
  readonly send: (conversationId: ConversationId, seq: number) => boolean;
}): Acker {
  const lanes = new Map<ConversationId, Lane>();
  let stopTimer: (() => void) | null = null;

  const laneOf = (conversationId: ConversationId): Lane => {
    const held = lanes.get(conversationId);
    if (held !== undefined) return held;
    const lane: Lane = { storedSeq: 0, ackedSeq: 0, outstanding: new Set() };
    lanes.set(conversationId, lane);
    return lane;
  };

  const flush = (): void => {
    stopTimer?.();
    stopTimer = null;
    for (const [conversationId, lane] of lanes) {
      const seq = ackableSeq(lane);
      if (seq > lane.ackedSeq && options.send(conversationId, seq)) lane.ackedSeq = seq;
    }
  };

  const schedule = (lane: Lane): void => {
    const due = ackableSeq(lane) - lane.ackedSeq;
    if (due >= ACK_EVERY_ENTRIES) flush();
    else if (due > 0) stopTimer ??= options.clock.after(ACK_WITHIN_MS / 2, flush);
  };

  return {
    flush,
    stored(conversationId, seq) {
      const lane = laneOf(conversationId);
      lane.storedSeq = Math.max(lane.storedSeq, seq);
      schedule(lane);
    },
    told: (conversationId, seq) => void laneOf(conversationId).outstanding.add(seq),
    dealtWith(conversationId, seq) {
      const lane = laneOf(conversationId);
      for (const one of lane.outstanding) if (one <= seq) lane.outstanding.delete(one);
      schedule(lane);
    },
    isLevel(conversationId) {
      const lane = lanes.get(conversationId);
      if (lane === undefined) return true;
      return lane.outstanding.size === 0 && lane.storedSeq <= lane.ackedSeq;
    },
    release: (conversationId) => void lanes.delete(conversationId),
    restart(conversationId) {
      for (const [id, lane] of lanes) {
        if (conversationId === null) lane.ackedSeq = 0;
        else if (id === conversationId) lanes.delete(id);
      }
    },
  };
}

const ackableSeq = (lane: Lane): number =>
  lane.outstanding.size === 0
    ? lane.storedSeq
    : Math.min(lane.storedSeq, Math.min(...lane.outstanding) - 1);
