/**
 * Every conversation's entries in seq order, each once: gaps are filled from the relay's log, entries are made, kept in
 * one commit with their chains and the new position, then told, then acknowledged. SPEC E43–E45.
 */
import * as v from "valibot";
import type { Clock } from "#base/clock.ts";
import { createKeyedQueue } from "#base/queue.ts";
import { err, ok, type Result } from "#base/result.ts";
import { parseDurableFrame } from "#protocol/frame.ts";
import { parseId, type ConversationId } from "#protocol/ids.ts";
import { MAX_PAGE, MAX_PUSHED_BACKLOG, MAX_RESUME_CURSORS } from "#protocol/limits.ts";
import { seqSchema } from "#protocol/parse.ts";
import type { DurableFrame, RelayFrameOf } from "#protocol/relay-frame.ts";
import type { Acker } from "./acker.ts";
import { startDraft, type Draft } from "./draft.ts";
import type { EndpointEvent, Entry } from "./endpoint.ts";
import { encodeEntry } from "./entry.ts";
import type { EntryMaker, Made } from "./entry-maker.ts";
import { isPassing, type PeerFailure } from "./failure.ts";
import { encodeRecord, parseRecord } from "./json-record.ts";
import type { ReceiverSessions } from "./receiver-sessions.ts";
import type { Rest } from "./rest.ts";
import type { SeenMessages } from "./seen-messages.ts";
import type { Store } from "./store.ts";

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
  close(): void;
}

type Range = { readonly first: number; readonly cursor: number };
type Lane = {
  /** Stored without holes from `first` to `cursor`; null until something of the conversation is known. */
  range: Range | null;
  isLoaded: boolean;
  /** Frames by seq; null where the relay shows something that cannot be read. */
  readonly waiting: Map<number, DurableFrame | null>;
  /** Stored already beyond the cursor: own messages whose ack overtook others' entries. */
  readonly ahead: Set<number>;
  /** A gap that one of our own acks may fill was given its moment. */
  isGraced: boolean;
  /** The relay's newest seq, as far as it said. */
  lastSeq: number;
  /** Up to here it is history, not news. */
  backlogEnd: number;
  stopTimer: () => void;
};

