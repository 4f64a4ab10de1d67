import { describe, expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { silentLog } from "#base/log.ts";
import { Secret } from "#base/secret.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { ChannelEvent, TurnId } from "#peer/channel.ts";
import { describeChannel } from "#peer/channel.contract.ts";
import { createScriptedLines } from "../scripted-line.contract.ts";
import { createTpclawSocket } from "./create-tpclaw-socket.ts";

function aTpclaw(given: { sessionId?: string | null; token?: string } = {}) {
  const clock = createFakeClock(1_000_000);
  const lines = createScriptedLines();
  const sessions: string[] = [];
  const channel = createTpclawSocket({
    clock,
    random: createSeededRandom(1),
    log: silentLog,
    openSocket: lines.open,
    url: "ws://localhost:9527/api/v1/ws",
    agentId: "main",
    sessionId: given.sessionId === undefined ? "session-001" : given.sessionId,
    onSessionId: (id) => sessions.push(id),
    token: given.token === undefined ? null : new Secret(given.token),
    likelyCauses: ["server-down"],
  });
  const events: ChannelEvent[] = [];
  channel.on((event) => events.push(event));
  const says = (type: string, rest: object = {}): void =>
    lines.last().says({ type, agentId: "main", ...rest });
  return {
    clock,
    lines,
    channel,
    events,
    sessions,
    says,
    starts(): void {
      channel.start();
      lines.last().opens();
    },
    asked: () =>
      lines.lines.flatMap(({ sent }) =>
        sent.filter(({ type }) => type === "chat").map(({ message }) => message),
      ),
    ask: (turnId: string, text = "hello") =>
      channel.run({ type: "send-text", turnId: turnId as TurnId, text }),
    told: <Type extends ChannelEvent["type"]>(type: Type) =>
      events.filter((event): event is Extract<ChannelEvent, { type: Type }> => event.type === type),
    ends: () =>
      events.flatMap((e) => (e.type === "turn-ended" ? [`${e.turnId} ${e.outcome}`] : [])),
    answers: () => events.flatMap((e) => (e.type === "answer" ? [e.text] : [])),
  };
}

describeChannel("TPCLAW's socket", () => {
  const bench = aTpclaw();
  const settle = (): Promise<void> => bench.clock.advance(300);
  return {
    channel: bench.channel,
    settle,
    async goOnline() {
      await bench.clock.advance(2_000);
      bench.lines.last().opens();
      await settle();
    },
    heard: bench.asked,
    async answer(text) {
      bench.says("message", { content: text, done: false });
      await settle();
    },
    async piece(text) {
      bench.says("stream", { content: text, done: false });
      await settle();
    },
    async hearStop() {
      bench.lines.lines[0]?.says({ type: "stream", content: "late", done: true });
      bench.lines.last().opens();
      await settle();
    },
    async breakLine() {
      bench.lines.last().closes(1006);
      await settle();
    },
  };
});

describe("TPCLAW's socket", () => {
  test("[A50] a turn is asked exactly as documented, with the session where there is one", () => {
    const [one, other] = [aTpclaw(), aTpclaw({ sessionId: null })];
    for (const bench of [one, other]) {
      bench.starts();
      bench.ask("a", "你好");
    }

    expect(one.lines.last().sent).toEqual([
      { type: "chat", agentId: "main", sessionId: "session-001", message: "你好" },
    ]);
    expect(other.lines.last().sent).toEqual([{ type: "chat", agentId: "main", message: "你好" }]);
  });

  test("[A51] a message is whole whatever its `done` says, a stream ends with its last piece", () => {
    const bench = aTpclaw();
    bench.starts();
    bench.ask("a");
    bench.says("message", { content: "whole", done: false });
    bench.ask("b");
    bench.says("stream", { content: "你好", done: false });
    bench.says("stream", { content: "!", done: true });

    expect(bench.answers()).toEqual(["whole", "你好!"]);
    expect(bench.ends()).toEqual(["a done", "b done"]);
  });

  test("[A52] the repetition of a stream as a message is one answer, and no part of the next turn", async () => {
    const bench = aTpclaw();
    bench.starts();
    bench.ask("a");
    bench.ask("b");
    bench.says("stream", { content: "same", done: false });
    bench.says("stream", { content: "", done: true });

    bench.says("message", { content: "same" });
    await bench.clock.advance(300);
    bench.says("message", { content: "other" });

    expect(bench.answers()).toEqual(["same", "other"]);
    expect(bench.ends()).toEqual(["a done", "b done"]);
  });

  test("[A53] a message nobody asked for is a turn of the server's own", () => {
    const bench = aTpclaw();
    bench.starts();

    bench.says("message", { content: "reminder" });

    expect(bench.told("turn-started")).toMatchObject([{ trigger: "server" }]);
    expect(bench.answers()).toEqual(["reminder"]);
  });

  test("[A53] frames for another agent are not this conversation's", () => {
    const bench = aTpclaw();
    bench.starts();
    bench.ask("a");

    bench.lines.last().says({ type: "message", agentId: "other", content: "not ours" });

    expect(bench.answers()).toEqual([]);
  });

  test.each([
    [{ message: "broke" }, "broke"],
    [{ error: "broke" }, "broke"],
    [{ error: { message: "broke" } }, "broke"],
    [{ content: "broke" }, "broke"],
    [{}, ""],
  ])("[A54] an error ends the turn, with its words wherever they stand: %j", (rest, words) => {
    const bench = aTpclaw();
    bench.starts();
    bench.ask("a");

    bench.says("error", rest);

    expect(bench.told("fault")).toMatchObject([{ failure: { kind: "peer/agent-failed" }, words }]);
    expect(bench.ends()).toEqual(["a failed"]);
  });

  test("[A54] an error without a type is how a sibling server refuses a token", () => {
    const bench = aTpclaw({ token: "jwt/1" });
    bench.starts();

    bench.lines.last().says({ error: "unauthorized" });

    expect(bench.lines.last().url).toBe("ws://localhost:9527/api/v1/ws?token=jwt%2F1");
    expect(bench.told("fault")).toMatchObject([{ failure: { kind: "peer/unauthorized" } }]);
  });

  test("[A55] a ping goes out every 30 s; a server that never answers gets one word and no reconnect", async () => {
    const bench = aTpclaw();
    bench.starts();

    await bench.clock.advance(90_000);
    expect(bench.lines.last().sent).toEqual([{ type: "ping" }, { type: "ping" }, { type: "ping" }]);
    await bench.clock.advance(300_000);

    expect(bench.told("notice")).toMatchObject([{ notice: { kind: "no-heartbeat" } }]);
    expect(bench.lines.lines).toHaveLength(1);
  });

  test("[A55] any frame is a sign of life", async () => {
    const bench = aTpclaw();
    bench.starts();

    await bench.clock.advance(9_999);
    for (let pings = 0; pings < 5; pings++) {
      await bench.clock.advance(30_000);
      bench.says(pings % 2 === 0 ? "pong" : "other");
    }

    expect(bench.told("notice")).toEqual([]);
    expect(bench.told("alive")).toHaveLength(3);
  });

  test("[A55] a server that has answered a ping and not the next is left within 40 s, its open turn lost", async () => {
    const bench = aTpclaw();
    bench.starts();
    await bench.clock.advance(30_000);
    bench.says("pong");
    bench.ask("a", "hello");

    await bench.clock.advance(39_999);
    expect(bench.lines.lines).toHaveLength(1);
    await bench.clock.advance(1);

    expect(bench.lines.lines).toHaveLength(2);
    expect(bench.ends()).toEqual(["a lost"]);
  });

  test("[A56] a chat without an answer for 20 s, or with feed events alone, says that this may be no chat", async () => {
    const bench = aTpclaw();
    bench.starts();
    bench.ask("a");

    bench.lines.last().says({ type: "RUN_STARTED", runId: "r" });
    bench.lines.last().says({ type: "text", taskId: "t", payload: { content: "x" } });
    await bench.clock.advance(20_000);

    expect(bench.told("fault")).toMatchObject([{ failure: { kind: "peer/no-chat-here" } }]);
    expect(bench.told("notice")).toMatchObject([{ notice: { kind: "no-answer-yet" } }]);
    expect(bench.ends()).toEqual([]);
  });

  test("[A57] a stopped turn takes its line with it", () => {
    const bench = aTpclaw();
    bench.starts();
    bench.ask("a");

    bench.channel.run({ type: "stop" });

    expect(bench.lines.lines.map((line) => line.isClosed())).toEqual([true, false]);
    expect(bench.ends()).toEqual(["a stopped"]);
  });

  test("[A58] a new session has a new name, which is given to be kept", () => {
    const bench = aTpclaw();
    bench.starts();
    bench.channel.run({ type: "new-session" });
    bench.ask("a");

    expect(bench.sessions).toHaveLength(1);
    expect(bench.lines.last().sent).toMatchObject([{ sessionId: bench.sessions[0] }]);
    expect(bench.told("notice")).toMatchObject([
      { notice: { kind: "memory-lost", because: "new-session" } },
    ]);
    expect(aTpclaw({ sessionId: null }).channel.capabilities().has("new-session")).toBe(false);
  });

  test("[A58] the other dialect's `response` is taken like a message; unknown types and garbage end nothing", () => {
    const bench = aTpclaw();
    bench.starts();
    bench.ask("a");

    bench.says("novelty", { content: "?" });
    bench.lines.last().saysText("not json");
    bench.says("response", { content: "fine" });

    expect(bench.answers()).toEqual(["fine"]);
    expect(bench.told("notice")).toMatchObject([
      { notice: { kind: "unreadable-frames", count: 1 } },
    ]);
  });
});
