/** Small signs in a conversation that are no messages: read and delivered marks, typing, control records of the moment. */
import { createKeyedQueue } from "#base/queue.ts";
import type { AccountId, ConversationId, UserId } from "#protocol/ids.ts";
import { TYPING_EXPIRES_MS } from "#protocol/limits.ts";
import type { RelayFrame } from "#protocol/relay-frame.ts";
import type { EphemeralBus } from "../bus/bus.ts";
import type { Directory } from "../directory/directory.ts";
import { decodeBase64 } from "../envelope-check.ts";
import type { Delivered, LogMember, LogStore } from "../log/log-store.ts";
import type { Audience } from "./audience.ts";
import type { Connection, Principal } from "./connection.ts";
import type { Rates } from "./rates.ts";
import type { Buckets } from "./token-bucket.ts";

type Needs = {
  readonly log: LogStore;
  readonly directory: Directory;
  readonly audience: Audience;
  readonly bus: EphemeralBus;
  readonly buckets: Buckets;
  readonly rates: Rates;
};

export class Marks {
  readonly #needs: Needs;
  /** Marks are told in the order the log took them. */
  readonly #telling = createKeyedQueue();

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  async read(
    connection: Connection,
    principal: Principal,
    conversationId: ConversationId,
    seq: number,
  ) {
    if (this.#isTooOften(principal, "read", conversationId)) return;
    await this.markRead(principal.accountId, conversationId, seq, connection.id);
  }

  /** Moves the mark and tells it; `except` names the socket it came from. */
  async markRead(
    accountId: AccountId,
    conversationId: ConversationId,
    seq: number,
    except: string | null,
  ) {
    const marked = await this.#needs.log.markRead(conversationId, accountId, seq);
    if (!marked.ok || !marked.value.moved) return marked;
    const { readSeq } = marked.value;
    await this.#telling.run(conversationId, () =>
      this.#tellRead(accountId, conversationId, readSeq, except),
    );
    return marked;
  }

  async #tellRead(
    accountId: AccountId,
    conversationId: ConversationId,
    seq: number,
    except: string | null,
  ): Promise<void> {
    const others = (await this.#needs.audience.othersOf(conversationId, accountId)) ?? [];
    const isShared = await this.#sharesReads(accountId, others);
    const told = isShared ? others.map((other) => other.id) : [];
    const place = { conversation_id: conversationId, seq, user_id: accountId as UserId };
    this.#publish([accountId, ...told], { type: "message.read", ...place }, except);
    this.#publish(told, { type: "message.status_updated", ...place, status: "read" });
  }

  async tellDelivered({ accountId, conversationId, seq }: Delivered): Promise<void> {
    const others = (await this.#needs.audience.othersOf(conversationId, accountId)) ?? [];
    this.#publish(
      others.map((other) => other.id),
      {
        type: "message.status_updated",
        conversation_id: conversationId,
        seq,
        status: "delivered",
        user_id: accountId,
      },
    );
  }

  async typing(
    connection: Connection,
    principal: Principal,
    conversationId: ConversationId,
    state: "start" | "stop",
  ): Promise<void> {
    // A stop has a rate of its own: dropped for a start before it, it would leave the other side waiting.
    if (this.#isTooOften(principal, `typing-${state}`, conversationId)) return;
    const others = (await this.#needs.audience.othersOf(conversationId, principal.accountId)) ?? [];
    this.#publish(
      others.map((other) => other.id),
      {
        type: "typing",
        conversation_id: conversationId,
        sender_id: principal.accountId,
        sender_type: principal.type,
        state,
        expires_in_ms: TYPING_EXPIRES_MS,
      },
      connection.id,
    );
  }

  /** A signed record that is worth something only now: a beat. */
  async control(
    connection: Connection,
    principal: Principal,
    conversationId: ConversationId,
    record: string,
  ): Promise<void> {
    const isTooOften = this.#isTooOften(principal, "control", conversationId);
    if (isTooOften || decodeBase64(record) === null) return;
    const others = await this.#needs.audience.othersOf(conversationId, principal.accountId);
    if (others === null) return;
    this.#publish(
      [principal.accountId, ...others.map((other) => other.id)],
      {
        type: "control",
        conversation_id: conversationId,
        sender_id: principal.accountId,
        sender_device_id: principal.endpointId,
        record,
      },
      connection.id,
    );
  }

  #publish(to: readonly AccountId[], frame: RelayFrame, except: string | null = null): void {
    if (to.length > 0)
      this.#needs.bus.publish({ kind: "frame", to, frame, except, droppable: true });
  }

  #isTooOften(principal: Principal, what: string, conversationId: ConversationId): boolean {
    const key = `${what} ${principal.endpointId} ${conversationId}`;
    return this.#needs.buckets.take(key, this.#needs.rates.marks) > 0;
  }

  // Between two people, either may keep read marks to themselves.
  async #sharesReads(reader: AccountId, others: readonly LogMember[]): Promise<boolean> {
    const [other] = others;
    if (others.length !== 1 || other?.type !== "human") return true;
    const { directory } = this.#needs;
    const both = await Promise.all([reader, other.id].map((id) => directory.user(id as UserId)));
    return both.every((user) => user?.read_receipts === 1);
  }
}
