import { describe, expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { silentLog } from "#base/log.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { ChannelEvent } from "#peer/channel.ts";
import { describeChannel } from "#peer/channel.contract.ts";
import { createMyAgentChannel } from "./create-myagent-channel.ts";
import { aMyAgent } from "./myagent-bench.contract.ts";

describeChannel("MyAgent", () => {
  const bench = aMyAgent();
  const settle = (): Promise<void> => bench.clock.advance(0);
  return {
    channel: bench.channel,
    settle,
    async goOnline() {
      await bench.clock.advance(2_000);
      bench.opens();
      // A server that knows no ticket.
      if (bench.asked("user.create_session").length === 0)
        bench.says("system.error", {
          content: "Invalid state: Invalid state signature",
          session_id: undefined,
        });
      bench.creates();
      bench.exports();
      await settle();
    },
    heard: () =>
      bench.lines.lines.flatMap(({ sent }) =>
        sent.filter(({ event }) => event === "user.message").map(({ content }) => content),
      ),
    async answer(text) {
      bench.says("agent.thinking", { content: "hm" });
      bench.says("agent.final_answer", { content: text });
      await settle();
    },
    async piece(text) {
      bench.says("agent.thinking", { content: "hm" });
      bench.says("agent.partial_answer", { content: text });
      await settle();
    },
    async hearStop() {
      bench.says("agent.interrupted");
      bench.says("agent.partial_answer", { content: "late piece" });
      await settle();
    },
    async breakLine() {
      bench.lines.last().closes(1006);
      await settle();
    },
  };
});

describe("a MyAgent session", () => {
  test("[A10] is made after the greeting, exported when made and after every end, and never named to the socket", async () => {
    const bench = aMyAgent();
    await bench.ready();

    bench.ask("a", "hello");
    bench.says("agent.final_answer", { content: "good day" });

    expect(bench.lines.last().sent).toEqual([
      { event: "user.create_session" },
      { event: "user.request_state", session_id: "s1" },
      { event: "user.message", session_id: "s1", content: "hello" },
      { event: "user.request_state", session_id: "s1" },
    ]);
    expect(bench.lines.last().url).toBe("ws://localhost:8080");
  });

  test("[A10] a server that does not greet within 5 s is asked all the same", async () => {
    const bench = aMyAgent();
    bench.channel.start();
    bench.lines.last().opens();

    expect(bench.lines.last().sent).toEqual([]);
    await bench.clock.advance(5_000);

    expect(bench.asked("user.create_session")).toHaveLength(1);
  });

  test("[A11] is acknowledged by its highest seq, at most every 200 ms", async () => {
    const bench = aMyAgent();
    await bench.ready();
    await bench.clock.advance(200);
    bench.ask("a", "hello");

    for (const seq of [9, 7, 8]) bench.says("agent.thinking", { content: "hm", seq });
    await bench.clock.advance(199);
    expect(bench.asked("user.ack")).toHaveLength(1);
    await bench.clock.advance(1);

    expect(bench.asked("user.ack").map(({ content }) => content)).toEqual([
      { last_seq: 3 },
      { last_seq: 9 },
    ]);
  });

  test("[A12] a piece that comes before anything else of a run belongs to the run before it", async () => {
    const bench = aMyAgent();
    await bench.ready();
    bench.ask("a", "one");
    bench.says("agent.final_answer", { content: "first" });
    bench.ask("b", "two");

    bench.says("agent.partial_answer", { content: "late" });
    bench.says("agent.thinking", { content: "hm" });
    bench.says("agent.partial_answer", { content: "ours" });

    expect(bench.told("text").map(({ turnId, text }) => `${turnId} ${text}`)).toEqual(["b ours"]);
  });

  test("[A13] is restored by the ticket and the event of the highest seq, not of the last frame", async () => {
    const bench = aMyAgent();
    await bench.ready();
    bench.ask("a", "hello");
    bench.says("agent.thinking", { content: "hm", seq: 9 });
    bench.says("agent.partial_answer", { content: "p", seq: 8 });

    bench.lines.last().closes(1006);
    await bench.clock.advance(2_000);
    bench.opens();

    expect(bench.asked("user.reconnect_with_state")).toEqual([
      {
        event: "user.reconnect_with_state",
        signed_state: { state: "state" },
        content: { last_event_id: "c1-9" },
      },
    ]);
  });

  test("[A14] a replay repeats nothing, ends a run that ended unseen, and the lost memory is told", async () => {
    const bench = aMyAgent();
    await bench.ready();
    bench.ask("a", "hello");
    bench.says("agent.thinking", { content: "hm", seq: 9 });
    bench.lines.last().closes(1006);
    await bench.clock.advance(2_000);
    bench.opens();
    bench.restores();

    bench.replays("agent.thinking", "c1-9", { content: "hm" });
    bench.replays("agent.final_answer", "c1-10", { content: "done unseen" });
    bench.replayEnds();

    expect(bench.told("reasoning")).toHaveLength(1);
    expect(bench.told("answer").map(({ text }) => text)).toEqual(["done unseen"]);
    expect(bench.ends()).toEqual(["a done"]);
    expect(bench.told("notice").map(({ notice }) => notice)).toEqual([
      { kind: "memory-lost", because: "reconnected" },
    ]);
    expect(bench.channel.status()).toMatchObject({ status: "online" });
  });

  test("[A15] a prompt of the old line is dead, and a replayed one is never answered", async () => {
    const bench = aMyAgent();
    await bench.ready();
    bench.ask("a", "delete it");
    const asks = { step_id: "confirm_1_rm", metadata: { tool_name: "rm", tool_args: {} } };
    bench.says("agent.user_confirm", asks);
    bench.lines.last().closes(1006);
    await bench.clock.advance(2_000);
    bench.opens();
    bench.restores();
    bench.replays("agent.user_confirm", "c1-99", { ...asks, step_id: "confirm_2_rm" });
    bench.replayEnds();

    const answered = bench.channel.run({
      type: "answer-prompt",
      promptId: "confirm_2_rm",
      isConfirmed: true,
      tasks: null,
    });

    expect(answered).toEqual({ ok: false, failure: { kind: "peer/unknown-prompt" } });
    expect(bench.told("prompt-died").map(({ promptId, because }) => [promptId, because])).toEqual([
      ["confirm_1_rm", "line-lost"],
      ["confirm_2_rm", "replayed"],
    ]);
    expect(bench.ends()).toEqual(["a lost"]);
  });

  test("[A16] that still counts as active is asked for again for a minute, then a fresh one will do", async () => {
    const bench = aMyAgent();
    await bench.ready();
    bench.lines.last().closes(1006);
    await bench.clock.advance(2_000);
    bench.opens();
    const refuses = (): void =>
      bench.says("agent.error", {
        content: "Session already active on another connection",
        session_id: undefined,
      });

    refuses();
    expect(bench.channel.status()).toMatchObject({ status: "restoring" });
    for (let seconds = 0; seconds < 90; seconds++) {
      const before = bench.asked("user.reconnect_with_state").length;
      await bench.clock.advance(1_000);
      if (bench.asked("user.reconnect_with_state").length > before) refuses();
    }

    expect(bench.asked("user.reconnect_with_state").length).toBeGreaterThan(4);
    expect(bench.asked("user.create_session")).toHaveLength(1);
  });

  test("[A17] that is busy with nothing of ours is freed by a cancel whose answer ends no other run", async () => {
    const bench = aMyAgent();
    await bench.ready();
    bench.ask("a", "one");
    bench.ask("b", "two");

    bench.says("agent.error", { content: "Agent is currently running, please try again later" });
    bench.says("agent.interrupted");
    bench.says("agent.thinking", { content: "hm" });
    bench.says("agent.final_answer", { content: "second" });

    expect(bench.asked("user.cancel")).toHaveLength(1);
    expect(bench.ends()).toEqual(["a failed", "b done"]);
  });

  test("[A17] a second run's busy refusal leaves the first alone", async () => {
    const bench = aMyAgent();
    await bench.ready();
    bench.ask("a", "one");
    bench.says("agent.thinking", { content: "hm" });

    bench.says("agent.error", { content: "Agent is currently running, please try again later" });
    bench.says("agent.final_answer", { content: "first" });

    expect(bench.asked("user.cancel")).toEqual([]);
    expect(bench.ends()).toEqual(["a done"]);
  });

  test("[A18] that the server has lost is made anew, and the person is told", async () => {
    const bench = aMyAgent();
    await bench.ready();
    bench.ask("a", "one");
    bench.says("agent.final_answer", { content: "first" });
    bench.ask("b", "two");

    bench.says("agent.error", { content: "Session not found" });
    bench.creates();
    bench.ask("c", "three");

    expect(bench.ends()).toEqual(["a done", "b failed"]);
    expect(bench.told("notice").map(({ notice }) => notice)).toEqual([
      { kind: "memory-lost", because: "new-session" },
    ]);
    expect(bench.asked("user.message").at(-1)).toMatchObject({
      session_id: "s2",
      content: "three",
    });
  });

  test("[A19] is told no more than the server takes in one frame", async () => {
    const bench = aMyAgent();
    await bench.ready();

    expect(bench.ask("a", "ä".repeat(600_000))).toMatchObject({
      ok: false,
      failure: { kind: "peer/too-large" },
    });

    expect(bench.asked("user.message")).toEqual([]);
  });

  test("[A25] a line silent for 30 s is asked for the state, in mid-run too, and left when nothing comes for 10 s", async () => {
    const bench = aMyAgent();
    await bench.ready();
    bench.ask("a", "one");
    bench.says("agent.thinking", { content: "hm" });
    const before = bench.asked("user.request_state").length;

    await bench.clock.advance(30_000);
    const asked = bench.asked("user.request_state").length - before;
    const running = { metadata: { session_state: "running" } };
    bench.says("agent.state_exported", { metadata: { signed_state: { state: running } } });
    await bench.clock.advance(39_999);
    const linesWhileAnswered = bench.lines.lines.length;
    await bench.clock.advance(1);

    expect([asked, linesWhileAnswered, bench.lines.lines.length]).toEqual([1, 1, 2]);
    expect(bench.tickets.at(-1)).toMatchObject({ signedState: { state: "state" } });
  });

  test("[A25] a server without states that beat once and then falls silent for 150 s is left for a new line", async () => {
    const bench = aMyAgent();
    bench.channel.start();
    bench.opens();
    bench.creates();
    bench.says("system.heartbeat", { session_id: undefined });

    await bench.clock.advance(149_999);
    expect(bench.lines.lines).toHaveLength(1);
    await bench.clock.advance(1);

    expect(bench.lines.lines).toHaveLength(2);
    expect(bench.told("alive")).toHaveLength(1);
  });

  test("[A82] a socket that the browser will not make is told as an outage, and tried again", async () => {
    const clock = createFakeClock(0);
    let tries = 0;
    const channel = createMyAgentChannel({
      ...{ clock, random: createSeededRandom(1), log: silentLog, url: "ws://192.168.1.9" },
      ...{ setup: null, ticket: null, onTicket: () => {}, likelyCauses: ["mixed-content"] },
      openSocket: () => {
        tries += 1;
        throw new Error("SecurityError");
      },
    });
    const events: ChannelEvent[] = [];
    channel.on((event) => events.push(event));

    channel.start();
    await clock.advance(1);
    const status = channel.status();
    await clock.advance(30_000);

    expect(status.status).toBe("waiting");
    expect(tries).toBeGreaterThan(1);
    expect(events.filter(({ type }) => type === "fault")).toMatchObject([
      { failure: { kind: "peer/unreachable", causes: ["mixed-content"] } },
    ]);
  });

  test("[A26] a stop that is not answered within 10 s ends the turn, and its late answer ends no other", async () => {
    const bench = aMyAgent();
    await bench.ready();
    bench.ask("a", "one");
    bench.says("agent.thinking", { content: "hm" });
    bench.channel.run({ type: "stop" });

    await bench.clock.advance(10_000);
    bench.ask("b", "two");
    bench.says("agent.interrupted");
    bench.says("agent.final_answer", { content: "second" });

    expect(bench.ends()).toEqual(["a stopped", "b done"]);
  });

  test("[A27] frames that cannot be read are counted, unknown events are shown, and neither ends anything", async () => {
    const bench = aMyAgent();
    await bench.ready();
    bench.ask("a", "one");
    bench.says("agent.thinking", { content: "hm" });

    bench.lines.last().saysText("{nonsense");
    bench.lines.last().saysText("[1,2]");
    bench.lines.last().saysText(new Uint8Array(3));
    bench.says("agent.timeout", { content: "took too long" });
    bench.says("agent.final_answer", { content: "fine" });

    expect(bench.told("notice").map(({ notice }) => notice)).toEqual([
      { kind: "unreadable-frames", count: 1 },
      { kind: "unreadable-frames", count: 2 },
      { kind: "server-event", name: "agent.timeout", text: "took too long" },
    ]);
    expect(bench.told("fault").map(({ failure }) => failure.kind)).toEqual([
      "peer/frame-too-large",
    ]);
    expect(bench.ends()).toEqual(["a done"]);
  });

  test("[A28] gives its ticket to be kept while idle, and a later start restores with it", async () => {
    const bench = aMyAgent();
    await bench.ready();
    const kept = bench.tickets.at(-1) ?? null;
    const later = aMyAgent(kept);

    later.channel.start();
    later.opens();

    expect(kept).toMatchObject({
      signedState: { state: "state" },
      openTurnId: null,
      hasMemory: false,
    });
    expect(later.asked("user.reconnect_with_state")[0]).toMatchObject({
      signed_state: { state: "state" },
    });
  });

  test("[A28] restored at a later start, says what was forgotten only if anything was said", async () => {
    const bench = aMyAgent();
    await bench.ready();
    const silent = bench.tickets.at(-1) ?? null;
    bench.ask("a", "remember this");
    bench.says("agent.final_answer", { content: "yes" });
    bench.exports("later");
    const told = bench.tickets.at(-1) ?? null;
    const notices = (ticket: typeof told) => {
      const later = aMyAgent(ticket);
      later.channel.start();
      later.opens();
      later.restores();
      later.replayEnds();
      return later.told("notice").map(({ notice }) => notice.kind);
    };

    expect(notices(silent)).toEqual([]);
    expect(notices(told)).toEqual(["memory-lost"]);
  });

  test("[A29] can no longer what its server says it does not support", async () => {
    const bench = aMyAgent();
    await bench.ready();
    const tasks = [{ id: 1 }];
    const solve = { type: "solve-tasks", tasks, question: null, planSummary: null } as const;
    bench.channel.run({ ...solve, turnId: "a" as never });

    bench.says("agent.error", { content: "Agent does not support direct task solving" });

    expect(bench.channel.capabilities().has("solve-tasks")).toBe(false);
    expect(bench.told("capabilities")).toHaveLength(1);
    expect(bench.channel.run({ ...solve, turnId: "b" as never })).toMatchObject({ ok: false });
  });
});
