/**
 * The threads one page has open: windows of history loaded into the pure thread, changes gathered and told once per
 * tick, live text told as what was gained. SPEC §pages.
 */
import { err, ok, type Result } from "#base/result.ts";
import type { EngineEvent } from "#bridge/events.ts";
import type { MessageView, ThreadView } from "#bridge/views.ts";
import type { ConversationId, MessageId } from "#protocol/ids.ts";
import type { Entry } from "#peer/endpoint.ts";
import { parseEntry } from "#peer/entry.ts";
import { BEFORE_DEVICE } from "#peer/entry-maker.ts";
import type { EngineFailure } from "./failure.ts";
import { createGatherer } from "./gather.ts";
import type { Session } from "./session.ts";
import { viewAll, viewMessage } from "./thread/message-view.ts";
import { meaningOf, seqOfId, type Row } from "./thread/row.ts";
import { emptyThread, reduceThread, type Thread, type ThreadEvent } from "./thread/thread.ts";
import { viewContext } from "./view-context.ts";

/** Drawn rows of one window, and log rows read to find them. */
const ROWS_PER_WINDOW = 40;
const LOG_ROWS_AT_ONCE = 100;

type OpenThread = {
  thread: Thread;
  /** Loaded log: `fromSeq` and up, to `toSeq` (Infinity: to the end and on). */
  fromSeq: number;
  toSeq: number;
  readonly waiting: ThreadEvent[];
  isRedrawn: boolean;
  /** Rows were met that are not for this device. */
  isCut: boolean;
  isLoading: boolean;
};

export interface PageThreads {
  open(id: ConversationId, around: MessageId | null): Promise<Result<ThreadView, EngineFailure>>;
  /** The next older rows than those loaded. */
  before(id: ConversationId): Promise<Result<ThreadView, EngineFailure>>;
  after(id: ConversationId): Promise<Result<ThreadView, EngineFailure>>;
  closeThread(id: ConversationId): null;
  isOpen(id: ConversationId): boolean;
  /** Seq of a row of an open thread; null for one that is not loaded or has none yet. */
  seqOf(id: ConversationId, messageId: MessageId): number | null;
  thread(id: ConversationId): Thread | null;
  hear(id: ConversationId, events: readonly ThreadEvent[]): void;
  redraw(id: ConversationId): void;
  redrawAll(): void;
  /** A new line: what is open is asked about again. */
  check(): void;
  close(): void;
}

