/** A row as the page draws it: the row, what changed it, and what is known of people. Pure. */
import type { BodyView, MessageView, ReplyView } from "#bridge/views.ts";
import { RECALL_WINDOW_MS } from "#protocol/limits.ts";
import type { Payload, TextPayload } from "#protocol/payload.ts";
import type { AccountId, MessageId } from "#protocol/ids.ts";
import type { OutgoingMessage } from "#peer/endpoint.ts";
import { viewArtifact } from "./artifact-view.ts";
import type { ViewContext } from "./context.ts";
import { deliveryOf, deliveryOfSeq } from "./delivery.ts";
import { isMarkdown, oneLine, previewText } from "./payload-text.ts";
import type { Row } from "./row.ts";
import type { Thread } from "./thread.ts";

/** The view of a row or of an own message on its way; null when there is nothing to draw (any more). */
export function viewMessage(
  thread: Thread,
  id: MessageId,
  context: ViewContext,
): MessageView | null {
  const row = thread.rowById.get(id);
  if (row !== undefined) return viewRow(thread, row, context);
  const outgoing = thread.outgoingById.get(id);
  if (outgoing !== undefined) return viewOutgoing(thread, outgoing, context);
  const live = [...thread.liveById.values()].find(({ messageId }) => messageId === id);
  if (live === undefined) return null;
  // Its start is not in the log yet; the row moves to its place when it is.
  return viewRow(
    thread,
    {
      id,
      seq: Number.NaN,
      at: live.startedAt,
      authorId: live.authorId,
      authorKind: context.memberById.get(live.authorId)?.kind ?? "agent",
      hasGapBefore: false,
      body: { kind: "stream", streamId: live.streamId },
    },
    context,
  );
}

/** Every row there is, ascending, own messages on their way last. */
export function viewAll(thread: Thread, context: ViewContext): readonly MessageView[] {
  const starts = [...thread.liveById.values()].map(({ messageId }) => messageId);
  const ids = new Set([...thread.rowById.keys(), ...thread.outgoingById.keys(), ...starts]);
  return [...ids]
    .flatMap((id) => viewMessage(thread, id, context) ?? [])
    .sort(
      (a, b) => (a.seq ?? Infinity) - (b.seq ?? Infinity) || a.at - b.at || (a.id < b.id ? -1 : 1),
    );
}

function viewRow(thread: Thread, row: Row, context: ViewContext): MessageView | null {
  const changes = thread.changesByTarget.get(row.id) ?? [];
  const recall = changes.find(({ content }) => content.kind === "recalled");
  const recalledBy = recall?.content.kind === "recalled" ? recall.content.by : null;
  const isSelf = row.authorId === context.selfId;
  const payload = row.body.kind === "payload" ? row.body.payload : null;
  const body =
    recalledBy === null
      ? bodyOfRow(thread, row, context)
      : { kind: "recalled" as const, by: recalledBy };
  if (body === null) return null;
  const canRecall = context.canRecall && isSelf && recalledBy === null && payload !== null;
  return {
    ...frame(thread, recalledBy === null ? payload : null, row.authorId, context),
    id: row.id,
    conversationId: thread.conversationId,
    seq: Number.isNaN(row.seq) ? null : row.seq,
    authorId: row.authorId,
    authorKind: row.authorKind,
    at: row.at,
    body,
    reactions: recalledBy === null ? reactionsOf(thread, row.id, context) : [],
    delivery: isSelf ? deliveryOfSeq(row.seq, context) : null,
    canRecallUntil: canRecall ? row.at + RECALL_WINDOW_MS : null,
    hasGapBefore: row.hasGapBefore && !isSelf,
  };
}

function viewOutgoing(
  thread: Thread,
  message: OutgoingMessage,
  context: ViewContext,
): MessageView | null {
  const { payload, messageId } = message;
  const body = bodyOfPayload(payload, "human", context);
  if (body === null) return null;
  return {
    ...frame(thread, payload, context.selfId, context),
    id: messageId,
    conversationId: thread.conversationId,
    seq: message.state.status === "acked" ? message.state.seq : null,
    authorId: context.selfId,
    authorKind: "human",
    at: message.state.status === "acked" ? message.state.at : message.queuedAt,
    body,
    reactions: [],
    delivery: deliveryOf(message, context),
    canRecallUntil: message.state.status === "acked" ? message.state.at + RECALL_WINDOW_MS : null,
    hasGapBefore: false,
  };
}

/** What depends on author and payload alone. */
function frame(
  thread: Thread,
  payload: Payload | null,
  authorId: AccountId,
  context: ViewContext,
): Pick<
  MessageView,
  "authorName" | "isSelf" | "replyTo" | "mentionNameById" | "mentionsMe" | "attachments"
> {
  const { mentions = [], reply_to: reply, attachments = [] } = extrasOf(payload);
  const members = mentions.map((id) => id as AccountId).filter((id) => context.memberById.has(id));
  return {
    authorName: context.nameOf(authorId),
    isSelf: authorId === context.selfId,
    replyTo: reply === undefined ? null : viewReply(thread, reply, context),
    mentionNameById: Object.fromEntries(members.map((id) => [id, context.ownNameOf(id)])),
    mentionsMe: payload !== null && mentionsSelf(payload, authorId, context),
    attachments: attachments.map(
      ({ file_key: _key, cipher: _cipher, sha256: _hash, ...shown }) => ({
        ...shown,
        isHere: context.isFileHere(shown.attachment_id),
      }),
    ),
  };
}

/** What nearly every payload may carry; nothing where this one does not. */
const extrasOf = (
  payload: Payload | null,
): Partial<Pick<TextPayload, "mentions" | "reply_to" | "attachments">> =>
  payload === null || payload.type === "unknown" ? {} : (payload as Partial<TextPayload>);

