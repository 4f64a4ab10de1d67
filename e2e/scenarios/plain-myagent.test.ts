import { request } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { createFakeClock, type FakeClock } from "../../src/base/fake-clock.ts";
import { createLeapingClock, elapse } from "../world/leaping-clock.ts";
import { listenToMyAgent, type Listener } from "../world/plain/listener.ts";
import {
  startMyAgentServer,
  type MyAgentServer,
  type MyAgentServerOptions,
} from "../world/plain/myagent-server.ts";
import { chatScriptsOf } from "../world/plain/transcript.ts";

const QUESTION = "What is the weather in Oslo?";
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function aServer(given: Partial<MyAgentServerOptions> = {}): Promise<MyAgentServer> {
  const server = await startMyAgentServer(given);
  ends.push(() => server.close());
  return server;
}

async function aPerson(server: MyAgentServer): Promise<Listener> {
  const person = listenToMyAgent(server.url);
  ends.push(() => person.channel.close());
  await person.online();
  return person;
}

/** What comes once enough time has passed at the server; nothing else there has to be quick. */
async function passing<Value>(clock: FakeClock, coming: Promise<Value>): Promise<Value> {
  const here = coming.then(() => true);
  const notYet = () => new Promise<false>((next) => setImmediate(() => next(false)));
  while (!(await Promise.race([here, notYet()]))) await clock.advance(10);
  return coming;
}

/** Until the server has heard so many frames of this kind. */
const hasHeard = (server: MyAgentServer, event: string, count = 1): Promise<unknown> =>
  expect
    .poll(() => server.heard.filter((frame) => frame.event === event).length)
    .toBeGreaterThanOrEqual(count);

describe("a person talks with a MyAgent server", () => {
  test("the answer is whole though its pieces were lossy and its last piece came late", async () => {
    const server = await aServer({ deltaMs: 2 });
    const person = await aPerson(server);

    const first = person.ask(QUESTION);
    const second = person.ask("And again?");
    const turns = [await person.ended(first), await person.ended(second)];

    expect(turns.map(({ text, textState }) => [text.length, textState])).toEqual([
      [169, "whole"],
      [169, "whole"],
    ]);
    expect(turns[0]?.parts.map(({ kind }) => kind)).toEqual([
      "reasoning",
      "tool",
      "reasoning",
      "tool",
    ]);
    expect(person.kinds()).toEqual([]);
  });

  test("a confirmation is asked and obeyed, both ways, and silence reads as no", async () => {
    const scripts = chatScriptsOf("tool_confirm_accept");
    const answering = await aPerson(await aServer({ scripts }));
    const silent = await aPerson(await aServer({ scripts, confirmMs: 1 }));
    const statuses: unknown[] = [];
    for (const [person, answer] of [
      [answering, true],
      [answering, false],
      [silent, null],
    ] as const) {
      const turn = person.ask("delete the file");
      const { promptId } = await person.prompt();
      if (answer !== null)
        person.run({ type: "answer-prompt", promptId, isConfirmed: answer, tasks: null });
      const { parts } = await person.ended(turn);
      statuses.push(
        parts.flatMap((part) =>
          part.kind === "prompt" || (part.kind === "tool" && !part.isInternal)
            ? [part.kind === "prompt" ? part.state : part.status]
            : [],
        ),
      );
    }

    expect(statuses).toEqual([
      ["ok", "confirmed"],
      ["failed", "denied"],
      ["failed", "dead"],
    ]);
  });

  test("a stopped run is stopped at the server, and the next runs", async () => {
    const server = await aServer({ scripts: chatScriptsOf("cancel") });
    const person = await aPerson(server);
    const slow = person.ask("use the slow tool");
    await person.turn(slow, ({ parts }) => parts.some(({ kind }) => kind === "tool"));

    person.run({ type: "stop" });
    const next = person.ask(QUESTION);

    expect((await person.ended(slow)).outcome).toBe("stopped");
    expect((await person.ended(next)).outcome).toBe("done");
  });

  test("an error of the agent ends the run with its words; a broken summary does not", async () => {
    const broken = await aPerson(await aServer({ scripts: chatScriptsOf("llm_failure") }));
    const summary = await aPerson(await aServer({ scripts: chatScriptsOf("stream_failure") }));

    const failed = await broken.ended(broken.ask("hi"));
    const done = await summary.ended(summary.ask("hi"));

    expect([failed.outcome, done.outcome]).toEqual(["failed", "done"]);
    expect(broken.kinds()).toEqual(["peer/agent-failed"]);
    expect(summary.kinds()).toEqual(["peer/summary-failed"]);
  });

  test("charts, refusals of sessions and acknowledgements are as with the real server", async () => {
    const server = await aServer({ scripts: chatScriptsOf("tool_error_and_data") });
    const person = await aPerson(server);
    const { question = "" } = chatScriptsOf("tool_error_and_data")[1] ?? {};

    const { parts } = await person.ended(person.ask(question));

    expect(parts.find((part) => part.kind === "tool" && part.chart !== null)).toMatchObject({
      chart: { shape: "bar" },
    });
    const refusing = await startMyAgentServer({ refuses: "no model configured" });
    ends.push(() => refusing.close());
    const refused = listenToMyAgent(refusing.url);
    ends.push(() => refused.channel.close());
    await refused.until(({ status }) => (status.status === "refused" ? status : null));
    expect(refused.kinds()).toEqual(["peer/session-refused"]);
  });
});

