/**
 * A conversation with a MyAgent server: one line, one session, one run at a time. The session is pure; here are the
 * socket, the timers and the queue. SPEC A10–A29.
 */
import { backoffDelayMs } from "#base/backoff.ts";
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { RandomBytes } from "#base/random.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { Channel, ChannelCommand, Json } from "#peer/channel.ts";
import type { ChannelFailure, UnreachableCause } from "#peer/channel-failure.ts";
import type { OpenSocket } from "#peer/socket.ts";
import { createLineComplaints } from "../line-complaints.ts";
import { createLine } from "../line.ts";
import { createTeller } from "../tell.ts";
import { createTimers } from "../timers.ts";
import { createTurnQueue } from "../turn-queue.ts";
import { createAcker } from "./acker.ts";
import { STILL_ACTIVE } from "./error-meaning.ts";
import { parseServerFrame, type ServerFrame } from "./frame.ts";
import { encodeRequest, type Request } from "./request.ts";
import { createSeenFrames } from "./seen-frames.ts";
import {
  reduceSession,
  startSession,
  ticketOf,
  type SessionInput,
  type SessionStep,
  type Ticket,
} from "./session.ts";
import {
  act,
  beginTurn,
  endOpenRun,
  giveUpStop,
  opensTurn,
  refusalOf,
  type TurnCommand,
} from "./session-command.ts";

/** A silently lost line counts as alive at the server for about 50 s. */
const RESTORE_WITHIN_MS = 60_000;
/** The server greets at once; one that does not is asked for a session all the same. */
const GREETING_WITHIN_MS = 5_000;
/** A cancel is answered at once, whatever the agent does. */
const STOP_WITHIN_MS = 10_000;
/** Heartbeats come every 60 s; a server that sent one and then missed two is gone. */
const SILENCE_LIMIT_MS = 150_000;
/** Silence that is asked about. A state request is answered at once, whatever the agent does. */
const PROBE_AFTER_MS = 30_000;
/** The server gives our side of the line the same to answer its own pings. */
const PROBE_WITHIN_MS = 10_000;

export type MyAgentOptions = {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly openSocket: OpenSocket;
  readonly url: string;
  /** What the server's set-up hook is given with the session; null for plain servers. */
  readonly setup: Json;
  /** From the last start of this conversation, or null. */
  readonly ticket: Ticket | null;
  /** A new ticket to keep; it may hold the conversation, so it is sealed at rest and never logged. */
  readonly onTicket: (ticket: Ticket | null) => void;
  /** Named when nothing answers. */
  readonly likelyCauses: readonly UnreachableCause[];
};

type TimerName = "greeting" | "restore" | "stop" | "silence" | "probe";

