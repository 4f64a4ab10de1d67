/** What is only true for a moment: typing, presence, how far others have read. At most once, never stored. SPEC E73, E74. */
import type { Clock } from "#base/clock.ts";
import type { EndpointFrame } from "#protocol/endpoint-frame.ts";
import type { AccountId, ConversationId } from "#protocol/ids.ts";
import { TYPING_EXPIRES_MS } from "#protocol/limits.ts";
import type { RelayFrame, RelayFrameOf } from "#protocol/relay-frame.ts";
import type { EndpointEvent } from "./endpoint.ts";

export interface Signals {
  /** Whether the frame was one of these. */
  hear(frame: RelayFrame): boolean;
  /** An author's message ends its typing. */
  wrote(conversationId: ConversationId, accountId: AccountId): void;
  typing(conversationId: ConversationId, typing: boolean): void;
  markRead(conversationId: ConversationId, seq: number): void;
  /** A new line: read marks that never left go now. */
  ready(): void;
  close(): void;
}

export function createSignals(options: {
  readonly clock: Clock;
  readonly send: (frame: EndpointFrame) => boolean;
  readonly emit: (event: EndpointEvent) => void;
}): Signals {
  const { clock, send, emit } = options;
  const stopTyping = new Map<string, () => void>();
  const readSeqs = new Map<ConversationId, number>();
  const sentSeqs = new Map<ConversationId, number>();
  const toldSeqs = new Map<string, number>();

  const hearTyping = ({
    conversation_id,
    sender_id,
    state,
    expires_in_ms,
  }: RelayFrameOf<"typing">): void => {
    endTyping(conversation_id, sender_id, state === "stop");
    if (state === "stop") return;
    const key = `${conversation_id}/${sender_id}`;
    const delayMs = Math.min(expires_in_ms, TYPING_EXPIRES_MS);
    const stop = clock.after(delayMs, () => endTyping(conversation_id, sender_id, true));
    stopTyping.set(key, stop);
    emit({ type: "typing", conversationId: conversation_id, accountId: sender_id, typing: true });
  };

  const endTyping = (
    conversationId: ConversationId,
    accountId: AccountId,
    isTold: boolean,
  ): void => {
    const key = `${conversationId}/${accountId}`;
    const stop = stopTyping.get(key);
    if (stop === undefined) return;
    stop();
    stopTyping.delete(key);
    if (isTold) emit({ type: "typing", conversationId, accountId, typing: false });
  };

  const sendRead = (conversation_id: ConversationId, seq: number): void => {
    if ((sentSeqs.get(conversation_id) ?? 0) >= seq) return;
    if (send({ type: "message.read", conversation_id, seq })) sentSeqs.set(conversation_id, seq);
  };

  return {
    hear(frame) {
      switch (frame.type) {
        case "typing":
          hearTyping(frame);
          return true;
        case "presence":
          emit({ type: "presence", accountId: frame.peer_id, state: frame.state });
          return true;
        case "message.read":
        case "message.status_updated": {
          const { conversation_id: conversationId, seq, user_id: accountId } = frame;
          const status = frame.type === "message.read" ? "read" : frame.status;
          // The relay says it in two ways; receipts are cumulative, so only growth is news.
          const key = `${conversationId}/${accountId}/${status}`;
          if ((toldSeqs.get(key) ?? 0) >= seq) return true;
          toldSeqs.set(key, seq);
          emit({ type: "receipt", conversationId, seq, status, accountId });
          return true;
        }
        default:
          return false;
      }
    },
    wrote: (conversationId, accountId) => endTyping(conversationId, accountId, true),
    typing(conversation_id, typing) {
      send({ type: typing ? "typing.start" : "typing.stop", conversation_id });
    },
    markRead(conversationId, seq) {
      readSeqs.set(conversationId, Math.max(seq, readSeqs.get(conversationId) ?? 0));
      sendRead(conversationId, seq);
    },
    ready() {
      for (const [conversationId, seq] of readSeqs) sendRead(conversationId, seq);
    },
    close() {
      for (const stop of stopTyping.values()) stop();
      stopTyping.clear();
    },
  };
}