describe("a plan", () => {
  test("is edited, solved two at a time, and a task that fails in silence shows as failed", async () => {
    const server = await aServer({
      kind: "plan",
      namespace: "demo",
      plan: {
        asks: true,
        tasks: [{ id: 1, title: "One" }],
        summary: "parts",
        concurrency: 2,
        failingTaskIds: ["7"],
      },
    });
    const person = await aPerson(server);
    const turnId = person.ask("write it");
    const { promptId } = await person.prompt();
    const tasks = [
      { id: 1, title: "One", objective: "first", hints: ["kept"] },
      { id: 7, title: "Seven" },
    ];

    person.run({ type: "answer-prompt", promptId, isConfirmed: true, tasks });
    const { plan, usage, outcome } = await person.ended(turnId);

    expect(outcome).toBe("done");
    expect(plan?.tasks.map(({ taskId, status }) => `${taskId} ${status}`)).toEqual([
      "1 done",
      "7 failed",
    ]);
    expect(plan?.tasks[0]?.draft).toEqual(tasks[0]);
    expect(plan?.result?.text).toContain("first");
    expect(usage).toMatchObject({ calls: 2, isShared: true });
  });

  test("is declined, cancelled at its prompt, and planned again; each as it really went", async () => {
    const server = await aServer({ kind: "plan" });
    const person = await aPerson(server);
    const outcomes: unknown[] = [];
    for (const command of ["decline", "cancel", "replan"] as const) {
      const turnId = person.ask("write it");
      const { promptId } = await person.prompt();
      const no = { type: "answer-prompt", promptId, isConfirmed: false, tasks: null } as const;
      if (command === "decline") person.run(no);
      if (command === "cancel") person.run({ type: "cancel-plan" });
      if (command === "replan") {
        person.run({ type: "replan", turnId: "x" as never, question: "write less" });
        await person.turn(turnId, ({ plan }) => plan?.question === "write less");
        const next = await person.prompt();
        person.run({ ...no, promptId: next.promptId });
      }
      const turn = await person.ended(turnId);
      outcomes.push([
        turn.outcome,
        turn.parts.flatMap((part) => (part.kind === "control" ? [part.outcome] : [])),
      ]);
    }

    expect(outcomes).toEqual([
      ["declined", []],
      ["declined", ["happened"]],
      ["declined", ["happened"]],
    ]);
  });

  test("loses a task that is cancelled, and one that is restarted is done all the same", async () => {
    const clock = createFakeClock();
    const server = await aServer({ kind: "plan", clock });
    const person = await aPerson(server);
    person.run({
      type: "solve-tasks",
      turnId: "s" as never,
      tasks: [
        { id: 1, title: "A" },
        { id: 2, title: "B" },
        { id: 3, title: "C" },
      ],
      question: null,
      planSummary: null,
    });
    await person.turn("s" as never, ({ plan }) => plan?.tasks[1]?.status === "running");

    person.run({ type: "cancel-task", taskId: "1" });
    person.run({ type: "restart-task", taskId: "2" });
    await hasHeard(server, "user.restart_task");
    const { plan, parts, outcome } = await passing(clock, person.ended("s" as never));

    expect(plan?.tasks.map(({ status }) => status)).toEqual(["cancelled", "done", "done"]);
    expect(parts.flatMap((part) => (part.kind === "control" ? [part.outcome] : []))).toEqual([
      "happened",
      "happened",
    ]);
    expect(outcome).toBe("done");
  });

  test("on a server that asks for no confirmation, controls are accepted and nothing happens", async () => {
    const clock = createFakeClock();
    const server = await aServer({
      kind: "plan",
      clock,
      plan: { asks: false, tasks: [{ id: 1 }], summary: "s", concurrency: 1, failingTaskIds: [] },
    });
    const person = await aPerson(server);
    const turnId = person.ask("write it");
    await person.turn(turnId, ({ plan }) => plan !== null);

    person.run({ type: "cancel-plan" });
    person.run({ type: "replan", turnId: "x" as never, question: null });
    await hasHeard(server, "user.replan");
    const { parts, outcome } = await passing(clock, person.ended(turnId));

    expect(outcome).toBe("done");
    expect(parts.map((part) => (part.kind === "control" ? [part.said, part.outcome] : []))).toEqual(
      [
        ["refused", "nothing"],
        ["accepted", "nothing"],
      ],
    );
  });

  test("that was cancelled leaves work behind which does not count in the next", async () => {
    const clock = createFakeClock();
    const server = await aServer({ kind: "plan", clock });
    const person = await aPerson(server);
    const first = person.ask("write it");
    const prompt = await passing(clock, person.prompt());
    person.run({
      type: "answer-prompt",
      promptId: prompt.promptId,
      isConfirmed: true,
      tasks: null,
    });
    await person.turn(first, ({ plan }) => plan?.tasks[0]?.status === "running");
    person.run({ type: "stop" });
    const second = person.ask("write it");

    // Time enough for what is left behind, too.
    const next = await passing(clock, person.prompt());
    await clock.advance(1_000);
    const before = person
      .view()
      .turns.at(-1)
      ?.plan?.tasks.map(({ status }) => status);
    person.run({ type: "answer-prompt", promptId: next.promptId, isConfirmed: false, tasks: null });

    expect((await person.ended(first)).plan?.tasks.map(({ status }) => status)).toEqual([
      "unknown",
      "unknown",
    ]);
    expect(before).toEqual(["planned", "planned"]);
    expect((await person.ended(second)).outcome).toBe("declined");
  });
});

