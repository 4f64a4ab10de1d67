/**
 * One session of a MyAgent server over any number of lines: greeting, restoring, runs, exports. A session dies with
 * its line; a ticket exported while idle opens a new one that is shown what the old one said last, and remembers
 * nothing. Pure: state and input in, state, facts and requests out.
 */
import type { Capability, ChannelFact, Json, TurnId } from "#peer/channel.ts";
import { isJsonObject, type JsonObject } from "../json.ts";
import { BUSY, meaningOfError, SESSION_FAILED, STILL_ACTIVE } from "./error-meaning.ts";
import { identityOf, type ServerFrame } from "./frame.ts";
import { readFrame, type Reading } from "./reading.ts";
import type { Request } from "./request.ts";
import { endRun, openRun, withoutPrompt, type Effects, type Run } from "./run.ts";
import { reduceRun } from "./run-reading.ts";

/** What restores a session. Signed by the server, opaque to us, and it may hold the conversation. */
export type Ticket = {
  readonly signedState: JsonObject;
  /** The last event known of the line that gave it. */
  readonly lastEventId: string | null;
  /** The turn that was open; its end may be in the replay. */
  readonly openTurnId: TurnId | null;
  /** Whether the agent was told anything that a restore loses. */
  readonly hasMemory: boolean;
};

export type Stage = "offline" | "greeting" | "restoring" | "creating" | "ready" | "refused";

export type Session = {
  readonly stage: Stage;
  readonly sessionId: string | null;
  readonly setup: Json;
  readonly run: Run | null;
  readonly capabilities: ReadonlySet<Capability>;
  /** Whether the agent was told anything that it could forget. */
  readonly hasMemory: boolean;
  readonly signedState: JsonObject | null;
  /** Where a replay starts: the event of the highest seq on the line that gave `signedState`. */
  readonly position: { readonly seq: number; readonly eventId: string | null };
  /** Whether `position` still moves: only with the line that gave the state. */
  readonly isTicketOfThisLine: boolean;
  /** Cancels that were sent for no open run, and whose answer ends none. */
  readonly strayCancels: number;
};

export type SessionInput =
  | { readonly type: "opened" }
  | { readonly type: "frame"; readonly frame: ServerFrame }
  /** The server's greeting did not come; it is asked all the same. */
  | { readonly type: "ungreeted" }
  | { readonly type: "lost" }
  /** The ticket is tried once more. */
  | { readonly type: "restore-again" }
  /** The ticket is given up; a session without a past is asked for. */
  | { readonly type: "create" };

export type SessionStep = {
  readonly session: Session;
  readonly facts: readonly ChannelFact[];
  readonly requests: readonly Request[];
};

const EVERYTHING: readonly Capability[] = [
  "stop",
  "answer-prompt",
  "new-session",
  "solve-tasks",
  "cancel-task",
  "restart-task",
  "cancel-plan",
  "replan",
  "reasoning",
  "tools",
  "usage",
];

export function startSession(setup: Json, ticket: Ticket | null): Session {
  const openTurnId = ticket?.openTurnId ?? null;
  const run = openTurnId === null ? null : openRun(openTurnId, "message");
  return {
    stage: "offline",
    sessionId: null,
    setup,
    run: run === null ? null : { ...run, hasBegun: true, isSuspended: true },
    capabilities: new Set(EVERYTHING),
    hasMemory: ticket?.hasMemory ?? false,
    signedState: ticket?.signedState ?? null,
    position: { seq: 0, eventId: ticket?.lastEventId ?? null },
    isTicketOfThisLine: false,
    strayCancels: 0,
  };
}

/** What to keep for the next start; null when there is nothing to restore. */
export const ticketOf = (session: Session): Ticket | null =>
  session.signedState === null
    ? null
    : {
        signedState: session.signedState,
        lastEventId: session.position.eventId,
        openTurnId: session.run?.turnId ?? null,
        hasMemory: session.hasMemory,
      };

/** The session after one input, with what to tell and what to send. */
export function reduceSession(before: Session, input: SessionInput, at: number): SessionStep {
  const facts: ChannelFact[] = [];
  const requests: Request[] = [];
  const fx: Effects = {
    tell: (fact) => facts.push(fact),
    ask: (request) => requests.push(request),
  };
  const session = reduce(before, input, at, fx);
  return { session, facts, requests };
}

