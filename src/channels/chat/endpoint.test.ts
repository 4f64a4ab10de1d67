import { expect, test } from "vitest";
import { Secret } from "#base/secret.ts";
import { chatBaseUrl, listModels } from "./endpoint.ts";
import { trimHistory } from "./history.ts";
import type { StreamResponse } from "./stream-fetch.ts";

test.each([
  ["http://localhost:11434", "openai", "http://localhost:11434/v1"],
  ["https://api.example.com/v1/", "openai", "https://api.example.com/v1"],
  ["http://localhost:9527", "tpclaw", "http://localhost:9527/api/v1"],
  ["http://h:9527/api/v1/agents/main/v1", "tpclaw", "http://h:9527/api/v1/agents/main/v1"],
  ["http://h/api/v1/chat/completions", "tpclaw", "http://h/api/v1"],
] as const)("[A73] the base of %s with %s is %s", (url, dialect, base) => {
  expect(chatBaseUrl(url, dialect)).toBe(base);
});

const answering = (status: number, body: string) => {
  const asked: string[] = [];
  const response: StreamResponse = {
    status,
    headers: { get: () => null },
    body: {
      getReader: () => {
        const pieces = [new TextEncoder().encode(body)];
        return {
          read: async () => {
            const value = pieces.shift();
            return value === undefined ? { done: true } : { done: false, value };
          },
          cancel: async () => {},
        };
      },
    },
  };
  return {
    asked,
    models: () =>
      listModels({
        fetch: async (url, request) => {
          asked.push(`${url} ${request.headers["authorization"] ?? ""}`);
          return response;
        },
        baseUrl: "http://h/v1",
        apiKey: new Secret("k"),
        signal: new AbortController().signal,
        likelyCauses: [],
      }),
  };
};

test("[A74] models are listed in order, each once; a server without a list has none", async () => {
  const listed = answering(200, '{"data":[{"id":"b"},{"id":"a"},{"id":"b"},{"no":1}]}');

  expect(await listed.models()).toEqual({ ok: true, value: ["a", "b"] });
  expect(listed.asked).toEqual(["http://h/v1/models Bearer k"]);
  expect(await answering(404, "").models()).toEqual({ ok: true, value: [] });
  expect(await answering(200, "<html>").models()).toEqual({ ok: true, value: [] });
  expect(await answering(401, "").models()).toEqual({
    ok: false,
    failure: { kind: "peer/unauthorized" },
  });
});

test("[A75] history is cut to its newest whole part and begins with a question", () => {
  const long = "x".repeat(150_000);
  const messages = [0, 1, 2].flatMap((turn) => [
    { role: "user" as const, content: `${turn}` },
    { role: "assistant" as const, content: long },
  ]);

  expect(trimHistory(messages).map(({ content }) => content.slice(0, 1))).toEqual([
    "1",
    "x",
    "2",
    "x",
  ]);
});
