/** Reads a conversation's whole log, newest first, a page at a time. */
import type { ConversationId, MessageId } from "#protocol/ids.ts";
import type { Entry } from "#peer/endpoint.ts";
import { parseEntry } from "#peer/entry.ts";
import type { Store } from "#peer/store.ts";

const ROWS_AT_ONCE = 200;

/** Entries newest first; the caller stops when it has enough. */
export async function* scanLog(
  store: Store,
  conversationId: ConversationId,
): AsyncGenerator<Entry> {
  let before = Number.MAX_SAFE_INTEGER;
  for (;;) {
    const rows = await store.logBefore(conversationId, before, ROWS_AT_ONCE);
    for (const { row } of rows.toReversed()) {
      const entry = parseEntry(row);
      if (entry !== null) yield entry;
    }
    const oldest = rows[0];
    if (oldest === undefined || rows.length < ROWS_AT_ONCE) return;
    before = oldest.seq;
  }
}

/** The entry that holds a message, or null. */
export async function findMessage(
  store: Store,
  conversationId: ConversationId,
  messageId: MessageId,
): Promise<Entry | null> {
  for await (const entry of scanLog(store, conversationId)) {
    if (entry.content.kind === "message" && entry.content.messageId === messageId) return entry;
  }
  return null;
}
