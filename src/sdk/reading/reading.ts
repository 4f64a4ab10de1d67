/** What stands with the relay, read on demand: conversations, and pages of their messages. Nothing is acknowledged. */
import type { PeerEndpoint } from "#peer/create-endpoint.ts";
import type { Entry } from "#peer/endpoint.ts";
import type { PeerFailure } from "#peer/failure.ts";
import type { Page, Rest } from "#peer/rest.ts";
import type { Store } from "#peer/store.ts";
import type { Result } from "#base/result.ts";
import type { ConversationId } from "#protocol/ids.ts";
import { Agent, Conversation } from "#protocol/rest.ts";
import { errorOfFailure } from "../error-of-failure.ts";
import { isMessageEntry, messageOf, type AgentMessage } from "../incoming/message-context.ts";
import { createNames } from "../incoming/names.ts";

/** A message that this process cannot show: one that was taken back, or whose keys are not at hand (any more). */
export type UnreadableMessage = Pick<
  AgentMessage,
  "message_id" | "conversation_id" | "conversation_seq" | "sender_id" | "sender_type" | "created_at"
> & {
  readonly payload: null;
  /** `recalled`; `own-message`, said when the agent had no prekey of its own, or one that is gone by now; or why it does not open. */
  readonly because: string;
};

export type HistoryPage = {
  /** Oldest first. */
  readonly messages: readonly (AgentMessage | UnreadableMessage)[];
  /** For the next page back; null at the beginning. */
  readonly before: number | null;
};

export type ConversationSummary = Conversation & { readonly display_name: string };

export type ConversationsPage = {
  /** Newest first. */
  readonly conversations: readonly ConversationSummary[];
  /** For the next page; null at the end. */
  readonly next: string | null;
};

export type AgentProfile = Agent;

export interface Reading {
  profile(agentId: string): Promise<AgentProfile>;
  conversations(): Promise<readonly ConversationSummary[]>;
  conversationsPage(range: {
    readonly after?: string;
    readonly limit?: number;
  }): Promise<ConversationsPage>;
  history(
    conversationId: ConversationId,
    range: { readonly before?: number; readonly limit?: number },
  ): Promise<HistoryPage>;
}

const DEFAULT_LIMIT = 50;
/** Behind every entry there can be, and still a number that the relay reads. */
const END_OF_LOG = 999_999_999_999_999;

export function createReading(rest: Rest, openReader: () => PeerEndpoint, store: Store): Reading {
  const names = createNames(store, rest);
  const page = async (query: string): Promise<Page<Conversation>> =>
    must(await rest.page(`/conversations?${query}`, Conversation));
  const named = async (items: readonly Conversation[]): Promise<ConversationSummary[]> => {
    const summaries: ConversationSummary[] = [];
    for (const one of items) {
      const display_name = one.peer === null ? "" : await names.of(one.peer.id, one.peer.type);
      summaries.push({ ...one, display_name });
    }
    return summaries;
  };
  return {
    profile: async (agentId) => must(await rest.call("GET", `/agents/${agentId}`, Agent)),

    async conversations() {
      const found: Conversation[] = [];
      // By id, so that one that moves up meanwhile is not missed.
      for (let cursor: string | null = ""; cursor !== null;) {
        const { items, nextCursor } = await page(`order=id&limit=200${after(cursor)}`);
        found.push(...items);
        cursor = nextCursor;
      }
      return named(found.toSorted((a, b) => Date.parse(b.updated_at) - Date.parse(a.updated_at)));
    },

    async conversationsPage({ after: cursor = "", limit = DEFAULT_LIMIT }) {
      const { items, nextCursor } = await page(`limit=${limit}${after(cursor)}`);
      return { conversations: await named(items), next: nextCursor };
    },

    async history(conversationId, { before = END_OF_LOG, limit = DEFAULT_LIMIT }) {
      const reader = openReader();
      const entries: Entry[] = [];
      reader.on((event) => void (event.type === "entry" && entries.push(event.entry)));
      const got = must(await reader.pullBefore(conversationId, before, limit));
      const ledger = await reader.ledger(conversationId);
      await reader.close(0);
      const messages: (AgentMessage | UnreadableMessage)[] = [];
      for (const entry of entries) {
        if (!isMessageEntry(entry)) {
          const unreadable = unreadableOf(entry);
          // A recall stands in the log twice: where the message was, and where it was asked for.
          const isShown = messages.some(({ message_id }) => message_id === unreadable?.message_id);
          if (unreadable !== null && !isShown) messages.push(unreadable);
          continue;
        }
        if (HIDDEN.has(entry.content.payload.type)) continue;
        const displayName = await names.of(entry.authorId, entry.authorKind);
        const around = { ledger, displayName, exactlyOnce: false, interrupted: false };
        messages.push(messageOf(entry, around));
      }
      return { messages, before: got.hasMore ? (entries[0]?.seq ?? null) : null };
    },
  };
}

const after = (cursor: string): string =>
  cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;

/** What no reader is shown: machinery, and what a group shows of itself. */
const HIDDEN: ReadonlySet<string> = new Set(["profile", "recall", "stream"]);

function unreadableOf({ content, ...entry }: Entry): UnreadableMessage | null {
  const isRecalled = content.kind === "recalled";
  if (content.kind !== "unreadable" && !isRecalled) return null;
  return {
    message_id: content.messageId,
    conversation_id: entry.conversationId,
    conversation_seq: entry.seq,
    sender_id: entry.authorId,
    sender_type: entry.authorKind,
    created_at: new Date(entry.at).toISOString(),
    payload: null,
    because: isRecalled ? "recalled" : content.failure,
  };
}

function must<Value>(result: Result<Value, PeerFailure>): Value {
  if (!result.ok) throw errorOfFailure(result.failure);
  return result.value;
}
