/**
 * Tools of this device that an agent asks for: how grave a scope is by the manifest the agent signed for, and what its
 * person allowed here for a day. What runs, and whether, is the page's. SPEC N120.
 */
import { bytesToHex } from "#base/bytes.ts";
import { ok, type Result } from "#base/result.ts";
import type { ToolAskView } from "#bridge/views.ts";
import type { ToolCallCard } from "#protocol/artifact.ts";
import type { AccountId, ConversationId } from "#protocol/ids.ts";
import type { EngineFailure } from "./failure.ts";
import { loadRecords, putRecord, TABLE } from "./records.ts";
import type { Session } from "./session.ts";

/** How long a person has to decide; also how old a call may be that is still asked. */
export const DECIDE_WITHIN_MS = 30_000;
const ALLOWED_FOR_MS = 86_400_000;

/** What an agent's manifest says of its scopes, with the hash of that manifest. */
export type ScopeFacts = {
  readonly manifestHash: string | null;
  readonly sensitivityByScope: Readonly<Record<string, ToolAskView["sensitivity"]>>;
};

const consentKey = (conversationId: ConversationId, scope: string): string =>
  `${conversationId}/${scope}`;

/** Remembers the person's word for a day, on this device and for this conversation alone. */
export async function allowScope(
  { store, deps, toolConsents }: Session,
  { conversationId, scope }: { readonly conversationId: ConversationId; readonly scope: string },
): Promise<Result<null, EngineFailure>> {
  const consent = { until: deps.clock.now() + ALLOWED_FOR_MS };
  const key = consentKey(conversationId, scope.slice(0, 200));
  toolConsents.set(key, consent);
  const kept = await store.commit({ puts: [putRecord(TABLE.toolConsents, key, consent)] });
  return kept.ok ? ok(null) : kept;
}

/** What was allowed before, by conversation and scope. */
export const loadConsents = async (
  store: Session["store"],
): Promise<Map<string, { readonly until: number }>> =>
  new Map(await loadRecords<{ readonly until: number }>(store, TABLE.toolConsents));

/** How a call stands: asked in a conversation of two alone, and only while it is fresh. */
export function toolAsk(
  session: Session,
  conversationId: ConversationId,
  card: ToolCallCard,
  call: { readonly authorId: AccountId; readonly at: number },
): ToolAskView | null {
  const { book, people, deps, toolConsents } = session;
  const conversation = book.get(conversationId);
  if (conversation?.kind !== "h2a" || conversation.peerId !== call.authorId) return null;
  const decideUntil = call.at + DECIDE_WITHIN_MS;
  if (deps.clock.now() >= decideUntil) return null;
  const scope = card.permission_scope ?? "";
  const sensitivity = people.get(call.authorId)?.signedScopes?.[scope] ?? "high";
  const until = toolConsents.get(consentKey(conversationId, scope))?.until ?? 0;
  return { sensitivity, isAllowed: until > deps.clock.now(), decideUntil };
}

/** The scopes that count: those of a manifest whose hash the agent's own card carries. */
export const signedScopes = (
  facts: ScopeFacts | undefined,
  signedHash: Uint8Array | null,
): ScopeFacts["sensitivityByScope"] =>
  facts !== undefined && signedHash !== null && facts.manifestHash === bytesToHex(signedHash)
    ? facts.sensitivityByScope
    : {};
