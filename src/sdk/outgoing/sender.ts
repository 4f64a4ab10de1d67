/** Sends a payload and waits for the relay's word that it is on its disk. */
import type { Clock } from "#base/clock.ts";
import type { OutgoingMessage, SendOptions } from "#peer/endpoint.ts";
import type { PeerEndpoint } from "#peer/create-endpoint.ts";
import { parseId, type ConversationId } from "#protocol/ids.ts";
import { checkPayload, type KnownPayload } from "#protocol/payload.ts";
import { HasheeError } from "../agent-error.ts";
import { errorOfFailure } from "../error-of-failure.ts";
import type { MetricsRecorder } from "../metrics.ts";
import type { SendReceipt } from "./reply-stream.ts";

export interface Sender {
  /** @throws {@link HasheeError} when it failed for good; the message is then not kept */
  send(conversationId: string, payload: KnownPayload, options?: SendOptions): Promise<SendReceipt>;
  /** Counts a message that went another way, and gives its receipt. */
  sent(message: OutgoingMessage, startedAt: number): Promise<SendReceipt>;
}

/** Creates the sender. `endpoint` rejects when the agent can never connect. */
export function createSender(parts: {
  readonly endpoint: Promise<PeerEndpoint>;
  readonly clock: Clock;
  readonly metrics: MetricsRecorder;
  /** Something is said: the sign of typing ends. */
  readonly onSend: (conversationId: ConversationId) => void;
}): Sender {
  const { clock, metrics } = parts;

  const sent = async (message: OutgoingMessage, startedAt: number): Promise<SendReceipt> => {
    const durationMs = clock.now() - startedAt;
    const endpoint = await parts.endpoint;
    const type = (await endpoint.ledger(message.conversationId))?.type ?? "h2a";
    metrics.outbound(type, message.payload.type);
    metrics.sent(type, durationMs);
    return receiptOf(message);
  };

  return {
    sent,
    async send(conversationId, payload, options) {
      const id = conversationOf(conversationId);
      assertFits(payload);
      parts.onSend(id);
      const startedAt = clock.now();
      const endpoint = await parts.endpoint;
      const queued = await endpoint.send(id, payload, options);
      if (!queued.ok) throw errorOfFailure(queued.failure);
      const { messageId } = queued.value;
      const message = await endpoint.settled(messageId);
      if (message.state.status !== "failed") return sent(message, startedAt);
      await endpoint.discard(messageId);
      throw errorOfFailure(message.state.failure);
    },
  };
}

/** Programs without types send what they like; it is refused before it is kept. @throws {@link HasheeError} `BAD_REQUEST` */
function assertFits(payload: KnownPayload): void {
  const checked = checkPayload(payload);
  const path = checked.ok ? "type" : "path" in checked.failure ? checked.failure.path : "";
  if (checked.ok && checked.value.type !== "unknown") return;
  throw new HasheeError("BAD_REQUEST", {
    message: `The payload's ${path === "" ? "shape" : path} is missing or not what its type takes.`,
    params: { path: path === "" ? "payload" : path },
  });
}

/** The id of a conversation as a caller wrote it. @throws {@link HasheeError} `BAD_REQUEST` */
export function conversationOf(text: string): ConversationId {
  const id = parseId<ConversationId>(text);
  if (id === null)
    throw new HasheeError("BAD_REQUEST", {
      message: "A conversation id is a UUID.",
      params: { path: "conversation_id" },
    });
  return id;
}

function receiptOf({ messageId, state }: OutgoingMessage): SendReceipt {
  const place = state.status === "acked" ? state : { seq: 0, at: 0 };
  return {
    message_id: messageId,
    client_message_id: messageId,
    conversation_seq: place.seq,
    created_at: new Date(place.at).toISOString(),
  };
}
