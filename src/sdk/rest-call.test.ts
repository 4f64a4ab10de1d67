import { describe, expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { Fetch } from "#peer/rest.ts";
import { callRest } from "./rest-call.ts";

type Answer =
  | { readonly status: number; readonly body?: unknown; readonly retryAfter?: string }
  | "lost";

function setupCall(answers: readonly Answer[]) {
  const clock = createFakeClock();
  const asked: {
    readonly at: number;
    readonly key: string | undefined;
    readonly token: string | undefined;
    readonly url: string;
  }[] = [];
  const start = clock.now();
  const fetch: Fetch = async (url, request) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)] ?? "lost";
    asked.push({
      at: clock.now() - start,
      key: request.headers["idempotency-key"],
      token: request.headers["authorization"],
      url,
    });
    if (answer === "lost") throw new TypeError("fetch failed");
    return {
      status: answer.status,
      headers: { get: () => answer.retryAfter ?? null },
      text: async () => JSON.stringify(answer.body ?? {}),
    };
  };
  const call = async () => {
    const result = callRest(
      { method: "POST", baseUrl: "http://relay/", path: "/x", token: "t", body: {} },
      { fetch, clock, random: createSeededRandom(1) },
    ).then(
      (data) => ({ data }),
      (error: unknown) => ({ error }),
    );
    await clock.advance(120_000);
    return result;
  };
  return { asked, call };
}
const refusal = (code: string, params = {}) => ({
  error: { code, message: "", i18n_key: "", params },
});

describe("a call of the relay's REST paths", () => {
  test("[K17] gives data after lost lines and failing relays, with the same idempotency key", async () => {
    const { asked, call } = setupCall([
      "lost",
      { status: 500 },
      { status: 503 },
      { status: 200, body: { data: { a: 1 } } },
    ]);

    expect(await call()).toEqual({ data: { a: 1 } });
    expect(asked).toHaveLength(4);
    expect(asked[0]?.key).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(asked.map(({ key }) => key)).size).toBe(1);
    expect(new Set(asked.map(({ token }) => token))).toEqual(new Set(["Bearer t"]));
    expect(asked[0]?.url).toBe("http://relay/x");
  });

  test("[K17] waits as long as a rate limit asks and gives up after five tries", async () => {
    const limited = { status: 429, body: refusal("RATE_LIMITED", { retry_after_ms: 9_000 }) };
    const { asked, call } = setupCall([limited]);

    expect(await call()).toMatchObject({
      error: { code: "RATE_LIMITED", status: 429, retry_after_ms: 9_000, fatal: false },
    });
    expect(asked.map(({ at }) => at)).toEqual([0, 9_000, 18_000, 27_000, 36_000]);
  });

  test("[K17] does not wait longer than a minute in all", async () => {
    const { asked, call } = setupCall([{ status: 429, retryAfter: "40" }]);

    expect(await call()).toMatchObject({ error: { code: "RATE_LIMITED", retry_after_ms: 40_000 } });
    expect(asked).toHaveLength(2);
  });

  test("[K17] asks once where asking again cannot help", async () => {
    const refused = setupCall([{ status: 403, body: refusal("RELATION_REVOKED") }]);
    const off = setupCall([{ status: 501, body: refusal("NOT_ENABLED") }]);
    const proxy = setupCall([{ status: 401 }]);

    expect(await refused.call()).toMatchObject({
      error: { code: "RELATION_REVOKED", status: 403 },
    });
    expect(await off.call()).toMatchObject({ error: { code: "NOT_ENABLED" } });
    expect(await proxy.call()).toMatchObject({ error: { code: "UNAUTHENTICATED", fatal: true } });
    expect([refused, off, proxy].map(({ asked }) => asked.length)).toEqual([1, 1, 1]);
  });
});
