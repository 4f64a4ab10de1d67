/** A conversation as the list draws it. Pure. */
import type { ChannelHeadView } from "#bridge/channel-views.ts";
import type {
  Ability,
  ConversationView,
  GroupView,
  KeyChangeView,
  MemberView,
  TrustView,
} from "#bridge/views.ts";
import type { OutgoingMessage } from "#peer/endpoint.ts";
import type { AccountId, ConversationId } from "#protocol/ids.ts";
import type { KnownPayload } from "#protocol/payload.ts";
import { previewKind, previewText } from "../thread/payload-text.ts";
import type { Conversation, Member } from "./conversation.ts";

/** What is known of accounts, beside any conversation. */
export type PeopleContext = {
  readonly selfId: AccountId;
  nameOf(accountId: AccountId): string;
  ownNameOf(accountId: AccountId): string;
  trustOf(accountId: AccountId): TrustView;
  changeOf(accountId: AccountId): KeyChangeView | null;
  presenceOf(accountId: AccountId): "online" | "away" | "offline" | "unknown";
  isStateless(accountId: AccountId): boolean;
  suggestionsOf(accountId: AccountId): readonly string[];
  /** Whether a file's bytes lie on this device. */
  isFileHere(attachmentId: string): boolean;
  /** This device was removed from the account, and it is the relay that carries the conversation. */
  isCutOff(conversationId: ConversationId): boolean;
};

/** What the relay carries; a plain agent server carries none of it. */
const ABILITIES: readonly Ability[] = [
  "reply",
  "react",
  "recall",
  "pin",
  "mention",
  "typing",
  "receipts",
  "verify",
  "files",
  "revoke",
];

/** In a group owner and admins pin. */
const WITHOUT_PINS = ABILITIES.filter((ability) => ability !== "pin");

/** The view of one conversation. */
export function viewConversation(
  conversation: Conversation,
  extra: {
    readonly draft: string;
    readonly typing: readonly AccountId[];
    readonly channel: ChannelHeadView | null;
    /** Own messages on their way, oldest first. */
    readonly outgoing: readonly OutgoingMessage[];
  },
  people: PeopleContext,
): ConversationView {
  const members = conversation.members.map((member) => viewMember(member, people));
  const peer = conversation.peerId === null ? null : peerOf(conversation, people);
  const waiting = previewOfOutgoing(extra.outgoing, people.selfId);
  const preview = waiting ?? conversation.preview;
  const group = groupOf(conversation, people.selfId, people.isFileHere);
  const updatedAt = Math.max(conversation.updatedAt, waiting?.at ?? 0);
  return {
    id: conversation.id,
    kind: conversation.kind,
    title: titleOf(conversation, people),
    peer,
    members,
    relation: conversation.isClosed === true ? "revoked" : conversation.relation,
    unreadCount: conversation.unreadCount,
    mentioned: conversation.mentionSeq > conversation.readSeq,
    muted: conversation.isMuted,
    pinned: conversation.isPinned,
    preview:
      extra.draft === ""
        ? preview && {
            authorId: preview.authorId,
            text: preview.text,
            at: preview.at,
            kind: preview.kind,
          }
        : {
            authorId: people.selfId,
            text: extra.draft,
            at: updatedAt,
            kind: "draft",
          },
    typing: extra.typing,
    draft: extra.draft,
    updatedAt,
    sending: sendingOf(conversation, people),
    suggestions: conversation.peerId === null ? [] : people.suggestionsOf(conversation.peerId),
    can: extra.channel !== null ? [] : group?.role === "member" ? WITHOUT_PINS : ABILITIES,
    pinnedIds: conversation.pinnedIds ?? [],
    group,
    channel: extra.channel,
  };
}

/** What was written last and stands at the thread's end, whether it has left or not. */
function previewOfOutgoing(
  outgoing: readonly OutgoingMessage[],
  selfId: AccountId,
): NonNullable<ConversationView["preview"]> | null {
  const drawn = outgoing.findLast(({ payload }) => DRAWN.has(payload.type));
  if (drawn === undefined) return null;
  return {
    authorId: selfId,
    text: previewText(drawn.payload, "human"),
    at: drawn.queuedAt,
    kind: previewKind(drawn.payload),
  };
}

