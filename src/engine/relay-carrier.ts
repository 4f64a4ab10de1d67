/** A conversation that the relay carries, end-to-end encrypted. Every message is on disk before the page hears that it was taken. */
import { err, ok, type Result } from "#base/result.ts";
import { MAX_PREVIEW_CHARACTERS, MAX_TEXT_UNITS, RECALL_WINDOW_MS } from "#protocol/limits.ts";
import { Conversation as WireConversation } from "#protocol/rest.ts";
import type { ConversationId, MessageId } from "#protocol/ids.ts";
import type { Ref, TextPayload } from "#protocol/payload.ts";
import type { Carrier } from "./carrier.ts";
import { sendingOf } from "./conversations/conversation-view.ts";
import type { EngineFailure } from "./failure.ts";
import { findMessage } from "./log-scan.ts";
import { TABLE } from "./records.ts";
import { describeSecurity } from "./security.ts";
import type { Session, SessionSinks } from "./session.ts";
import { previewText } from "./thread/payload-text.ts";

type Answer<Value> = Promise<Result<Value, EngineFailure>>;

/** The carrier of a relayed conversation. */
export const relayCarrier = (
  session: Session,
  sinks: SessionSinks,
  id: ConversationId,
): Carrier => ({
  sendText: (input) => sendText(session, id, input),
  sendFiles: (input) => sendFiles(session, id, input),
  retry: (messageId) =>
    session.files.messages.has(messageId)
      ? session.files.messages.retry(messageId)
      : session.endpoint.retry(messageId),
  discard: (messageId) => discard(session, sinks, id, messageId),
  recall: (messageId) => recall(session, sinks, id, messageId),
  async react(messageId, emoji, op) {
    const allowed = mayWrite(session, id);
    if (!allowed.ok) return allowed;
    const payload = { type: "reaction", message_id: messageId, emoji, op } as const;
    const sent = await session.endpoint.send(id, payload);
    return sent.ok ? ok(null) : sent;
  },
  typing: (isTyping) => session.endpoint.typing(id, isTyping),
  markRead: (seq) => session.endpoint.markRead(id, seq),
  async saveSettings(body) {
    const path = `/conversations/${id}`;
    const said = await session.endpoint.rest.call("PATCH", path, WireConversation, body);
    return said.ok ? ok(null) : said;
  },
  describeSecurity: () => describeSecurity(session, { conversationId: id }),
  check: () => void session.endpoint.confirmLedger(id),
  canRecall: true,
  outgoing: () => [
    ...session.endpoint.outgoing().filter(({ conversationId }) => conversationId === id),
    ...session.files.messages.outgoing(id),
  ],
  // Rows of the relay are told once they are stored.
  settled: async () => {},
  async fetchBefore(beforeSeq, limit) {
    const pulled = await session.endpoint.pullBefore(id, beforeSeq, limit);
    return pulled.ok ? pulled.value.count : 0;
  },
  prepare: async () => {},
  turnOf: () => null,
});

/** Fails with `engine/unknown-conversation` or `engine/sending-blocked`. */
export function mayWrite(
  { book, peopleContext }: Session,
  conversationId: ConversationId,
): Result<null, EngineFailure> {
  const conversation = book.get(conversationId);
  if (conversation === null) return err({ kind: "engine/unknown-conversation" });
  const sending = sendingOf(conversation, peopleContext);
  return sending.allowed
    ? ok(null)
    : err({ kind: "engine/sending-blocked", because: sending.because });
}

async function sendText(
  session: Session,
  id: ConversationId,
  { text, mentions, replyToId }: Parameters<Carrier["sendText"]>[0],
): Answer<MessageId> {
  const allowed = mayWrite(session, id);
  if (!allowed.ok) return allowed;
  if (text.trim() === "") return err({ kind: "engine/text-empty" });
  if (text.length > MAX_TEXT_UNITS)
    return err({ kind: "engine/text-too-long", limit: MAX_TEXT_UNITS });
  const reply = replyToId === null ? null : await refTo(session, id, replyToId);
  const payload: TextPayload = {
    type: "text",
    text,
    ...(mentions.length === 0 ? {} : { mentions: [...mentions] }),
    ...(reply === null ? {} : { reply_to: reply }),
  };
  const sent = await session.endpoint.send(id, payload, {
    alongside: { deletes: [{ table: TABLE.drafts, key: id }] },
  });
  if (!sent.ok) return sent;
  session.book.setDraft(id, { text: "", replyToId: null });
  session.endpoint.typing(id, false);
  return ok(sent.value.messageId);
}

async function sendFiles(
  session: Session,
  id: ConversationId,
  { text, mentions, replyToId, fileIds }: Parameters<Carrier["sendFiles"]>[0],
): Answer<MessageId> {
  const allowed = mayWrite(session, id);
  if (!allowed.ok) return allowed;
  const reply = replyToId === null ? null : await refTo(session, id, replyToId);
  const sent = await session.files.send({ conversationId: id, text, mentions, reply, fileIds });
  if (!sent.ok) return sent;
  session.book.setDraft(id, { text: "", replyToId: null });
  session.endpoint.typing(id, false);
  return sent;
}

async function discard(
  { book, endpoint, files }: Session,
  sinks: SessionSinks,
  id: ConversationId,
  messageId: MessageId,
): Answer<null> {
  if (files.messages.has(messageId)) return files.messages.discard(messageId);
  const discarded = await endpoint.discard(messageId);
  book.touch(id);
  if (discarded.ok) sinks.thread(id, [{ type: "outgoing-gone", messageId }]);
  return discarded;
}

async function recall(
  session: Session,
  sinks: SessionSinks,
  id: ConversationId,
  messageId: MessageId,
): Answer<null> {
  if (session.files.messages.has(messageId)) return discard(session, sinks, id, messageId);
  const waiting = session.endpoint.outgoing().find((one) => one.messageId === messageId);
  if (waiting !== undefined && waiting.state.status !== "sending")
    return discard(session, sinks, id, messageId);
  const entry = await findMessage(session.store, id, messageId);
  if (entry === null || entry.authorId !== session.selfId)
    return err({ kind: "engine/unknown-message" });
  if (session.deps.clock.now() > entry.at + RECALL_WINDOW_MS)
    return err({ kind: "engine/recall-too-late" });
  return session.endpoint.recall(id, messageId);
}

async function refTo(
  { store, endpoint, selfId }: Session,
  conversationId: ConversationId,
  messageId: MessageId,
): Promise<Ref | null> {
  const entry = await findMessage(store, conversationId, messageId);
  const own = endpoint.outgoing().find((one) => one.messageId === messageId);
  const payload = entry?.content.kind === "message" ? entry.content.payload : own?.payload;
  if (payload === undefined) return null;
  return {
    message_id: messageId,
    sender_id: entry?.authorId ?? selfId,
    preview_text: previewText(payload, entry?.authorKind ?? "human").slice(
      0,
      MAX_PREVIEW_CHARACTERS,
    ),
  };
}
