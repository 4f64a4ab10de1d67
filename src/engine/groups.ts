/** Groups: founding, names, members. Every change is a signed ledger entry; the name travels sealed. */
import { bytesToBase64 } from "#base/base64.ts";
import { err, ok, type Result } from "#base/result.ts";
import { Conversation as WireConversation, GroupKeys } from "#protocol/rest.ts";
import { MAX_TITLE_CHARACTERS } from "#protocol/limits.ts";
import { makeId, type AccountId, type ConversationId } from "#protocol/ids.ts";
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
  const named = await sayName(session, conversationId, input.title);
  return named.ok ? ok(conversationId) : named;
}

type OfGroup = { readonly conversationId: ConversationId };
type OfMember = OfGroup & { readonly accountId: AccountId };

/** Adds a member, who is told the group's name again: older messages do not open for newcomers. */
export async function addMember(
  session: Session,
  { conversationId, accountId }: OfMember,
): Answer<null> {
  const kind = session.people.get(accountId)?.kind ?? "human";
  const changed = await change(session, conversationId, { type: "add", accountId, kind });
  if (!changed.ok) return changed;
  const conversation = session.book.get(conversationId);
  const title = conversation?.title ?? "";
  // A name counts from owner and admins; where a plain member adds, one of them says it at the next change.
  const role = conversation?.members.find(({ id }) => id === session.selfId)?.role;
  return title === "" || role === "member" ? ok(null) : sayName(session, conversationId, title);
}

/** Removes a member. */
export const removeMember = (
  session: Session,
  { conversationId, accountId }: OfMember,
): Answer<null> => change(session, conversationId, { type: "remove", accountId });

/** Leaves; the group stays for the others. The owner hands over first: `peer/refused`, `ROLE_REQUIRED`. */
export const leaveGroup = (session: Session, { conversationId }: OfGroup): Answer<null> =>
  removeMember(session, { conversationId, accountId: session.selfId });

/** Seals a new name for the members there are. */
export const renameGroup = (
  session: Session,
  { conversationId, title }: OfGroup & { readonly title: string },
): Answer<null> => sayName(session, conversationId, title);

/** Gives a role; making somebody the owner hands the group over. */
export const setRole = (
  session: Session,
  { conversationId, accountId, role }: OfMember & { readonly role: Member["role"] },
): Answer<null> => change(session, conversationId, { type: "role", accountId, role });

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

async function sayName(
  session: Session,
  conversationId: ConversationId,
  title: string,
): Answer<null> {
  const name = Array.from(title.trim()).slice(0, MAX_TITLE_CHARACTERS).join("");
  if (name === "") return err({ kind: "engine/text-empty" });
  const sent = await session.endpoint.send(
    conversationId,
    { type: "profile", name },
    { contentType: "control" },
  );
  return sent.ok ? ok(null) : sent;
}
