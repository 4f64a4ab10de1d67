/** One message of a conversation by its id, looked for from the newest page back. */
import type { HasheeAgent } from "#sdk/agent.ts";
import type { HistoryPage } from "#sdk/reading/reading.ts";
import { UsageError } from "./command.ts";

export type Found = HistoryPage["messages"][number];

const PAGE_ENTRIES = 200;

/** @throws {@link UsageError} where no message of the conversation has the id */
export async function messageOf(
  agent: HasheeAgent,
  conversationId: string,
  messageId: string,
): Promise<Found> {
  for (let before: number | null | undefined = undefined; before !== null;) {
    const range = { limit: PAGE_ENTRIES, ...(before === undefined ? {} : { before }) };
    const page: HistoryPage = await agent.history(conversationId, range);
    const found = page.messages.find(({ message_id }) => message_id === messageId);
    if (found !== undefined) return found;
    before = page.before;
  }
  throw new UsageError("No message of this conversation has this id.");
}
