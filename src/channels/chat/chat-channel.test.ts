import { describe, expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { Secret } from "#base/secret.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { ChannelEvent, TurnId } from "#peer/channel.ts";
import { describeChannel } from "#peer/channel.contract.ts";
import { createChatChannel, type ChatOptions } from "./create-chat-channel.ts";
import type { StreamResponse } from "./stream-fetch.ts";

type Request = {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: any;
};

/** A server written by hand: each request waits for its head, its pieces and its end. */
function aChat(given: Partial<ChatOptions> = {}) {
  const clock = createFakeClock(1_000_000);
  const requests: Request[] = [];
  let head: (response: StreamResponse | null) => void = () => {};
  let deliver: (piece: { done: boolean; value?: Uint8Array } | null) => void = () => {};
  let queue: ({ done: boolean; value?: Uint8Array } | null)[] = [];
  let isWaiting = false;
  let isReading = false;
  const channel = createChatChannel({
    clock,
    random: createSeededRandom(1),
    fetch: (url, request) => {
      requests.push({ url, headers: request.headers, body: JSON.parse(request.body ?? "null") });
      queue = [];
      isReading = false;
      return new Promise((resolve, reject) => {
        head = (response) => (response === null ? reject(new Error("gone")) : resolve(response));
        request.signal.addEventListener("abort", () => reject(new Error("aborted")));
      });
    },
    baseUrl: "http://localhost:11434/v1",
    dialect: "openai",
    model: "small",
    apiKey: null,
    remembers: "client",
    sessionId: "session-1",
    onSessionId: () => {},
    history: [],
    onHistory: () => {},
    likelyCauses: ["server-down", "cross-origin-refused"],
    ...given,
  });
  const events: ChannelEvent[] = [];
  channel.on((event) => events.push(event));
  const settle = (): Promise<void> => clock.advance(0);
  const push = async (piece: { done: boolean; value?: Uint8Array } | null): Promise<void> => {
    if (!isReading) await begins();
    queue.push(piece);
    if (isWaiting) deliver(queue.shift() ?? null);
    await settle();
  };
  const begins = async (status = 200, contentType = "text/event-stream"): Promise<void> => {
    isReading = true;
    head({
      status,
      headers: { get: (name) => (name === "content-type" ? contentType : null) },
      body: {
        getReader: () => ({
          read: () =>
            new Promise((resolve, reject) => {
              const settleWith = (piece: { done: boolean; value?: Uint8Array } | null): void => {
                isWaiting = false;
                if (piece === null) reject(new Error("cut"));
                else resolve(piece);
              };
              if (queue.length > 0) return settleWith(queue.shift() ?? null);
              isWaiting = true;
              deliver = settleWith;
            }),
          cancel: async () => {},
        }),
      },
    });
    await settle();
  };
  const bytes = (text: string) => ({ done: false, value: new TextEncoder().encode(text) });
  return {
    channel,
    clock,
    requests,
    events,
    settle,
    begins,
    refuses: async (status: number, body: string, contentType: string): Promise<void> => {
      await begins(status, contentType);
      await push(bytes(body));
      await push({ done: true });
    },
    unreachable: async (): Promise<void> => {
      head(null);
      await settle();
    },
    raw: (text: string) => push(bytes(text)),
    byte: (byte: number) => push({ done: false, value: new Uint8Array([byte]) }),
    chunk: (delta: object, rest: object = {}) =>
      push(bytes(`data: ${JSON.stringify({ choices: [{ index: 0, delta, ...rest }] })}\n\n`)),
    data: (value: object | string) =>
      push(bytes(`data: ${typeof value === "string" ? value : JSON.stringify(value)}\n\n`)),
    ends: () => push({ done: true }),
    breaks: () => push(null),
    ask: (turnId: string, text = "hello") =>
      channel.run({ type: "send-text", turnId: turnId as TurnId, text }),
    told: <Type extends ChannelEvent["type"]>(type: Type) =>
      events.filter((event): event is Extract<ChannelEvent, { type: Type }> => event.type === type),
    outcomes: () =>
      events.flatMap((e) => (e.type === "turn-ended" ? [`${e.turnId} ${e.outcome}`] : [])),
    answers: () => events.flatMap((e) => (e.type === "answer" ? [e.text] : [])),
    faults: () =>
      events.flatMap((e) => (e.type === "fault" ? [`${e.failure.kind} ${e.words}`] : [])),
  };
}

const start = (given: Partial<ChatOptions> = {}) => {
  const bench = aChat(given);
  bench.channel.start();
  return bench;
};

describeChannel("a chat by completions", () => {
  const bench = aChat();
  return {
    channel: bench.channel,
    settle: bench.settle,
    goOnline: bench.settle,
    heard: () => bench.requests.map(({ body }) => body.messages.at(-1).content),
    async answer(text) {
      await bench.chunk({ content: text });
      await bench.chunk({}, { finish_reason: "stop" });
      await bench.data("[DONE]");
    },
    piece: (text) => bench.chunk({ content: text }),
    hearStop: bench.settle,
    breakLine: bench.breaks,
  };
});

describe("a request", () => {
  test("[A60] names model, key and history; tool frames are asked for where a server lets the header through", async () => {
    const other = start({
      apiKey: new Secret("sk-1"),
      history: [
        { role: "user", content: "before" },
        { role: "assistant", content: "yes" },
      ],
    });
    const tpclaw = start({ dialect: "tpclaw", remembers: "server", baseUrl: "http://h/api/v1" });

    other.ask("a", "now");
    tpclaw.ask("a", "now");

    expect(other.requests).toMatchObject([
      {
        url: "http://localhost:11434/v1/chat/completions",
        headers: { authorization: "Bearer sk-1" },
        body: {
          model: "small",
          stream: true,
          messages: [
            { role: "user", content: "before" },
            { role: "assistant", content: "yes" },
            { role: "user", content: "now" },
          ],
        },
      },
    ]);
    expect(other.requests[0]?.headers).not.toHaveProperty("X-Stream-Protocol");
    expect(tpclaw.requests[0]?.headers).toMatchObject({ "X-Stream-Protocol": "agui" });
    expect(tpclaw.requests[0]?.body).toMatchObject({
      sessionId: "session-1",
      messages: [{ role: "user", content: "now" }],
    });
  });

  test("[A61] tells a model what it said, what it was stopped in, and no failure as its words", async () => {
    const bench = start();
    bench.ask("a", "one");
    await bench.chunk({ content: "first" }, { finish_reason: "stop" });
    await bench.ends();
    bench.ask("b", "two");
    await bench.data({ error: { message: "overloaded" } });
    bench.ask("c", "three");
    await bench.chunk({ content: "half" });
    bench.channel.run({ type: "stop" });
    bench.ask("d", "four");

    expect(bench.requests.at(-1)?.body.messages.map(({ content }: any) => content)).toEqual([
      "one",
      "first",
      "three",
      "half",
      "four",
    ]);
  });

  test("[A62] a new session forgets what was said", async () => {
    const ids: string[] = [];
    const bench = start({
      history: [{ role: "user", content: "before" }],
      onSessionId: (id) => ids.push(id),
    });

    bench.channel.run({ type: "new-session" });
    bench.ask("a", "now");

    expect(bench.requests[0]?.body.messages).toEqual([{ role: "user", content: "now" }]);
    expect(ids).toHaveLength(1);
  });
});

describe("an answer", () => {
  test("[A63] is read across any cut of its bytes, and ends at the first `[DONE]`", async () => {
    const bench = start();
    bench.ask("a");
    const text = `: keep-alive\r\n\r\ndata: {"choices":[{"delta":{"content":"你好"}}]}\n\ndata: [DONE]\n\ndata: {"choices":[{"delta":{"content":"never"}}]}\n\n`;
    for (const byte of new TextEncoder().encode(text)) await bench.byte(byte);

    expect(bench.answers()).toEqual(["你好"]);
    expect(bench.outcomes()).toEqual(["a done"]);
  });

  test("[A64] thinking and text are parts of their own; tools stand between", async () => {
    const bench = start();
    bench.ask("a");
    await bench.chunk({ reasoning_content: "Let " });
    await bench.chunk({ reasoning: "me" });
    await bench.chunk({ content: "So" });
    await bench.chunk({ reasoning_content: "Again" });
    await bench.data("[DONE]");

    expect(
      bench.told("reasoning").map(({ partId, offset, text }) => [partId, offset, text]),
    ).toEqual([
      ["a/reasoning-1", 0, "Let "],
      ["a/reasoning-1", 4, "me"],
      ["a/reasoning-2", 0, "Again"],
    ]);
    expect(bench.answers()).toEqual(["So"]);
  });

  test("[A65] a server's own tools pair by id; a failure told twice stays one, with the later text", async () => {
    const bench = start({ dialect: "tpclaw" });
    bench.ask("a");
    const tool = (entry: object) =>
      bench.chunk({ tool_calls: [{ toolCallId: "t", toolCallName: "boom", index: 1, ...entry }] });
    await tool({ type: "TOOL_CALL_START", arguments: '{"x":1}' });
    await tool({ type: "TOOL_CALL_RESULT", content: "disk on fire", error: true });
    await tool({ type: "TOOL_CALL_RESULT", content: "Tool execution failed: disk on fire" });

    expect(bench.told("tool-call")).toMatchObject([{ name: "boom", args: { x: 1 } }]);
    expect(bench.told("tool-result")).toMatchObject([
      { outcome: "failed", text: "", error: "disk on fire" },
      { outcome: "failed", text: "Tool execution failed: disk on fire", error: "disk on fire" },
    ]);
  });

  test("[A66] standard tool calls are joined from their pieces, by index and by id", async () => {
    const bench = start();
    bench.ask("a");
    const call = (entry: object) => bench.chunk({ tool_calls: [entry] });
    await call({ index: 0, id: "c1", function: { name: "get", arguments: '{"city":' } });
    await call({ index: 0, function: { arguments: '"Oslo"}' } });
    await call({ index: 0, id: "c2", function: { name: "put", arguments: "{}" } });

    expect(bench.told("tool-call").map(({ callId, name, args }) => [callId, name, args])).toEqual([
      ["a/c1", "get", '{"city":'],
      ["a/c1", "get", { city: "Oslo" }],
      ["a/c2", "put", {}],
    ]);
  });

  test("[A67] without its end is kept as cut short; a limit of the model is said", async () => {
    const bench = start();
    bench.ask("a");
    await bench.chunk({ content: "half" });
    await bench.ends();
    bench.ask("b");
    await bench.chunk({ content: "long" }, { finish_reason: "length" });
    await bench.ends();

    expect(bench.outcomes()).toEqual(["a cut-short", "b done"]);
    expect(bench.faults()).toEqual(["peer/cut-short "]);
    expect(bench.told("notice")).toMatchObject([
      { turnId: "b", notice: { kind: "answer-limited", because: "length" } },
    ]);
  });

  test("[A68] an error that comes as text is a failure that keeps its text, once", async () => {
    const bench = start({ dialect: "tpclaw" });
    bench.ask("a");
    const words = "[NodeRunError] error, status code: 401";
    const trio = async () => {
      await bench.data({ model: "rulego-model", choices: [{ delta: { content: words } }] });
      await bench.data({ model: "rulego-model", choices: [{ delta: {}, finish_reason: "stop" }] });
      await bench.data("[DONE]");
    };
    await trio();
    await trio();

    expect(bench.faults()).toEqual([`peer/agent-failed ${words}`]);
    expect(bench.answers()).toEqual([words]);
    expect(bench.outcomes()).toEqual(["a failed"]);
  });

  test("[A68] a person's own words about such an error are none", async () => {
    const bench = start();
    bench.ask("a");
    await bench.data({ model: "small", choices: [{ delta: { content: "[NodeRunError] means" } }] });
    await bench.data("[DONE]");

    expect(bench.outcomes()).toEqual(["a done"]);
  });

  test("[A69] silence is waited out, before the head and in the middle", async () => {
    const bench = start();
    bench.ask("a");
    await bench.clock.advance(3_600_000);
    await bench.chunk({ content: "late" });
    await bench.clock.advance(3_600_000);
    await bench.data("[DONE]");

    expect(bench.outcomes()).toEqual(["a done"]);
  });

  test("[A69] in one piece is taken from a server that does not stream", async () => {
    const bench = start();
    bench.ask("a");
    await bench.begins(200, "application/json");
    await bench.raw('{"choices":[{"message":{"content":"all"},"finish_reason":"stop"}],');
    await bench.raw('"usage":{"prompt_tokens":3,"completion_tokens":1}}');
    await bench.ends();

    expect(bench.answers()).toEqual(["all"]);
    expect(bench.told("usage")).toMatchObject([{ usage: { inputTokens: 3, outputTokens: 1 } }]);
  });
});

describe("a refusal", () => {
  test.each([
    [400, '{"error":{"message":"no such model"}}', "text/plain", "peer/http-status no such model"],
    [401, '{"error":"bad key"}', "application/json", "peer/unauthorized bad key"],
    [404, "404 page not found\n", "text/plain", "peer/http-status 404 page not found"],
    [500, "", "text/html", "peer/http-status "],
  ])(
    "[A70] keeps the server's words, JSON whatever it calls itself: %i %s",
    async (status, body, type, fault) => {
      const bench = start();
      bench.ask("a");
      await bench.refuses(status, body, type);

      expect(bench.faults()).toEqual([fault]);
      expect(bench.outcomes()).toEqual(["a failed"]);
    },
  );

  test("[A71] no answer at all names its likely causes, for the browser does not say which it is", async () => {
    const bench = start();
    bench.ask("a");
    await bench.unreachable();

    expect(bench.told("fault")).toMatchObject([
      {
        failure: { kind: "peer/unreachable", causes: ["server-down", "cross-origin-refused"] },
      },
    ]);
    expect(bench.channel.status()).toEqual({ status: "idle" });
  });

  test("[A72] the key is nowhere but in its header", async () => {
    const bench = start({ apiKey: new Secret("sk-very-secret") });
    bench.ask("a");
    await bench.refuses(401, "{}", "application/json");

    expect(
      JSON.stringify([bench.events, bench.requests[0]?.body, bench.requests[0]?.url]),
    ).not.toContain("sk-very-secret");
  });
});
