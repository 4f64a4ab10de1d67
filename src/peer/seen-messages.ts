/**
 * Where each message stands, so that a repeat is dropped and a recall finds its target. A log that was reset leaves
 * its entries here as salvage: they are placed anew when the relay shows them again. SPEC E40, E45.
 */
import * as v from "valibot";
import type { ConversationId, MessageId } from "#protocol/ids.ts";
import type { Draft } from "./draft.ts";
import type { Entry } from "./endpoint.ts";
import { encodeEntry, parseEntry } from "./entry.ts";
import { encodeRecord, parseRecord } from "./json-record.ts";
import type { Batch, Put, Store } from "./store.ts";

export interface SeenMessages {
  has(conversationId: ConversationId, messageId: MessageId, draft: Draft): Promise<boolean>;
  seqOf(conversationId: ConversationId, messageId: MessageId, draft: Draft): Promise<number | null>;
  add(conversationId: ConversationId, messageId: MessageId, seq: number, draft: Draft): void;
  /** The entry as it stood in the log before a reset; it leaves the salvage with the draft. */
  salvaged(
    conversationId: ConversationId,
    messageId: MessageId,
    draft: Draft,
  ): Promise<Entry | null>;
  /** What a reset writes: the log goes, its messages become salvage. */
  salvage(conversationId: ConversationId): Promise<Batch>;
}

const SEEN = "seen";
const SALVAGE = "salvage";
const PAGE = 500;

export function createSeenMessages(options: {
  readonly store: Store;
  readonly isKept: boolean;
}): SeenMessages {
  const { store, isKept } = options;
  /** Conversations with salvage; null until looked up. */
  let withSalvage: Set<string> | null = null;

  const seqOf = async (conversationId: ConversationId, messageId: MessageId, draft: Draft) => {
    const key = `${conversationId}/${messageId}`;
    const drafted = draft.seen.get(key);
    if (drafted !== undefined || !isKept) return drafted ?? null;
    return parseRecord(v.number(), await store.get(SEEN, key));
  };

  return {
    seqOf,
    has: async (conversationId, messageId, draft) =>
      (await seqOf(conversationId, messageId, draft)) !== null,
    add(conversationId, messageId, seq, draft) {
      const key = `${conversationId}/${messageId}`;
      draft.seen.set(key, seq);
      if (isKept) draft.puts.push({ table: SEEN, key, value: encodeRecord(seq) });
    },
    async salvaged(conversationId, messageId, draft) {
      if (!isKept) return null;
      withSalvage ??= new Set((await store.list(SALVAGE)).map(({ key }) => key.slice(0, 36)));
      if (!withSalvage.has(conversationId)) return null;
      const key = `${conversationId}/${messageId}`;
      const row = await store.get(SALVAGE, key);
      if (row === null) return null;
      draft.deletes.push({ table: SALVAGE, key });
      return parseEntry(row);
    },
    async salvage(conversationId) {
      const puts: Put[] = [];
      for (let after = 0; ;) {
        const rows = await store.logAfter(conversationId, after, PAGE);
        for (const { seq, row } of rows) {
          after = seq;
          const entry = parseEntry(row);
          if (
            entry === null ||
            !("messageId" in entry.content) ||
            entry.content.kind === "unreadable"
          )
            continue;
          const key = `${conversationId}/${entry.content.messageId}`;
          puts.push({ table: SALVAGE, key, value: encodeEntry(entry) });
        }
        if (rows.length < PAGE) break;
      }
      const deletes = (await store.list(SEEN, `${conversationId}/`)).map(({ key }) => ({
        table: SEEN,
        key,
      }));
      withSalvage?.add(conversationId);
      return { puts, deletes, dropLogs: [conversationId] };
    },
  };
}
