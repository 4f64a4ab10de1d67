/** How far endpoints are, gathered in memory and written a moment later, many at once. */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { AccountId, ConversationId } from "#protocol/ids.ts";
import type { CursorMove, Delivered, LogStore } from "../log/log-store.ts";
import type { Principal } from "./connection.ts";

const WRITE_DELAY_MS = 50;

type Needs = {
  readonly log: LogStore;
  readonly clock: Clock;
  readonly events: Log;
  readonly onDelivered: (delivered: Delivered) => void;
};

export class Cursors {
  readonly #needs: Needs;
  readonly #moveByKey = new Map<string, CursorMove>();
  /** An agent's processes share one cursor, newer here than on disk while one is connected. */
  readonly #byAgent = new Map<AccountId, Map<ConversationId, number>>();
  #cancelWrite: (() => void) | null = null;
  #written: Promise<void> = Promise.resolve();

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** To a place that exists. */
  move(principal: Principal, conversationId: ConversationId, seq: number): void {
    if (principal.type === "agent") this.remember(principal.accountId, conversationId, seq);
    this.claim(principal, conversationId, seq);
  }

  /** As {@link Cursors.move}, to a place that may not exist yet: the log caps it, and only then it is remembered. */
  claim({ accountId, endpointId }: Principal, conversationId: ConversationId, seq: number): void {
    const key = `${endpointId} ${conversationId}`;
    // Two sockets of one device may be at different places; the further one counts.
    const furthest = Math.max(seq, this.#moveByKey.get(key)?.seq ?? 0);
    this.#moveByKey.set(key, { endpointId, accountId, conversationId, seq: furthest });
    this.#cancelWrite ??= this.#needs.clock.after(WRITE_DELAY_MS, () => void this.write());
  }

  /** Resolves when every cursor that moved is on disk. */
  write(): Promise<void> {
    const before = this.#written;
    const flushed = this.#flush();
    this.#written = before.then(() => flushed);
    return this.#written;
  }

  async #flush(): Promise<void> {
    const { log, events, onDelivered } = this.#needs;
    this.#cancelWrite?.();
    this.#cancelWrite = null;
    const moves = [...this.#moveByKey.values()];
    this.#moveByKey.clear();
    if (moves.length === 0) return;
    const moved = await log.advanceCursors(moves);
    if (!moved.ok) {
      // A lost cursor costs a repeated delivery, which receivers drop.
      events.warn("cursors.failed", { code: moved.failure.code });
      return;
    }
    for (const delivered of moved.value) {
      const { accountId, conversationId, seq } = delivered;
      if (this.#byAgent.has(accountId)) this.remember(accountId, conversationId, seq);
      onDelivered(delivered);
    }
  }

  /** An agent's cursor as last heard, or null. */
  ofAgent(agentId: AccountId, conversationId: ConversationId): number | null {
    return this.#byAgent.get(agentId)?.get(conversationId) ?? null;
  }

  remember(agentId: AccountId, conversationId: ConversationId, seq: number): void {
    const cursors = this.#byAgent.get(agentId) ?? new Map<ConversationId, number>();
    cursors.set(conversationId, Math.max(seq, cursors.get(conversationId) ?? 0));
    this.#byAgent.set(agentId, cursors);
  }

  forget(agentId: AccountId): void {
    this.#byAgent.delete(agentId);
  }
}
