/** Keeps "typing" on a person's screen while an answer is made: renewed until something is said or two minutes pass. */
import type { Clock } from "#base/clock.ts";
import { TYPING_RENEW_MS } from "#protocol/limits.ts";

/** A forgotten sign ends by itself. */
export const TYPING_LONGEST_MS = 120_000;

export interface TypingRenewal {
  /** Shows the sign and renews it; asking again starts the two minutes anew. */
  start(conversationId: string): void;
  /** Takes the sign away. */
  stop(conversationId: string): void;
  /** Stops renewing without a word: the message that goes out takes the sign away itself. */
  settle(conversationId: string): void;
  dispose(): void;
}

/** Creates the renewal; `show` tells the relay. */
export function createTypingRenewal(
  clock: Clock,
  show: (conversationId: string, typing: boolean) => void,
): TypingRenewal {
  const cancelByConversation = new Map<string, () => void>();

  const settle = (conversationId: string): boolean => {
    cancelByConversation.get(conversationId)?.();
    return cancelByConversation.delete(conversationId);
  };

  const renewUntil = (conversationId: string, endAt: number): void => {
    show(conversationId, true);
    const left = endAt - clock.now();
    const cancel = clock.after(Math.min(TYPING_RENEW_MS, left), () => {
      if (clock.now() >= endAt) settle(conversationId);
      else renewUntil(conversationId, endAt);
    });
    cancelByConversation.set(conversationId, cancel);
  };

  return {
    start(conversationId) {
      settle(conversationId);
      renewUntil(conversationId, clock.now() + TYPING_LONGEST_MS);
    },
    stop(conversationId) {
      if (settle(conversationId)) show(conversationId, false);
    },
    settle(conversationId) {
      settle(conversationId);
    },
    dispose() {
      for (const cancel of cancelByConversation.values()) cancel();
      cancelByConversation.clear();
    },
  };
}
