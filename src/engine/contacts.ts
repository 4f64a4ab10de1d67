/** Coming together: invite links of agents and people, requests and their answers, ending a relation. */
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import { equalBytes, type Bytes } from "#base/bytes.ts";
import { fingerprintText } from "#base/fingerprint-text.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { ContactRequestView, InviteView } from "#bridge/views.ts";
import { fingerprint } from "#crypto/identity.ts";
import { replayAccount } from "#crypto/ledger/account-replay.ts";
import {
  ContactRequested,
  Empty,
  Invite,
  PublicUser,
  Relation,
  type ContactRequest,
} from "#protocol/rest.ts";
import { makeId, type AccountId, type ConversationId } from "#protocol/ids.ts";
import * as v from "valibot";
import { sendingOf } from "./conversations/conversation-view.ts";
import { listRequests } from "./conversations/sync.ts";
import type { PeerFailure } from "#peer/failure.ts";
import type { EngineFailure } from "./failure.ts";
import { parseInviteLink, type InviteLink } from "./invite-link.ts";
import { agentFacts } from "./people.ts";
import type { Session } from "./session.ts";

type Answer<Value> = Promise<Result<Value, EngineFailure>>;

/** Invites the relay's operator offers to newcomers, whole links; none where the relay has no such list. */
const OfferedInvites = v.array(v.object({ url: v.pipe(v.string(), v.maxLength(2_048)) }));

/** The offered agents whose links hold; one that does not is left out. */
export async function listOfferedInvites(session: Session): Answer<readonly InviteView[]> {
  const offered = await session.endpoint.rest.call("GET", "/invites/offered", OfferedInvites);
  if (!offered.ok) {
    const isAbsent =
      offered.failure.kind === "peer/not-found" || offered.failure.kind === "peer/bad-answer";
    return isAbsent ? ok([]) : offered;
  }
  const views = await Promise.all(offered.value.map(({ url }) => openInvite(session, { url })));
  views.forEach((view, i) => {
    const url = offered.value[i]?.url;
    if (view.ok && view.value.kind === "agent" && url !== undefined)
      session.offeredLinks.set(view.value.code, url);
  });
  return ok(views.flatMap((view) => (view.ok ? [view.value] : [])));
}

/**
 * What a link leads to, its key compared with the link's fingerprint.
 *
 * Fails with `engine/bad-invite`, `engine/own-invite`, `engine/fingerprint-mismatch` and the line's kinds.
 */
export async function openInvite(
  session: Session,
  input: { readonly url: string },
): Answer<InviteView> {
  const link = linkOf(session, input.url);
  if (!link.ok) return link;
  return link.value.kind === "agent"
    ? viewAgentInvite(session, link.value)
    : viewPersonInvite(session, link.value);
}

/** Agents: a conversation, made here. People: a request; its conversation comes with their acceptance. */
export async function acceptInvite(
  session: Session,
  input: { readonly url: string },
): Answer<ConversationId | null> {
  const link = linkOf(session, input.url);
  if (!link.ok) return link;
  const view = await openInvite(session, input);
  if (!view.ok) return view;
  if (view.value.alreadyIn !== null) return ok(view.value.alreadyIn);
  const accountId: AccountId = view.value.kind === "agent" ? view.value.agentId : view.value.userId;
  const pinned = await session.endpoint.pin(accountId, link.value.fingerprint);
  if (!pinned.ok) {
    return pinned.failure.kind === "peer/key-changed"
      ? err({ kind: "engine/fingerprint-mismatch" })
      : pinned;
  }
  // A changed key that a link leads to was not compared by anybody.
  const isVerified = session.people.trustOf(accountId) === "verified";
  const kind = view.value.kind;
  await session.people.note({ id: accountId, kind, isVerified, isChanged: false });
  if (view.value.kind === "human") {
    const body = { user_id: view.value.userId };
    const asked = await session.endpoint.rest.call(
      "POST",
      "/contacts/requests",
      ContactRequested,
      body,
    );
    if (asked.ok) await session.sync();
    return asked.ok ? ok(null) : asked;
  }
  const { code } = view.value;
  return found(session, accountId, "agent", (conversation_id, ledger) =>
    session.endpoint.rest.call("POST", `/invites/${code}/accept`, Relation, {
      conversation_id,
      ledger,
      granted_scopes: [],
    }),
  );
}

