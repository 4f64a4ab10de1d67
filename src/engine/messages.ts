/** What a person asks of a conversation's messages; how it is done is its carrier's affair. */
import { err, ok, type Result } from "#base/result.ts";
import type { AttachedView } from "#bridge/file-views.ts";
import type { AccountId, ConversationId, MessageId, StreamId } from "#protocol/ids.ts";
import type { EngineFailure } from "./failure.ts";
import { putRecord, TABLE } from "./records.ts";
import { mayWrite } from "./relay-carrier.ts";
import type { Session, SessionSinks } from "./session.ts";

type Answer<Value> = Promise<Result<Value, EngineFailure>>;
type In = { readonly conversationId: ConversationId };
type OfMessage = In & { readonly messageId: MessageId };

/** Queues a text and forgets its draft in one transaction. */
export const sendText = (
  session: Session,
  {
    conversationId,
    ...input
  }: In & {
    readonly text: string;
    readonly mentions: readonly AccountId[];
    readonly replyToId: MessageId | null;
  },
): Answer<MessageId> => session.carrierOf(conversationId).sendText(input);

/** Queues a message with files; its draft and its files leave the composer in one transaction. */
export const sendFiles = (
  session: Session,
  {
    conversationId,
    ...input
  }: In & {
    readonly text: string;
    readonly mentions: readonly AccountId[];
    readonly replyToId: MessageId | null;
    readonly fileIds: readonly string[];
  },
): Answer<MessageId> => session.carrierOf(conversationId).sendFiles(input);

/** Reads a file beside the draft of a conversation that takes files. */
export async function attachFile(
  session: Session,
  input: Parameters<Session["files"]["attach"]>[0],
  signal: AbortSignal | null,
): Answer<AttachedView> {
  if (session.plain.has(input.conversationId)) return err({ kind: "engine/plain-cannot" });
  const allowed = mayWrite(session, input.conversationId);
  return allowed.ok ? session.files.attach(input, signal) : allowed;
}

/** Sends a failed message again. */
export const retrySend = (
  session: Session,
  { conversationId, messageId }: OfMessage,
): Answer<null> => session.carrierOf(conversationId).retry(messageId);

/** Throws a message away that never left. */
export const discardFailed = (
  session: Session,
  { conversationId, messageId }: OfMessage,
): Answer<null> => session.carrierOf(conversationId).discard(messageId);

/** Takes a message back: from the outbox if it is still there, else from everyone. */
export const recall = (session: Session, { conversationId, messageId }: OfMessage): Answer<null> =>
  session.carrierOf(conversationId).recall(messageId);

/** Adds or takes back a reaction. */
export const react = (
  session: Session,
  {
    conversationId,
    messageId,
    emoji,
    op,
  }: OfMessage & { readonly emoji: string; readonly op: "add" | "remove" },
): Answer<null> => session.carrierOf(conversationId).react(messageId, emoji, op);

/** Lets the others see that something is being written; the page says it again while that goes on. */
export function setTyping(
  session: Session,
  { conversationId, typing }: In & { readonly typing: boolean },
): null {
  session.carrierOf(conversationId).typing(typing);
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