/** Whether a payload calls for this person; "all" counts only from those who may call all. */
export function mentionsSelf(
  payload: Payload,
  authorId: AccountId,
  { selfId, memberById }: Pick<ViewContext, "selfId" | "memberById">,
): boolean {
  if (authorId === selfId || payload.type === "unknown" || !("mentions" in payload)) return false;
  if (payload.mentions?.includes(selfId) === true) return true;
  const role = memberById.get(authorId)?.role;
  return payload.mention_all === true && (role === "owner" || role === "admin");
}

function viewReply(
  thread: Thread,
  reply: { readonly message_id: string; readonly sender_id: string; readonly preview_text: string },
  context: ViewContext,
): ReplyView {
  const messageId = reply.message_id as MessageId;
  const local = thread.rowById.get(messageId);
  const outgoing = thread.outgoingById.get(messageId);
  const payload = local?.body.kind === "payload" ? local.body.payload : (outgoing?.payload ?? null);
  if (local === undefined && payload === null) {
    return {
      messageId,
      authorName: context.nameOf(reply.sender_id as AccountId),
      text: oneLine(reply.preview_text),
      isQuotedByAuthor: true,
    };
  }
  const isRecalled = (thread.changesByTarget.get(messageId) ?? []).some(
    ({ content }) => content.kind === "recalled",
  );
  return {
    messageId,
    authorName: context.nameOf(local?.authorId ?? context.selfId),
    text: isRecalled || payload === null ? "" : previewText(payload, local?.authorKind ?? "human"),
    isQuotedByAuthor: false,
  };
}

function bodyOfRow(thread: Thread, row: Row, context: ViewContext): BodyView | null {
  const { body } = row;
  switch (body.kind) {
    case "gone":
      return null;
    case "unreadable":
    case "missing":
      return body;
    case "system":
      return { ...body, params: namesOf(body.params, context) };
    case "stream":
      return bodyOfStream(thread, row, body.streamId);
    case "payload": {
      const turn = context.turnOf(row.id);
      if (turn !== null) return { kind: "turn", turn };
      return body.payload.type === "artifact"
        ? { kind: "card", artifact: viewArtifact(thread, row, body.payload.artifact, context) }
        : bodyOfPayload(body.payload, row.authorKind, context);
    }
  }
}

/** Who did it and to whom, by name: rows keep ids, because names change. */
const namesOf = (
  params: Readonly<Record<string, string>>,
  context: ViewContext,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(params).map(([key, value]) => [
      key,
      key === "actor" || key === "subject" ? context.nameOf(value as AccountId) : value,
    ]),
  );

function bodyOfPayload(
  payload: Payload,
  authorKind: Row["authorKind"],
  context: ViewContext,
): BodyView | null {
  switch (payload.type) {
    case "text":
      return {
        kind: "text",
        text: payload.text,
        markdown: isMarkdown(payload, authorKind),
      };
    case "image":
      return { kind: "media", media: "image", alt: payload.alt ?? "" };
    case "video":
      return { kind: "media", media: "video", alt: "" };
    case "audio":
      return { kind: "media", media: "audio", alt: payload.transcript ?? "" };
    case "file":
      return { kind: "media", media: "file", alt: payload.filename };
    case "link": {
      const { url, title = "", description = "" } = payload;
      return { kind: "link", url, title, description };
    }
    case "contact":
      return { kind: "contact", contact: context.contactOf(payload.contact) };
    case "unknown":
      return { kind: "unsupported", originalType: payload.original_type };
    default:
      // Reactions, answers and the like are drawn where they belong, not as rows.
      return null;
  }
}

function bodyOfStream(
  thread: Thread,
  row: Row,
  streamId: Parameters<Thread["liveById"]["get"]>[0],
): BodyView | null {
  if (thread.finishedStreams.has(streamId)) return null;
  const live = thread.liveById.get(streamId);
  const ended = (thread.changesByTarget.get(streamId) ?? []).find(
    ({ content }) => content.kind === "stream-ended",
  );
  const shared = { streamId, markdown: row.authorKind === "agent", startedAt: row.at };
  if (ended?.content.kind === "stream-ended") {
    const { reason } = ended.content;
    return {
      kind: "stream",
      // What was not proven is not kept.
      stream: {
        ...shared,
        text: "",
        status: reason === "aborted" ? "aborted" : "cut-short",
        reason: reason === "disabled" ? "limit" : reason,
      },
    };
  }
  return {
    kind: "stream",
    stream: {
      ...shared,
      text: live?.text ?? "",
      status: live?.isStopping === true ? "stopping" : "live",
      reason: null,
    },
  };
}

function reactionsOf(
  thread: Thread,
  id: MessageId,
  { selfId }: ViewContext,
): MessageView["reactions"] {
  const byEmoji = new Map<string, Set<AccountId>>();
  const set = (payload: Payload, by: AccountId): void => {
    if (payload.type !== "reaction" || payload.message_id !== id) return;
    const who = byEmoji.get(payload.emoji) ?? new Set<AccountId>();
    if (payload.op === "add") who.add(by);
    else who.delete(by);
    byEmoji.set(payload.emoji, who);
  };
  for (const { content, authorId } of thread.changesByTarget.get(id) ?? []) {
    if (content.kind === "message") set(content.payload, authorId);
  }
  for (const { payload } of thread.outgoingById.values()) set(payload, selfId);
  return [...byEmoji]
    .filter(([, who]) => who.size > 0)
    .slice(0, MAX_REACTION_KINDS)
    .map(([emoji, who]) => ({ emoji, by: [...who], mine: who.has(selfId) }));
}

/** P184: more kinds on one message are ignored. */
const MAX_REACTION_KINDS = 20;
