/**
 * A conversation over TPCLAW's socket as its manual describes it. Replies name no question, so one turn runs at a
 * time, and a turn that is stopped takes its line with it: a late reply must not land in the next. SPEC A50–A58.
 */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { RandomBytes } from "#base/random.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { Secret } from "#base/secret.ts";
import type { Capability, Channel, ChannelCommand, TurnId, TurnOutcome } from "#peer/channel.ts";
import type { ChannelFailure, UnreachableCause } from "#peer/channel-failure.ts";
import type { OpenSocket } from "#peer/socket.ts";
import { createLineComplaints } from "../line-complaints.ts";
import { createLine } from "../line.ts";
import { createTeller } from "../tell.ts";
import { createTimers } from "../timers.ts";
import { createTurnQueue } from "../turn-queue.ts";
import { makeSessionId, serverTurnId } from "../turn-id.ts";
import { createHeartbeat } from "./heartbeat.ts";
import { parseSocketFrame, type SocketFrame } from "./socket-frame.ts";

/** A chat that nobody answers by then may be no chat at all. */
const NO_ANSWER_AFTER_MS = 20_000;
/** A stream's text may come once more as a whole message; the next turn waits so long for it. */
const REPEAT_WITHIN_MS = 250;

export type TpclawSocketOptions = {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly openSocket: OpenSocket;
  readonly url: string;
  readonly agentId: string;
  /** Null leaves the session to the server. */
  readonly sessionId: string | null;
  readonly onSessionId: (sessionId: string) => void;
  /** Goes into the address, the only place a browser can put it. */
  readonly token: Secret<string> | null;
  readonly likelyCauses: readonly UnreachableCause[];
};

type Turn = { readonly turnId: TurnId; readonly text: string };
type OpenTurn = { readonly turnId: TurnId; readonly text: string; readonly sawFeed: boolean };

