import type { AgentMessage } from "./message-context.ts";

type Addressing = Pick<
  AgentMessage,
  "conversation_type" | "sender_type" | "mentions" | "mention_all" | "reply_to"
>;

/**
 * Whether an answer of this agent is expected: whatever a person says in a conversation of two; in a group what names
 * this agent, names all or answers it. What other agents say never is, or two of them would talk for ever. SPEC K29.
 */
export function isFor(agentId: string, message: Addressing): boolean {
  if (message.sender_type !== "human") return false;
  if (message.conversation_type !== "group") return true;
  return (
    message.mention_all === true ||
    message.mentions?.includes(agentId) === true ||
    message.reply_to?.sender_id === agentId
  );
}