/** Payloads that are rows of a thread; reactions, answers and the like hang on others. */
const DRAWN: ReadonlySet<KnownPayload["type"]> = new Set([
  "text",
  "image",
  "video",
  "audio",
  "file",
  "link",
  "contact",
  "artifact",
]);

/** Whether something can be sent, by what is known here; the relay may still refuse. */
export function sendingOf(
  conversation: Conversation,
  people: Pick<PeopleContext, "selfId" | "trustOf" | "isCutOff">,
): ConversationView["sending"] {
  const because = blockOf(conversation, people);
  return because === null ? { allowed: true } : { allowed: false, because };
}

function blockOf(
  {
    id: conversationId,
    relation,
    isForked,
    isWithheld = false,
    isClosed,
    members,
    peerId,
  }: Conversation,
  { selfId, trustOf, isCutOff }: Pick<PeopleContext, "selfId" | "trustOf" | "isCutOff">,
): Exclude<ConversationView["sending"], { readonly allowed: true }>["because"] | null {
  if (isCutOff(conversationId)) return "device-removed";
  if (isForked) return "fork";
  if (relation === "revoked" || isClosed === true) return "ended";
  if (relation === "suspended") return "suspended";
  if (relation === "pending") return "pending";
  if (members.length > 0 && !members.some(({ id }) => id === selfId)) return "removed";
  if (isWithheld) return "ledger-withheld";
  // The peer counts also while the ledger that names the members cannot be had.
  const others = [...members.map(({ id }) => id), peerId].filter((id) => id !== selfId);
  return others.some((id) => id !== null && trustOf(id) === "changed") ? "key-changed" : null;
}

/** The part of a view that only a changed contact has. */
export function changeIn(
  people: Pick<PeopleContext, "changeOf">,
  id: AccountId,
): { readonly change?: KeyChangeView } {
  const change = people.changeOf(id);
  return change === null ? {} : { change };
}

function groupOf(
  { kind, members, membersMayAdd = false, description = "", picture = null }: Conversation,
  selfId: AccountId,
  isFileHere: (attachmentId: string) => boolean,
): GroupView | null {
  const role = members.find(({ id }) => id === selfId)?.role;
  if (kind !== "group" || role === undefined) return null;
  const attachmentId = picture?.file.attachment_id ?? "";
  return {
    role,
    description,
    picture: picture && {
      messageId: picture.messageId,
      attachmentId,
      isHere: isFileHere(attachmentId),
    },
    membersMayAdd,
    mayAdd: membersMayAdd || role !== "member",
  };
}

function titleOf({ kind, title, peerId, members }: Conversation, people: PeopleContext): string {
  if (kind !== "group" && peerId !== null) return people.nameOf(peerId);
  if (title !== null && title !== "") return title;
  return members
    .filter(({ id }) => id !== people.selfId)
    .map(({ id }) => people.nameOf(id))
    .join(", ");
}

function peerOf({ peerId, members, kind }: Conversation, people: PeopleContext) {
  if (peerId === null) return null;
  const known = members.find(({ id }) => id === peerId);
  const peerKind = known?.kind ?? (kind === "h2a" ? "agent" : "human");
  const {
    role: _role,
    isSelf: _isSelf,
    ...peer
  } = viewMember({ id: peerId, kind: peerKind, role: "member" }, people);
  return peer;
}

/** The part of a view that only a contact has whom this person gave another name. */
function remarkIn(
  people: Pick<PeopleContext, "nameOf" | "ownNameOf">,
  id: AccountId,
): { readonly ownName?: string } {
  const ownName = people.ownNameOf(id);
  return people.nameOf(id) === ownName ? {} : { ownName };
}

const viewMember = ({ id, kind, role }: Member, people: PeopleContext): MemberView => ({
  ...changeIn(people, id),
  ...remarkIn(people, id),
  id,
  kind,
  role,
  name: people.nameOf(id),
  trust: people.trustOf(id),
  presence: people.presenceOf(id),
  stateless: people.isStateless(id),
  isSelf: id === people.selfId,
});
