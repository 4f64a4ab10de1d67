/**
 * A conversation by chat completions over server-sent events: one request for each turn, nothing between them. The
 * history is ours. Silence is waited out, before the head as well as during tools. SPEC A60–A72.
 */
import type { Clock } from "#base/clock.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { RandomBytes } from "#base/random.ts";
import type { Secret } from "#base/secret.ts";
import type { Capability, Channel, ChannelCommand, TurnId, TurnOutcome } from "#peer/channel.ts";
import type { ChannelFailure, UnreachableCause } from "#peer/channel-failure.ts";
import { MAX_INCOMING_CHARACTERS } from "../line.ts";
import { createTeller } from "../tell.ts";
import { makeSessionId } from "../turn-id.ts";
import { createTurnQueue } from "../turn-queue.ts";
import { createAnswer, type Answer } from "./answer.ts";
import { refusalWords } from "./chunk.ts";
import { authorization, completionsUrl, failureOfStatus, type ChatDialect } from "./endpoint.ts";
import { trimHistory, type ChatMessage } from "./history.ts";
import { readEvents, readText, type EventsEnd } from "./read-body.ts";
import type { StreamFetch, StreamResponse } from "./stream-fetch.ts";

export type ChatOptions = {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly fetch: StreamFetch;
  /** What {@link chatBaseUrl} gives. */
  readonly baseUrl: string;
  readonly dialect: ChatDialect;
  /** The model; with TPCLAW the agent. */
  readonly model: string;
  readonly apiKey: Secret<string> | null;
  /** Whether the server is told everything each time, or keeps a session and is told the newest turn. */
  readonly remembers: "client" | "server";
  readonly sessionId: string;
  readonly onSessionId: (sessionId: string) => void;
  /** What was said before this start, oldest first. */
  readonly history: readonly ChatMessage[];
  /** What to give as `history` at the next start; empty after a new session. */
  readonly onHistory: (history: readonly ChatMessage[]) => void;
  readonly likelyCauses: readonly UnreachableCause[];
};

type Turn = { readonly turnId: TurnId; readonly text: string };
type OpenTurn = Turn & { readonly abort: AbortController; readonly answer: Answer };

const CAPABILITIES: ReadonlySet<Capability> = new Set([
  "stop",
  "new-session",
  "reasoning",
  "tools",
  "usage",
]);

