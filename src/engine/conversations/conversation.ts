/**
 * What is known of one conversation for the list: a pure reduction of log entries and of what the relay and the
 * ledger say. `foldedSeq` says how far the log is in it, so that a crash in between is made up for. SPEC §conversations.
 */
import type { ConversationView } from "#bridge/views.ts";
import type { AccountId, ConversationId, MessageId } from "#protocol/ids.ts";
import type { Attachment } from "#protocol/payload.ts";
import type { Entry } from "#peer/endpoint.ts";
import { mentionsSelf } from "../thread/message-view.ts";
import { previewKind, previewText } from "../thread/payload-text.ts";
import { meaningOf } from "../thread/row.ts";

export type Member = {
  readonly id: AccountId;
  readonly kind: "human" | "agent";
  readonly role: "owner" | "admin" | "member";
};

export type Preview = NonNullable<ConversationView["preview"]> & {
  readonly messageId: MessageId | null;
};

/** A group's picture, and the message that names it. */
export type GroupPicture = { readonly messageId: MessageId; readonly file: Attachment };

/** Kept as JSON; every member is plain data. */
export type Conversation = {
  readonly id: ConversationId;
  readonly kind: "h2h" | "h2a" | "group";
  readonly peerId: AccountId | null;
  readonly members: readonly Member[];
  readonly relation: ConversationView["relation"];
  /** A group's name, as its owner or an admin sealed it last. */
  readonly title: string | null;
  /** Said with the name; absent where nothing was, or an older version wrote. */
  readonly description?: string;
  readonly picture?: GroupPicture | null;
  readonly foldedSeq: number;
  readonly readSeq: number;
  readonly unreadCount: number;
  /** Seq of the newest unread call for this person; 0 for none. */
  readonly mentionSeq: number;
  readonly preview: Preview | null;
  readonly isMuted: boolean;
  readonly isPinned: boolean;
  readonly isForked: boolean;
  /** The relay shows less of the ledger than before. Absent in records that are older than the word. */
  readonly isWithheld?: boolean;
  /** Oldest first; absent in what an older version wrote. */
  readonly pinnedIds?: readonly MessageId[];
  /** By the ledger, as are the members; absent in what an older version wrote. */
  readonly membersMayAdd?: boolean;
  readonly isClosed?: boolean;
  readonly marksById: Readonly<
    Record<AccountId, { readonly delivered: number; readonly read: number }>
  >;
  readonly createdAt: number;
  readonly updatedAt: number;
};

export type ConversationChange =
  | { readonly type: "entries"; readonly entries: readonly Entry[] }
  | { readonly type: "read"; readonly seq: number; readonly unreadCount: number }
  | {
      readonly type: "mark";
      readonly accountId: AccountId;
      readonly status: "delivered" | "read";
      readonly seq: number;
    }
  | {
      readonly type: "ledger";
      readonly members: readonly Member[];
      readonly membersMayAdd: boolean;
      readonly isClosed: boolean;
    }
  | { readonly type: "relation"; readonly relation: Conversation["relation"] }
  | { readonly type: "settings"; readonly isMuted?: boolean; readonly isPinned?: boolean }
  | { readonly type: "withheld"; readonly isWithheld: boolean }
  | { readonly type: "forked" };

/** A conversation of which nothing was said yet. */
export const makeConversation = (
  input: Pick<Conversation, "id" | "kind" | "peerId" | "relation" | "createdAt">,
): Conversation => ({
  ...input,
  members: [],
  title: null,
  foldedSeq: 0,
  readSeq: 0,
  unreadCount: 0,
  mentionSeq: 0,
  preview: null,
  isMuted: false,
  isPinned: false,
  isForked: false,
  marksById: {},
  updatedAt: input.createdAt,
});

/** The conversation after a change; the very same value when nothing changed. */
export function reduceConversation(
  before: Conversation,
  change: ConversationChange,
  selfId: AccountId,
): Conversation {
  switch (change.type) {
    case "entries":
      return change.entries.reduce((one, entry) => withEntry(one, entry, selfId), before);
    case "read":
      if (change.seq <= before.readSeq) return before;
      return {
        ...before,
        readSeq: change.seq,
        unreadCount: change.unreadCount,
        mentionSeq: before.mentionSeq > change.seq ? before.mentionSeq : 0,
      };
    case "mark":
      return withMark(before, change);
    case "ledger": {
      const { members, membersMayAdd, isClosed } = change;
      return { ...before, members, membersMayAdd, isClosed };
    }
    case "relation":
      return before.relation === change.relation
        ? before
        : { ...before, relation: change.relation };
    case "settings":
      return {
        ...before,
        isMuted: change.isMuted ?? before.isMuted,
        isPinned: change.isPinned ?? before.isPinned,
      };
    case "withheld":
      return (before.isWithheld ?? false) === change.isWithheld
        ? before
        : { ...before, isWithheld: change.isWithheld };
    case "forked":
      return before.isForked ? before : { ...before, isForked: true };
  }
}

