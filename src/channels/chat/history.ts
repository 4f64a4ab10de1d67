/** What a model is told of a conversation: whole turns, newest kept, bounded so that a request stays a request. */

export type ChatMessage = { readonly role: "user" | "assistant"; readonly content: string };

/** Far below what a request may hold and above what most models take in. */
const MAX_CHARACTERS = 400_000;
const MAX_MESSAGES = 400;

/** The newest messages that fit, beginning with a question. */
export function trimHistory(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  let characters = 0;
  let from = messages.length;
  while (from > 0 && messages.length - from < MAX_MESSAGES) {
    characters += messages[from - 1]?.content.length ?? 0;
    if (characters > MAX_CHARACTERS) break;
    from -= 1;
  }
  while (from < messages.length && messages[from]?.role !== "user") from += 1;
  return messages.slice(from);
}