/** Creates a channel that is idle until started. */
export function createTpclawSocket(options: TpclawSocketOptions): Channel {
  const { clock, random, log } = options;
  const teller = createTeller(clock);
  const capabilities: ReadonlySet<Capability> = new Set(
    options.sessionId === null ? ["stop"] : ["stop", "new-session"],
  );
  let sessionId = options.sessionId;
  let open: OpenTurn | null = null;
  /** The text of the last stream, while its repetition may still come. */
  let repeatable: string | null = null;
  const timers = createTimers<"answer" | "repeat">(clock);
  const complaints = createLineComplaints(teller, options.likelyCauses, () => open?.turnId ?? null);

  const endTurn = (outcome: TurnOutcome): void => {
    if (open === null) return;
    const { turnId } = open;
    open = null;
    timers.clear("answer");
    teller.tell({ type: "turn-ended", turnId, outcome });
    queue.pump();
  };

  const heartbeat = createHeartbeat({
    clock,
    ping: () => line.send('{"type":"ping"}'),
    onDead: () => line.drop("at-once"),
    onSilence: () =>
      teller.tell({
        type: "notice",
        turnId: open?.turnId ?? null,
        notice: { kind: "no-heartbeat" },
      }),
  });

  const addText = (turn: OpenTurn, text: string): OpenTurn => {
    const { turnId } = turn;
    if (text !== "")
      teller.tell({ type: "text", turnId, offset: turn.text.length, text, isLossy: false });
    return { ...turn, text: turn.text + text };
  };

  const finish = (turn: OpenTurn, text: string): void => {
    teller.tell({ type: "answer", turnId: turn.turnId, text });
    endTurn("done");
  };

  const hearStream = (frame: Extract<SocketFrame, { type: "stream" }>): void => {
    // Whoever streams unasked speaks in a turn of its own.
    if (open === null) beginServerTurn();
    if (open === null) return;
    open = addText(open, frame.text);
    if (!frame.isLast) return;
    repeatable = open.text;
    timers.set("repeat", REPEAT_WITHIN_MS, () => {
      repeatable = null;
      queue.pump();
    });
    finish(open, open.text);
  };

  const beginServerTurn = (): void => {
    open = { turnId: serverTurnId(random), text: "", sawFeed: false };
    teller.tell({ type: "turn-started", turnId: open.turnId, trigger: "server" });
  };

  const hearMessage = (text: string): void => {
    if (open === null && text === repeatable) {
      timers.clear("repeat");
      repeatable = null;
      return queue.pump();
    }
    if (open === null) beginServerTurn();
    if (open !== null) finish(open, text);
  };

  const hearFeed = (): void => {
    if (open === null || open.sawFeed || open.text !== "") return;
    open = { ...open, sawFeed: true };
    const failure = { kind: "peer/no-chat-here" } as const;
    teller.tell({ type: "fault", turnId: open.turnId, failure, words: "" });
  };

  const fail = (failure: ChannelFailure, words: string): void => {
    teller.tell({ type: "fault", turnId: open?.turnId ?? null, failure, words });
    endTurn("failed");
  };

  const hear = (frame: SocketFrame): void => {
    const isOthers =
      "agentId" in frame && frame.agentId !== "" && frame.agentId !== options.agentId;
    if (isOthers) return;
    switch (frame.type) {
      case "message":
        timers.clear("answer");
        return hearMessage(frame.text);
      case "stream":
        timers.clear("answer");
        return hearStream(frame);
      case "error":
        return fail({ kind: "peer/agent-failed" }, frame.words);
      case "unauthorized":
        return fail({ kind: "peer/unauthorized" }, frame.words);
      case "pong":
        return teller.tell({ type: "alive" });
      case "feed":
        return hearFeed();
      case "unknown":
        return log.warn("tpclaw/unknown-frame");
    }
  };

  const line = createLine({
    clock,
    random,
    openSocket: options.openSocket,
    url: withToken(options.url, options.token),
    events: {
      connecting: () => teller.enter({ status: "connecting", since: clock.now() }),
      opened() {
        line.succeeded();
        complaints.opened();
        heartbeat.begin();
        teller.enter({ status: "online", since: clock.now() });
        queue.pump();
      },
      text(text) {
        const frame = parseSocketFrame(text);
        heartbeat.heard(frame?.type === "pong");
        if (frame !== null) hear(frame);
        else complaints.unreadable();
      },
      oversized: complaints.oversized,
      lost(code, hadOpened) {
        timers.clearAll();
        heartbeat.stop();
        repeatable = null;
        complaints.lost(code, hadOpened);
        endTurn("lost");
      },
      waiting: (retryAt) => teller.enter({ status: "waiting", retryAt }),
    },
  });

  const queue = createTurnQueue<Turn>({
    isFree: () => line.isOpen() && open === null && repeatable === null,
    begin({ turnId, text }) {
      open = { turnId, text: "", sawFeed: false };
      teller.tell({ type: "turn-started", turnId, trigger: "message" });
      const { agentId } = options;
      const session = sessionId === null ? {} : { sessionId };
      line.send(JSON.stringify({ type: "chat", agentId, ...session, message: text }));
      timers.set("answer", NO_ANSWER_AFTER_MS, () =>
        teller.tell({ type: "notice", turnId, notice: { kind: "no-answer-yet" } }),
      );
    },
    tell: (fact) => teller.tell(fact),
  });

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
        endStopped();
        return ok(null);
      case "new-session":
        if (!capabilities.has("new-session"))
          return err({ kind: "peer/not-supported", command: command.type });
        if (open !== null) return err({ kind: "peer/turn-open" });
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

  /** There is no cancel: the answer is left behind with its line. */
  const endStopped = (): void => {
    const turnId = open?.turnId;
    open = null;
    timers.clear("answer");
    line.drop("at-once");
    if (turnId !== undefined) teller.tell({ type: "turn-ended", turnId, outcome: "stopped" });
    queue.pump();
  };

  return {
    kind: "tpclaw-socket",
    capabilities: () => capabilities,
    status: () => teller.status(),
    on: (listener) => teller.on(listener),
    start: () => line.start(),
    run,
    nudge: () => line.nudge(),
    close() {
      if (teller.status().status === "closed") return;
      queue.clear();
      timers.clearAll();
      heartbeat.stop();
      line.close();
      endTurn("lost");
      teller.enter({ status: "closed" });
    },
  };
}

/** The address with `?token=`; such an address is never logged. */
function withToken(url: string, token: Secret<string> | null): string {
  if (token === null) return url;
  return `${url}${url.includes("?") ? "&" : "?"}token=${encodeURIComponent(token.reveal())}`;
}
