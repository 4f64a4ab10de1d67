/** What is kept of plain agents, sealed like everything else of the store: settings, keys, tickets, turns, questions. */
import type { PlainProtocol, TurnView } from "#bridge/channel-views.ts";
import type { Ticket } from "#channels/myagent/session.ts";
import type { AccountId, ConversationId, MessageId } from "#protocol/ids.ts";
import type { Entry } from "#peer/endpoint.ts";

/** Kept by conversation. */
export type PlainAgent = {
  readonly conversationId: ConversationId;
  readonly agentId: AccountId;
  readonly protocol: PlainProtocol;
  readonly url: string;
  readonly model: string;
  readonly apiKey: string | null;
  readonly remembers: "client" | "server";
  readonly sessionId: string;
  readonly ticket: Ticket | null;
  /** Where the last row of the log stands. */
  readonly lastSeq: number;
  readonly openTurn: OpenTurn | null;
};

/** A turn whose row is in the log and whose end is not. */
export type OpenTurn = {
  readonly turnId: string;
  readonly messageId: MessageId;
  readonly seq: number;
  readonly at: number;
};

/** A question that waits for the turns before it. Its message's id is its turn's. */
export type QueuedQuestion = { readonly text: string; readonly at: number };

export const turnKey = (conversationId: ConversationId, messageId: MessageId): string =>
  `${conversationId}/${messageId}`;

/** A row of the log as the relay's rows look; nothing of it was sealed for a way. */
export const plainEntry = (row: {
  readonly conversationId: ConversationId;
  readonly seq: number;
  readonly at: number;
  readonly authorId: AccountId;
  readonly authorKind: "human" | "agent";
  readonly messageId: MessageId;
  readonly text: string;
}): Entry => ({
  conversationId: row.conversationId,
  seq: row.seq,
  at: row.at,
  authorId: row.authorId,
  authorKind: row.authorKind,
  authorDeviceId: null,
  content: {
    kind: "message",
    messageId: row.messageId,
    payload: { type: "text", text: row.text, markdown: row.authorKind === "agent" },
    messageHash: "",
    plaintextHash: "",
    streamId: null,
    gap: false,
    suite: 0,
    mode: "envelope",
    reduced: true,
  },
});

/** What a turn comes to in the list, in search and in what a model is told: its answer, else its product. */
export const turnText = (turn: TurnView): string =>
  turn.plan?.result?.text ?? (turn.text === "" ? (turn.plan?.summary ?? "") : turn.text);

/** A turn that nobody goes on with any more. */
export const lostTurn = (turn: TurnView, at: number): TurnView =>
  turn.status === "ended" ? turn : { ...turn, status: "ended", outcome: "lost", endedAt: at };
