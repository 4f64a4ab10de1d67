import { afterEach, describe, expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { systemClock } from "../../src/base/clock.ts";
import { systemRandom } from "../../src/base/random.ts";
import type { ChatOptions } from "../../src/channels/chat/create-chat-channel.ts";
import { listModels } from "../../src/channels/chat/endpoint.ts";
import { createActivityFeed } from "../../src/channels/tpclaw/create-activity-feed.ts";
import { createLeapingClock, elapse } from "../world/leaping-clock.ts";
import { listenToChat, listenToTpclaw, openNodeSocket } from "../world/plain/listener.ts";
import {
  startTpclawServer,
  type TpclawServer,
  type TpclawServerOptions,
} from "../world/plain/tpclaw-server.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function aServer(given: Partial<TpclawServerOptions> = {}): Promise<TpclawServer> {
  const server = await startTpclawServer(given);
  ends.push(() => server.close());
  return server;
}

async function aSocketPerson(server: TpclawServer) {
  const person = listenToTpclaw(server.socketUrl);
  ends.push(() => person.channel.close());
  await person.online();
  return person;
}

function aChatPerson(server: TpclawServer, given: Partial<ChatOptions> = {}) {
  const person = listenToChat(server.url, given);
  ends.push(() => person.channel.close());
  return person;
}

/** A line over which nothing is read until the server has enough of that. */
const slowFetch =
  (server: TpclawServer): ChatOptions["fetch"] =>
  async (url, request) => {
    const response = await fetch(url, request);
    await server.hasCut;
    return response;
  };

describe("TPCLAW's socket", () => {
  test.each(["message", "stream", "stream-and-message"] as const)(
    "answers in the documented way: %s; turns keep their order and their text",
    async (reply) => {
      const server = await aServer({ reply });
      const person = await aSocketPerson(server);

      const turns = ["one", "two words", "three"].map((text) => person.ask(text));
      const texts = [];
      for (const turn of turns) texts.push((await person.ended(turn)).text);

      expect(texts).toEqual(["You said one", "You said two words", "You said three"]);
      expect(server.heard[0]).toEqual({
        type: "chat",
        agentId: "main",
        sessionId: "session-001",
        message: "one",
      });
      expect(person.view().turns).toHaveLength(3);
    },
  );

  test("several clients do not hear each other", async () => {
    const server = await aServer();
    const [a, b] = [await aSocketPerson(server), await aSocketPerson(server)];

    const [one, two] = await Promise.all([a.ended(a.ask("a")), b.ended(b.ask("b"))]);

    expect([one.text, two.text]).toEqual(["You said a", "You said b"]);
  });

  test("an error has its words; the next turn is answered", async () => {
    const person = await aSocketPerson(await aServer());

    const failed = await person.ended(person.ask("fail"));
    const next = await person.ended(person.ask("again"));

    expect(failed).toMatchObject({
      outcome: "failed",
      parts: [{ note: { words: "no such agent" } }],
    });
    expect(next.text).toBe("You said again");
  });

  test("a server that only reports activity is named as such", async () => {
    const person = await aSocketPerson(await aServer({ socket: "feed" }));

    const turnId = person.ask("hello");
    await person.turn(turnId, ({ parts }) => parts.length > 0);

    expect(person.kinds()).toEqual(["peer/no-chat-here"]);
  });

  test("a line that stays open and carries nothing is left once a ping goes unanswered", async () => {
    const server = await aServer({ socket: "silent" });
    const clock = createLeapingClock();
    const person = listenToTpclaw(server.socketUrl, clock);
    ends.push(() => person.channel.close());
    await person.online();
    await elapse(clock, 30_000);
    await person.until(({ heardAt }) => heardAt);
    const turnId = person.ask("hello");
    await person.turn(turnId, ({ status }) => status === "running");

    server.freeze();
    await elapse(clock, 30_000);
    await elapse(clock, 10_000);

    expect((await person.ended(turnId)).outcome).toBe("lost");
    await person.online();
  });

  test("the server dies in mid-turn, garbage and 10 MB come: each is told, none sticks", async () => {
    const server = await aServer({ socket: "silent" });
    const person = await aSocketPerson(server);
    const first = person.ask("hello");
    server.raw("{");
    server.raw(Buffer.from([0]));
    const long = "y".repeat(10 * 1_024 * 1_024);
    server.say({ type: "message", agentId: "main", content: long });
    expect((await person.ended(first)).text).toHaveLength(long.length);

    const second = person.ask("hello?");
    await person.turn(second, ({ status }) => status === "running");
    server.kill();
    const lost = await person.ended(second);
    await person.online();

    expect(lost.outcome).toBe("lost");
    expect(person.kinds().sort()).toEqual([
      "peer/frame-too-large",
      "peer/line-lost",
      "unreadable-frames",
    ]);
  });
});