/** Creates the open threads of one page. */
export function createPageThreads(
  session: Session,
  emit: (event: EngineEvent) => void,
): PageThreads {
  const { deps, store, book } = session;
  const open = new Map<ConversationId, OpenThread>();

  const flush = (): void => {
    for (const [id, one] of open) {
      if (one.isLoading || (one.waiting.length === 0 && !one.isRedrawn)) continue;
      const events = one.waiting.splice(0).filter((event) => belongs(one, event));
      tell(id, one, events);
    }
  };
  const gatherer = createGatherer(deps.clock, deps.gatherMs, flush);

  const tell = (id: ConversationId, one: OpenThread, events: readonly ThreadEvent[]): void => {
    const before = one.thread;
    const { thread, changed } = reduceThread(before, events);
    one.thread = thread;
    const context = viewContext(session, id);
    const ids = one.isRedrawn
      ? new Set([...changed, ...viewAll(thread, context).map((row) => row.id)])
      : changed;
    one.isRedrawn = false;
    const messages: MessageView[] = [];
    const gone: MessageId[] = [];
    for (const messageId of ids) {
      const view = viewMessage(thread, messageId, context);
      if (view !== null) messages.push(view);
      else gone.push(messageId);
    }
    // New rows before old ones go: a stream's message takes the place of its start without a gap.
    if (messages.length > 0) emit({ type: "messages", conversationId: id, messages });
    if (gone.length > 0) emit({ type: "messages-removed", conversationId: id, messageIds: gone });
    for (const [streamId, live] of thread.liveById) {
      const offset = before.liveById.get(streamId)?.text.length ?? 0;
      if (ids.has(live.messageId) || live.text.length <= offset) continue;
      const { messageId } = live;
      const text = live.text.slice(offset);
      emit({ type: "stream-text", conversationId: id, messageId, streamId, offset, text });
    }
  };

  /** Log rows before a seq; what the relay has and we do not is fetched when the line allows it. */
  const rowsBefore = async (id: ConversationId, beforeSeq: number): Promise<readonly Entry[]> => {
    const local = await readBefore(session, id, beforeSeq);
    const newest = local.at(-1)?.seq ?? 0;
    const isWhole = beforeSeq === Infinity || newest === beforeSeq - 1;
    if (beforeSeq <= 1 || (isWhole && local.length > 0)) return local;
    const fetched = await session
      .carrierOf(id)
      .fetchBefore(Math.min(beforeSeq, Number.MAX_SAFE_INTEGER), LOG_ROWS_AT_ONCE);
    return fetched > 0 ? readBefore(session, id, beforeSeq) : local;
  };

  /** Loads older entries into the thread until a window's worth of rows is new, or the log's beginning is reached. */
  const extendBefore = async (
    id: ConversationId,
    one: OpenThread,
  ): Promise<ReadonlySet<MessageId>> => {
    const added = new Set<MessageId>();
    while (added.size < ROWS_PER_WINDOW && one.fromSeq > 1) {
      const entries = await rowsBefore(id, one.fromSeq);
      const first = entries[0];
      if (first === undefined) {
        if (one.fromSeq === Infinity) one.fromSeq = 1;
        break;
      }
      const before = added.size;
      addEntries(one, entries, added);
      one.fromSeq = Math.min(one.fromSeq, first.seq);
      const isAbsent = entries.some(isBeforeDevice);
      one.isCut ||= isAbsent;
      // Page after page of what cannot be read is nobody's history.
      if (isAbsent && added.size === before) one.fromSeq = 1;
    }
    await addMissing(session, id, one, added);
    await session.carrierOf(id).prepare(added);
    return added;
  };
  const extendAfter = async (
    id: ConversationId,
    one: OpenThread,
  ): Promise<ReadonlySet<MessageId>> => {
    const added = new Set<MessageId>();
    while (added.size < ROWS_PER_WINDOW && one.toSeq !== Infinity) {
      const rows = await store.logAfter(id, one.toSeq, LOG_ROWS_AT_ONCE);
      addEntries(
        one,
        rows.flatMap(({ row }) => parseEntry(row) ?? []),
        added,
      );
      one.toSeq = rows.length < LOG_ROWS_AT_ONCE ? Infinity : (rows.at(-1)?.seq ?? Infinity);
    }
    await addMissing(session, id, one, added);
    await session.carrierOf(id).prepare(added);
    return added;
  };
  const addEntries = (one: OpenThread, entries: readonly Entry[], added: Set<MessageId>): void => {
    const { thread, changed } = reduceThread(
      one.thread,
      entries.map((entry) => ({ type: "entry", entry })),
    );
    for (const id of changed)
      if (thread.rowById.has(id) && !one.thread.rowById.has(id)) added.add(id);
    one.thread = thread;
  };

  const windowOf = (
    id: ConversationId,
    one: OpenThread,
    rows: readonly MessageView[],
  ): ThreadView => ({
    conversationId: id,
    messages: rows,
    hasBefore: one.fromSeq > 1,
    isCut: one.isCut && one.fromSeq <= 1,
    hasAfter: one.toSeq !== Infinity,
    firstUnreadId: firstUnread(session, id, one.thread),
    readSeqById: Object.fromEntries(
      Object.entries(book.get(id)?.marksById ?? {}).map(([who, { read }]) => [who, read]),
    ),
  });
  const load = async (id: ConversationId, one: OpenThread): Promise<void> => {
    await extendBefore(id, one);
    await extendAfter(id, one);
    // Changes of what is shown may stand far behind it.
    if (one.toSeq !== Infinity) await loadChanges(session, id, one);
    const outgoing = session.carrierOf(id).outgoing();
    one.thread = reduceThread(one.thread, [
      ...outgoing.map((message) => ({ type: "outgoing", message }) as const),
      ...session.liveStreams.in(id),
    ]).thread;
  };
  const extended = async (
    id: ConversationId,
    extend: (one: OpenThread) => Promise<ReadonlySet<MessageId>>,
  ): Promise<Result<ThreadView, EngineFailure>> => {
    const one = open.get(id);
    if (one === undefined) return err({ kind: "engine/unknown-conversation" });
    const added = await extend(one);
    const context = viewContext(session, id);
    const rows = viewAll(one.thread, context).filter((row) => added.has(row.id));
    return ok(windowOf(id, one, rows));
  };

  return {
    async open(id, around) {
      if (book.get(id) === null) return err({ kind: "engine/unknown-conversation" });
      const seq = around === null ? null : await seqIn(session, id, around);
      if (around !== null && seq === null) return err({ kind: "engine/unknown-message" });
      const one: OpenThread = {
        thread: emptyThread(id),
        fromSeq: seq === null ? Infinity : seq + 1,
        toSeq: seq ?? Infinity,
        waiting: [],
        isRedrawn: false,
        isCut: false,
        isLoading: true,
      };
      // Known as open from now on: what happens while it loads waits and is applied after it.
      open.set(id, one);
      await session.carrierOf(id).settled();
      await load(id, one);
      one.isLoading = false;
      session.carrierOf(id).check();
      if (one.waiting.length > 0) gatherer.wish();
      return ok(windowOf(id, one, viewAll(one.thread, viewContext(session, id))));
    },
    before: (id) => extended(id, (one) => extendBefore(id, one)),
    after: (id) => extended(id, (one) => extendAfter(id, one)),
    closeThread(id) {
      open.delete(id);
      return null;
    },
    isOpen: (id) => open.has(id),
    seqOf: (id, messageId) =>
      open.get(id)?.thread.rowById.get(messageId)?.seq ?? seqOfId(messageId),
    thread: (id) => open.get(id)?.thread ?? null,
    hear(id, events) {
      const one = open.get(id);
      if (one === undefined) return;
      one.waiting.push(...events);
      gatherer.wish();
    },
    redraw(id) {
      const one = open.get(id);
      if (one === undefined) return;
      one.isRedrawn = true;
      gatherer.wish();
    },
    redrawAll() {
      for (const one of open.values()) one.isRedrawn = true;
      gatherer.wish();
    },
    check() {
      for (const id of open.keys()) session.carrierOf(id).check();
    },
    close() {
      gatherer.close();
      open.clear();
    },
  };
}

