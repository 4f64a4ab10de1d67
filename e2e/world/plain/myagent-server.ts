/**
 * A MyAgent server of our own on a loopback port: the real one's protocol with all its habits, its agents taken from
 * recordings. Times are short; everything else is as it was seen.
 */
import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";
import { systemClock, type Clock } from "../../../src/base/clock.ts";
import { contentOf, type ClientFrame, type Task } from "./frames.ts";
import { ServerSession } from "./myagent-session.ts";
import { readState, ReplayBuffer } from "./myagent-state.ts";
import { Wire, type SentFrame } from "./myagent-wire.ts";
import { chatScriptsOf, planOf, type ChatScript } from "./transcript.ts";

const MAX_FRAME_BYTES = 1_048_576;

export type MyAgentServerOptions = {
  /** What plans, their tasks and lost connections go by. */
  readonly clock: Clock;
  readonly kind: "chat" | "plan";
  readonly scripts: readonly ChatScript[];
  readonly plan: {
    readonly asks: boolean;
    readonly tasks: readonly Task[];
    readonly summary: string;
    readonly concurrency: number;
    readonly failingTaskIds: readonly string[];
  };
  readonly stepMs: number;
  readonly deltaMs: number;
  readonly planMs: number;
  readonly taskMs: number;
  readonly confirmMs: number;
  readonly heartbeatMs: number;
  /** How long a silently lost connection counts as alive. */
  readonly aliveMs: number;
  readonly namespace: string;
  readonly secret: string;
  /** Refuses sessions with these words. */
  readonly refuses: string | null;
  readonly port: number;
};

export interface MyAgentServer {
  readonly url: string;
  /** Frames heard, of all connections. */
  readonly heard: readonly ClientFrame[];
  connections(): number;
  /** The server dies: every socket goes, with all sessions. */
  kill(): void;
  /** The line goes without a word and the server does not notice. */
  loseLines(): void;
  /** Every line stays open and nothing passes any more. */
  freeze(): void;
  /** Sends text that no server should, on every line. */
  raw(text: string | Buffer): void;
  close(): Promise<void>;
}

