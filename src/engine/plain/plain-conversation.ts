/**
 * One conversation with a plain agent: its channel's facts become rows of the same sealed log, and the turn beside
 * each answer. A question has its row when its turn begins, so rows stand in the order in which they were answered.
 */
import { ok, type Result } from "#base/result.ts";
import type { ChannelHeadView, ChannelView, TurnView } from "#bridge/channel-views.ts";
import type { Channel, ChannelCommand, ChannelEvent, TurnId } from "#peer/channel.ts";
import type { ChannelFailure } from "#peer/channel-failure.ts";
import type { Entry, OutgoingMessage } from "#peer/endpoint.ts";
import { encodeEntry } from "#peer/entry.ts";
import type { PeerFailure } from "#peer/failure.ts";
import type { Batch, Store } from "#peer/store.ts";
import { makeId, type AccountId, type ConversationId, type MessageId } from "#protocol/ids.ts";
import type { EngineDeps } from "../deps.ts";
import { createGatherer, type Gatherer } from "../gather.ts";
import { putRecord, TABLE } from "../records.ts";
import type { ThreadEvent } from "../thread/thread.ts";
import { openChannel } from "./open-channel.ts";
import { checkFor } from "./plain-address.ts";
import {
  lostTurn,
  plainEntry,
  turnKey,
  turnText,
  type OpenTurn,
  type PlainAgent,
  type QueuedQuestion,
} from "./plain-record.ts";
import { loadHistory, loadQueue, loadTurn } from "./plain-store.ts";
import { emptyChannelView, reduceChannelView } from "./turns.ts";

/** A running turn is drawn again and kept at most so often. */
const REDRAW_MS = 60;
const KEEP_MS = 1_000;
/** Characters of an answer up to which it is drawn and kept that often. */
const OFTEN_UP_TO = 20_000;

export type PlainNeeds = {
  readonly deps: EngineDeps;
  readonly store: Store;
  readonly selfId: AccountId;
  readonly tell: (events: readonly ThreadEvent[]) => void;
  /** Rows that are whole: they count for the list. */
  readonly fold: (entries: readonly Entry[]) => void;
  /** The head looks different. */
  readonly touch: () => void;
};

export interface PlainConversation {
  readonly agent: () => PlainAgent;
  head(): ChannelHeadView;
  outgoing(): readonly OutgoingMessage[];
  turnOf(messageId: MessageId): TurnView | null;
  /** Resolves when every row that was told so far is stored. */
  settled(): Promise<void>;
  /** Loads the turns of these rows; until then answers show their text alone. */
  prepare(messageIds: Iterable<MessageId>): Promise<void>;
  sendText(
    text: string,
    alongside: Batch,
  ): Promise<Result<MessageId, PeerFailure | ChannelFailure>>;
  withdraw(messageId: MessageId): Promise<Result<null, PeerFailure | ChannelFailure>>;
  run(command: ChannelCommand): Result<null, ChannelFailure>;
  nudge(): void;
  close(): Promise<void>;
}

