/** Read marks, muting, pinning. */
import { err, ok, type Result } from "#base/result.ts";
import type { ConversationId, MessageId } from "#protocol/ids.ts";
import type { EngineFailure } from "./failure.ts";
import type { PageThreads } from "./page-threads.ts";
import type { Session } from "./session.ts";

type Answer<Value> = Promise<Result<Value, EngineFailure>>;

/** Muting has no end; the relay wants a moment. */
const MUTED_FOREVER = "9999-12-31T23:59:59.000Z";

/** Moves the read mark, here and for others, but only for rows that a person can see now. */
export async function markRead(
  session: Session,
  threads: PageThreads,
  isVisible: boolean,
  {
    conversationId,
    upToId,
  }: { readonly conversationId: ConversationId; readonly upToId: MessageId },
): Answer<null> {
  if (!isVisible || !threads.isOpen(conversationId)) return ok(null);
  const seq = threads.seqOf(conversationId, upToId);
  if (seq === null) return ok(null);
  await session.book.markRead(conversationId, seq);
  session.carrierOf(conversationId).markRead(seq);
  return ok(null);
}

export const setMuted = (
  session: Session,
  { conversationId, muted }: { readonly conversationId: ConversationId; readonly muted: boolean },
): Answer<null> =>
  change(
    session,
    conversationId,
    { isMuted: muted },
    { muted_until: muted ? MUTED_FOREVER : null },
  );

export const setPinned = (
  session: Session,
  { conversationId, pinned }: { readonly conversationId: ConversationId; readonly pinned: boolean },
): Answer<null> => change(session, conversationId, { isPinned: pinned }, { pinned });

async function change(
  session: Session,
  conversationId: ConversationId,
  settings: { readonly isMuted?: boolean; readonly isPinned?: boolean },
  body: object,
): Answer<null> {
  if (session.book.get(conversationId) === null)
    return err({ kind: "engine/unknown-conversation" });
  const said = await session.carrierOf(conversationId).saveSettings(body);
  if (!said.ok) return said;
  session.book.change(conversationId, { type: "settings", ...settings });
  return ok(null);
}
