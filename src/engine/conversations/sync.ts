/** Brings the list in line with the relay's: conversations, their settings, requests. The ledger decides about members. */
import { Conversation as WireConversation, ContactRequest } from "#protocol/rest.ts";
import type { ContactRequestView } from "#bridge/views.ts";
import type { Result } from "#base/result.ts";
import type { PeerFailure } from "#peer/failure.ts";
import { listAll } from "../list-all.ts";
import type { Session, SessionSinks } from "../session.ts";

/** One round; what cannot be had now is asked for at the next connection. */
export async function syncConversations(
  { endpoint, deps, book, people, admit }: Session,
  sinks: Pick<SessionSinks, "emit">,
): Promise<void> {
  const asking = { rest: endpoint.rest, clock: deps.clock };
  // By id, so that one that moves up meanwhile is not missed.
  const found = await listAll(asking, "/conversations?order=id", WireConversation);
  if (!found.ok) return;
  const newestFirst = found.value.toSorted(
    (a, b) => Date.parse(b.updated_at) - Date.parse(a.updated_at),
  );
  for (const wire of newestFirst) {
    const id = wire.conversation_id;
    if (wire.archived) {
      // Taken off the list on another device.
      if (book.get(id) !== null) await book.remove(id);
      continue;
    }
    const relation = wire.relation_status ?? "established";
    await admit({ id, kind: wire.type, peerId: wire.peer?.id ?? null, relation });
    const isMuted = wire.muted_until !== null;
    book.change(id, { type: "settings", isMuted, isPinned: wire.pinned });
    // Read on another device while this one was away.
    if (wire.read_seq > (book.get(id)?.readSeq ?? 0)) await book.markRead(id, wire.read_seq);
    if (wire.peer !== null) await people.want([{ id: wire.peer.id, kind: wire.peer.type }]);
  }
  const requests = await listRequests(asking);
  if (requests.ok) sinks.emit({ type: "contact-requests", requests: requests.value });
}

/** Requests that wait for an answer, in both directions. */
export async function listRequests(
  asking: Parameters<typeof listAll>[0],
): Promise<Result<readonly ContactRequestView[], PeerFailure>> {
  const found = await listAll(asking, "/contacts/requests", ContactRequest);
  if (!found.ok) return found;
  return {
    ok: true,
    value: found.value.map(({ request_id, user, created_at, direction }) => ({
      requestId: request_id,
      userId: user.user_id,
      name: user.display_name,
      handle: user.handle,
      at: Date.parse(created_at),
      direction,
    })),
  };
}
