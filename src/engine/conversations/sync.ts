/** Brings the list in line with the relay's: conversations, their settings, requests. The ledger decides about members. */
import { Conversation as WireConversation, ContactRequest } from "#protocol/rest.ts";
import type { ContactRequestView } from "#bridge/views.ts";
import type { Result } from "#base/result.ts";
import type { PeerFailure } from "#peer/failure.ts";
import type { Rest } from "#peer/rest.ts";
import type { Session, SessionSinks } from "../session.ts";

const MAX_PAGES = 40;

/** One round; what cannot be had now is asked for at the next connection. */
export async function syncConversations(
  { endpoint, book, people, admit }: Session,
  sinks: Pick<SessionSinks, "emit">,
): Promise<void> {
  const found = await listAll(endpoint.rest, "/conversations", WireConversation);
  if (!found.ok) return;
  for (const wire of found.value) {
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
  const requests = await listRequests(endpoint.rest);
  if (requests.ok) sinks.emit({ type: "contact-requests", requests: requests.value });
}

/** Requests that wait for an answer, in both directions. */
export async function listRequests(
  rest: Rest,
): Promise<Result<readonly ContactRequestView[], PeerFailure>> {
  const found = await listAll(rest, "/contacts/requests", ContactRequest);
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

type Item<Schema extends Parameters<Rest["page"]>[1]> = Extract<
  Awaited<ReturnType<typeof pageOf<Schema>>>,
  { readonly ok: true }
>["value"]["items"][number];

const pageOf = <Schema extends Parameters<Rest["page"]>[1]>(
  rest: Rest,
  path: string,
  schema: Schema,
) => rest.page(path, schema);

async function listAll<Schema extends Parameters<Rest["page"]>[1]>(
  rest: Rest,
  path: string,
  schema: Schema,
): Promise<Result<readonly Item<Schema>[], PeerFailure>> {
  const items: Item<Schema>[] = [];
  let cursor = "";
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const page = await pageOf(rest, `${path}?limit=200${cursor}`, schema);
    if (!page.ok) return page;
    items.push(...page.value.items);
    if (page.value.nextCursor === null) break;
    cursor = `&cursor=${encodeURIComponent(page.value.nextCursor)}`;
  }
  return { ok: true, value: items };
}