export async function startMyAgentServer(
  given: Partial<MyAgentServerOptions> = {},
): Promise<MyAgentServer> {
  const options: MyAgentServerOptions = {
    clock: systemClock,
    kind: "chat",
    scripts: chatScriptsOf("message_answer"),
    plan: { asks: true, ...planOf("plan_confirm"), concurrency: 2, failingTaskIds: [] },
    stepMs: 5,
    deltaMs: 5,
    planMs: 20,
    taskMs: 40,
    confirmMs: 600_000,
    heartbeatMs: 60_000,
    aliveMs: 500,
    namespace: "",
    secret: "a secret of the server",
    refuses: null,
    port: 0,
    ...given,
  };
  const heard: ClientFrame[] = [];
  const buffer = new ReplayBuffer<SentFrame>();
  /** Sessions the server takes for alive. */
  const alive = new Map<string, ServerSession>();
  const lines = new Map<WebSocket, Wire>();
  const server = new WebSocketServer({
    port: options.port,
    host: "127.0.0.1",
    maxPayload: MAX_FRAME_BYTES,
    // None is ever chosen.
    handleProtocols: () => false,
  });
  const beat = setInterval(() => {
    for (const wire of lines.values())
      wire.send({
        event: "system.heartbeat",
        metadata: { active_sessions: alive.size, uptime: 0 },
      });
  }, options.heartbeatMs);

  server.on("connection", (socket) => {
    const wire = new Wire(socket);
    const sessions = new Map<string, ServerSession>();
    lines.set(socket, wire);
    socket.on("error", () => {});
    socket.on("close", () => {
      lines.delete(socket);
      wire.close();
      const forget = (): void => {
        for (const session of sessions.values()) {
          session.end();
          alive.delete(session.id);
        }
      };
      if (wire.isFrozen) options.clock.after(options.aliveMs, forget);
      else forget();
    });
    wire.send({
      event: "system.connected",
      content: "Connected to MyAgent WebSocket Server",
      show_content: "已连接到服务器",
    });
    socket.on("message", (data: Buffer) => {
      if (wire.isFrozen) return;
      const text = data.toString();
      const problem = hear(text, wire, sessions);
      if (problem !== null) wire.send({ event: "system.error", content: problem });
    });
  });

  const hear = (text: string, wire: Wire, sessions: Map<string, ServerSession>): string | null => {
    let frame: ClientFrame | readonly unknown[];
    try {
      frame = JSON.parse(text) as ClientFrame | readonly unknown[];
    } catch {
      return "Invalid JSON: Expecting value: line 1 column 1 (char 0)";
    }
    if (!("event" in frame)) return "Message handling error: 'list' object has no attribute 'get'";
    heard.push(frame);
    if (frame.event === "user.ack") return null;
    if (frame.event === "user.create_session") return create(wire, sessions);
    if (frame.event === "user.reconnect_with_state") return restore(frame, wire, sessions);
    const isKnown = SESSION_EVENTS.has(frame.event);
    if (!isKnown || frame.session_id === undefined)
      return `Unknown event type or missing session_id: ${frame.event}`;
    const session = sessions.get(frame.session_id);
    if (session !== undefined) session.hear(frame);
    // A foreign or unknown session's cancel is met with silence.
    else if (frame.event !== "user.cancel")
      wire.send({
        event: "agent.error",
        session_id: frame.session_id,
        content: alive.has(frame.session_id)
          ? "Session does not belong to this connection"
          : "Session not found",
      });
    return null;
  };

  const create = (wire: Wire, sessions: Map<string, ServerSession>): string | null => {
    if (options.refuses !== null) return `Failed to create session: ${options.refuses}`;
    const session = new ServerSession(wire, options, buffer, null);
    sessions.set(session.id, session);
    alive.set(session.id, session);
    session.emit("agent.session_created", {
      content: "Session created successfully",
      metadata: { agent_name: `demo-${options.kind}` },
    });
    return null;
  };

  const restore = (
    frame: ClientFrame,
    wire: Wire,
    sessions: Map<string, ServerSession>,
  ): string | null => {
    const read = readState(options.secret, frame.signed_state);
    if ("refused" in read) return read.refused;
    const { state } = read;
    if (alive.has(state.session_id)) {
      const content = "Session already active on another connection";
      wire.send({ event: "agent.error", content });
      return null;
    }
    const session = new ServerSession(wire, options, buffer, state.session_id);
    session.believesRunning = state.metadata.session_state === "running";
    sessions.set(session.id, session);
    alive.set(session.id, session);
    wire.send({
      event: "agent.state_restored",
      session_id: session.id,
      content: "Session state restored successfully",
      metadata: {
        original_session_id: state.session_id,
        restored_step: state.current_step,
        message_count: 0,
        agent_name: `demo-${options.kind}`,
        warnings: [],
      },
    });
    replay(frame, state.session_id, session, wire);
    return null;
  };

  const replay = (frame: ClientFrame, from: string, session: ServerSession, wire: Wire): void => {
    const position = { ...frame, ...contentOf(frame.content) };
    const events = buffer.after(from, position.last_event_id, position.last_seq);
    for (const { seq, event_id, timestamp, ...rest } of events) {
      const metadata = {
        ...rest.metadata,
        orig_event_id: rest.metadata?.["orig_event_id"] ?? event_id,
        orig_seq: rest.metadata?.["orig_seq"] ?? seq,
      };
      const sent = wire.send({ ...rest, session_id: session.id, metadata }, timestamp);
      buffer.keep(session.id, sent);
    }
    wire.send({
      event: "system.notice",
      session_id: session.id,
      content: "Replay completed",
      metadata:
        events.length === 0
          ? { action: "replay", count: 0 }
          : { action: "replay", replayed: events.length },
    });
  };

  await new Promise<void>((resolve) => server.on("listening", resolve));
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    connections: () => lines.size,
    kill() {
      for (const socket of lines.keys()) socket.terminate();
    },
    loseLines() {
      for (const [socket, wire] of lines) {
        wire.isFrozen = true;
        socket.terminate();
      }
    },
    freeze() {
      for (const wire of lines.values()) wire.isFrozen = true;
    },
    raw(text) {
      for (const wire of lines.values()) wire.raw(text);
    },
    close() {
      clearInterval(beat);
      for (const session of alive.values()) session.end();
      for (const socket of lines.keys()) socket.terminate();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

const SESSION_EVENTS: ReadonlySet<string> = new Set([
  "user.message",
  "user.response",
  "user.cancel",
  "user.solve_tasks",
  "user.cancel_task",
  "user.restart_task",
  "user.cancel_plan",
  "user.replan",
  "user.request_state",
]);
