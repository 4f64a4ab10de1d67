/** What the bridge remembers of each conversation over restarts: sealed notes of its agent, for one server alone. */
import { makeSessionId } from "#channels/turn-id.ts";
import { systemRandom } from "#base/random.ts";
import type { ChatMessage } from "#channels/chat/history.ts";
import type { Ticket } from "#channels/myagent/session.ts";
import type { AgentNotes } from "#sdk/index.ts";
import type { Settings } from "./settings.ts";

export type Remembered = {
  /** MyAgent: restores its session. */
  readonly ticket: Ticket | null;
  readonly sessionId: string;
  /** Chat completions: what the model is told of the past. */
  readonly history: readonly ChatMessage[];
  /** The language the person last wrote in. */
  readonly language: "en" | "zh";
};

export interface Memory {
  readonly known: Remembered;
  /** Written in the order of the calls; what cannot be written is tried again with the next change. */
  keep(change: Partial<Remembered>): void;
  /** Resolves when everything is written. */
  settled(): Promise<void>;
}

/** Reads what is remembered of a conversation; nothing of it is for another server than this. */
export async function loadMemory(
  notes: AgentNotes,
  conversationId: string,
  { protocol, url, model }: Settings,
): Promise<Memory> {
  const server = JSON.stringify([protocol, url, model]);
  const text = await notes.read(conversationId).catch(() => null);
  let known: Remembered = {
    ticket: null,
    sessionId: makeSessionId(systemRandom),
    history: [],
    language: "en",
    ...ofServer(text, server),
  };
  let writing: Promise<unknown> = Promise.resolve();
  return {
    get known() {
      return known;
    },
    keep(change) {
      known = { ...known, ...change };
      const written = JSON.stringify({ server, ...known });
      // A full disk costs the memory of this turn and not the conversation.
      writing = writing.then(() => notes.write(conversationId, written)).catch(() => {});
    },
    settled: async () => void (await writing),
  };
}

/** Our own writing, so its shape is trusted; another server's is as good as none. */
function ofServer(text: string | null, server: string): Partial<Remembered> {
  if (text === null) return {};
  const { server: kept, ...remembered } = JSON.parse(text) as Remembered & { server: string };
  return kept === server ? remembered : {};
}