/** Requests that wait, both ways. */
export const listContactRequests = (session: Session): Answer<readonly ContactRequestView[]> =>
  listRequests({ rest: session.endpoint.rest, clock: session.deps.clock });

/** Accepts or declines; accepting makes the conversation. Fails with `engine/unknown-request`. */
export async function answerContactRequest(
  session: Session,
  input: { readonly requestId: ContactRequest["request_id"]; readonly accept: boolean },
): Answer<ConversationId | null> {
  const { rest } = session.endpoint;
  const requests = await listRequests({ rest, clock: session.deps.clock });
  if (!requests.ok) return requests;
  const request = requests.value.find(({ requestId }) => requestId === input.requestId);
  if (request === undefined) return err({ kind: "engine/unknown-request" });
  const path = `/contacts/requests/${encodeURIComponent(request.requestId)}`;
  if (!input.accept) {
    const declined = await rest.call("POST", `${path}/decline`, Empty, {});
    await session.sync();
    return declined.ok ? ok(null) : declined;
  }
  // Whose keys changed stays changed: an answer to a request is no word about them.
  const known = await session.endpoint.account(request.userId);
  if (!known.ok) return known;
  const { userId, name, handle } = request;
  await session.people.note({ id: userId, kind: "human", name, handle });
  const made = await found(session, userId, "human", (conversation_id, ledger) =>
    rest.call("POST", `${path}/accept`, Relation, { conversation_id, ledger }),
  );
  await session.sync();
  return made;
}

/** Ends a relation for both sides. */
export async function revokeRelation(
  session: Session,
  { conversationId }: { readonly conversationId: ConversationId },
): Answer<null> {
  const { rest } = session.endpoint;
  const about = `/relations?conversation_id=${conversationId}`;
  const relations = await rest.page(about, Relation);
  if (!relations.ok) return relations;
  const relation = relations.value.items.find((one) => one.conversation_id === conversationId);
  if (relation === undefined) return err({ kind: "engine/unknown-conversation" });
  const revoked = await rest.call(
    "POST",
    `/relations/${relation.relation_id}/revoke`,
    Relation,
    {},
  );
  if (!revoked.ok) return revoked;
  session.book.change(conversationId, { type: "relation", relation: "revoked" });
  return ok(null);
}

/**
 * Takes an ended conversation off this person's list, on every device, and what was said in it off this one.
 *
 * Fails with `engine/unknown-conversation`, and `engine/still-going` as long as it is not over.
 */
export async function forgetConversation(
  { book, endpoint, files, peopleContext }: Session,
  { conversationId }: { readonly conversationId: ConversationId },
): Answer<null> {
  const conversation = book.get(conversationId);
  if (conversation === null) return err({ kind: "engine/unknown-conversation" });
  const sending = sendingOf(conversation, peopleContext);
  const isOver = !sending.allowed && (sending.because === "ended" || sending.because === "removed");
  if (!isOver) return err({ kind: "engine/still-going" });
  const path = `/conversations/${conversationId}`;
  const hidden = await endpoint.rest.call("DELETE", path, Empty);
  if (!hidden.ok) return hidden;
  await files.forgetConversation(conversationId);
  await book.remove(conversationId);
  return ok(null);
}

/** A link as it was given; one of an offered agent may come without its fragment. */
function linkOf({ deps, offeredLinks }: Session, url: string): Result<InviteLink, EngineFailure> {
  const code = /^\/i\/([A-Za-z0-9_-]{1,64})$/.exec(url)?.[1];
  const offered = code === undefined ? undefined : offeredLinks.get(code);
  return parseInviteLink(offered ?? url, deps.origin);
}

