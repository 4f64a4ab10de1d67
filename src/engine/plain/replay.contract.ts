/** Recorded conversations played through the channels: the recording is the server, and the person of that day. */
import { readFileSync } from "node:fs";
import { createFakeClock, type FakeClock } from "#base/fake-clock.ts";
import { silentLog } from "#base/log.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { ChannelView } from "#bridge/channel-views.ts";
import { createChatChannel } from "#channels/chat/create-chat-channel.ts";
import type { StreamFetch } from "#channels/chat/stream-fetch.ts";
import { createMyAgentChannel } from "#channels/myagent/create-myagent-channel.ts";
import { createScriptedLines } from "#channels/scripted-line.contract.ts";
import type { Channel, ChannelCommand, ChannelEvent, TurnId } from "#peer/channel.ts";
import { emptyChannelView, reduceChannelView } from "./turns.ts";

const VECTORS = new URL("../../channels/vectors/", import.meta.url);

export type Replayed = {
  readonly view: ChannelView;
  readonly events: readonly ChannelEvent[];
  /** Everything our side sent, connection by connection. */
  readonly sent: readonly any[];
  readonly refusals: readonly string[];
};

export const linesOf = (name: string): readonly any[] =>
  readFileSync(new URL(`${name}.jsonl`, VECTORS), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

/** Listens to a channel and folds what it tells. */
export function listen(channel: Channel) {
  const events: ChannelEvent[] = [];
  let view: ChannelView = { ...emptyChannelView, capabilities: [...channel.capabilities()] };
  channel.on((event) => {
    events.push(event);
    view = reduceChannelView(view, event);
  });
  return { events, view: () => view };
}

/** Plays `myagent/<name>`: the first session's part of it. */
export async function replayMyAgent(name: string): Promise<Replayed> {
  const clock = createFakeClock(0);
  const lines = createScriptedLines();
  const channel = createMyAgentChannel({
    clock,
    random: createSeededRandom(1),
    log: silentLog,
    openSocket: lines.open,
    url: "ws://localhost:8080",
    setup: null,
    ticket: null,
    onTicket: () => {},
    likelyCauses: ["server-down"],
  });
  const heard = listen(channel);
  const refusals: string[] = [];
  let turns = 0;
  let ours: string | null = null;
  let opened = 0;
  const toldAt = { recording: 0, ours: 0 };
  channel.start();
  let ourLine: string | null = null;
  for (const { t, conn, dir, frame } of linesOf(`myagent/${name}`)) {
    if (dir !== "open" && conn !== ourLine) continue;
    await clock.advance(Math.max(0, toldAt.ours + (t - toldAt.recording) - clock.now()));
    if (dir === "open") {
      // The recording's person opened a second line beside the first; this conversation has one.
      if (lines.lines.length <= opened) await clock.advance(2_000);
      if (lines.lines.length <= opened) continue;
      ourLine = conn;
      opened = lines.lines.length;
      lines.last().opens();
      toldAt.recording = t;
      toldAt.ours = clock.now();
    } else if (dir === "in") {
      const isText = typeof frame === "string";
      lines.last().saysText(isText ? frame : JSON.stringify(frame));
      const isSession =
        frame.event === "agent.session_created" || frame.event === "agent.state_restored";
      if (isSession && frame.metadata?.orig_event_id === undefined && !isSecond(frame, ours))
        ours = frame.session_id;
    } else if (dir === "close") {
      lines.last().closes(frame.code);
    } else if (dir === "out") {
      const command = commandOf(frame, ours, () => `turn-${++turns}` as TurnId);
      const result = command === null ? null : channel.run(command);
      if (result?.ok === false) refusals.push(`${frame.event} ${result.failure.kind}`);
    }
    await clock.advance(0);
  }
  await clock.advance(100);
  const sent = lines.lines.flatMap((line) => line.sent);
  return { view: heard.view(), events: heard.events, sent, refusals };
}

/** A second session of one connection belongs to another conversation. */
const isSecond = (frame: any, ours: string | null): boolean =>
  frame.event === "agent.session_created" && ours !== null;

function commandOf(frame: any, ours: string | null, turnId: () => TurnId): ChannelCommand | null {
  if (typeof frame !== "object" || frame === null || frame.session_id !== ours) return null;
  const { content = {} } = frame;
  switch (frame.event) {
    case "user.message":
      return typeof content === "string"
        ? { type: "send-text", turnId: turnId(), text: content }
        : null;
    case "user.response":
      if (frame.step_id === undefined) return null;
      return {
        type: "answer-prompt",
        promptId: frame.step_id,
        isConfirmed: content.confirmed === true,
        tasks: Array.isArray(content.tasks) ? content.tasks : null,
      };
    case "user.cancel":
      return { type: "stop" };
    case "user.solve_tasks":
      return Array.isArray(content.tasks)
        ? {
            type: "solve-tasks",
            turnId: turnId(),
            tasks: content.tasks,
            question: content.question ?? null,
            planSummary: content.plan_summary ?? null,
          }
        : null;
    case "user.cancel_task":
      return { type: "cancel-task", taskId: String(content.task_id) };
    case "user.restart_task":
      return { type: "restart-task", taskId: String(content.task_id) };
    case "user.cancel_plan":
      return { type: "cancel-plan" };
    case "user.replan":
      return { type: "replan", turnId: turnId(), question: content.question ?? null };
    default:
      return null;
  }
}

/** Plays `tpclaw/<name>`: one request and its answer. */
export async function replayChat(name: string): Promise<Replayed & { readonly requests: any[] }> {
  const clock = createFakeClock(0);
  const lines = linesOf(`tpclaw/${name}`);
  const asked = lines[0].body;
  const requests: any[] = [];
  const channel = createChatChannel({
    clock,
    random: createSeededRandom(1),
    fetch: recordedFetch(lines, clock, requests),
    baseUrl: "http://localhost:9527/api/v1",
    dialect: "tpclaw",
    model: "main",
    apiKey: null,
    remembers: asked.sessionId === undefined ? "client" : "server",
    sessionId: asked.sessionId ?? "session-1",
    onSessionId: () => {},
    history: [],
    onHistory: () => {},
    likelyCauses: ["server-down"],
  });
  const heard = listen(channel);
  channel.start();
  const text = asked.messages?.[0]?.content ?? "hello";
  channel.run({ type: "send-text", turnId: "turn-1" as TurnId, text });
  const abort = lines.find(({ dir }) => dir === "client-abort");
  if (abort !== undefined) {
    await clock.advance(abort.t);
    channel.run({ type: "stop" });
  }
  await clock.advance((lines.at(-1)?.t ?? 0) + 1_000);
  return { view: heard.view(), events: heard.events, sent: [], refusals: [], requests };
}

function recordedFetch(lines: readonly any[], clock: FakeClock, requests: any[]): StreamFetch {
  const at = (t: number): Promise<void> =>
    new Promise((resolve) => clock.after(Math.max(0, t - clock.now()), resolve));
  return async (url, request) => {
    requests.push({ url, headers: request.headers, body: JSON.parse(request.body ?? "null") });
    const head = lines.find(({ dir }) => dir === "status");
    const pieces = lines.filter(({ dir }) => dir === "recv");
    await at(head.t);
    return {
      status: head.status,
      headers: { get: (wanted) => head.headers[wanted] ?? null },
      body: {
        getReader: () => ({
          async read() {
            const piece = pieces.shift();
            if (piece === undefined) {
              const end = lines.find(({ dir }) => dir === "end" || dir === "aborted");
              await at(end.t);
              if (request.signal.aborted) throw new Error("aborted");
              return { done: true };
            }
            await at(piece.t);
            if (request.signal.aborted) throw new Error("aborted");
            const text = piece.frame === undefined ? piece.rest : `${piece.frame}\n\n`;
            return { done: false, value: new TextEncoder().encode(text) };
          },
          cancel: async () => {},
        }),
      },
    };
  };
}