/** Whether an entry counts as unread: something said by somebody else, and not a word to the machinery. */
export function countsAsUnread(entry: Entry, selfId: AccountId): boolean {
  if (entry.authorId === selfId || entry.authorKind === "system") return false;
  if (entry.content.kind === "unreadable") return meaningOf(entry).kind === "row";
  if (entry.content.kind !== "message") return false;
  const meaning = meaningOf(entry);
  return meaning.kind === "row" && meaning.row.body.kind === "payload";
}

function withEntry(before: Conversation, entry: Entry, selfId: AccountId): Conversation {
  if (entry.seq <= before.foldedSeq) return before;
  const isSelf = entry.authorId === selfId;
  const isUnread = entry.seq > before.readSeq && countsAsUnread(entry, selfId);
  const folded = { ...before, foldedSeq: entry.seq };
  const content = entry.content;
  const payload = content.kind === "message" ? content.payload : null;
  const memberById = new Map(before.members.map((member) => [member.id, member]));
  const isCall = payload !== null && mentionsSelf(payload, entry.authorId, { selfId, memberById });
  return {
    ...folded,
    relation: relationOf(entry) ?? before.relation,
    ...profileOf(before, entry, memberById),
    // Whoever writes has read what stands above.
    readSeq: isSelf && payload !== null ? Math.max(before.readSeq, entry.seq) : before.readSeq,
    unreadCount: isSelf && payload !== null ? 0 : before.unreadCount + (isUnread ? 1 : 0),
    mentionSeq: isUnread && isCall ? entry.seq : before.mentionSeq,
    ...pinsOf(before, entry),
    ...previewOf(before, entry),
  };
}

function relationOf({ content }: Entry): Conversation["relation"] | null {
  if (content.kind !== "relation") return null;
  return content.status === "restored" ? "established" : content.status;
}

/** What a group shows counts from its owner and admins only, and each word about it says all of it. */
function profileOf(
  { kind }: Conversation,
  { content, authorId }: Entry,
  memberById: ReadonlyMap<AccountId, Member>,
): Pick<Conversation, "title" | "description" | "picture"> | null {
  if (kind !== "group" || content.kind !== "message" || content.payload.type !== "profile")
    return null;
  // Own words and rows of older versions have no mark.
  const role = memberById.get(authorId)?.role;
  if (!(content.isByLead ?? (role === "owner" || role === "admin"))) return null;
  const { name, description = "", avatar } = content.payload;
  const picture = avatar === undefined ? null : { messageId: content.messageId, file: avatar };
  return { title: name, description, picture };
}

function pinsOf(
  { pinnedIds = [] }: Conversation,
  { content }: Entry,
): Pick<Conversation, "pinnedIds"> {
  if (content.kind !== "other" || content.frameType !== "message.pinned") return { pinnedIds };
  const messageId = content.facts["message_id"] as MessageId;
  const others = pinnedIds.filter((id) => id !== messageId);
  return { pinnedIds: content.facts["pinned"] === "true" ? [...others, messageId] : others };
}

function previewOf(
  before: Conversation,
  entry: Entry,
): Pick<Conversation, "preview" | "updatedAt"> {
  const { content } = entry;
  const same = { preview: before.preview, updatedAt: before.updatedAt };
  if (content.kind === "recalled") {
    if (before.preview === null || before.preview.messageId !== content.messageId) return same;
    return { ...same, preview: { ...before.preview, kind: "recalled", text: "" } };
  }
  const meaning = meaningOf(entry);
  if (meaning.kind !== "row") return same;
  const { body, id } = meaning.row;
  // The start of a stream says nothing yet; its whole message will. What happened to the conversation is not talk.
  if (body.kind !== "payload" && body.kind !== "unreadable") return same;
  const kind = body.kind === "payload" ? previewKind(body.payload) : body.kind;
  const text = body.kind === "payload" ? previewText(body.payload, entry.authorKind) : "";
  // A turn that failed before it said anything has no words; what was said last stays.
  if (kind === "text" && text === "")
    return { ...same, updatedAt: Math.max(before.updatedAt, entry.at) };
  return {
    preview: { messageId: id, authorId: entry.authorId, text, at: entry.at, kind },
    updatedAt: Math.max(before.updatedAt, entry.at),
  };
}

function withMark(
  before: Conversation,
  { accountId, status, seq }: Extract<ConversationChange, { readonly type: "mark" }>,
): Conversation {
  const known = before.marksById[accountId] ?? { delivered: 0, read: 0 };
  const next = {
    delivered: Math.max(known.delivered, seq),
    read: status === "read" ? Math.max(known.read, seq) : known.read,
  };
  if (next.delivered === known.delivered && next.read === known.read) return before;
  return { ...before, marksById: { ...before.marksById, [accountId]: next } };
}