function reduce(session: Session, input: SessionInput, at: number, fx: Effects): Session {
  switch (input.type) {
    case "opened":
      return { ...session, stage: "greeting" };
    case "ungreeted":
      return session.stage === "greeting" ? askRestore(session, fx) : session;
    case "lost":
      return loseLine(session, fx);
    case "restore-again":
      return session.stage === "restoring" ? askRestore(session, fx) : session;
    case "create":
      return askCreate(session, fx);
    case "frame": {
      const reading = readFrame(input.frame);
      const isOthers =
        input.frame.sessionId !== null &&
        session.sessionId !== null &&
        input.frame.sessionId !== session.sessionId &&
        reading.type !== "session-created" &&
        reading.type !== "session-restored";
      return isOthers
        ? session
        : hear(withPosition(session, input.frame), reading, input.frame, at, fx);
    }
  }
}

/** Highest seq, not last received: answers overtake their own pieces. */
function withPosition(session: Session, frame: ServerFrame): Session {
  if (!session.isTicketOfThisLine || frame.seq <= session.position.seq) return session;
  return { ...session, position: { seq: frame.seq, eventId: frame.eventId } };
}

function hear(
  session: Session,
  reading: Reading,
  frame: ServerFrame,
  at: number,
  fx: Effects,
): Session {
  const isReplayed = frame.originalEventId !== null;
  switch (reading.type) {
    case "connected":
      if (session.stage !== "greeting") return session;
      return askRestore(session, fx);
    case "heartbeat":
      fx.tell({ type: "alive" });
      return session;
    case "session-created":
      return isReplayed ? session : enterCreated(session, reading, frame, fx);
    case "session-restored":
      if (session.stage !== "restoring") return session;
      if (reading.agentName !== "") fx.tell({ type: "agent-name", name: reading.agentName });
      tellMemoryLost(session, "reconnected", fx);
      return { ...session, sessionId: frame.sessionId, hasMemory: false };
    case "replay-ended":
      return session.stage === "restoring" ? enterRestored(session, fx) : session;
    case "state":
      return isReplayed || reading.signedState === null || isWorse(session, reading.signedState)
        ? session
        : {
            ...session,
            signedState: reading.signedState,
            isTicketOfThisLine: true,
            position: { seq: frame.seq, eventId: identityOf(frame) },
          };
    case "interrupted":
      return session.strayCancels > 0 && !isReplayed
        ? { ...session, strayCancels: session.strayCancels - 1 }
        : hearOfRun(session, reading, frame, at, fx);
    case "agent-error":
    case "system-error":
      return hearError(session, reading, frame, at, fx);
    case "ignored":
      return session;
    default:
      return hearOfRun(session, reading, frame, at, fx);
  }
}

/** A state taken in mid-run restores a session that believes it runs for ever: better than none, no better than another. */
function isWorse({ signedState }: Session, { state }: JsonObject): boolean {
  const metadata = isJsonObject(state) ? state["metadata"] : undefined;
  const isOfRun = isJsonObject(metadata) && metadata["session_state"] === "running";
  return isOfRun && signedState !== null;
}

/** During a restore the replay tells how the suspended run went on; else only an open run is listened to. */
function hearOfRun(
  session: Session,
  reading: Reading,
  frame: ServerFrame,
  at: number,
  fx: Effects,
): Session {
  const { run } = session;
  const isReplayed = frame.originalEventId !== null;
  if (run === null || isReplayed !== run.isSuspended) {
    if (reading.type === "unknown" && !isReplayed)
      fx.tell({
        type: "notice",
        turnId: null,
        notice: { kind: "server-event", name: reading.name, text: reading.text },
      });
    return session;
  }
  const after = reduceRun(run, reading, frame, at, fx);
  if (after === null && session.stage === "ready") fx.ask({ type: "request-state" });
  return { ...session, run: after };
}

