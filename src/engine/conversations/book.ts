/**
 * All conversations of an open account: their reduced state in memory and on disk, and who is told of changes.
 * What a crash kept from the disk is made up for from the log when the book is opened again.
 */
import type { Clock } from "#base/clock.ts";
import type { ChannelHeadView } from "#bridge/channel-views.ts";
import type { ConversationView } from "#bridge/views.ts";
import type { EngineEvent } from "#bridge/events.ts";
import type { AccountId, ConversationId, MessageId } from "#protocol/ids.ts";
import type { OutgoingMessage } from "#peer/endpoint.ts";
import { parseEntry } from "#peer/entry.ts";
import type { Store } from "#peer/store.ts";
import { createGatherer } from "../gather.ts";
import { loadRecords, putRecord, TABLE } from "../records.ts";
import {
  countsAsUnread,
  reduceConversation,
  type Conversation,
  type ConversationChange,
} from "./conversation.ts";
import { viewConversation, type PeopleContext } from "./conversation-view.ts";

export type SavedDraft = { readonly text: string; readonly replyToId: MessageId | null };

export interface Book {
  get(id: ConversationId): Conversation | null;
  list(): readonly Conversation[];
  view(conversation: Conversation): ConversationView;
  add(conversation: Conversation): void;
  change(id: ConversationId, change: ConversationChange): void;
  /** Rows came into the log behind what was folded: counts and preview are made anew. */
  refold(id: ConversationId): Promise<void>;
  /** Something that the view is made of changed outside: a name, a presence, who types. */
  touch(id: ConversationId): void;
  touchWhere(accountId: AccountId): void;
  remove(id: ConversationId): Promise<void>;
  /** Moves the read mark and counts what stands after it. */
  markRead(id: ConversationId, seq: number): Promise<void>;
  /** Kept in memory; the write itself goes with `commit` or with a message's own transaction. */
  setDraft(id: ConversationId, draft: SavedDraft): void;
  /** Writes and tells what is waiting, at once. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

const ROWS_AT_ONCE = 500;

/** Opens the book: loads, then folds in what the log holds beyond it. */
export async function openBook(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly gatherMs: number;
  readonly people: () => PeopleContext;
  readonly typingIn: (id: ConversationId) => readonly AccountId[];
  readonly channelOf: (id: ConversationId) => ChannelHeadView | null;
  /** Own messages on their way, oldest first. */
  readonly outgoingIn: (id: ConversationId) => readonly OutgoingMessage[];
  readonly emit: (event: EngineEvent) => void;
}): Promise<Book> {
  const { store, people, emit } = options;
  const selfId = people().selfId;
  const known = new Map<ConversationId, Conversation>();
  for (const one of (await loadRecords<Conversation>(store, TABLE.conversations)).values())
    known.set(one.id, await caughtUp(store, one, selfId));
  const drafts = new Map<string, SavedDraft>(await loadRecords<SavedDraft>(store, TABLE.drafts));
  const dirty = new Set<ConversationId>();
  const touched = new Set<ConversationId>();

  const view = (one: Conversation): ConversationView =>
    viewConversation(
      one,
      {
        draft: drafts.get(one.id)?.text ?? "",
        typing: options.typingIn(one.id),
        channel: options.channelOf(one.id),
        outgoing: options.outgoingIn(one.id),
      },
      people(),
    );
  const flush = async (): Promise<void> => {
    const changed = [...dirty].flatMap((id) => known.get(id) ?? []);
    const told = [...new Set([...dirty, ...touched])].flatMap((id) => known.get(id) ?? []);
    dirty.clear();
    touched.clear();
    for (const one of told) emit({ type: "conversation", conversation: view(one) });
    if (changed.length > 0)
      await store.commit({
        puts: changed.map((one) => putRecord(TABLE.conversations, one.id, one)),
      });
  };
  const gatherer = createGatherer(options.clock, options.gatherMs, () => void flush());
  const put = (one: Conversation): void => {
    known.set(one.id, one);
    dirty.add(one.id);
    gatherer.wish();
  };
  const touch = (id: ConversationId): void => {
    touched.add(id);
    gatherer.wish();
  };
  const change = (id: ConversationId, change: ConversationChange): void => {
    const before = known.get(id);
    const after = before && reduceConversation(before, change, selfId);
    if (after !== undefined && after !== before) put(after);
  };

  return {
    get: (id) => known.get(id) ?? null,
    list: () => [...known.values()].sort((a, b) => b.updatedAt - a.updatedAt),
    view,
    add: put,
    change,
    async refold(id) {
      const before = known.get(id);
      if (before === undefined) return;
      const blank = { ...before, foldedSeq: 0, preview: null, unreadCount: 0, mentionSeq: 0 };
      const folded = await caughtUp(store, blank, selfId);
      const now = known.get(id) ?? before;
      const { preview, unreadCount, mentionSeq, title, foldedSeq, updatedAt } = folded;
      // What was heard in the meantime is in the log too.
      put(
        await caughtUp(
          store,
          { ...now, preview, unreadCount, mentionSeq, title, foldedSeq, updatedAt },
          selfId,
        ),
      );
    },
    touch,
    touchWhere(accountId) {
      for (const { id, members, peerId } of known.values()) {
        if (peerId === accountId || members.some((member) => member.id === accountId)) touch(id);
      }
    },
    async remove(id) {
      known.delete(id);
      drafts.delete(id);
      const deletes = [
        { table: TABLE.conversations, key: id },
        { table: TABLE.drafts, key: id },
      ];
      await store.commit({ deletes, dropLogs: [id] });
      emit({ type: "conversation-removed", conversationId: id });
    },
    async markRead(id, seq) {
      const before = known.get(id);
      if (before === undefined || seq <= before.readSeq) return;
      const unreadCount = await countAfter(store, id, seq, selfId);
      change(id, { type: "read", seq, unreadCount });
    },
    setDraft(id, draft) {
      drafts.set(id, draft);
      touch(id);
    },
    flush,
    async close() {
      gatherer.close();
      await flush();
    },
  };
}

async function caughtUp(
  store: Store,
  conversation: Conversation,
  selfId: AccountId,
): Promise<Conversation> {
  let one = conversation;
  for (;;) {
    const rows = await store.logAfter(one.id, one.foldedSeq, ROWS_AT_ONCE);
    const entries = rows.flatMap(({ row }) => parseEntry(row) ?? []);
    one = reduceConversation(one, { type: "entries", entries }, selfId);
    const last = rows.at(-1);
    if (last === undefined || rows.length < ROWS_AT_ONCE) return one;
    one = { ...one, foldedSeq: Math.max(one.foldedSeq, last.seq) };
  }
}

async function countAfter(
  store: Store,
  id: ConversationId,
  seq: number,
  selfId: AccountId,
): Promise<number> {
  let count = 0;
  for (let after = seq; ;) {
    const rows = await store.logAfter(id, after, ROWS_AT_ONCE);
    for (const { row } of rows) {
      const entry = parseEntry(row);
      if (entry !== null && countsAsUnread(entry, selfId)) count++;
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < ROWS_AT_ONCE) return count;
    after = last.seq;
  }
}
