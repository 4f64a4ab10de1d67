/**
 * Every conversation's entries in seq order, each once: gaps are filled from the relay's log, entries are made, kept in
 * one commit with their chains and the new position, then told, then acknowledged. SPEC E43–E45.
 */
import * as v from "valibot";
import type { Clock } from "#base/clock.ts";
import { createKeyedQueue } from "#base/queue.ts";
import { err, ok, type Result } from "#base/result.ts";
import { parseId, type ConversationId } from "#protocol/ids.ts";
import { MAX_PAGE, MAX_RESUME_CURSORS } from "#protocol/limits.ts";
import type { DurableFrame, RelayFrameOf } from "#protocol/relay-frame.ts";
import type { Acker } from "./acker.ts";
import { startDraft, type Draft } from "./draft.ts";
import type { EndpointEvent, Entry } from "./endpoint.ts";
import { encodeEntry } from "./entry.ts";
import type { EntryMaker, Made } from "./entry-maker.ts";
import { isPassing, type PeerFailure } from "./failure.ts";
import { draftHistory } from "./handed-history.ts";
import { Lane, RangeRecord, waitingOf, type Range, type Waiting } from "./inbox-lane.ts";
import { encodeRecord, parseRecord } from "./json-record.ts";
import type { ReceiverSessions } from "./receiver-sessions.ts";
import type { Rest } from "./rest.ts";
import type { SeenMessages } from "./seen-messages.ts";
import type { Statements } from "./statements.ts";
import type { Batch, Store } from "./store.ts";

export interface Inbox {
  /** A durable frame came. */
  offer(frame: DurableFrame): void;
  /** Places an own message that the relay has stored, with what its sender wants written alongside. */
  place(entry: Entry, draft: Draft): Promise<Result<null, PeerFailure>>;
  /** A new line: what the relay says about who is behind, and which logs are other ones. */
  resumed(answer: RelayFrameOf<"resume.ok"> | null): Promise<void>;
  /** Cursors of the next resume; null without a log of our own. */
  cursors(): Promise<Readonly<Record<string, number>> | null>;
  pullBefore(
    conversationId: ConversationId,
    beforeSeq: number,
    limit: number,
  ): Promise<Result<{ readonly count: number; readonly hasMore: boolean }, PeerFailure>>;
  takeHistory(
    conversationId: ConversationId,
    entries: readonly Entry[],
  ): Promise<Result<number, PeerFailure>>;
  /** Runs a task, and commits what it gives, unless entries wait that come before. */
  whenLevel(conversationId: ConversationId, task: (cursor: number) => Promise<Draft>): void;
  /** Whether everything of a conversation that came is stored, told and acknowledged. */
  isAtRest(conversationId: ConversationId): boolean;
  /** Forgets where a conversation stands, and its chains, unless there is something to do; whether it did. */
  putAway(conversationId: ConversationId): Promise<boolean>;
  /** Begins no write any more; resolves when the one under way is done. */
  close(): Promise<void>;
}

const RANGES = "ranges";
const RETRY_MS = 2_000;
/** An ack of our own message may be overtaken by the entry after it. */
const OWN_ACK_GRACE_MS = 250;

export const createInbox = (options: Needs): Inbox => new OrderedInbox(options);

type Needs = {
  readonly clock: Clock;
  readonly store: Store;
  readonly rest: Rest;
  readonly maker: EntryMaker;
  readonly sessions: ReceiverSessions;
  readonly seen: SeenMessages;
  readonly acker: Acker;
  readonly statements: Statements;
  readonly keepLog: boolean;
  /** An entry is told whose caller acknowledges it. */
  readonly isAckedByCaller: boolean;
  readonly hasOwnInFlight: (conversationId: ConversationId) => boolean;
  /** A conversation's places are forgotten, in this moment. */
  readonly onPutAway: (conversationId: ConversationId) => void;
  readonly emit: (event: EndpointEvent) => void;
};

