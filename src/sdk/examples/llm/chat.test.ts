import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { readModelSettings, streamChat, type ChatMessage } from "./chat.ts";
import { createContexts } from "./context.ts";
import { refusalText, setupText } from "./words.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A server that answers as told and remembers what it was asked. */
async function aModelServer(answer: (response: ServerResponse) => void) {
  const asked: {
    readonly path: string;
    readonly key: string | undefined;
    readonly body: unknown;
  }[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      asked.push({
        path: request.url ?? "",
        key: request.headers.authorization,
        body: JSON.parse(body),
      });
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => (server.closeAllConnections(), server.close()));
  const { port } = server.address() as AddressInfo;
  return {
    asked,
    settings: { baseUrl: `http://127.0.0.1:${port}/v1`, apiKey: "sk-1", model: "small" },
  };
}
const event = (content: string) =>
  `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;
const question: readonly ChatMessage[] = [{ role: "user", content: "hi" }];
const sse = (response: ServerResponse) =>
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });

async function collect(pieces: AsyncIterable<string>): Promise<readonly string[]> {
  const all: string[] = [];
  for await (const piece of pieces) all.push(piece);
  return all;
}

describe("the bridge to a model", () => {
  test("asks an OpenAI-compatible server and gives its pieces as they come", async () => {
    const { settings, asked } = await aModelServer((response) => {
      sse(response);
      response.write(": keep-alive\n\n");
      response.write(event("你"));
      response.write(`data: {"choices":[],"usage":{}}\n\n${event("好")}data: [DONE]\n\n`);
      response.end(event("never read"));
    });

    const pieces = await collect(streamChat(settings, question, new AbortController().signal));

    expect(pieces).toEqual(["你", "好"]);
    expect(asked).toEqual([
      {
        path: "/v1/chat/completions",
        key: "Bearer sk-1",
        body: { model: "small", messages: question, stream: true },
      },
    ]);
  });

  test("ends quietly when it is told to stop", async () => {
    const { settings } = await aModelServer((response) => {
      sse(response);
      response.write(event("one"));
    });
    const stop = new AbortController();
    const heard: string[] = [];
    for await (const piece of streamChat(settings, question, stop.signal)) {
      heard.push(piece);
      stop.abort();
    }

    expect(heard).toEqual(["one"]);
  });

  test("says with which status it was refused, or that nobody answered", async () => {
    const { settings } = await aModelServer((response) =>
      response.writeHead(429).end("secret details"),
    );
    const signal = new AbortController().signal;

    await expect(collect(streamChat(settings, question, signal))).rejects.toMatchObject({
      status: 429,
    });
    const nowhere = { ...settings, baseUrl: "http://127.0.0.1:9/v1" };
    await expect(collect(streamChat(nowhere, question, signal))).rejects.toMatchObject({
      status: null,
    });
  });

  test("takes a whole answer from a server that does not stream", async () => {
    const { settings } = await aModelServer((response) =>
      response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ choices: [{ message: { content: "all at once" } }] })),
    );

    expect(await collect(streamChat(settings, question, new AbortController().signal))).toEqual([
      "all at once",
    ]);
  });

  test("needs a model and either an address or a key", () => {
    expect(readModelSettings({})).toBeNull();
    expect(readModelSettings({ OPENAI_API_KEY: "k" })).toBeNull();
    expect(readModelSettings({ OPENAI_MODEL: "m" })).toBeNull();
    expect(readModelSettings({ OPENAI_MODEL: "m", OPENAI_API_KEY: "k" })).toEqual({
      model: "m",
      apiKey: "k",
      baseUrl: "https://api.openai.com/v1",
    });
    expect(readModelSettings({ OPENAI_MODEL: "m", OPENAI_BASE_URL: "http://h/v1/" })?.baseUrl).toBe(
      "http://h/v1",
    );
  });

  test("names every variable when no model is set up, in the language it was asked in", () => {
    for (const text of [setupText("hello"), setupText("你好")])
      expect(
        ["OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_MODEL"].every((name) => text.includes(name)),
      ).toBe(true);
    expect(refusalText(401, "hello")).toContain("OPENAI_API_KEY");
    expect(refusalText(null, "你好")).toContain("OPENAI_BASE_URL");
  });
});

describe("what a model is told of a conversation", () => {
  test("is its newest messages, as many as fit, and always the question", () => {
    const contexts = createContexts();
    const long = "x".repeat(20_000);
    contexts.add("a", { role: "user", content: long });
    contexts.add("a", { role: "assistant", content: long });
    const told = contexts.add("a", { role: "user", content: "and now?" });
    const huge = contexts.add("b", { role: "user", content: "y".repeat(50_000) });

    expect(told.map(({ role }) => role)).toEqual(["assistant", "user"]);
    expect(huge).toHaveLength(1);
  });
});
