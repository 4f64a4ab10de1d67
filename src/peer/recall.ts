/** Taking an own message back: a signed request in the message's own chain, so readers know whose wish it was. SPEC E68. */
import { bytesToBase64 } from "#base/base64.ts";
import { utf8, utf8ToText } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import type { RandomBytes } from "#base/random.ts";
import { err, ok, type Result } from "#base/result.ts";
import {
  makeId,
  type AccountId,
  type ConversationId,
  type DeviceId,
  type MessageId,
} from "#protocol/ids.ts";
import { encodePayload } from "#protocol/payload.ts";
import type { PeerFailure } from "./failure.ts";
import type { Inbox } from "./inbox.ts";
import type { Outbox } from "./outbox.ts";
import type { Placed } from "./own-progress.ts";
import type { RelayChannel } from "./relay-channel.ts";
import type { SenderSessions } from "./sender-sessions.ts";
import type { Put, Store } from "./store.ts";

const TABLE = "own-recalls";
const keyOf = (conversationId: ConversationId, recallId: MessageId): string =>
  `${conversationId}/${recallId}`;

/** What this device asked to take back by this request; null: it asked for nothing of the kind. */
export async function ownRecall(
  store: Store,
  conversationId: ConversationId,
  recallId: MessageId,
): Promise<MessageId | null> {
  const row = await store.get(TABLE, keyOf(conversationId, recallId));
  return row && (utf8ToText(row) as MessageId | null);
}

export interface RecallSender {
  /** Fails with `peer/offline`, `peer/recall-window` or the refusal's kind. */
  recall(conversationId: ConversationId, messageId: MessageId): Promise<Result<null, PeerFailure>>;
}

export function createRecallSender(options: {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly self: { readonly accountId: AccountId; readonly deviceId: DeviceId };
  readonly channel: RelayChannel;
  readonly outbox: Outbox;
  readonly sessions: Pick<SenderSessions, "seal" | "end">;
  readonly inbox: Inbox;
  readonly store: Store;
  /** The request stands in the own chain like a message. */
  readonly placed: (message: Placed) => Put;
}): RecallSender {
  const { clock, random, self, channel, outbox, sessions, inbox } = options;

  const send = async (
    conversationId: ConversationId,
    messageId: MessageId,
  ): Promise<Result<null, PeerFailure>> => {
    const payload = encodePayload({ type: "recall", message_id: messageId });
    if (!payload.ok) return err({ kind: "peer/bad-payload", path: "message_id" });
    const recallId = makeId<MessageId>(clock.now(), random);
    // Readable to its own device only by this note: the request is sealed to everyone else.
    const key = keyOf(conversationId, recallId);
    const noted = await options.store.commit({
      puts: [{ table: TABLE, key, value: utf8(messageId) }],
    });
    if (!noted.ok) return noted;
    const sealed = await sessions.seal(conversationId, {
      messageId: recallId,
      contentType: "recall",
      payload: payload.value,
      kind: "control",
    });
    if (!sealed.ok) return sealed;
    const { envelope, sessionOpen } = sealed.value;
    const answer = await channel.request({
      type: "message.recall",
      conversation_id: conversationId,
      message_id: messageId,
      client_message_id: recallId,
      encrypted_payload: bytesToBase64(envelope),
      ...(sessionOpen === null ? {} : { session_open: bytesToBase64(sessionOpen) }),
    });
    if (!answer.ok) {
      // Whether it is stored is not known: the chain must not depend on it.
      sessions.end(conversationId);
      return answer;
    }
    const frame = answer.value;
    if (frame.type !== "message.ack" && frame.type !== "message.recalled") return ok(null);
    const { header, messageHash } = sealed.value;
    if (header.hasSessionWrap) {
      const put = options.placed({ ...header, messageHash });
      await options.store.commit({ puts: [put] });
    }
    inbox.offer({
      type: "message.recalled",
      conversation_id: conversationId,
      conversation_seq: frame.conversation_seq,
      created_at: frame.created_at,
      message_id: messageId,
      recalled_by: self.accountId,
      recalled_at: frame.created_at,
      client_message_id: recallId,
      sender_device_id: self.deviceId,
    });
    return ok(null);
  };

  return {
    recall: (conversationId, messageId) =>
      channel.isReady()
        ? outbox.between(conversationId, () => send(conversationId, messageId))
        : Promise.resolve(err({ kind: "peer/offline" })),
  };
}