describe("chat completions", () => {
  test("tools come with the header and text is whole; the key opens", async () => {
    const server = await aServer({ apiKey: "sk-1" });
    const person = aChatPerson(server, { apiKey: new Secret("sk-1") });

    const turn = await person.ended(person.ask("use-tool"));

    expect(turn).toMatchObject({
      outcome: "done",
      text: "The file says hello.",
      parts: [{ kind: "tool", name: "read", status: "ok" }],
      usage: { inputTokens: 11, outputTokens: 7, isShared: false },
    });
    expect(server.requests).toMatchObject([{ isAgui: true, body: { model: "main" } }]);
  });

  test("a wrong key and a refusal are told with the server's words", async () => {
    const server = await aServer({ apiKey: "sk-1" });
    const stranger = aChatPerson(server);
    const refused = aChatPerson(server, { apiKey: new Secret("sk-1"), model: "refused" });

    await stranger.ended(stranger.ask("hi"));
    const turn = await refused.ended(refused.ask("hi"));

    expect(stranger.kinds()).toEqual(["peer/unauthorized"]);
    expect(turn).toMatchObject({
      outcome: "failed",
      parts: [{ note: { failure: "peer/http-status", params: { status: 400 } } }],
    });
  });

  test.each(["recorded", "burst"] as const)(
    "silence, then everything: an answer that comes %s is the same answer",
    async (pace) => {
      const server = await aServer({ pace, recording: "20-drain-mode-slow-answer", speed: 20 });
      const person = aChatPerson(server);

      const turn = await person.ended(person.ask("slow"));

      expect(turn.outcome).toBe("done");
      expect(turn.text).toHaveLength(160);
      expect(turn.parts).toMatchObject([{ kind: "reasoning", text: "Let me consider this." }]);
    },
  );

  test("an error as text, twice with two ends, is one failure and leaves the next turn alone", async () => {
    const server = await aServer({ failsAsText: true });
    const person = aChatPerson(server);

    const turns = [await person.ended(person.ask("a")), await person.ended(person.ask("b"))];

    expect(turns.map(({ outcome }) => outcome)).toEqual(["failed", "failed"]);
    expect(turns[1]?.text).toMatch(/^\[NodeRunError\][^[]*$/);
    expect(server.requests[1]?.body.messages).toHaveLength(1);
  });

  test("a stream that breaks off is lost with what came; no server at all is told with causes", async () => {
    const server = await aServer({ recording: "01-plain-stream", cutAfter: 2 });
    const person = aChatPerson(server);
    const cut = await person.ended(person.ask("a"));
    await server.close();
    const nobody = await person.ended(person.ask("b"));

    expect(cut).toMatchObject({ outcome: "lost", text: "Hello from" });
    expect(nobody.outcome).toBe("failed");
    expect(person.kinds()).toEqual(["peer/line-lost", "peer/unreachable"]);
  });

  test("stopping closes the request, and nothing of it lands in the next turn", async () => {
    const server = await aServer({ recording: "14-slow-client-abort", speed: 5 });
    const person = aChatPerson(server);
    const first = person.ask("long");
    await person.turn(first, ({ text }) => text !== "");

    person.run({ type: "stop" });
    const stopped = await person.ended(first);

    expect(stopped.outcome).toBe("stopped");
    expect(stopped.text).not.toBe("");
  });

  test("a flood is read whole; a reader that falls behind is cut off by the server, and sees that", async () => {
    const server = await aServer({ flood: 10_000 });
    const quick = aChatPerson(server);
    const whole = await quick.ended(quick.ask("all of it"));
    const slow = aChatPerson(server, { fetch: slowFetch(server) });
    const cut = await slow.ended(slow.ask("slowly"));

    expect(whole.text).toHaveLength(10_000 * 1_024);
    expect(cut.outcome).toBe("done");
    expect(cut.text.endsWith("[stream cut: the reader is too slow]")).toBe(true);
  });

  test("models are listed", async () => {
    const server = await aServer({ models: ["writer", "main"] });

    expect(
      await listModels({
        fetch: (url, request) => fetch(url, request),
        baseUrl: server.url,
        apiKey: null,
        signal: new AbortController().signal,
        likelyCauses: [],
      }),
    ).toEqual({ ok: true, value: ["main", "writer"] });
  });
});

test("the activity feed shows a run as it goes on, in its framework's shape", async () => {
  const server = await aServer({ socket: "feed" });
  const feed = createActivityFeed({
    clock: systemClock,
    random: systemRandom,
    openSocket: openNodeSocket,
    url: `${server.socketUrl}?agentId=main`,
  });
  ends.push(() => feed.close());
  const done = new Promise<void>((resolve) => {
    feed.on(() => {
      if (feed.activity().some(({ outcome }) => outcome === "done")) resolve();
    });
  });
  feed.start();
  const person = await aSocketPerson(server);
  // Whoever asks is told on its own line; the feed hears what the server reports to all.
  await new Promise<void>((resolve) => {
    if (feed.status().status === "online") return resolve();
    feed.on(() => feed.status().status === "online" && resolve());
  });
  for (const event of [
    { type: "RUN_STARTED", runId: "r", input: { agentName: "TPClaw" } },
    { type: "TEXT_MESSAGE_START", messageId: "m", role: "assistant" },
    { type: "TEXT_MESSAGE_CONTENT", messageId: "m", delta: "hello" },
    { type: "RUN_FINISHED", result: { tokens: { prompt: 1, completion: 2 } } },
  ])
    server.say(event);
  await done;

  expect(feed.activity()).toMatchObject([
    { agentName: "TPClaw", text: "hello", usage: { inputTokens: 1, outputTokens: 2 } },
  ]);
  expect(person.view().turns).toEqual([]);
});