async function found(
  session: Session,
  peerId: AccountId,
  kind: "human" | "agent",
  post: (
    conversationId: ConversationId,
    ledger: readonly string[],
  ) => Promise<Result<Relation, PeerFailure>>,
): Answer<ConversationId> {
  const { endpoint, deps } = session;
  const conversationId = makeId<ConversationId>(deps.clock.now(), deps.random);
  const type = kind === "agent" ? "h2a" : "h2h";
  let relation: Relation["status"] = "established";
  const founded = await endpoint.foundConversation({
    conversationId,
    type,
    members: [{ accountId: peerId, kind }],
    post: async (entries) => {
      const posted = await post(conversationId, entries.map(bytesToBase64));
      if (!posted.ok) return posted;
      relation = posted.value.status;
      return ok(null);
    },
  });
  if (!founded.ok) return founded;
  await session.admit({ id: conversationId, kind: type, peerId, relation });
  return ok(conversationId);
}

async function viewAgentInvite(
  session: Session,
  link: Extract<InviteLink, { readonly kind: "agent" }>,
): Answer<InviteView> {
  const { primitives } = session.deps;
  const invite = await session.endpoint.rest.call("GET", `/invites/${link.code}`, Invite);
  if (!invite.ok) return invite;
  const { agent, keys } = invite.value;
  const key = base64ToBytes(keys.signing_public_key);
  const card = keys.card === null ? null : base64ToBytes(keys.card);
  if (key?.length !== 32 || card === null) return err({ kind: "engine/fingerprint-mismatch" });
  const shown = fingerprint(primitives, agent.agent_id, key);
  if (!equalBytes(shown, link.fingerprint)) return err({ kind: "engine/fingerprint-mismatch" });
  const account = await replayAccount(primitives, agent.agent_id, [card]);
  if (!account.ok || !equalBytes(account.value.identityKey, key))
    return err({ kind: "engine/fingerprint-mismatch" });
  const { online, ...facts } = agentFacts(agent);
  const stateless = account.value.mode === "envelope";
  await session.people.note({
    id: agent.agent_id,
    kind: "agent",
    ...facts,
    isStateless: stateless,
    fetchedAt: session.deps.clock.now(),
  });
  session.people.setPresence(agent.agent_id, online ? "online" : "offline");
  return ok({
    kind: "agent",
    code: link.code,
    agentId: agent.agent_id,
    name: agent.display_name,
    description: agent.description,
    fingerprintText: fingerprintText(link.fingerprint),
    stateless,
    alreadyIn: conversationWith(session, agent.agent_id),
  });
}

async function viewPersonInvite(
  session: Session,
  link: Extract<InviteLink, { readonly kind: "human" }>,
): Answer<InviteView> {
  const { rest } = session.endpoint;
  const found = await rest.call("GET", `/users/search?q=@${link.handle}`, UserOrNone);
  if (!found.ok) return found;
  const user = Array.isArray(found.value) ? found.value[0] : found.value;
  if (user === undefined) return err({ kind: "peer/not-found" });
  const userId = user.user_id;
  if (userId === session.selfId) return err({ kind: "engine/own-invite" });
  const account = await session.endpoint.account(userId);
  if (!account.ok) return account;
  const shown: Bytes = fingerprint(session.deps.primitives, userId, account.value.identityKey);
  if (!equalBytes(shown, link.fingerprint)) return err({ kind: "engine/fingerprint-mismatch" });
  const requests = await listRequests({ rest, clock: session.deps.clock });
  await session.people.note({
    id: userId,
    kind: "human",
    name: user.display_name,
    handle: user.handle,
  });
  return ok({
    kind: "human",
    handle: user.handle,
    userId,
    name: user.display_name,
    fingerprintText: fingerprintText(link.fingerprint),
    alreadyIn: conversationWith(session, userId),
    requested:
      requests.ok && requests.value.some((one) => one.userId === userId && one.direction === "out"),
  });
}

const UserOrNone = v.union([PublicUser, v.array(PublicUser)]);

/** The conversation of two with an account that has not ended. */
export const conversationWith = ({ book }: Session, peerId: AccountId): ConversationId | null =>
  book.list().find((one) => one.peerId === peerId && one.relation !== "revoked")?.id ?? null;
