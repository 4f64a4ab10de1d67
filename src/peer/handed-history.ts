/** Messages that another device of the person handed over, put where this device has none. SPEC E82. */
import type { ConversationId } from "#protocol/ids.ts";
import { startDraft, type Draft } from "./draft.ts";
import type { Entry } from "./endpoint.ts";
import { encodeEntry, parseEntry } from "./entry.ts";
import type { SeenMessages } from "./seen-messages.ts";
import type { Store } from "./store.ts";

/** The rows to write. What this device opened itself stays, and so does what was taken back. */
export async function draftHistory(
  { store, seen }: { readonly store: Store; readonly seen: SeenMessages },
  conversationId: ConversationId,
  entries: readonly Entry[],
): Promise<Draft> {
  const draft = startDraft();
  for (const entry of entries) {
    const { content, seq } = entry;
    if (content.kind !== "message" || entry.conversationId !== conversationId) continue;
    const row = await store.logAt(conversationId, seq);
    const held = row === null ? null : parseEntry(row);
    const isMissing =
      held === null
        ? !(await seen.has(conversationId, content.messageId, draft))
        : held.content.kind === "unreadable" && held.content.messageId === content.messageId;
    if (!isMissing) continue;
    draft.log.push({ conversationId, seq, row: encodeEntry(entry) });
    // The relay's own row for it may come later, and is a repeat then.
    seen.add(conversationId, content.messageId, seq, draft);
  }
  return draft;
}
