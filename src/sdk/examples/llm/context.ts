/** What a model is told of a conversation: its newest messages, as many as fit. */
import type { ChatMessage } from "./chat.ts";

/** About 8,000 tokens of English: enough to follow a thread, small enough for small models. */
const MAX_CHARACTERS = 32_000;
const MAX_CONVERSATIONS = 1_000;

export interface Contexts {
  /** Adds a message and returns all that fit, oldest first. */
  add(conversationId: string, message: ChatMessage): readonly ChatMessage[];
}

/** Creates the memory of all conversations; the ones silent longest are forgotten first. */
export function createContexts(): Contexts {
  const byConversation = new Map<string, readonly ChatMessage[]>();
  return {
    add(conversationId, message) {
      const messages = newestThatFit([...(byConversation.get(conversationId) ?? []), message]);
      byConversation.delete(conversationId);
      byConversation.set(conversationId, messages);
      for (const oldest of byConversation.keys()) {
        if (byConversation.size <= MAX_CONVERSATIONS) break;
        byConversation.delete(oldest);
      }
      return messages;
    },
  };
}

// The newest message is kept however long it is: it is the question.
function newestThatFit(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  let left = MAX_CHARACTERS;
  const from = messages.findLastIndex((message, i) => {
    left -= message.content.length;
    return left < 0 && i < messages.length - 1;
  });
  return messages.slice(from + 1);
}
