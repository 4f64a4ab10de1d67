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
  /** Whether a read mark has not left yet. */
  hasUnsent(conversationId: ConversationId): boolean;
  /** Forgets which marks of a conversation were told and sent. */
  release(conversationId: ConversationId): void;
  close(): void;
}

export const createSignals = (options: Needs): Signals => new LiveSignals(options);

type Needs = {
  readonly clock: Clock;
  readonly send: (frame: EndpointFrame) => boolean;
  readonly emit: (event: EndpointEvent) => void;
};

class LiveSignals implements Signals {
  readonly #clock: Needs["clock"];
  readonly #send: Needs["send"];
  readonly #emit: Needs["emit"];
  readonly #stopTyping = new Map<string, () => void>();
  readonly #readSeqs = new Map<ConversationId, number>();
  readonly #sentSeqs = new Map<ConversationId, number>();
  readonly #toldSeqs = new Map<ConversationId, Map<string, number>>();

  constructor(options: Needs) {
    this.#clock = options.clock;
    this.#send = options.send;
    this.#emit = options.emit;
  }

  hear(frame: RelayFrame): boolean {
    switch (frame.type) {
      case "typing":
        this.#hearTyping(frame);
        return true;
      case "presence":
        this.#emit({ type: "presence", accountId: frame.peer_id, state: frame.state });
        return true;
      case "message.read":
      case "message.status_updated": {
        const { conversation_id: conversationId, seq, user_id: accountId } = frame;
        const status = frame.type === "message.read" ? "read" : frame.status;
        // The relay says it in two ways; receipts are cumulative, so only growth is news.
        const key = `${accountId}/${status}`;
        const told = this.#toldSeqs.get(conversationId) ?? new Map<string, number>();
        if ((told.get(key) ?? 0) >= seq) return true;
        this.#toldSeqs.set(conversationId, told.set(key, seq));
        this.#emit({ type: "receipt", conversationId, seq, status, accountId });
        return true;
      }
      default:
        return false;
    }
  }

  wrote(conversationId: ConversationId, accountId: AccountId): void {
    this.#endTyping(conversationId, accountId, true);
  }

  typing(conversation_id: ConversationId, typing: boolean): void {
    this.#send({ type: typing ? "typing.start" : "typing.stop", conversation_id });
  }

  markRead(conversationId: ConversationId, seq: number): void {
    this.#readSeqs.set(conversationId, Math.max(seq, this.#readSeqs.get(conversationId) ?? 0));
    this.#sendRead(conversationId, seq);
  }

  ready(): void {
    for (const [conversationId, seq] of this.#readSeqs) this.#sendRead(conversationId, seq);
  }

  hasUnsent(conversationId: ConversationId): boolean {
    const readSeq = this.#readSeqs.get(conversationId) ?? 0;
    return readSeq > (this.#sentSeqs.get(conversationId) ?? 0);
  }

  release(conversationId: ConversationId): void {
    for (const seqs of [this.#readSeqs, this.#sentSeqs, this.#toldSeqs])
      seqs.delete(conversationId);
  }

  close(): void {
    for (const stop of this.#stopTyping.values()) stop();
    this.#stopTyping.clear();
  }

  #hearTyping({ conversation_id, sender_id, state, expires_in_ms }: RelayFrameOf<"typing">): void {
    this.#endTyping(conversation_id, sender_id, state === "stop");
    if (state === "stop") return;
    const key = `${conversation_id}/${sender_id}`;
    const delayMs = Math.min(expires_in_ms, TYPING_EXPIRES_MS);
    const stop = this.#clock.after(delayMs, () =>
      this.#endTyping(conversation_id, sender_id, true),
    );
    this.#stopTyping.set(key, stop);
    this.#emit({
      type: "typing",
      conversationId: conversation_id,
      accountId: sender_id,
      typing: true,
    });
  }

  #endTyping(conversationId: ConversationId, accountId: AccountId, isTold: boolean): void {
    const key = `${conversationId}/${accountId}`;
    const stop = this.#stopTyping.get(key);
    if (stop === undefined) return;
    stop();
    this.#stopTyping.delete(key);
    if (isTold) this.#emit({ type: "typing", conversationId, accountId, typing: false });
  }

  #sendRead(conversation_id: ConversationId, seq: number): void {
    if ((this.#sentSeqs.get(conversation_id) ?? 0) >= seq) return;
    if (this.#send({ type: "message.read", conversation_id, seq }))
      this.#sentSeqs.set(conversation_id, seq);
  }
}
