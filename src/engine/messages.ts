/** What a person says and does in a conversation. Every message is on disk before the page hears that it was taken. */
import { err, ok, type Result } from "#base/result.ts";
import { MAX_PREVIEW_CHARACTERS, MAX_TEXT_UNITS, RECALL_WINDOW_MS } from "#protocol/limits.ts";
import type { AccountId, ConversationId, MessageId, StreamId } from "#protocol/ids.ts";
import type { Ref, TextPayload } from "#protocol/payload.ts";
import { sendingOf } from "./conversations/conversation-view.ts";
import type { EngineFailure } from "./failure.ts";
import { findMessage } from "./log-scan.ts";
import { cannot, sendPlainText } from "./plain/plain-calls.ts";
import { putRecord, TABLE } from "./records.ts";
import type { Session, SessionSinks } from "./session.ts";
import { previewText } from "./thread/payload-text.ts";

type Answer<Value> = Promise<Result<Value, EngineFailure>>;
type In = { readonly conversationId: ConversationId };
type OfMessage = In & { readonly messageId: MessageId };

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

/** Queues a text and forgets its draft in one transaction. */
export async function sendText(
  session: Session,
  input: In & {
    readonly text: string;
    readonly mentions: readonly AccountId[];
    readonly replyToId: MessageId | null;
  },
): Answer<MessageId> {
  const { conversationId, text, mentions, replyToId } = input;
  if (session.plain.has(conversationId)) return sendPlainText(session, input);
  const allowed = mayWrite(session, conversationId);
  if (!allowed.ok) return allowed;
  if (text.trim() === "") return err({ kind: "engine/text-empty" });
  if (text.length > MAX_TEXT_UNITS)
    return err({ kind: "engine/text-too-long", limit: MAX_TEXT_UNITS });
  const reply = replyToId === null ? null : await refTo(session, conversationId, replyToId);
  const payload: TextPayload = {
    type: "text",
    text,
    ...(mentions.length === 0 ? {} : { mentions: [...mentions] }),
    ...(reply === null ? {} : { reply_to: reply }),
  };
  const sent = await session.endpoint.send(conversationId, payload, {
    alongside: { deletes: [{ table: TABLE.drafts, key: conversationId }] },
  });
  if (!sent.ok) return sent;
  session.book.setDraft(conversationId, { text: "", replyToId: null });
  session.endpoint.typing(conversationId, false);
  return ok(sent.value.messageId);
}

/** Sends a failed message again. */
export const retrySend = (
  session: Session,
  { conversationId, messageId }: OfMessage,
): Answer<null> =>
  session.plain.has(conversationId) ? cannot() : session.endpoint.retry(messageId);

/** Throws a message away that never left. */
export async function discardFailed(
  session: Session,
  sinks: SessionSinks,
  { conversationId, messageId }: OfMessage,
): Answer<null> {
  if (session.plain.has(conversationId)) return session.plain.withdraw(conversationId, messageId);
  const discarded = await session.endpoint.discard(messageId);
  if (discarded.ok) sinks.thread(conversationId, [{ type: "outgoing-gone", messageId }]);
  return discarded;
}

/** Takes a message back: from the outbox if it is still there, else from everyone. */
export async function recall(
  session: Session,
  sinks: SessionSinks,
  input: OfMessage,
): Answer<null> {
  const { conversationId, messageId } = input;
  if (session.plain.has(conversationId)) return cannot();
  const waiting = session.endpoint.outgoing().find((one) => one.messageId === messageId);
  if (waiting !== undefined && waiting.state.status !== "sending")
    return discardFailed(session, sinks, input);
  const entry = await findMessage(session.store, conversationId, messageId);
  if (entry === null || entry.authorId !== session.selfId)
    return err({ kind: "engine/unknown-message" });
  if (session.deps.clock.now() > entry.at + RECALL_WINDOW_MS)
    return err({ kind: "engine/recall-too-late" });
  return session.endpoint.recall(conversationId, messageId);
}

/** Adds or takes back a reaction. */
export async function react(
  session: Session,
  input: OfMessage & { readonly emoji: string; readonly op: "add" | "remove" },
): Answer<null> {
  const { conversationId, messageId, emoji, op } = input;
  if (session.plain.has(conversationId)) return cannot();
  const allowed = mayWrite(session, conversationId);
  if (!allowed.ok) return allowed;
  const payload = { type: "reaction", message_id: messageId, emoji, op } as const;
  const sent = await session.endpoint.send(conversationId, payload);
  return sent.ok ? ok(null) : sent;
}

/** Lets the others see that something is being written; the page says it again while that goes on. */
export function setTyping(
  { endpoint, plain }: Session,
  { conversationId, typing }: In & { readonly typing: boolean },
): null {
  if (!plain.has(conversationId)) endpoint.typing(conversationId, typing);
  return null;
}

/** Asks a streaming agent to stop. */
export function stopStream(
  session: Session,
  sinks: SessionSinks,
  { conversationId, streamId }: In & { readonly streamId: StreamId },
): Result<null, EngineFailure> {
  session.endpoint.requestStop(conversationId, streamId);
  sinks.thread(conversationId, [{ type: "stream-stopping", streamId }]);
  return ok(null);
}

/** Keeps what is being written over reloads. */
export async function saveDraft(
  session: Session,
  {
    conversationId,
    text,
    replyToId,
  }: In & { readonly text: string; readonly replyToId: MessageId | null },
): Answer<null> {
  const key = { table: TABLE.drafts, key: conversationId };
  const kept = await session.store.commit(
    text === "" && replyToId === null
      ? { deletes: [key] }
      : { puts: [putRecord(TABLE.drafts, conversationId, { text, replyToId })] },
  );
  // Told only when it is on disk: who sees a draft in the list may close the page.
  if (kept.ok) session.book.setDraft(conversationId, { text, replyToId });
  return kept;
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
