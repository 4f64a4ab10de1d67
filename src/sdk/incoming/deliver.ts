/** What becomes of each entry: a message for the message handlers, an event for the event handlers, or nothing. */
import type { Endpoint, Entry } from "#peer/endpoint.ts";
import type { DecryptFailure } from "../options.ts";
import { isAnswerEntry, type AnswerEntry } from "../artifacts/answers.ts";
import type { Questions } from "../artifacts/questions.ts";
import type { MetricsRecorder } from "../metrics.ts";
import { eventOf, type AgentEvent, type ArtifactResponseEvent } from "./agent-event.ts";
import type { Handlers } from "./handlers.ts";
import type { Delivery } from "./intake.ts";
import { isMessageEntry, messageOf, type MessageEntry } from "./message-context.ts";
import type { Names } from "./names.ts";

/** Payloads that are machinery or somebody's later word on a card: no handler hears them as messages. */
const SILENT_TYPES: ReadonlySet<string> = new Set([
  "artifact_update",
  "profile",
  "reaction",
  "recall",
  "stream",
]);

/** Creates the delivery of entries by others. */
export function createDeliver(parts: {
  readonly endpoint: Pick<Endpoint, "ledger">;
  readonly handlers: Handlers;
  readonly names: Names;
  readonly metrics: MetricsRecorder;
  readonly questions: Questions;
  readonly checkAnswer: (entry: AnswerEntry) => Promise<ArtifactResponseEvent | null>;
  readonly isExactlyOnce: () => boolean;
  readonly decryptFailed: (failure: DecryptFailure) => Promise<unknown>;
}): (entry: Entry, delivery: Delivery) => Promise<void> {
  const { handlers, names, metrics } = parts;

  const deliverMessage = async (entry: MessageEntry, { interrupted }: Delivery): Promise<void> => {
    const ledger = await parts.endpoint.ledger(entry.conversationId);
    metrics.inbound(ledger?.type ?? "h2a", entry.content.payload.type);
    if (isAnswerEntry(entry)) {
      const event = await parts.checkAnswer(entry);
      if (event === null) return;
      parts.questions.settle(event);
      return handlers.event(event);
    }
    const event = eventOf(entry);
    if (event !== null) return handlers.event(event);
    if (SILENT_TYPES.has(entry.content.payload.type)) return;
    const displayName = await names.of(entry.authorId, entry.authorKind);
    const exactlyOnce = parts.isExactlyOnce();
    await handlers.message(messageOf(entry, { ledger, displayName, exactlyOnce, interrupted }));
  };

  const tellEvent = async (event: AgentEvent): Promise<void> => {
    if (event.type === "relation.established") {
      const { user_id: userId, display_name: name } = event.payload;
      if (userId !== undefined && name !== undefined) await names.learn(userId, name);
    }
    await handlers.event(event);
  };

  return async (entry, delivery) => {
    if (isMessageEntry(entry)) return deliverMessage(entry, delivery);
    if (entry.content.kind === "unreadable") {
      metrics.decryptFailed(entry.content.failure);
      await parts.decryptFailed({
        conversation_id: entry.conversationId,
        message_id: entry.content.messageId,
        reason: entry.content.failure,
      });
      return;
    }
    const event = eventOf(entry);
    if (event !== null) await tellEvent(event);
  };
}
