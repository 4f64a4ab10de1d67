import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { ok } from "#base/result.ts";
import { createRest, type Fetch } from "./rest.ts";

type Answer = { readonly status: number; readonly body: string; readonly retryAfter?: string };

function aRest(...answers: readonly (Answer | "lost" | "silent")[]) {
  const clock = createFakeClock();
  const queue = [...answers];
  const requests: { readonly url: string; readonly headers: Record<string, string> }[] = [];
  const fetch: Fetch = async (url, { headers }) => {
    requests.push({ url, headers });
    const next = queue.shift();
    if (next === undefined || next === "lost") throw new TypeError("no network");
    if (next === "silent") return new Promise(() => {});
    return {
      status: next.status,
      headers: { get: () => next.retryAfter ?? null },
      text: async () => next.body,
    };
  };
  const asked: boolean[] = [];
  const tokens = {
    async token(fresh: boolean) {
      asked.push(fresh);
      return ok(fresh ? "fresh" : "kept");
    },
  };
  const rest = createRest({ fetch, clock, baseUrl: "http://relay.test/", tokens });
  return { clock, rest, requests, asked };
}

const refusal = (code: string, params = {}) =>
  JSON.stringify({ error: { code, message: "", i18n_key: "", params } });
const Thing = v.object({ name: v.string() });

describe("the relay's REST", () => {
  test("[E13] an answer is given only in the shape that was agreed", async () => {
    const { rest, requests } = aRest(
      { status: 200, body: '{"data":{"name":"a","more":1}}' },
      { status: 200, body: '{"data":{"name":1}}' },
      { status: 200, body: "<html>Sign in to the hotel</html>" },
    );

    expect(await rest.call("GET", "/thing", Thing)).toEqual({ ok: true, value: { name: "a" } });
    expect(await rest.call("GET", "/thing", Thing)).toEqual({
      ok: false,
      failure: { kind: "peer/bad-answer", path: "data.name" },
    });
    expect(await rest.call("GET", "/thing", Thing)).toEqual({
      ok: false,
      failure: { kind: "peer/bad-answer", path: "" },
    });
    expect(requests[0]).toMatchObject({
      url: "http://relay.test/thing",
      headers: { authorization: "Bearer kept" },
    });
  });

  test("[E13] a refused token is renewed once", async () => {
    const { rest, asked } = aRest(
      { status: 401, body: refusal("TOKEN_EXPIRED") },
      { status: 401, body: refusal("UNAUTHENTICATED") },
    );

    const answer = await rest.call("GET", "/thing", Thing);

    expect(answer).toEqual({
      ok: false,
      failure: { kind: "peer/refused", code: "UNAUTHENTICATED" },
    });
    expect(asked).toEqual([false, true]);
  });

  test("[E14] a rate limit says how long to wait, exactly if the relay does", async () => {
    const { rest } = aRest(
      { status: 429, body: refusal("RATE_LIMITED", { retry_after_ms: 250 }), retryAfter: "1" },
      { status: 503, body: "<h1>Bad gateway</h1>", retryAfter: "7" },
    );

    expect(await rest.call("GET", "/thing", Thing)).toEqual({
      ok: false,
      failure: { kind: "peer/rate-limited", retryAfterMs: 250 },
    });
    expect(await rest.call("GET", "/thing", Thing)).toEqual({
      ok: false,
      failure: { kind: "peer/refused", code: "UNAVAILABLE", retryAfterMs: 7_000 },
    });
  });

  test("[E14] no network is offline, and silence ends after 30 s", async () => {
    const { rest, clock } = aRest("lost", "silent");

    expect(await rest.call("GET", "/thing", Thing)).toEqual({
      ok: false,
      failure: { kind: "peer/offline" },
    });
    const asked = rest.call("GET", "/thing", Thing);
    await clock.advance(31_000);

    expect(await asked).toEqual({ ok: false, failure: { kind: "peer/timed-out" } });
  });
});
