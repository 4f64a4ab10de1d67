/** How far one conversation's log is stored here, and what of it waits. Pure bookkeeping; `inbox.ts` reads and writes. */
import * as v from "valibot";
import type { ConversationId } from "#protocol/ids.ts";
import { parseDurableFrame } from "#protocol/frame.ts";
import { MAX_PUSHED_BACKLOG } from "#protocol/limits.ts";
import { seqSchema } from "#protocol/parse.ts";
import type { DurableFrame } from "#protocol/relay-frame.ts";

/** Stored without holes from `first` to `cursor`. */
export type Range = { readonly first: number; readonly cursor: number };
export const RangeRecord = v.object({ first: v.number(), cursor: v.number() });

/** A place of the log; the frame is null where the relay shows something that cannot be read. */
export type Waiting = { readonly seq: number; readonly frame: DurableFrame | null };

/** Entries of one commit. */
const MAX_BATCH = 32;

export class Lane {
  readonly #keepLog: boolean;
  /** Null until something of the conversation is known. */
  range: Range | null = null;
  isLoaded: boolean;
  readonly waiting = new Map<number, DurableFrame | null>();
  /** Stored already beyond the cursor: own messages whose ack overtook others' entries. */
  readonly ahead = new Set<number>();
  /** A gap that one of our own acks may fill was given its moment. */
  isGraced = false;
  /** The relay's newest seq, as far as it said. */
  lastSeq = 0;
  /** Up to here it is history, not news. */
  backlogEnd = 0;
  stopTimer = (): void => {};

  constructor(keepLog: boolean) {
    this.#keepLog = keepLog;
    this.isLoaded = !keepLog;
  }

  /** Infinity when nothing waits. */
  oldestWaiting(): number {
    return Math.min(...this.waiting.keys());
  }

  /** Whether more can be had now. A passing endpoint fetches nothing: what it lacks is on its way to it. */
  isBehind(): boolean {
    const knowsOfMore = this.#keepLog && this.lastSeq > (this.range?.cursor ?? 0);
    return this.waiting.size > 0 || knowsOfMore;
  }

  /** Nothing is lost when it goes: what it knows stands on the disk, or comes with the next entry. */
  isIdle(): boolean {
    return !this.isBehind() && (!this.#keepLog || this.ahead.size === 0);
  }

  /** Whether the place lies in what is stored here. */
  holds(seq: number): boolean {
    const { range } = this;
    return this.ahead.has(seq) || (range !== null && seq >= range.first && seq <= range.cursor);
  }

  /** What waits right after the cursor, without a hole. */
  nextBatch(): readonly Waiting[] {
    const batch: Waiting[] = [];
    if (this.range === null) return batch;
    for (let seq = this.range.cursor + 1; batch.length < MAX_BATCH; seq++) {
      const frame = this.waiting.get(seq);
      if (frame === undefined) return batch;
      batch.push({ seq, frame });
    }
    return batch;
  }

  /** Passes what is stored already and drops it from what waits. Null while nothing is known. */
  settleCursor(): number | null {
    this.range ??= this.#beginning();
    if (this.range === null) return null;
    let { cursor } = this.range;
    while (this.ahead.delete(cursor + 1)) cursor += 1;
    for (const seq of this.waiting.keys()) {
      if (seq <= cursor || this.ahead.has(seq)) this.waiting.delete(seq);
    }
    this.range = { ...this.range, cursor };
    return cursor;
  }

  /** The relay's cursor is an agent's truth: what it skips, another process of the agent has dealt with. */
  skipToWaiting(): void {
    if (this.range !== null) this.range = { ...this.range, cursor: this.oldestWaiting() - 1 };
  }

  /**
   * A page read after `after` came, the last one if `!hasMore`. A hole that the relay shows before the next entry is
   * passed over: innocent where nothing is stored yet, since who joined later sees the log from there.
   */
  tookPage(frames: readonly Waiting[], after: number, hasMore: boolean): "whole" | "hole" {
    for (const { seq, frame } of frames) this.waiting.set(seq, frame);
    const newest = frames.at(-1)?.seq ?? after;
    this.backlogEnd = Math.max(this.backlogEnd, newest);
    if (!hasMore) this.lastSeq = Math.max(newest, ...this.waiting.keys());
    const oldest = this.oldestWaiting();
    if (this.range === null || this.ahead.has(this.range.cursor + 1)) return "whole";
    if (oldest <= this.range.cursor + 1) return "whole";
    const next = oldest === Infinity ? this.lastSeq : oldest - 1;
    const isEmpty = this.range.cursor < this.range.first;
    this.range = isEmpty ? { first: next + 1, cursor: next } : { ...this.range, cursor: next };
    return isEmpty ? "whole" : "hole";
  }

  /** The log is another one than before. */
  forget(): void {
    this.range = null;
    this.waiting.clear();
    this.ahead.clear();
  }

  /** Where the conversation begins for an endpoint that never saw it. */
  #beginning(): Range | null {
    const oldest = this.oldestWaiting();
    const isTold = this.#keepLog && this.lastSeq > 0;
    const known = oldest === Infinity && isTold ? this.lastSeq + 1 : oldest;
    if (known === Infinity) return null;
    const cursor = this.#keepLog ? Math.max(0, known - 1 - MAX_PUSHED_BACKLOG) : known - 1;
    return { first: cursor + 1, cursor };
  }
}

const Placed = v.looseObject({ conversation_id: v.string(), conversation_seq: seqSchema });

/** An item of a page. One of a type or shape we do not know still fills its place. */
export function waitingOf(conversationId: ConversationId, item: unknown): Waiting | null {
  const place = v.safeParse(Placed, item);
  if (!place.success || place.output.conversation_id !== conversationId) return null;
  const parsed = parseDurableFrame(item);
  return { seq: place.output.conversation_seq, frame: parsed.ok ? parsed.value : null };
}