class OrderedInbox implements Inbox {
  readonly #options: Needs;
  readonly #clock: Needs["clock"];
  readonly #store: Needs["store"];
  readonly #maker: Needs["maker"];
  readonly #sessions: Needs["sessions"];
  readonly #acker: Needs["acker"];
  readonly #keepLog: Needs["keepLog"];
  readonly #emit: Needs["emit"];
  readonly #lanes = new Map<ConversationId, Lane>();
  readonly #queue = createKeyedQueue();
  readonly #writing = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(options: Needs) {
    this.#options = options;
    this.#clock = options.clock;
    this.#store = options.store;
    this.#maker = options.maker;
    this.#sessions = options.sessions;
    this.#acker = options.acker;
    this.#keepLog = options.keepLog;
    this.#emit = options.emit;
  }

  offer(frame: DurableFrame): void {
    const lane = this.#laneOf(frame.conversation_id);
    lane.waiting.set(frame.conversation_seq, frame);
    this.#kick(frame.conversation_id);
  }

  place(entry: Entry, draft: Draft): Promise<Result<null, PeerFailure>> {
    return this.#queue.run(entry.conversationId, async () => {
      const { conversationId, seq } = entry;
      const lane = await this.#loadedLane(conversationId);
      const isNext = lane.range !== null && seq === lane.range.cursor + 1;
      const range = isNext && lane.range !== null ? { ...lane.range, cursor: seq } : null;
      // The log may have shown it before its ack came; then it was told already.
      const isTold = lane.holds(seq) && (await this.#store.logAt(conversationId, seq)) !== null;
      const saved = await this.#commit(conversationId, range, draft, isTold ? [] : [entry]);
      if (!saved.ok || isTold) return saved;
      if (range !== null) lane.range = range;
      else if (lane.range === null || seq > lane.range.cursor) lane.ahead.add(seq);
      this.#emit({ type: "entry", entry, live: true });
      this.#kick(conversationId);
      return ok(null);
    });
  }

  async resumed(answer: RelayFrameOf<"resume.ok"> | null): Promise<void> {
    this.#acker.restart(null);
    if (answer?.status === "reset") {
      for (const conversationId of Object.keys((await this.#cursors()) ?? {}))
        await this.#reset(conversationId as ConversationId);
    }
    for (const one of answer?.conversations ?? []) {
      const { conversation_id, last_seq, cursor } = one;
      if (one.status === "reset" && answer?.status !== "reset") await this.#reset(conversation_id);
      const lane = await this.#loadedLane(conversation_id);
      lane.lastSeq = last_seq;
      lane.backlogEnd = Math.max(lane.backlogEnd, last_seq);
      if (!this.#keepLog) lane.range ??= { first: cursor + 1, cursor };
      // Nothing is pushed of what was acknowledged before, and after a reset that is what is missing here.
      if (!one.pushed || one.status === "reset") this.#kick(conversation_id);
    }
    for (const [conversationId, lane] of this.#lanes)
      if (lane.waiting.size > 0) this.#kick(conversationId);
  }

  async cursors(): Promise<Readonly<Record<string, number>> | null> {
    const all = await this.#cursors();
    return all && Object.fromEntries(Object.entries(all).slice(0, MAX_RESUME_CURSORS));
  }

  pullBefore(
    conversationId: ConversationId,
    beforeSeq: number,
    limit: number,
  ): Promise<Result<{ readonly count: number; readonly hasMore: boolean }, PeerFailure>> {
    return this.#queue.run(conversationId, async () => {
      const lane = await this.#loadedLane(conversationId);
      const end = Math.min(beforeSeq, lane.range?.first ?? beforeSeq);
      if (end <= 1) return ok({ count: 0, hasMore: false });
      // Without a place: the newest page. A number that no log reaches is no place.
      const place = end < Number.MAX_SAFE_INTEGER ? `before=${end}&` : "";
      const got = await this.#page(conversationId, `${place}limit=${Math.min(limit, MAX_PAGE)}`);
      if (!got.ok) return got;
      const draft = startDraft();
      const made: Made[] = [];
      for (const { frame } of got.value.frames) {
        if (frame === null) continue;
        const one = await this.#maker.make(frame, draft);
        if (!one.ok) return one;
        made.push(one.value);
      }
      const first = got.value.frames[0]?.seq;
      const newest = got.value.frames.at(-1)?.seq;
      if (first === undefined || newest === undefined) return ok({ count: 0, hasMore: false });
      // Where nothing was known, what is asked for says nothing of how far the log goes.
      const range = { first, cursor: lane.range?.cursor ?? newest };
      const saved = await this.#commit(
        conversationId,
        range,
        draft,
        made.flatMap(({ entry }) => entry ?? []),
      );
      if (!saved.ok) return err(saved.failure);
      lane.range = range;
      lane.backlogEnd = Math.max(lane.backlogEnd, newest);
      for (const one of made) this.#tell({ ...one, after: () => {} }, lane);
      await this.#settle(conversationId, range);
      return ok({ count: made.length, hasMore: first > 1 });
    });
  }

  takeHistory(
    conversationId: ConversationId,
    entries: readonly Entry[],
  ): Promise<Result<number, PeerFailure>> {
    return this.#queue.run(conversationId, async () => {
      const draft = await draftHistory(this.#options, conversationId, entries);
      const saved = await this.#commit(conversationId, null, draft, []);
      return saved.ok ? ok(draft.log.length) : saved;
    });
  }

  whenLevel(conversationId: ConversationId, task: (cursor: number) => Promise<Draft>): void {
    void this.#queue.run(conversationId, async () => {
      const lane = await this.#loadedLane(conversationId);
      const { range } = lane;
      if (this.#isClosed || range === null || lane.isBehind()) return;
      const saved = await this.#commit(conversationId, null, await task(range.cursor), []);
      if (saved.ok) await this.#settle(conversationId, range);
    });
  }

  isAtRest(conversationId: ConversationId): boolean {
    return !this.#queue.isBusy(conversationId) && this.#isLevel(conversationId);
  }

  async putAway(conversationId: ConversationId): Promise<boolean> {
    return this.#queue.run(conversationId, async () => {
      if (!this.#isLevel(conversationId)) return false;
      this.#lanes.get(conversationId)?.stopTimer();
      this.#lanes.delete(conversationId);
      this.#acker.release(conversationId);
      this.#sessions.release(conversationId);
      this.#options.onPutAway(conversationId);
      return true;
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const lane of this.#lanes.values()) lane.stopTimer();
    await Promise.allSettled(this.#writing);
  }

  #isLevel(conversationId: ConversationId): boolean {
    const lane = this.#lanes.get(conversationId);
    return (lane === undefined || lane.isIdle()) && this.#acker.isLevel(conversationId);
  }

  #laneOf(conversationId: ConversationId): Lane {
    const held = this.#lanes.get(conversationId);
    if (held !== undefined) return held;
    const lane = new Lane(this.#keepLog);
    this.#lanes.set(conversationId, lane);
    return lane;
  }

  async #loadedLane(conversationId: ConversationId): Promise<Lane> {
    const lane = this.#laneOf(conversationId);
    if (lane.isLoaded) return lane;
    lane.range = parseRecord(RangeRecord, await this.#store.get(RANGES, conversationId));
    lane.isLoaded = true;
    return lane;
  }

  #kick(conversationId: ConversationId): void {
    void this.#queue.run(conversationId, () => this.#drain(conversationId));
  }

  #kickLater(conversationId: ConversationId, lane: Lane, delayMs: number): void {
    lane.stopTimer();
    lane.stopTimer = this.#clock.after(delayMs, () => this.#kick(conversationId));
  }

  async #drain(conversationId: ConversationId): Promise<void> {
    const lane = await this.#loadedLane(conversationId);
    for (;;) {
      if (this.#isClosed) return;
      const cursor = lane.settleCursor();
      if (cursor !== null) this.#acker.stored(conversationId, cursor);
      const batch = lane.nextBatch();
      if (batch.length > 0) {
        if (await this.#takeIn(conversationId, lane, batch)) continue;
        return this.#kickLater(conversationId, lane, RETRY_MS);
      }
      if (lane.range === null || !lane.isBehind()) return;
      if (!this.#keepLog) {
        lane.skipToWaiting();
        continue;
      }
      if (this.#options.hasOwnInFlight(conversationId) && !lane.isGraced) {
        lane.isGraced = true;
        return this.#kickLater(conversationId, lane, OWN_ACK_GRACE_MS);
      }
      lane.isGraced = false;
      const pulled = await this.#pull(conversationId, lane, lane.range.cursor);
      if (!pulled.ok) {
        if (isPassing(pulled.failure)) return this.#kickLater(conversationId, lane, RETRY_MS);
        this.#emit({ type: "error", failure: pulled.failure, fatal: false });
        return;
      }
    }
  }

  /** Makes, commits and tells a run of entries. False: something passing stands in the way. */
  async #takeIn(
    conversationId: ConversationId,
    lane: Lane,
    batch: readonly Waiting[],
  ): Promise<boolean> {
    const draft = startDraft();
    const made: Made[] = [];
    let cursor = lane.range?.cursor ?? 0;
    const before = cursor;
    for (const { seq, frame } of batch) {
      const one = frame === null ? null : await this.#maker.make(frame, draft);
      if (one?.ok === false) break;
      if (one !== null) made.push(one.value);
      cursor = seq;
      // A stream's start must be told before its end is judged, and what fills a gap finds its row on disk.
      const content = one?.value.entry?.content;
      if (frame?.type === "stream.start" || (content?.kind === "message" && content.gap)) break;
    }
    if (cursor === before) return false;
    const range = { first: lane.range?.first ?? 1, cursor };
    const saved = await this.#commit(
      conversationId,
      range,
      draft,
      made.flatMap(({ entry }) => entry ?? []),
    );
    if (!saved.ok) {
      if (!this.#isClosed) this.#emit({ type: "error", failure: saved.failure, fatal: false });
      return false;
    }
    lane.range = range;
    for (const one of made) this.#tell(one, lane);
    this.#acker.stored(conversationId, cursor);
    await this.#settle(conversationId, range);
    return true;
  }

  async #settle(conversationId: ConversationId, { first }: Range): Promise<void> {
    const draft = await this.#options.statements.settle(conversationId, first);
    await this.#commit(conversationId, null, draft, []);
  }

  async #commit(
    conversationId: ConversationId,
    range: Range | null,
    draft: Draft,
    entries: readonly Entry[],
  ): Promise<Result<null, PeerFailure>> {
    const puts = [...draft.puts];
    const log = this.#keepLog ? [...draft.log] : [];
    if (this.#keepLog) {
      for (const entry of entries)
        log.push({ conversationId, seq: entry.seq, row: encodeEntry(entry) });
      if (range !== null)
        puts.push({ table: RANGES, key: conversationId, value: encodeRecord(range) });
    }
    const isEmpty = puts.length + log.length + draft.deletes.length === 0;
    // The next run may be at work on this disk by now, and a key is used up once.
    if (this.#isClosed) return err({ kind: "peer/closed" });
    const saved = isEmpty ? ok(null) : await this.#write({ puts, log, deletes: draft.deletes });
    if (!saved.ok) return saved;
    this.#sessions.keep(draft);
    for (const tell of draft.after) tell();
    return saved;
  }

  async #write(batch: Batch): Promise<Result<null, PeerFailure>> {
    const writing = this.#store.commit(batch);
    this.#writing.add(writing);
    try {
      return await writing;
    } finally {
      this.#writing.delete(writing);
    }
  }

  #tell({ entry, mended, interrupted, after }: Made, lane: Lane): void {
    if (mended !== null) this.#emit({ type: "mended", entry: mended });
    if (entry !== null) {
      if (this.#options.isAckedByCaller) this.#acker.told(entry.conversationId, entry.seq);
      const live = entry.seq > lane.backlogEnd;
      this.#emit({ type: "entry", entry, live, ...(interrupted ? { interrupted } : {}) });
    }
    after();
  }

  async #page(
    conversationId: ConversationId,
    query: string,
  ): Promise<
    Result<{ readonly frames: readonly Waiting[]; readonly hasMore: boolean }, PeerFailure>
  > {
    const answer = await this.#options.rest.page(
      `/conversations/${conversationId}/messages?${query}`,
      v.unknown(),
    );
    if (!answer.ok) return answer;
    const frames = answer.value.items.flatMap((item) => waitingOf(conversationId, item) ?? []);
    return ok({ frames, hasMore: answer.value.nextCursor !== null });
  }

  async #pull(
    conversationId: ConversationId,
    lane: Lane,
    after: number,
  ): Promise<Result<null, PeerFailure>> {
    const got = await this.#page(conversationId, `after=${after}&limit=${MAX_PAGE}`);
    if (!got.ok) return got;
    const { frames, hasMore } = got.value;
    if (lane.tookPage(frames, after, hasMore) === "hole") {
      // The log has no holes; a relay that shows one hides something. Said aloud, then on.
      const failure = { kind: "peer/bad-answer", path: "conversation_seq" } as const;
      this.#emit({ type: "error", failure, fatal: false });
    }
    return ok(null);
  }

  #reset(conversationId: ConversationId): Promise<void> {
    return this.#queue.run(conversationId, async () => {
      const lane = await this.#loadedLane(conversationId);
      if (this.#keepLog) {
        const salvage = await this.#options.seen.salvage(conversationId);
        const deletes = [...(salvage.deletes ?? []), { table: RANGES, key: conversationId }];
        await this.#store.commit({ ...salvage, deletes });
      }
      lane.forget();
      this.#acker.restart(conversationId);
      this.#emit({ type: "reset", conversationId });
    });
  }

  async #cursors(): Promise<Readonly<Record<string, number>> | null> {
    if (!this.#keepLog) return null;
    const rows = await this.#store.list(RANGES);
    const known = rows.flatMap(({ key, value }): [string, number][] => {
      const range = parseRecord(RangeRecord, value);
      return range === null || parseId(key) === null ? [] : [[key, range.cursor]];
    });
    return Object.fromEntries(known);
  }
}
