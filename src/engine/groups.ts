/** Groups: founding, names, members. Every change is a signed ledger entry; the name travels sealed. */
import { bytesToBase64 } from "#base/base64.ts";
import { err, ok, type Result } from "#base/result.ts";
import { Conversation as WireConversation } from "#protocol/rest.ts";
import { MAX_TITLE_CHARACTERS } from "#protocol/limits.ts";
import { makeId, type AccountId, type ConversationId } from "#protocol/ids.ts";
import { membersOf, type Session } from "./session.ts";
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

/** Adds a member, who is told the group's name again: older messages do not open for newcomers. */
export async function addMember(
  session: Session,
  {
    conversationId,
    accountId,
  }: { readonly conversationId: ConversationId; readonly accountId: AccountId },
): Answer<null> {
  const kind = session.people.get(accountId)?.kind ?? "human";
  const changed = await session.endpoint.changeMembers(conversationId, {
    type: "add",
    accountId,
    kind,
  });
  if (!changed.ok) return changed;
  session.book.change(conversationId, { type: "members", members: membersOf(changed.value) });
  const title = session.book.get(conversationId)?.title ?? "";
  return title === "" ? ok(null) : sayName(session, conversationId, title);
}

/** Removes a member. */
export async function removeMember(
  session: Session,
  {
    conversationId,
    accountId,
  }: { readonly conversationId: ConversationId; readonly accountId: AccountId },
): Answer<null> {
  const changed = await session.endpoint.changeMembers(conversationId, {
    type: "remove",
    accountId,
  });
  if (!changed.ok) return changed;
  session.book.change(conversationId, { type: "members", members: membersOf(changed.value) });
  return ok(null);
}

/** Leaves; the group stays for the others. */
export const leaveGroup = (
  session: Session,
  { conversationId }: { readonly conversationId: ConversationId },
): Answer<null> => removeMember(session, { conversationId, accountId: session.selfId });

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
