/** Who is in a conversation, remembered while it does not change, and entries handed on in log order. */
import type { Log } from "#base/log.ts";
import { createKeyedQueue } from "#base/queue.ts";
import type { AccountId, ConversationId } from "#protocol/ids.ts";
import { factsOf } from "../json-log.ts";
import type { EntryKind, LogMember, LogStore, StoredEntry } from "../log/log-store.ts";

export interface Audience {
  members(conversationId: ConversationId): Promise<readonly LogMember[]>;
  /** Accounts in the conversation now, or null when `accountId` is not one of them. */
  othersOf(
    conversationId: ConversationId,
    accountId: AccountId,
  ): Promise<readonly LogMember[] | null>;
  /** The members may be others than they were. */
  forget(conversationId: ConversationId): void;
  /** Calls `task` with the members as the entry left them, one entry of a conversation after the other. */
  withMembers(entry: StoredEntry, task: (members: readonly LogMember[]) => void): void;
}

/** Entries after which the members may be others. */
const CHANGES_MEMBERS: ReadonlySet<EntryKind> = new Set([
  "group.updated",
  "ledger.appended",
  "relation.established",
]);

export const changesMembers = (kind: EntryKind): boolean => CHANGES_MEMBERS.has(kind);

const MAX_REMEMBERED = 10_000;

export function createAudience(log: Pick<LogStore, "members">, events: Log): Audience {
  const membersByConversation = new Map<ConversationId, readonly LogMember[]>();
  const telling = new Map<ConversationId, Promise<void>>();
  /** Whoever asks while a read is under way shares it, so that all go on in the order they asked. */
  const loading = new Map<ConversationId, Promise<readonly LogMember[]>>();
  const reads = createKeyedQueue();

  const load = (conversationId: ConversationId): Promise<readonly LogMember[]> => {
    const loaded = reads
      .run(conversationId, () => log.members(conversationId))
      .then((read) => {
        // A read that began before the members changed is its callers' alone.
        if (loading.get(conversationId) !== loaded) return read;
        if (membersByConversation.size >= MAX_REMEMBERED) membersByConversation.clear();
        if (read.length > 0) membersByConversation.set(conversationId, read);
        return read;
      })
      .finally(() => {
        if (loading.get(conversationId) === loaded) loading.delete(conversationId);
      });
    loading.set(conversationId, loaded);
    return loaded;
  };
  const members = async (conversationId: ConversationId): Promise<readonly LogMember[]> =>
    membersByConversation.get(conversationId) ??
    loading.get(conversationId) ??
    load(conversationId);
  const forget = (conversationId: ConversationId): void => {
    membersByConversation.delete(conversationId);
    loading.delete(conversationId);
  };

  return {
    members,
    forget,
    async othersOf(conversationId, accountId) {
      const current = (await members(conversationId)).filter((member) => member.leftSeq === null);
      return current.some((member) => member.id === accountId)
        ? current.filter((member) => member.id !== accountId)
        : null;
    },
    withMembers(entry, task) {
      const { conversationId } = entry;
      if (changesMembers(entry.kind)) forget(conversationId);
      const before = telling.get(conversationId);
      const known = membersByConversation.get(conversationId);
      if (before === undefined && known !== undefined) {
        task(known);
        return;
      }
      const next = (before ?? Promise.resolve())
        .then(() => members(conversationId))
        .then(task)
        // Nobody is told then; whoever hears of the next entry sees the gap and fetches.
        .catch((fault: unknown) => events.error("fan_out.failed", factsOf(fault)))
        .finally(() => {
          if (telling.get(conversationId) === next) telling.delete(conversationId);
        });
      telling.set(conversationId, next);
    },
  };
}