function hearError(
  session: Session,
  reading: Extract<Reading, { type: "agent-error" | "system-error" }>,
  frame: ServerFrame,
  at: number,
  fx: Effects,
): Session {
  const { text } = reading;
  if (session.stage === "restoring") {
    // The old line still counts as alive; whoever keeps the time tries again.
    if (text.startsWith(STILL_ACTIVE)) return session;
    return frame.originalEventId === null ? askCreate(session, fx) : session;
  }
  if (session.stage === "creating" && text.startsWith(SESSION_FAILED)) {
    const failure = { kind: "peer/session-refused" } as const;
    fx.tell({ type: "fault", turnId: null, failure, words: text });
    const run = session.run === null ? null : endRun(session.run, "lost", fx);
    return { ...session, stage: "refused", run };
  }
  const able = freed(withoutCapability(session, text, fx), reading, fx);
  const meaning = meaningOfError(text);
  if (session.run === null) {
    const failure =
      reading.type === "agent-error"
        ? meaning.failure
        : ({ kind: "peer/request-refused", because: "other" } as const);
    fx.tell({ type: "fault", turnId: null, failure, words: text });
  }
  const after = session.run === null ? able : hearOfRun(able, reading, frame, at, fx);
  const isGone =
    reading.type === "agent-error" &&
    meaning.failure.kind === "peer/session-refused" &&
    frame.sessionId !== null &&
    frame.sessionId === session.sessionId;
  return isGone && session.stage === "ready" ? askCreate(after, fx) : after;
}

/**
 * The session after a refusal that says it is busy although nothing of ours runs: a run that was left behind, or a
 * state restored as running. Only a cancel frees it.
 */
function freed(
  session: Session,
  { type, text }: Extract<Reading, { type: "agent-error" | "system-error" }>,
  fx: Effects,
): Session {
  const isLeftBehind =
    type === "agent-error" && text.startsWith(BUSY) && session.run?.hasBegun === false;
  if (!isLeftBehind) return session;
  fx.ask({ type: "cancel" });
  return { ...session, strayCancels: session.strayCancels + 1 };
}

/** What an agent can is learnt by trying. */
const UNSUPPORTED: readonly (readonly [text: string, capability: Capability])[] = [
  ["direct task solving", "solve-tasks"],
  ["cancel_solver_task", "cancel-task"],
  ["restart_solver_task", "restart-task"],
  ["cancel_plan", "cancel-plan"],
  ["replan", "replan"],
];

function withoutCapability(session: Session, text: string, fx: Effects): Session {
  if (!text.startsWith("Agent does not support")) return session;
  const lost = UNSUPPORTED.find(([name]) => text.includes(name))?.[1];
  if (lost === undefined || !session.capabilities.has(lost)) return session;
  const capabilities = new Set([...session.capabilities].filter((one) => one !== lost));
  fx.tell({ type: "capabilities", capabilities: [...capabilities] });
  return { ...session, capabilities };
}

function askCreate(session: Session, fx: Effects): Session {
  fx.ask({ type: "create-session", setup: session.setup });
  return { ...session, stage: "creating", signedState: null, isTicketOfThisLine: false };
}

function askRestore(session: Session, fx: Effects): Session {
  const { signedState, position } = session;
  if (signedState === null) return askCreate(session, fx);
  fx.ask({ type: "restore-session", signedState, lastEventId: position.eventId });
  return { ...session, stage: "restoring" };
}

function enterCreated(
  session: Session,
  reading: Extract<Reading, { type: "session-created" }>,
  frame: ServerFrame,
  fx: Effects,
): Session {
  if (session.stage !== "creating") return session;
  if (reading.agentName !== "") fx.tell({ type: "agent-name", name: reading.agentName });
  const isFresh = session.sessionId !== null;
  tellMemoryLost(session, isFresh ? "new-session" : "reconnected", fx);
  const run = session.run === null ? null : endRun(session.run, "lost", fx);
  fx.ask({ type: "request-state" });
  return { ...session, stage: "ready", sessionId: frame.sessionId, run, hasMemory: false };
}

function enterRestored(session: Session, fx: Effects): Session {
  // Nothing ran on while the line was down: what the replay has not ended is over.
  const run = session.run === null ? null : endRun(session.run, "lost", fx);
  fx.ask({ type: "request-state" });
  return { ...session, stage: "ready", run };
}

function loseLine(session: Session, fx: Effects): Session {
  const run =
    session.run === null
      ? null
      : { ...withoutPrompt(session.run, "line-lost", fx), isSuspended: true };
  return {
    ...session,
    stage: "offline",
    sessionId: null,
    isTicketOfThisLine: false,
    strayCancels: 0,
    run,
  };
}

function tellMemoryLost(
  session: Session,
  because: "reconnected" | "new-session",
  fx: Effects,
): void {
  if (session.hasMemory)
    fx.tell({ type: "notice", turnId: null, notice: { kind: "memory-lost", because } });
}
