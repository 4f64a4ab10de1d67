/** Who is typing where. That silence and messages end it is the endpoint's rule; here it is only kept by place. */
import type { AccountId, ConversationId } from "#protocol/ids.ts";

export interface Typing {
  in(conversationId: ConversationId): readonly AccountId[];
  set(conversationId: ConversationId, accountId: AccountId, typing: boolean): void;
}

/** Creates an empty record; `onChanged` is told a conversation's whole set whenever it changes. */
export function createTyping(
  onChanged: (conversationId: ConversationId, accountIds: readonly AccountId[]) => void,
): Typing {
  const typists = new Map<ConversationId, Set<AccountId>>();
  return {
    in: (conversationId) => [...(typists.get(conversationId) ?? [])],
    set(conversationId, accountId, typing) {
      const inside = typists.get(conversationId) ?? new Set<AccountId>();
      if (inside.has(accountId) === typing) return;
      typists.set(conversationId, inside);
      if (typing) inside.add(accountId);
      else inside.delete(accountId);
      onChanged(conversationId, [...inside]);
    },
  };
}
