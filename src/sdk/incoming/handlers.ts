/** The program's own functions: who hears what, one after the other, and where their failures go. */
import { HasheeError } from "../agent-error.ts";
import type { ErrorBoard } from "../line/error-board.ts";
import type { AgentEvent } from "./agent-event.ts";
import type { AgentMessage } from "./message-context.ts";

export type MessageHandler = (message: AgentMessage) => unknown;
export type EventHandler = (event: AgentEvent) => unknown;

export interface Handlers {
  addMessageHandler(handler: MessageHandler): () => void;
  addEventHandler(handler: EventHandler): () => void;
  /** Resolves when every handler has settled; never rejects. */
  message(message: AgentMessage): Promise<void>;
  event(event: AgentEvent): Promise<void>;
}

/** Creates the handlers; `onFirst` is called when the first message handler is there. */
export function createHandlers(errors: ErrorBoard, onFirst: () => void): Handlers {
  const messageHandlers = new Set<{ readonly hear: MessageHandler }>();
  const eventHandlers = new Set<{ readonly hear: EventHandler }>();

  const tellAll = async <Value>(
    handlers: ReadonlySet<{ readonly hear: (value: Value) => unknown }>,
    value: Value,
  ): Promise<void> => {
    for (const handler of [...handlers]) {
      try {
        await handler.hear(value);
      } catch (cause) {
        errors.tell(new HasheeError("HANDLER_FAILED", { cause }));
      }
    }
  };

  return {
    addMessageHandler(hear) {
      const handler = { hear };
      messageHandlers.add(handler);
      onFirst();
      return () => messageHandlers.delete(handler);
    },
    addEventHandler(hear) {
      const handler = { hear };
      eventHandlers.add(handler);
      return () => eventHandlers.delete(handler);
    },
    message: (message) => tellAll(messageHandlers, message),
    event: (event) => tellAll(eventHandlers, event),
  };
}
