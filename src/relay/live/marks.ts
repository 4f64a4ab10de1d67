/** Small signs between members that are no messages: read and delivered marks, typing, presence, beats. */
import type { Clock } from "#base/clock.ts";
import type { AccountId, ConversationId, UserId } from "#protocol/ids.ts";
import { TYPING_EXPIRES_MS } from "#protocol/limits.ts";
import type { RelayFrame, RelayFrameOf } from "#protocol/relay-frame.ts";
import type { EphemeralBus } from "../bus/bus.ts";
import type { Directory } from "../directory/directory.ts";
import { decodeBase64 } from "../envelope-check.ts";
import type { Delivered, LogMember, LogStore } from "../log/log-store.ts";
import type { Audience } from "./audience.ts";
import type { Principal } from "./connection.ts";
import type { Rates } from "./rates.ts";
import type { Roster } from "./roster.ts";
import type { Buckets } from "./token-bucket.ts";

export type Marks = ReturnType<typeof createMarks>;

export function createMarks(needs: {
  readonly log: LogStore;
  readonly directory: Directory;
  readonly audience: Audience;
  readonly bus: EphemeralBus;
  readonly buckets: Buckets;
  readonly rates: Rates;
  readonly clock: Clock;
  readonly roster: Roster;
}) {
  const { log, directory, audience, bus, clock, roster } = needs;

  const mayMark = (principal: Principal, what: string, conversationId: ConversationId): boolean =>
    needs.buckets.take(`${what} ${principal.endpointId} ${conversationId}`, needs.rates.marks) ===
    0;

  const publish = (to: readonly AccountId[], frame: RelayFrame, except: string | null): void => {
    if (to.length > 0) bus.publish({ to, frame, except, droppable: true });
  };

  // Between two people, either may keep read marks to themselves.
  const sharesReads = (reader: AccountId, others: readonly LogMember[]): boolean =>
    others.length !== 1 ||
    others[0]?.type === "agent" ||
    [reader, ...others.map((other) => other.id)].every(
      (id) => directory.user(id as UserId)?.read_receipts !== 0,
    );

  const markRead = async (
    accountId: AccountId,
    conversationId: ConversationId,
    seq: number,
    connectionId: string | null,
  ) => {
    const marked = await log.markRead(conversationId, accountId, seq);
    if (!marked.ok || !marked.value.moved) return marked;
    const readSeq = marked.value.readSeq;
    const others = (await audience.othersOf(conversationId, accountId)) ?? [];
    const shared = sharesReads(accountId, others) ? others.map((other) => other.id) : [];
    const place = { conversation_id: conversationId, seq: readSeq };
    publish(
      [accountId, ...shared],
      { type: "message.read", ...place, user_id: accountId as UserId },
      connectionId,
    );
    publish(
      shared,
      { type: "message.status_updated", ...place, status: "read", user_id: accountId },
      null,
    );
    return marked;
  };

  const presenceOf = (
    principal: Pick<Principal, "type" | "accountId">,
    state: RelayFrameOf<"presence">["state"],
  ): RelayFrameOf<"presence"> => ({
    type: "presence",
    peer_id: principal.accountId,
    peer_type: principal.type,
    state,
    at: new Date(clock.now()).toISOString(),
  });

  const sharesPresence = (type: Principal["type"], accountId: AccountId): boolean =>
    type === "agent" || directory.user(accountId as UserId)?.presence === 1;

  return {
    markRead,

    async read(
      principal: Principal,
      conversationId: ConversationId,
      seq: number,
      connectionId: string,
    ) {
      if (mayMark(principal, "read", conversationId)) {
        await markRead(principal.accountId, conversationId, seq, connectionId);
      }
    },

    async typing(
      principal: Principal,
      conversationId: ConversationId,
      isTyping: boolean,
      connectionId: string,
    ) {
      if (isTyping && !mayMark(principal, "typing", conversationId)) return;
      const others = await audience.othersOf(conversationId, principal.accountId);
      publish(
        (others ?? []).map((other) => other.id),
        {
          type: "typing",
          conversation_id: conversationId,
          sender_id: principal.accountId,
          sender_type: principal.type,
          state: isTyping ? "start" : "stop",
          expires_in_ms: TYPING_EXPIRES_MS,
        },
        connectionId,
      );
    },

    /** A signed record that is worth something only now. */
    async control(
      principal: Principal,
      conversationId: ConversationId,
      record: string,
      connectionId: string,
    ) {
      if (decodeBase64(record) === null || !mayMark(principal, "control", conversationId)) return;
      const others = await audience.othersOf(conversationId, principal.accountId);
      if (others === null) return;
      publish(
        [principal.accountId, ...others.map((other) => other.id)],
        {
          type: "control",
          conversation_id: conversationId,
          sender_id: principal.accountId,
          sender_device_id: principal.endpointId,
          record,
        },
        connectionId,
      );
    },

    async tellDelivered({ accountId, conversationId, seq }: Delivered) {
      const others = await audience.othersOf(conversationId, accountId);
      publish(
        (others ?? []).map((other) => other.id),
        {
          type: "message.status_updated",
          conversation_id: conversationId,
          seq,
          status: "delivered",
          user_id: accountId,
        },
        null,
      );
    },

    tellPresence(principal: Principal, state: RelayFrameOf<"presence">["state"]) {
      if (!sharesPresence(principal.type, principal.accountId)) return;
      const to = directory
        .relatedTo(principal.accountId)
        .filter((id) => id !== principal.accountId);
      publish(to, presenceOf(principal, state), null);
    },

    /** What a fresh socket needs to know about those who are already here. */
    tellPeersPresence(principal: Principal, tell: (presence: RelayFrameOf<"presence">) => void) {
      for (const id of directory.relatedTo(principal.accountId)) {
        const type = roster.of(id)[0]?.principal?.type;
        if (type === undefined || id === principal.accountId || !sharesPresence(type, id)) continue;
        tell(presenceOf({ type, accountId: id }, "online"));
      }
    },
  };
}
