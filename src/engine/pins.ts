/** Messages pinned for everyone in a conversation. The relay keeps which; what they say is read from the own log. */
import { err, ok, type Result } from "#base/result.ts";
import type { PinView } from "#bridge/views.ts";
import type { ConversationId, MessageId } from "#protocol/ids.ts";
import { Empty } from "#protocol/rest.ts";
import type { EngineFailure } from "./failure.ts";
import { scanLog } from "./log-scan.ts";
import type { Session } from "./session.ts";
import { previewText } from "./thread/payload-text.ts";

type Answer<Value> = Promise<Result<Value, EngineFailure>>;
type In = { readonly conversationId: ConversationId };

/** Pins a message or releases it; the log says so to everyone. */
export async function pinMessage(
  { book, endpoint }: Session,
  {
    conversationId,
    messageId,
    pinned,
  }: In & { readonly messageId: MessageId; readonly pinned: boolean },
): Answer<null> {
  const conversation = book.get(conversationId);
  if (conversation === null) return err({ kind: "engine/unknown-conversation" });
  if (!book.view(conversation).can.includes("pin")) return err({ kind: "engine/plain-cannot" });
  const path = `/conversations/${conversationId}/pins/${messageId}`;
  const said = await endpoint.rest.call(pinned ? "PUT" : "DELETE", path, Empty);
  return said.ok ? ok(null) : said;
}

/** The pinned messages, newest pin first. */
export async function listPins(
  { book, people, store }: Session,
  { conversationId }: In,
): Answer<readonly PinView[]> {
  const pinnedIds = book.get(conversationId)?.pinnedIds ?? [];
  const wanted = new Set<MessageId>(pinnedIds);
  const found = new Map<MessageId, PinView>();
  for await (const { content, authorId, authorKind } of scanLog(store, conversationId)) {
    if (wanted.size === 0) break;
    if (!("messageId" in content) || !wanted.has(content.messageId)) continue;
    const { messageId } = content;
    // Newest first: the word that a message was taken back stands before the message.
    wanted.delete(messageId);
    if (content.kind !== "message") continue;
    const authorName = people.nameOf(authorId);
    found.set(messageId, { messageId, authorName, text: previewText(content.payload, authorKind) });
  }
  return ok(pinnedIds.toReversed().flatMap((id) => found.get(id) ?? []));
}
