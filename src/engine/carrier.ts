/**
 * What carries a conversation: the relay, end-to-end encrypted, or a line to one agent server. Whoever needs a
 * conversation carried asks its carrier and does not know which it is. What a carrier cannot do it refuses as
 * `engine/plain-cannot`, and the conversation's view does not list it. `conversation.contract.ts` is what they share.
 */
import type { Result } from "#base/result.ts";
import type { TurnView } from "#bridge/channel-views.ts";
import type { SecurityView } from "#bridge/views.ts";
import type { OutgoingMessage } from "#peer/endpoint.ts";
import type { AccountId, MessageId } from "#protocol/ids.ts";
import type { EngineFailure } from "./failure.ts";

type Answer<Value> = Promise<Result<Value, EngineFailure>>;

export interface Carrier {
  /** Keeps a text before it answers; its draft goes in the same transaction. */
  sendText(input: {
    readonly text: string;
    readonly mentions: readonly AccountId[];
    readonly replyToId: MessageId | null;
  }): Answer<MessageId>;
  /** Keeps a message with files that wait beside the draft, before it answers. */
  sendFiles(input: {
    readonly text: string;
    readonly mentions: readonly AccountId[];
    readonly replyToId: MessageId | null;
    readonly fileIds: readonly string[];
  }): Answer<MessageId>;
  /** Sends a failed message again. */
  retry(messageId: MessageId): Answer<null>;
  /** Throws a message away that never left. */
  discard(messageId: MessageId): Answer<null>;
  /** Takes a message back: from those that wait, else from everyone. */
  recall(messageId: MessageId): Answer<null>;
  react(messageId: MessageId, emoji: string, op: "add" | "remove"): Answer<null>;
  /** Lets the others see that something is being written; nothing where there is nobody to see it. */
  typing(isTyping: boolean): void;
  /** Tells the others how far this person has read. */
  markRead(seq: number): void;
  /** Says to whoever else keeps them that these settings hold; `body` in the relay's words. */
  saveSettings(body: object): Answer<null>;
  describeSecurity(): Answer<SecurityView>;
  /** Somebody looks at it: whether it may be written to is asked again, and told when it is known. */
  check(): void;
  /** Whether own messages can be taken back. */
  readonly canRecall: boolean;
  /** Own messages that have no row yet. */
  outgoing(): readonly OutgoingMessage[];
  /** Resolves when every row that was told so far lies in the log. */
  settled(): Promise<void>;
  /** Fetches rows before a seq that lie elsewhere; how many came. */
  fetchBefore(beforeSeq: number, limit: number): Promise<number>;
  /** Loads what rows of these messages are drawn from, beside their entries. */
  prepare(messageIds: Iterable<MessageId>): Promise<void>;
  /** What an agent server did for an answer, beside its text. */
  turnOf(messageId: MessageId): TurnView | null;
}