describe("a line that fails", () => {
  test("the server dies in mid-answer: the turn is lost, the person told, the next turn answered", async () => {
    const server = await aServer({ deltaMs: 20 });
    const person = await aPerson(server);
    const first = person.ask(QUESTION);
    await person.turn(first, ({ text }) => text !== "");

    server.kill();
    const lost = await person.ended(first);
    const next = await person.ended(person.ask(QUESTION));

    expect(lost.outcome).toBe("lost");
    expect(next.outcome).toBe("done");
    expect(person.kinds()).toEqual(["memory-lost", "peer/line-lost"]);
  });

  test("a line that stays open and carries nothing is noticed and left, its turn lost and the next answered", async () => {
    const server = await aServer({ scripts: chatScriptsOf("cancel"), aliveMs: 10 });
    const clock = createLeapingClock();
    const person = listenToMyAgent(server.url, clock);
    ends.push(() => person.channel.close());
    await person.online();
    const first = person.ask("use the slow tool");
    await person.turn(first, ({ parts }) => parts.some(({ kind }) => kind === "tool"));

    server.freeze();
    // A probe after half a minute, and time for its answer.
    await elapse(clock, 30_000);
    await elapse(clock, 10_000);
    const lost = await person.ended(first);
    const next = await person.ended(person.ask(QUESTION));

    expect([lost.outcome, next.outcome]).toEqual(["lost", "done"]);
    expect(person.kinds()).toContain("peer/line-lost");
  });

  test("a line lost without a word: the old session is waited out, then restored", async () => {
    const clock = createFakeClock();
    const server = await aServer({ clock });
    const person = await aPerson(server);
    await person.ended(person.ask(QUESTION));

    server.loseLines();
    await person.until(({ status }) => (status.status === "restoring" ? status : null));
    await hasHeard(server, "user.reconnect_with_state");
    await clock.advance(1_000);
    await person.online();

    const events = server.heard.map(({ event }) => event);
    expect(events.filter((event) => event === "user.create_session")).toHaveLength(1);
    expect(events.filter((event) => event === "user.reconnect_with_state").length).toBeGreaterThan(
      1,
    );
    expect(person.view().turns).toHaveLength(1);
    expect(person.kinds()).toEqual(["memory-lost"]);
  });

  test("garbage and 10 MB frames in mid-answer change no answer", async () => {
    const server = await aServer({ deltaMs: 10 });
    const person = await aPerson(server);
    const turnId = person.ask(QUESTION);
    await person.turn(turnId, ({ parts }) => parts.length > 0);

    for (const garbage of ["{", "[]", "null", '"text"', '{"event":7}', "\u0000"])
      server.raw(garbage);
    server.raw(Buffer.from([1, 2, 3]));
    server.raw(
      JSON.stringify({ event: "agent.thinking", content: "x".repeat(10 * 1_024 * 1_024) }),
    );
    const turn = await person.ended(turnId);

    expect(turn.text).toHaveLength(169);
    expect(turn.outcome).toBe("done");
    expect(person.kinds()).toContain("unreadable-frames");
  });

  test("a message over the server's limit never reaches it, and the session lives on", async () => {
    const server = await aServer();
    const person = await aPerson(server);

    const refused = person.run({
      type: "send-text",
      turnId: "big" as never,
      text: "x".repeat(1_200_000),
    });

    expect(refused).toMatchObject({ ok: false, failure: { kind: "peer/too-large" } });
    expect((await person.ended(person.ask(QUESTION))).outcome).toBe("done");
  });
});

