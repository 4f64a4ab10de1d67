/** Groups: founding, names, members. Every change is a signed ledger entry; the name travels sealed. */
import { bytesToBase64 } from "#base/base64.ts";
import { err, ok, type Result } from "#base/result.ts";
import { Conversation as WireConversation, GroupKeys } from "#protocol/rest.ts";
import { MAX_DESCRIPTION_CHARACTERS, MAX_TITLE_CHARACTERS } from "#protocol/limits.ts";
import { makeId, type AccountId, type ConversationId, type MessageId } from "#protocol/ids.ts";
import type { KnownPayload } from "#protocol/payload.ts";
import type { Member } from "./conversations/conversation.ts";
import { ledgerChange, type Session } from "./session.ts";
import type { EngineFailure } from "./failure.ts";

type Answer<Value> = Promise<Result<Value, EngineFailure>>;

/** A group of this person and the given contacts. */
export async function createGroup(
  session: Session,
  input: { readonly title: string; readonly memberIds: readonly AccountId[] },
): Answer<ConversationId> {
  const { endpoint, deps, people } = session;
  const conversationId = makeId<ConversationId>(deps.clock.now(), deps.random);
  const members = input.memberIds.map((accountId) => ({
    accountId,
    kind: people.get(accountId)?.kind ?? ("human" as const),
  }));
  const founded = await endpoint.foundConversation({
    conversationId,
    type: "group",
    members,
    post: async (ledger) => {
      const posted = await endpoint.rest.call("POST", "/groups", WireConversation, {
        conversation_id: conversationId,
        members: members.map(({ accountId: id, kind: type }) => ({ id, type })),
        ledger: ledger.map(bytesToBase64),
      });
      return posted.ok ? ok(null) : posted;
    },
  });
  if (!founded.ok) return founded;
  await session.admit({
    id: conversationId,
    kind: "group",
    peerId: null,
    relation: "established",
  });
  const named = await sayProfile(session, conversationId, { title: input.title });
  return named.ok ? ok(conversationId) : named;
}

type OfGroup = { readonly conversationId: ConversationId };
type OfMember = OfGroup & { readonly accountId: AccountId };

/** Adds a member, who is told again what the group shows: older messages do not open for newcomers. */
export async function addMember(
  session: Session,
  { conversationId, accountId }: OfMember,
): Answer<null> {
  const kind = session.people.get(accountId)?.kind ?? "human";
  const changed = await change(session, conversationId, { type: "add", accountId, kind });
  if (!changed.ok) return changed;
  return sayAgain(session, conversationId);
}

/** Removes a member. */
export async function removeMember(
  session: Session,
  { conversationId, accountId }: OfMember,
): Answer<null> {
  const wasLeading = leads(session, conversationId, accountId);
  const changed = await change(session, conversationId, { type: "remove", accountId });
  return changed.ok && wasLeading ? sayAgain(session, conversationId) : changed;
}

/** Leaves; the group stays for the others. The owner hands over first: `peer/refused`, `ROLE_REQUIRED`. */
export const leaveGroup = (session: Session, { conversationId }: OfGroup): Answer<null> =>
  removeMember(session, { conversationId, accountId: session.selfId });

/**
 * Changes what the group shows and seals it for the members there are. Fails with `peer/refused`
 * `ROLE_REQUIRED`, `engine/text-empty`, `engine/no-picture`.
 */
export async function setGroupProfile(
  session: Session,
  { conversationId, ...change }: OfGroup & Parameters<typeof sayProfile>[2],
): Answer<null> {
  return leads(session, conversationId, session.selfId)
    ? sayProfile(session, conversationId, change)
    : err({ kind: "peer/refused", code: "ROLE_REQUIRED" });
}

/** Gives a role; making somebody the owner hands the group over. */
export async function setRole(
  session: Session,
  { conversationId, accountId, role }: OfMember & { readonly role: Member["role"] },
): Answer<null> {
  const wasLeading = leads(session, conversationId, accountId);
  const changed = await change(session, conversationId, { type: "role", accountId, role });
  return changed.ok && wasLeading && role === "member"
    ? sayAgain(session, conversationId)
    : changed;
}

