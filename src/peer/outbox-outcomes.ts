/** What became of own messages: told to who waits, and remembered a while for who asks late. */
import type { MessageId } from "#protocol/ids.ts";
import type { OutgoingMessage } from "./endpoint.ts";

const MAX_REMEMBERED = 256;

export function createOutcomes() {
  const settled = new Map<MessageId, OutgoingMessage>();
  const waiting = new Map<MessageId, ((message: OutgoingMessage) => void)[]>();
  const next = (messageId: MessageId): Promise<OutgoingMessage> =>
    new Promise((resolve) => {
      waiting.set(messageId, [...(waiting.get(messageId) ?? []), resolve]);
    });
  return {
    /** The next outcome, whatever came before. */
    next,
    /** The remembered outcome, else the next. */
    of(messageId: MessageId): Promise<OutgoingMessage> {
      const known = settled.get(messageId);
      return known === undefined ? next(messageId) : Promise.resolve(known);
    },
    forget(messageId: MessageId): void {
      settled.delete(messageId);
    },
    settle(message: OutgoingMessage): void {
      settled.set(message.messageId, message);
      for (const id of settled.keys()) {
        if (settled.size <= MAX_REMEMBERED) break;
        settled.delete(id);
      }
      for (const resolve of waiting.get(message.messageId) ?? []) resolve(message);
      waiting.delete(message.messageId);
    },
  };
}