describe("the fake server itself", () => {
  test("speaks like the recorded one: 426 to a page, no subprotocol, 1009 over 1 MiB, gaps and backward seqs", async () => {
    const server = await aServer({ deltaMs: 2 });
    const status = await new Promise((resolve) => {
      request(server.url.replace("ws:", "http:"), (response) => {
        response.resume();
        resolve(response.statusCode);
      }).end();
    });
    const socket = new WebSocket(server.url);
    const frames: any[] = [];
    const done = new Promise<number>((resolve) => socket.on("close", resolve));
    socket.on("message", (data) => {
      const frame = JSON.parse(String(data));
      frames.push(frame);
      if (frame.event === "system.connected")
        socket.send('{"event":"user.create_session","content":"create_session"}');
      if (frame.event === "agent.session_created")
        socket.send(
          JSON.stringify({
            event: "user.message",
            session_id: frame.session_id,
            content: QUESTION,
          }),
        );
      if (frame.event === "agent.partial_answer" && frame.metadata.is_final)
        socket.send("x".repeat(1_048_577));
    });

    expect(await done).toBe(1009);
    expect(status).toBe(426);
    const seqs: number[] = frames.map(({ seq }) => seq);
    const answer = frames.findIndex(({ event }) => event === "agent.final_answer");
    expect(frames[answer + 1]).toMatchObject({ event: "agent.partial_answer", content: "" });
    expect(seqs[answer + 1]).toBeLessThan(seqs[answer] ?? 0);
    expect(Math.max(...seqs)).toBeGreaterThan(frames.length);
    expect(frames[0].timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/);
  });
});