const isBeforeDevice = ({ content }: Entry): boolean =>
  content.kind === "unreadable" && content.failure === BEFORE_DEVICE;

/** Rows beyond the window stay out of it; what changes rows inside is always taken. */
function belongs(one: OpenThread, event: ThreadEvent): boolean {
  if (event.type === "missing")
    return event.missing.count === 0 || isInside(one, event.missing.afterSeq);
  if (event.type !== "entry" || meaningOf(event.entry).kind !== "row") return true;
  return isInside(one, event.entry.seq);
}

const isInside = ({ fromSeq, toSeq }: OpenThread, seq: number): boolean =>
  seq >= fromSeq && seq <= toSeq;

/** Rows of what is missing in the window, as far as they are not in it. */
async function addMissing(
  { endpoint }: Session,
  id: ConversationId,
  one: OpenThread,
  added: Set<MessageId>,
): Promise<void> {
  const events = (await endpoint.missing(id)).map((missing): ThreadEvent => ({
    type: "missing",
    missing,
  }));
  const { thread, changed } = reduceThread(
    one.thread,
    events.filter((event) => belongs(one, event)),
  );
  for (const row of changed) if (!one.thread.rowById.has(row)) added.add(row);
  one.thread = thread;
}

async function readBefore(
  { store }: Session,
  id: ConversationId,
  beforeSeq: number,
): Promise<readonly Entry[]> {
  const rows = await store.logBefore(id, beforeSeq, LOG_ROWS_AT_ONCE);
  return rows.flatMap(({ row }) => parseEntry(row) ?? []);
}

async function loadChanges({ store }: Session, id: ConversationId, one: OpenThread): Promise<void> {
  for (let after = one.toSeq; ;) {
    const rows = await store.logAfter(id, after, 500);
    const changes = rows
      .flatMap(({ row }) => parseEntry(row) ?? [])
      .filter((entry) => meaningOf(entry).kind === "change");
    one.thread = reduceThread(
      one.thread,
      changes.map((entry) => ({ type: "entry", entry })),
    ).thread;
    const last = rows.at(-1);
    if (last === undefined || rows.length < 500) return;
    after = last.seq;
  }
}

async function seqIn(
  { store }: Session,
  id: ConversationId,
  messageId: MessageId,
): Promise<number | null> {
  const own = seqOfId(messageId);
  if (own !== null) return own;
  for (let before: number = Number.MAX_SAFE_INTEGER; ;) {
    const rows = await store.logBefore(id, before, 500);
    for (const { row } of rows) {
      const content = parseEntry(row)?.content;
      const found = content !== undefined && "messageId" in content ? content.messageId : null;
      if (found === messageId) return parseEntry(row)?.seq ?? null;
    }
    const oldest = rows[0];
    if (oldest === undefined || rows.length < 500) return null;
    before = oldest.seq;
  }
}

function firstUnread(
  { book, selfId }: Session,
  id: ConversationId,
  thread: Thread,
): MessageId | null {
  const conversation = book.get(id);
  if (conversation === null || conversation.unreadCount === 0) return null;
  const unread = [...thread.rowById.values()]
    .filter(
      (row: Row) =>
        row.seq > conversation.readSeq && row.authorId !== selfId && row.body.kind === "payload",
    )
    .sort((a, b) => a.seq - b.seq);
  return unread[0]?.id ?? null;
}
