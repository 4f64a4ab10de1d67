/**
 * One thread as far as it is loaded: a pure reduction of log entries, own messages on their way and live streams.
 * Entries may come in any order and more than once; the result is the same. SPEC §thread.
 */
import type { AccountId, ConversationId, MessageId, StreamId } from "#protocol/ids.ts";
import type { Entry, Missing, OutgoingMessage } from "#peer/endpoint.ts";
import { meaningOf, rowOfMissing, type Change, type Row } from "./row.ts";

export type LiveStream = {
  readonly streamId: StreamId;
  readonly messageId: MessageId;
  readonly authorId: AccountId;
  readonly startedAt: number;
  readonly text: string;
  readonly isStopping: boolean;
};

export type Thread = {
  readonly conversationId: ConversationId;
  readonly rowById: ReadonlyMap<MessageId, Row>;
  /** By target, ascending by seq. A change may be here before its row is loaded, or without it. */
  readonly changesByTarget: ReadonlyMap<string, readonly Entry[]>;
  readonly messageIdByArtifact: ReadonlyMap<string, MessageId>;
  /** Streams whose whole message came: their start draws nothing any more. */
  readonly finishedStreams: ReadonlySet<StreamId>;
  readonly startByStream: ReadonlyMap<StreamId, MessageId>;
  readonly liveById: ReadonlyMap<StreamId, LiveStream>;
  readonly outgoingById: ReadonlyMap<MessageId, OutgoingMessage>;
};

export type ThreadEvent =
  | { readonly type: "entry"; readonly entry: Entry }
  /** Count 0: nothing of it is missing any more. */
  | { readonly type: "missing"; readonly missing: Missing }
  | { readonly type: "outgoing"; readonly message: OutgoingMessage }
  | { readonly type: "outgoing-gone"; readonly messageId: MessageId }
  /** What is drawn beside the row's payload looks different. */
  | { readonly type: "touched"; readonly messageId: MessageId }
  | {
      readonly type: "stream-start";
      readonly streamId: StreamId;
      readonly messageId: MessageId;
      readonly authorId: AccountId;
      readonly at: number;
    }
  | {
      readonly type: "stream-text";
      readonly streamId: StreamId;
      readonly offset: number;
      readonly text: string;
    }
  | { readonly type: "stream-stopping"; readonly streamId: StreamId }
  /** Its deltas do not open or fell silent; how it ends is the log's word. */
  | { readonly type: "stream-lost"; readonly streamId: StreamId };

/** `changed` rows look different or are new; text of live streams is not a change, it is told apart. */
export type Reduced = { readonly thread: Thread; readonly changed: ReadonlySet<MessageId> };

export const emptyThread = (conversationId: ConversationId): Thread => ({
  conversationId,
  rowById: new Map(),
  changesByTarget: new Map(),
  messageIdByArtifact: new Map(),
  finishedStreams: new Set(),
  startByStream: new Map(),
  liveById: new Map(),
  outgoingById: new Map(),
});

/** The thread after some events. Maps are copied once per call, so a backlog should come as one call. */
export function reduceThread(before: Thread, events: readonly ThreadEvent[]): Reduced {
  const draft: Draft = {
    conversationId: before.conversationId,
    rowById: new Map(before.rowById),
    changesByTarget: new Map(before.changesByTarget),
    messageIdByArtifact: new Map(before.messageIdByArtifact),
    finishedStreams: new Set(before.finishedStreams),
    startByStream: new Map(before.startByStream),
    liveById: new Map(before.liveById),
    outgoingById: new Map(before.outgoingById),
  };
  const changed = new Set<MessageId>();
  for (const event of events) apply(draft, event, changed);
  return { thread: draft, changed };
}

type Draft = { -readonly [Key in keyof Thread]: Mutable<Thread[Key]> };
type Mutable<Value> =
  Value extends ReadonlyMap<infer Key, infer Item>
    ? Map<Key, Item>
    : Value extends ReadonlySet<infer Item>
      ? Set<Item>
      : Value;

