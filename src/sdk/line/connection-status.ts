/** The six documented words for the line, made from what the endpoint says of it. */
import type { ConnectionStatus } from "#peer/endpoint.ts";

export type AgentStatus =
  | "connecting"
  | "authenticating"
  | "connected"
  | "reconnecting"
  | "disconnected"
  | "error";

/** The word for a status; null while nothing was tried. `wasConnected`: the line stood before. */
export function statusWord(status: ConnectionStatus, wasConnected: boolean): AgentStatus | null {
  switch (status.status) {
    case "idle":
      return null;
    case "connecting":
      return wasConnected || status.tries > 0 ? "reconnecting" : "connecting";
    case "authenticating":
      return "authenticating";
    case "online":
      return "connected";
    case "waiting":
      return "reconnecting";
    case "stopped":
      return status.fatal ? "error" : "disconnected";
  }
}

export type StatusHandler = (status: AgentStatus) => unknown;

export interface StatusBoard {
  tell(status: ConnectionStatus): void;
  /** Adds a handler; the first one hears at once what happened before it, without `authenticating`. */
  add(handler: StatusHandler): () => void;
  readonly current: AgentStatus | null;
}

/** Creates the board. `guard` runs a handler and catches what it throws. */
export function createStatusBoard(guard: (run: () => unknown) => void): StatusBoard {
  const handlers = new Set<{ readonly hear: StatusHandler }>();
  let unheard: AgentStatus[] | null = [];
  let current: AgentStatus | null = null;
  let wasConnected = false;
  return {
    get current() {
      return current;
    },
    tell(status) {
      const word = statusWord(status, wasConnected);
      wasConnected ||= word === "connected";
      if (word === null || word === current) return;
      current = word;
      if (word !== "authenticating") unheard?.push(word);
      for (const handler of [...handlers]) guard(() => handler.hear(word));
    },
    add(hear) {
      const handler = { hear };
      handlers.add(handler);
      const missed = unheard ?? [];
      unheard = null;
      for (const word of withoutRepeats(missed)) guard(() => hear(word));
      return () => handlers.delete(handler);
    },
  };
}

const withoutRepeats = (words: readonly AgentStatus[]): readonly AgentStatus[] =>
  words.filter((word, i) => word !== words[i - 1]);