/** Creates a channel that is idle until started. */
export function createMyAgentChannel(options: MyAgentOptions): Channel {
  const { clock, random, log } = options;
  const teller = createTeller(clock);
  const seen = createSeenFrames();
  let session = startSession(options.setup, options.ticket);
  let keptTicket: string | null = null;
  let restoringSince = 0;
  let restoreTries = 0;
  let hasHeartbeat = false;
  /** Whether this line's server gives out states, and so can be asked whether it is there. */
  let givesStates = false;
  const timers = createTimers<TimerName>(clock);
  const complaints = createLineComplaints(
    teller,
    options.likelyCauses,
    () => session.run?.turnId ?? null,
  );

  const send = (request: Request): void => {
    line.send(encodeRequest(request, session.sessionId));
  };

  const acker = createAcker(clock, (lastSeq) => send({ type: "ack", lastSeq }));

  const keepTicket = (): void => {
    const ticket = ticketOf(session);
    const text = JSON.stringify([ticket?.signedState, ticket?.openTurnId, ticket?.hasMemory]);
    if (text === keptTicket) return;
    keptTicket = text;
    options.onTicket(ticket);
  };

  const take = (step: SessionStep): void => {
    const hadRun = session.run !== null;
    if (session.stage !== "restoring" && step.session.stage === "restoring") {
      restoringSince = clock.now();
      restoreTries = 0;
    }
    session = step.session;
    // Requests first: a listener that gives the next command must not overtake them.
    step.requests.forEach(send);
    teller.tellAll(step.facts);
    if (session.run === null) timers.clear("stop");
    if (hadRun !== (session.run !== null) || session.stage === "ready") keepTicket();
    enterStatus();
    if (session.stage === "ready") queue.pump();
  };

  const put = (input: SessionInput): void => take(reduceSession(session, input, clock.now()));

  const enterStatus = (): void => {
    const since = clock.now();
    switch (session.stage) {
      case "ready":
        if (teller.status().status !== "online") {
          line.succeeded();
          complaints.opened();
          timers.clear("restore");
        }
        return teller.enter({ status: "online", since });
      case "restoring":
        return teller.enter({ status: "restoring", since });
      case "refused":
        return teller.enter({ status: "refused" });
      case "offline":
      case "greeting":
      case "creating":
        return;
    }
  };

  /** While the old line counts as alive the ticket is tried again, for a minute; then a fresh session will do. */
  const retryRestore = (): void => {
    if (clock.now() - restoringSince >= RESTORE_WITHIN_MS) return put({ type: "create" });
    const delayMs = backoffDelayMs(restoreTries++, random);
    timers.set("restore", delayMs, () => put({ type: "restore-again" }));
  };

  const hear = (frame: ServerFrame): void => {
    watchSilence(frame);
    acker.heard(frame.seq);
    if (!seen.isNew(frame)) return;
    const wasRestoring = session.stage === "restoring";
    if (frame.event === "system.connected") timers.clear("greeting");
    put({ type: "frame", frame });
    const isRefused =
      wasRestoring &&
      frame.event === "agent.error" &&
      String(frame.content).startsWith(STILL_ACTIVE);
    if (isRefused) retryRestore();
  };

  /** Any frame is a sign of life. Only what a server has done once is expected of it again. */
  const watchSilence = ({ event }: ServerFrame): void => {
    hasHeartbeat ||= event === "system.heartbeat";
    givesStates ||= event === "agent.state_exported";
    if (hasHeartbeat) timers.set("silence", SILENCE_LIMIT_MS, () => line.drop("at-once"));
    timers.set("probe", PROBE_AFTER_MS, probe);
  };

  const probe = (): void => {
    if (!givesStates || session.stage !== "ready") return;
    send({ type: "request-state" });
    timers.set("probe", PROBE_WITHIN_MS, () => line.drop("at-once"));
  };

  const line = createLine({
    clock,
    random,
    openSocket: options.openSocket,
    url: options.url,
    events: {
      connecting: () => teller.enter({ status: "connecting", since: clock.now() }),
      opened() {
        put({ type: "opened" });
        timers.set("greeting", GREETING_WITHIN_MS, () => put({ type: "ungreeted" }));
      },
      text(text) {
        const frame = parseServerFrame(text);
        if (frame !== null) return hear(frame);
        log.warn("myagent/unreadable-frame");
        complaints.unreadable();
      },
      oversized: complaints.oversized,
      lost(code, hadOpened) {
        timers.clearAll();
        acker.stop();
        hasHeartbeat = false;
        givesStates = false;
        put({ type: "lost" });
        complaints.lost(code, hadOpened);
      },
      waiting: (retryAt) => teller.enter({ status: "waiting", retryAt }),
    },
  });

  const queue = createTurnQueue<TurnCommand>({
    isFree: () => session.stage === "ready" && session.run === null,
    begin: (command) => take(beginTurn(session, command)),
    tell: (fact) => teller.tell(fact),
  });

  const stop = (): Result<null, ChannelFailure> => {
    if (session.stage !== "ready") {
      take(endOpenRun(session, "stopped"));
      return ok(null);
    }
    take(act(session, { type: "stop" }));
    if (session.run !== null) timers.set("stop", STOP_WITHIN_MS, () => take(giveUpStop(session)));
    return ok(null);
  };

  const run = (command: ChannelCommand): Result<null, ChannelFailure> => {
    if (teller.status().status === "closed") return err({ kind: "peer/closed" });
    const refusal = refusalOf(session, command);
    if (refusal !== null) return err(refusal);
    if (command.type === "stop") return stop();
    if (command.type === "withdraw")
      return queue.withdraw(command.turnId) ? ok(null) : err({ kind: "peer/unknown-turn" });
    if (opensTurn(session, command))
      return queue.add(command) ? ok(null) : err({ kind: "peer/unknown-turn" });
    take(act(session, command));
    return ok(null);
  };

  return {
    kind: "myagent",
    capabilities: () => session.capabilities,
    status: () => teller.status(),
    on: (listener) => teller.on(listener),
    start: () => line.start(),
    run,
    nudge() {
      if (session.stage === "refused") put({ type: "create" });
      else line.nudge();
    },
    close() {
      if (teller.status().status === "closed") return;
      queue.clear();
      take(endOpenRun(session, "lost"));
      timers.clearAll();
      acker.stop();
      line.close();
      teller.enter({ status: "closed" });
    },
  };
}