function apply(draft: Draft, event: ThreadEvent, changed: Set<MessageId>): void {
  switch (event.type) {
    case "entry":
      return applyEntry(draft, event.entry, changed);
    case "missing": {
      const row = rowOfMissing(event.missing);
      if (event.missing.count > 0) draft.rowById.set(row.id, row);
      else if (!draft.rowById.delete(row.id)) return;
      changed.add(row.id);
      return;
    }
    case "outgoing":
      return applyOutgoing(draft, event.message, changed);
    case "outgoing-gone": {
      const gone = draft.outgoingById.get(event.messageId);
      draft.outgoingById.delete(event.messageId);
      changed.add(event.messageId);
      if (gone !== undefined) addTargets(draft, gone, changed);
      return;
    }
    case "touched":
      if (draft.rowById.has(event.messageId)) changed.add(event.messageId);
      return;
    case "stream-start": {
      const { streamId, messageId, authorId, at } = event;
      if (draft.finishedStreams.has(streamId) || draft.changesByTarget.has(streamId)) return;
      const text = draft.liveById.get(streamId)?.text ?? "";
      const isStopping = draft.liveById.get(streamId)?.isStopping ?? false;
      draft.liveById.set(streamId, {
        streamId,
        messageId,
        authorId,
        startedAt: at,
        text,
        isStopping,
      });
      draft.startByStream.set(streamId, messageId);
      changed.add(messageId);
      return;
    }
    case "stream-text": {
      const live = draft.liveById.get(event.streamId);
      // A hole is filled by the endpoint before it tells text; anything else is a repeat.
      if (live === undefined || event.offset > live.text.length) return;
      const text = live.text.slice(0, event.offset) + event.text;
      draft.liveById.set(event.streamId, { ...live, text });
      return;
    }
    case "stream-lost": {
      const live = draft.liveById.get(event.streamId);
      draft.liveById.delete(event.streamId);
      if (live !== undefined) changed.add(live.messageId);
      return;
    }
    case "stream-stopping": {
      const live = draft.liveById.get(event.streamId);
      if (live === undefined) return;
      draft.liveById.set(event.streamId, { ...live, isStopping: true });
      changed.add(live.messageId);
    }
  }
}

function applyEntry(draft: Draft, entry: Entry, changed: Set<MessageId>): void {
  const { content } = entry;
  if (content.kind === "message") {
    // The log has it now: the row of the outbox goes.
    if (draft.outgoingById.delete(content.messageId)) changed.add(content.messageId);
    if (content.streamId !== null && content.payload.type !== "stream")
      finishStream(draft, content.streamId, changed);
  }
  const meaning = meaningOf(entry);
  if (meaning.kind === "row") addRow(draft, meaning.row, changed);
  else if (meaning.kind === "change") addChange(draft, meaning.change, changed);
  else if (meaning.kind === "recall") {
    addChange(draft, meaning.change, changed);
    const known = draft.rowById.get(meaning.row.id);
    // Of a message and the word about it, the message's own place is the earlier one.
    if (known === undefined || (known.body.kind === "gone" && known.seq > meaning.row.seq))
      addRow(draft, meaning.row, changed);
  }
}

function addRow(draft: Draft, row: Row, changed: Set<MessageId>): void {
  const known = draft.rowById.get(row.id);
  if (known?.seq === row.seq && known.hasGapBefore === row.hasGapBefore) return;
  draft.rowById.set(row.id, row);
  changed.add(row.id);
  if (row.body.kind === "payload" && row.body.payload.type === "artifact") {
    draft.messageIdByArtifact.set(row.body.payload.artifact.artifact_id ?? row.id, row.id);
  }
  if (row.body.kind === "stream") draft.startByStream.set(row.body.streamId, row.id);
  // Whoever quotes it shows its own text from now on.
  for (const other of draft.rowById.values()) {
    if (repliedTo(other) === row.id) changed.add(other.id);
  }
}

const repliedTo = ({ body }: Row): string | undefined =>
  body.kind === "payload" && body.payload.type !== "unknown" && "reply_to" in body.payload
    ? body.payload.reply_to?.message_id
    : undefined;

function addChange(draft: Draft, { target, entry }: Change, changed: Set<MessageId>): void {
  const known = draft.changesByTarget.get(target) ?? [];
  if (known.some(({ seq }) => seq === entry.seq)) return;
  draft.changesByTarget.set(
    target,
    [...known, entry].sort((a, b) => a.seq - b.seq),
  );
  changed.add(rowIdOf(draft, target));
  if (entry.content.kind === "stream-ended") draft.liveById.delete(target as StreamId);
  if (entry.content.kind === "recalled") {
    for (const other of draft.rowById.values()) {
      if (repliedTo(other) === target) changed.add(other.id);
    }
  }
}

function finishStream(draft: Draft, streamId: StreamId, changed: Set<MessageId>): void {
  draft.finishedStreams.add(streamId);
  draft.liveById.delete(streamId);
  const start = draft.startByStream.get(streamId);
  if (start !== undefined) changed.add(start);
}

function applyOutgoing(draft: Draft, message: OutgoingMessage, changed: Set<MessageId>): void {
  if (draft.rowById.has(message.messageId)) return;
  draft.outgoingById.set(message.messageId, message);
  changed.add(message.messageId);
  addTargets(draft, message, changed);
}

/** Own reactions and answers show on their row before the relay has them. */
function addTargets(draft: Draft, { payload }: OutgoingMessage, changed: Set<MessageId>): void {
  if (payload.type === "reaction") changed.add(payload.message_id as MessageId);
  if (payload.type === "artifact_response") changed.add(rowIdOf(draft, payload.ref_artifact));
}

const rowIdOf = (draft: Thread, target: string): MessageId =>
  draft.messageIdByArtifact.get(target) ??
  draft.startByStream.get(target as StreamId) ??
  (target as MessageId);