/** Creates a channel that is idle until started. */
export function createChatChannel(options: ChatOptions): Channel {
  const { clock, random, likelyCauses } = options;
  const teller = createTeller(clock);
  let isStarted = false;
  let open: OpenTurn | null = null;
  let history = options.history;
  let sessionId = options.sessionId;

  const bodyOf = (text: string): string => {
    const isOurs = options.remembers === "client";
    const asked: ChatMessage = { role: "user", content: text };
    return JSON.stringify({
      model: options.model,
      stream: true,
      // Others send no token counts in a stream unless asked; TPCLAW does.
      ...(options.dialect === "openai" ? { stream_options: { include_usage: true } } : {}),
      ...(isOurs ? {} : { sessionId }),
      messages: isOurs ? trimHistory([...history, asked]) : [asked],
    });
  };

  const ask = (turn: OpenTurn): Promise<StreamResponse | null> =>
    options
      .fetch(completionsUrl(options.baseUrl), {
        method: "POST",
        headers: {
          "content-type": "application/json",
          accept: "text/event-stream, application/json",
          ...(options.dialect === "tpclaw" ? { "X-Stream-Protocol": "agui" } : {}),
          ...authorization(options.apiKey),
        },
        body: bodyOf(turn.text),
        credentials: "omit",
        signal: turn.abort.signal,
      })
      .catch(() => null);

  const fail = (turn: OpenTurn, failure: ChannelFailure, words: string): TurnOutcome => {
    teller.tell({ type: "fault", turnId: turn.turnId, failure, words });
    return "failed";
  };

  const refused = async (turn: OpenTurn, response: StreamResponse): Promise<TurnOutcome> => {
    const reader = response.body?.getReader() ?? null;
    const text = reader === null ? "" : await readText(reader);
    return isOpen(turn)
      ? fail(turn, failureOfStatus(response.status), refusalWords(text ?? ""))
      : "stopped";
  };

  const read = async (turn: OpenTurn, response: StreamResponse): Promise<TurnOutcome> => {
    const reader = response.body?.getReader() ?? null;
    if (reader === null) return turn.answer.end("ended", MAX_INCOMING_CHARACTERS);
    let end: EventsEnd;
    if (response.headers.get("content-type")?.includes("event-stream") === true) {
      end = await readEvents(reader, (data) => (isOpen(turn) ? turn.answer.take(data) : "enough"));
    } else {
      // A server that does not stream answers whole.
      const whole = await readText(reader, MAX_INCOMING_CHARACTERS);
      if (!isOpen(turn)) return "stopped";
      if (whole !== null) turn.answer.take(whole);
      end = whole === null ? "broke" : "ended";
    }
    return isOpen(turn) ? turn.answer.end(end, MAX_INCOMING_CHARACTERS) : "stopped";
  };

  const isOpen = (turn: OpenTurn): boolean => open === turn;

  const take = async (turn: OpenTurn): Promise<void> => {
    const response = await ask(turn);
    if (!isOpen(turn)) return;
    if (response === null) {
      const outcome = fail(turn, { kind: "peer/unreachable", causes: likelyCauses }, "");
      teller.enter({ status: "idle" });
      return end(turn, outcome);
    }
    teller.enter({ status: "online", since: clock.now() });
    const isGood = response.status >= 200 && response.status < 300;
    const outcome = await (isGood ? read(turn, response) : refused(turn, response));
    if (isOpen(turn)) end(turn, outcome);
  };

  /** What was stopped was still said; a failure is nothing a model should be told as its own words. */
  const remember = ({ text, answer }: OpenTurn, outcome: TurnOutcome): void => {
    if (outcome === "failed" || answer.text() === "") return;
    history = trimHistory([
      ...history,
      { role: "user", content: text },
      { role: "assistant", content: answer.text() },
    ]);
    options.onHistory(history);
  };

  const end = (turn: OpenTurn, outcome: TurnOutcome): void => {
    open = null;
    remember(turn, outcome);
    teller.tell({ type: "turn-ended", turnId: turn.turnId, outcome });
    queue.pump();
  };

  const queue = createTurnQueue<Turn>({
    isFree: () => isStarted && open === null,
    begin({ turnId, text }) {
      const answer = createAnswer(turnId, (fact) => teller.tell(fact));
      open = { turnId, text, abort: new AbortController(), answer };
      teller.tell({ type: "turn-started", turnId, trigger: "message" });
      if (teller.status().status !== "online")
        teller.enter({ status: "connecting", since: clock.now() });
      void take(open);
    },
    tell: (fact) => teller.tell(fact),
  });

  /** Closing the request is all the stop there is; the server may work on. */
  const leave = (outcome: "stopped" | "lost"): void => {
    const turn = open;
    if (turn === null) return;
    turn.abort.abort();
    end(turn, outcome);
  };

  const run = (command: ChannelCommand): Result<null, ChannelFailure> => {
    if (teller.status().status === "closed") return err({ kind: "peer/closed" });
    switch (command.type) {
      case "send-text":
        if (command.text.trim() === "") return err({ kind: "peer/empty-text" });
        return queue.add(command) ? ok(null) : err({ kind: "peer/unknown-turn" });
      case "withdraw":
        return queue.withdraw(command.turnId) ? ok(null) : err({ kind: "peer/unknown-turn" });
      case "stop":
        if (open === null) return err({ kind: "peer/no-open-turn" });
        leave("stopped");
        return ok(null);
      case "new-session":
        if (open !== null) return err({ kind: "peer/turn-open" });
        history = [];
        options.onHistory(history);
        sessionId = makeSessionId(random);
        options.onSessionId(sessionId);
        teller.tell({
          type: "notice",
          turnId: null,
          notice: { kind: "memory-lost", because: "new-session" },
        });
        return ok(null);
      default:
        return err({ kind: "peer/not-supported", command: command.type });
    }
  };

  return {
    kind: "chat-completions",
    capabilities: () => CAPABILITIES,
    status: () => teller.status(),
    on: (listener) => teller.on(listener),
    start() {
      isStarted = true;
      queue.pump();
    },
    run,
    nudge() {},
    close() {
      if (teller.status().status === "closed") return;
      queue.clear();
      isStarted = false;
      leave("lost");
      teller.enter({ status: "closed" });
    },
  };
}