const RANGES = "ranges";
const RangeRecord = v.object({ first: v.number(), cursor: v.number() });
/** Entries of one commit. */
const MAX_BATCH = 32;
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
  readonly keepLog: boolean;
  /** An entry is told whose caller acknowledges it. */
  readonly isAckedByCaller: boolean;
  readonly hasOwnInFlight: (conversationId: ConversationId) => boolean;
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
      const saved = await this.#commit(conversationId, range, draft, [entry]);
      if (!saved.ok) return saved;
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
      if (!one.pushed) this.#kick(conversation_id);
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
      const got = await this.#page(
        conversationId,
        `before=${end}&limit=${Math.min(limit, MAX_PAGE)}`,
      );
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
      if (first === undefined) return ok({ count: 0, hasMore: false });
      const range = { first, cursor: lane.range?.cursor ?? end - 1 };
      const saved = await this.#commit(
        conversationId,
        range,
        draft,
        made.flatMap(({ entry }) => entry ?? []),
      );
      if (!saved.ok) return err(saved.failure);
      lane.range = range;
      lane.backlogEnd = Math.max(lane.backlogEnd, end - 1);
      for (const one of made) this.#tell({ ...one, after: () => {} }, lane);
      return ok({ count: made.length, hasMore: first > 1 });
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const lane of this.#lanes.values()) lane.stopTimer();
  }

  #laneOf(conversationId: ConversationId): Lane {
    const held = this.#lanes.get(conversationId);
    if (held !== undefined) return held;
    const lane: Lane = {
      range: null,
      isLoaded: !this.#keepLog,
      waiting: new Map(),
      ahead: new Set(),
      isGraced: false,
      lastSeq: 0,
      backlogEnd: 0,
      stopTimer: () => {},
    };
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

  /** Where a conversation begins for an endpoint that never saw it. */
  #baseBefore(seq: number): Range {
    const cursor = this.#keepLog ? Math.max(0, seq - 1 - MAX_PUSHED_BACKLOG) : seq - 1;
    return { first: cursor + 1, cursor };
  }

  async #drain(conversationId: ConversationId): Promise<void> {
    const lane = await this.#loadedLane(conversationId);
    for (;;) {
      if (this.#isClosed) return;
      this.#settleCursor(conversationId, lane);
      const batch = nextBatch(lane);
      if (batch.length > 0) {
        if (await this.#takeIn(conversationId, lane, batch)) continue;
        return this.#kickLater(conversationId, lane, RETRY_MS);
      }
      if (lane.range === null || !isBehind(lane)) return;
      if (!this.#keepLog) {
        // The relay's cursor is an agent's truth: what it skips, another process of the agent has dealt with.
        lane.range = { ...lane.range, cursor: Math.min(...lane.waiting.keys()) - 1 };
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

  #settleCursor(conversationId: ConversationId, lane: Lane): void {
    if (lane.range === null) {
      const oldest = Math.min(...lane.waiting.keys());
      if (oldest !== Infinity) lane.range = this.#baseBefore(oldest);
      else if (lane.lastSeq > 0 && this.#keepLog) lane.range = this.#baseBefore(lane.lastSeq + 1);
      else return;
    }
    let { cursor } = lane.range;
    while (lane.ahead.delete(cursor + 1)) cursor += 1;
    for (const seq of lane.waiting.keys()) {
      if (seq <= cursor || lane.ahead.has(seq)) lane.waiting.delete(seq);
    }
    lane.range = { ...lane.range, cursor };
    this.#acker.stored(conversationId, cursor);
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
      // A stream's start must be told before its end is judged.
      if (frame?.type === "stream.start") break;
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
      this.#emit({ type: "error", failure: saved.failure, fatal: false });
      return false;
    }
    lane.range = range;
    for (const one of made) this.#tell(one, lane);
    this.#acker.stored(conversationId, cursor);
    return true;
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
    const saved = isEmpty
      ? ok(null)
      : await this.#store.commit({ puts, log, deletes: draft.deletes });
    if (saved.ok) this.#sessions.keep(draft);
    return saved;
  }

  #tell({ entry, interrupted, after }: Made, lane: Lane): void {
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
    const { frames } = got.value;
    for (const { seq, frame } of frames) lane.waiting.set(seq, frame);
    const newest = frames.at(-1)?.seq ?? after;
    lane.backlogEnd = Math.max(lane.backlogEnd, newest);
    if (!got.value.hasMore) lane.lastSeq = Math.max(newest, ...lane.waiting.keys());
    const oldest = Math.min(...lane.waiting.keys());
    if (lane.range === null || lane.ahead.has(lane.range.cursor + 1)) return ok(null);
    if (oldest <= lane.range.cursor + 1) return ok(null);
    const next = oldest === Infinity ? lane.lastSeq : oldest - 1;
    if (lane.range.cursor < lane.range.first) {
      // Nothing stored yet: who joined later sees the log from there.
      lane.range = { first: next + 1, cursor: next };
      return ok(null);
    }
    // The log has no holes; a relay that shows one hides something. Said aloud, then on.
    this.#emit({
      type: "error",
      failure: { kind: "peer/bad-answer", path: "conversation_seq" },
      fatal: false,
    });
    lane.range = { ...lane.range, cursor: next };
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
      lane.range = null;
      lane.waiting.clear();
      lane.ahead.clear();
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

type Waiting = { readonly seq: number; readonly frame: DurableFrame | null };

function nextBatch(lane: Lane): readonly Waiting[] {
  const batch: Waiting[] = [];
  if (lane.range === null) return batch;
  for (let seq = lane.range.cursor + 1; batch.length < MAX_BATCH; seq++) {
    const frame = lane.waiting.get(seq);
    if (frame === undefined) return batch;
    batch.push({ seq, frame });
  }
  return batch;
}

const isBehind = (lane: Lane): boolean =>
  lane.waiting.size > 0 || lane.lastSeq > (lane.range?.cursor ?? 0);

const Placed = v.looseObject({ conversation_id: v.string(), conversation_seq: seqSchema });

/** An item of a page. One of a type or shape we do not know still fills its place. */
function waitingOf(conversationId: ConversationId, item: unknown): Waiting | null {
  const place = v.safeParse(Placed, item);
  if (!place.success || place.output.conversation_id !== conversationId) return null;
  const parsed = parseDurableFrame(item);
  return { seq: place.output.conversation_seq, frame: parsed.ok ? parsed.value : null };
}