/** Who stops leading takes their word along; who made the change says it in their place. */
async function sayAgain(session: Session, conversationId: ConversationId): Answer<null> {
  const title = session.book.get(conversationId)?.title ?? "";
  // It counts from owner and admins; where a plain member adds, one of them says it at the next change.
  return title === "" || !leads(session, conversationId, session.selfId)
    ? ok(null)
    : sayProfile(session, conversationId);
}

const leads = (
  { book }: Session,
  conversationId: ConversationId,
  accountId: AccountId,
): boolean => {
  const role = book.get(conversationId)?.members.find(({ id }) => id === accountId)?.role;
  return role === "owner" || role === "admin";
};

/** Whether people who are plain members may add others. */
export const setMembersMayAdd = (
  session: Session,
  { conversationId, membersMayAdd }: OfGroup & { readonly membersMayAdd: boolean },
): Answer<null> => change(session, conversationId, { type: "invite-policy", membersMayAdd });

/** Ends the group for everyone. */
export const deleteGroup = (session: Session, { conversationId }: OfGroup): Answer<null> =>
  change(session, conversationId, { type: "close" });

/** Has every member open a session of fresh keys with the next message. */
export async function rotateGroupKeys(session: Session, { conversationId }: OfGroup): Answer<null> {
  const rotated = await session.endpoint.rest.call(
    "POST",
    `/keys/groups/${conversationId}/rotate`,
    GroupKeys,
    {},
  );
  return rotated.ok ? ok(null) : rotated;
}

async function change(
  session: Session,
  conversationId: ConversationId,
  wanted: Parameters<Session["endpoint"]["changeMembers"]>[1],
): Answer<null> {
  const changed = await session.endpoint.changeMembers(conversationId, wanted);
  if (!changed.ok) return changed;
  session.book.change(conversationId, ledgerChange(changed.value));
  return ok(null);
}

/** Says all that the group shows, with what changes. */
async function sayProfile(
  session: Session,
  conversationId: ConversationId,
  change: {
    readonly title?: string;
    readonly description?: string;
    readonly picture?: Blob | null;
  } = {},
): Answer<null> {
  const { endpoint, deps, files } = session;
  const before = lastProfile(session, conversationId);
  const name = cut(change.title ?? before.name, MAX_TITLE_CHARACTERS);
  if (name === "") return err({ kind: "engine/text-empty" });
  const description = cut(
    change.description ?? before.description ?? "",
    MAX_DESCRIPTION_CHARACTERS,
  );
  const messageId = makeId<MessageId>(deps.clock.now(), deps.random);
  const { picture } = change;
  const placed =
    picture === undefined || picture === null
      ? null
      : await files.placePicture(conversationId, messageId, picture);
  if (placed?.ok === false) return placed;
  const avatar = placed?.value ?? (picture === null ? undefined : before.avatar);
  const sent = await endpoint.send(
    conversationId,
    {
      type: "profile",
      name,
      ...(description !== "" && { description }),
      ...(avatar !== undefined && { avatar }),
    },
    { contentType: "control", messageId },
  );
  return sent.ok ? ok(null) : sent;
}

/** What was said last, also while it is on its way. */
function lastProfile(
  { endpoint, book }: Session,
  conversationId: ConversationId,
): Omit<Extract<KnownPayload, { readonly type: "profile" }>, "type"> {
  const waiting = endpoint
    .outgoing()
    .findLast((one) => one.conversationId === conversationId && one.payload.type === "profile");
  if (waiting?.payload.type === "profile") return waiting.payload;
  const { title, description, picture } = book.get(conversationId) ?? {};
  return { name: title ?? "", description, avatar: picture?.file };
}

const cut = (text: string, maxCharacters: number): string =>
  Array.from(text.trim()).slice(0, maxCharacters).join("");