/** Opens a conversation that is kept, and connects. Questions that waited are asked. */
export async function openPlainConversation(
  needs: PlainNeeds,
  kept: PlainAgent,
): Promise<PlainConversation> {
  const { deps, store, selfId, tell } = needs;
  const id = kept.conversationId;
  let agent = kept;
  let view: ChannelView = emptyChannelView;
  const turns = new Map<MessageId, TurnView>();
  const queue = new Map<MessageId, QueuedQuestion>(await loadQueue(store, id));
  /** Commits in the order of the facts. */
  let committing: Promise<unknown> = Promise.resolve();

  const commit = (batch: Batch): Promise<Result<null, PeerFailure>> => {
    const next = committing.then(() => store.commit(batch));
    committing = next.catch(() => {});
    return next;
  };
  const keepAgent = (change: Partial<PlainAgent>): ReturnType<typeof putRecord> => {
    agent = { ...agent, ...change };
    return putRecord(TABLE.plainAgents, id, agent);
  };
  const rowOf = (open: OpenTurn, text: string): Entry =>
    plainEntry({
      conversationId: id,
      seq: open.seq,
      at: open.at,
      authorId: agent.agentId,
      authorKind: "agent",
      messageId: open.messageId,
      text,
    });
  const putTurn = (messageId: MessageId, turn: TurnView): ReturnType<typeof putRecord> =>
    putRecord(TABLE.plainTurns, turnKey(id, messageId), turn);

  const openOne = (): TurnView | undefined =>
    agent.openTurn === null ? undefined : turns.get(agent.openTurn.messageId);
  const often = (leastMs: number, task: (messageId: MessageId) => void): Gatherer =>
    createGatherer(
      deps.clock,
      () => delayOf(openOne(), leastMs),
      () => agent.openTurn !== null && task(agent.openTurn.messageId),
    );
  const redraw = often(REDRAW_MS, (messageId) => tell([{ type: "touched", messageId }]));
  const keep = often(KEEP_MS, (messageId) => {
    const turn = openOne();
    if (turn !== undefined) void commit({ puts: [putTurn(messageId, turn)] });
  });

  const turnIn = (turnId: string): TurnView | undefined =>
    view.turns.find((turn) => turn.turnId === turnId);

  const begin = (event: Extract<ChannelEvent, { type: "turn-started" }>): void => {
    const { turnId, at } = event;
    const question = queue.get(turnId as string as MessageId);
    const entries: Entry[] = [];
    let seq = agent.lastSeq;
    if (question !== undefined) {
      queue.delete(turnId as string as MessageId);
      seq += 1;
      const messageId = turnId as string as MessageId;
      const author = { authorId: selfId, authorKind: "human" as const, messageId };
      entries.push(plainEntry({ conversationId: id, seq, at, text: question.text, ...author }));
    }
    seq += 1;
    const messageId = makeId<MessageId>(at, deps.random);
    const openTurn: OpenTurn = { turnId, messageId, seq, at };
    const turn = turnIn(turnId);
    if (turn !== undefined) turns.set(messageId, turn);
    const answer = rowOf(openTurn, "");
    void commit({
      log: [...entries, answer].map((entry) => ({
        conversationId: id,
        seq: entry.seq,
        row: encodeEntry(entry),
      })),
      puts: [
        keepAgent({ openTurn, lastSeq: seq }),
        ...(turn === undefined ? [] : [putTurn(messageId, turn)]),
      ],
      deletes: [{ table: TABLE.plainQueue, key: turnKey(id, turnId as string as MessageId) }],
    });
    needs.fold(entries);
    tell([...entries, answer].map((entry) => ({ type: "entry", entry })));
  };

  const end = (): void => {
    const open = agent.openTurn;
    const turn = open === null ? undefined : turnIn(open.turnId);
    if (open === null || turn === undefined) return;
    turns.set(open.messageId, turn);
    const entry = rowOf(open, turnText(turn));
    void commit({
      log: [{ conversationId: id, seq: open.seq, row: encodeEntry(entry) }],
      puts: [keepAgent({ openTurn: null }), putTurn(open.messageId, turn)],
    });
    needs.fold([entry]);
    tell([{ type: "touched", messageId: open.messageId }]);
    // What is over lies in the store; the fold goes on with what is not.
    view = { ...view, turns: view.turns.filter((one) => one !== turn) };
  };

  const hear = (event: ChannelEvent): void => {
    const before = view;
    view = reduceChannelView(before, event);
    if (event.type === "turn-started") begin(event);
    const open = agent.openTurn;
    const turn = open === null ? undefined : turnIn(open.turnId);
    if (open !== null && turn !== undefined && turn !== turns.get(open.messageId)) {
      turns.set(open.messageId, turn);
      redraw.wish();
      keep.wish();
    }
    if (event.type === "turn-ended") end();
    if (event.type === "turn-withdrawn") forget(event.turnId as string as MessageId);
    const isHead =
      view.status !== before.status ||
      view.capabilities !== before.capabilities ||
      view.agentName !== before.agentName ||
      view.notes !== before.notes;
    if (isHead) needs.touch();
  };

  const forget = (messageId: MessageId): void => {
    // A closing channel takes its waiting turns back; they are asked again at the next start.
    if (isClosing || !queue.delete(messageId)) return;
    void commit({ deletes: [{ table: TABLE.plainQueue, key: turnKey(id, messageId) }] });
    tell([{ type: "outgoing-gone", messageId }]);
  };

  let isClosing = false;
  const channel: Channel = openChannel(deps, agent, {
    history: isTold(agent) ? await loadHistory(store, id, selfId) : [],
    onTicket: (ticket) => void commit({ puts: [keepAgent({ ticket })] }),
    onSessionId: (sessionId) => void commit({ puts: [keepAgent({ sessionId })] }),
  });
  view = { ...view, capabilities: [...channel.capabilities()] };
  const { openTurn } = agent;
  const openView = openTurn === null ? null : await loadTurn(store, id, openTurn.messageId);
  if (openTurn !== null && openView !== null) {
    const isTaken = agent.ticket?.openTurnId === openTurn.turnId;
    const turn = isTaken ? openView : lostTurn(openView, deps.clock.now());
    view = { ...view, turns: [turn] };
    turns.set(openTurn.messageId, turn);
    // Only a ticket can still say how it ended.
    if (!isTaken) end();
  }
  const off = channel.on(hear);
  channel.start();
  for (const [messageId, { text }] of queue)
    channel.run({ type: "send-text", turnId: messageId as string as TurnId, text });

  return {
    agent: () => agent,
    head() {
      const { status, capabilities, agentName, heardAt, notes } = view;
      const checked = checkFor(agent.protocol, agent.url, deps.origin);
      return {
        ...{ status, capabilities, agentName, heardAt, notes },
        protocol: agent.protocol,
        url: agent.url,
        model: agent.model,
        hasKey: agent.apiKey !== null,
        isReadableOnTheWay: !checked.ok || checked.value.isReadableOnTheWay,
      };
    },
    outgoing: () => [...queue].map(([messageId, question]) => outgoingOf(id, messageId, question)),
    turnOf: (messageId) => turns.get(messageId) ?? null,
    settled: async () => void (await committing),
    async prepare(messageIds) {
      const missing = [...messageIds].filter((messageId) => !turns.has(messageId));
      await Promise.all(
        missing.map(async (messageId) => {
          const turn = await loadTurn(store, id, messageId);
          // What happened in the meantime is newer than what was kept.
          if (turn !== null && !turns.has(messageId)) turns.set(messageId, turn);
        }),
      );
    },
    async sendText(text, alongside) {
      const now = deps.clock.now();
      const messageId = makeId<MessageId>(now, deps.random);
      const question = { text, at: now };
      const put = putRecord(TABLE.plainQueue, turnKey(id, messageId), question);
      const stored = await commit({ ...alongside, puts: [...(alongside.puts ?? []), put] });
      if (!stored.ok) return stored;
      queue.set(messageId, question);
      tell([{ type: "outgoing", message: outgoingOf(id, messageId, question) }]);
      const taken = channel.run({
        type: "send-text",
        turnId: messageId as string as TurnId,
        text,
      });
      if (taken.ok) return ok(messageId);
      forget(messageId);
      return taken;
    },
    async withdraw(messageId) {
      return channel.run({ type: "withdraw", turnId: messageId as string as TurnId });
    },
    run: (command) => channel.run(command),
    nudge: () => channel.nudge(),
    async close() {
      isClosing = true;
      channel.close();
      off();
      redraw.close();
      keep.close();
      await committing;
    },
  };
}

/** Whether the server is told what was said before; all others keep that themselves, or not at all. */
const isTold = ({ protocol, remembers }: PlainAgent): boolean =>
  (protocol === "chat" || protocol === "tpclaw-chat") && remembers === "client";

/** A turn goes to the page and to the disk whole each time: a long one less often, so that it stays cheap. */
const delayOf = (turn: TurnView | undefined, leastMs: number): number =>
  leastMs * Math.max(1, (turn?.text.length ?? 0) / OFTEN_UP_TO);

const outgoingOf = (
  conversationId: ConversationId,
  messageId: MessageId,
  { text, at }: QueuedQuestion,
): OutgoingMessage => ({
  conversationId,
  messageId,
  payload: { type: "text", text },
  queuedAt: at,
  state: { status: "queued" },
});
