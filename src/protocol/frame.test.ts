import { describe, expect, test } from "vitest";
import { CLOSE, closeOf, closeReason, retryAfterMs } from "./close-codes.ts";
import { ERROR_CODES, errorI18nKey } from "./error-codes.ts";
import { isDurableFrame, parseDurableFrame, parseEndpointFrame, parseRelayFrame } from "./frame.ts";

const ID = "0190fab2-5c1e-7abc-8def-0123456789ab";

const kindOf = (text: string): string => {
  const parsed = parseEndpointFrame(text);
  return parsed.ok ? "ok" : parsed.failure.kind;
};

describe("a frame's text", () => {
  test("[P6] is refused when a later reader could trip over it", () => {
    const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
    const ping = (t: string): string => `{"type":"ping","t":${t}}`;

    expect(kindOf(ping(nested(100_000)))).toBe("protocol/too-deep");
    expect(kindOf(ping("9007199254740993"))).toBe("protocol/bad-number");
    expect(kindOf(ping("1e999"))).toBe("protocol/bad-number");
    expect(kindOf(ping('"\\ud800"'))).toBe("protocol/bad-text");
    for (const key of ["__proto__", "constructor", "prototype"])
      expect(kindOf(`{"type":"ping","x":{"${key}":1}}`)).toBe("protocol/forbidden-key");
    expect(kindOf('{"type":"ping","req":"a\\u0000b"}')).toBe("protocol/bad-shape");
    expect(kindOf(`{"type":"ping","req":"${"x".repeat(65)}"}`)).toBe("protocol/bad-shape");
  });

  test("[P146] of an unknown type fails by a name of its own; unknown members are left out", () => {
    expect(kindOf('{"type":"from.the.future"}')).toBe("protocol/unknown-frame");
    expect(kindOf('{"type":"toString"}')).toBe("protocol/unknown-frame");
    for (const text of ["", "{", "5", "[]", "null", '{"type":5}'])
      expect(["protocol/not-json", "protocol/not-a-frame"]).toContain(kindOf(text));
    expect(parseEndpointFrame('{"type":"ping","t":1,"extra":true}')).toEqual({
      ok: true,
      value: { type: "ping", t: 1 },
    });
  });

  test("[P93] of a resume names at most 2,000 cursors", () => {
    const resume = (count: number): string =>
      JSON.stringify({
        type: "resume",
        log_epoch: null,
        cursors: Object.fromEntries(Array.from({ length: count }, (_, i) => [`c${i}`, i])),
      });

    expect(kindOf(resume(2_000))).toBe("ok");
    expect(kindOf(resume(2_001))).toBe("protocol/bad-shape");
  });

  test("[P83] of a bare auth.ok is enough", () => {
    expect(parseRelayFrame('{"type":"auth.ok"}')).toEqual({ ok: true, value: { type: "auth.ok" } });
  });

  test("[P90] is durable when it has a place in the log", () => {
    const place = {
      conversation_id: ID,
      conversation_seq: 4,
      created_at: "2026-01-01T00:00:00.000Z",
    };
    const abort = { type: "stream.abort" as const, conversation_id: ID, stream_id: ID };

    expect(parseDurableFrame({ ...abort, ...place }).ok).toBe(true);
    expect(parseDurableFrame(abort)).toMatchObject({ ok: false });
    expect(isDurableFrame({ type: "pong" })).toBe(false);
  });
});

describe("close codes", () => {
  test("[P151] each names one action; a code nobody knows means retry", () => {
    const actions = Object.fromEntries(
      Object.values(CLOSE).map(({ code, action }) => [code, action]),
    );

    expect(actions).toEqual({
      1000: "stop",
      1001: "retry",
      1006: "retry",
      1011: "retry",
      4000: "retry",
      4001: "retry",
      4002: "refresh",
      4003: "refresh",
      4004: "fatal",
      4005: "retry",
      4006: "fatal",
      4007: "fatal",
      4008: "wait",
      4009: "retry",
      4010: "wait",
      4011: "retry",
      4012: "fatal",
      4013: "stop",
      4014: "wait",
      4015: "fatal",
    });
    expect(closeOf(4999)).toMatchObject({ name: "UNKNOWN", action: "retry" });
  });

  test("[P151] a reason is the name and, where there is one, the seconds to wait, an hour at most", () => {
    expect(closeReason(CLOSE.restarting, 2)).toBe("RESTARTING retry_after=2");
    expect(closeReason(CLOSE.evicted)).toBe("EVICTED");
    expect(retryAfterMs("RESTARTING retry_after=2")).toBe(2_000);
    expect(retryAfterMs("FLOODING retry_after=999999")).toBe(3_600_000);
    expect(retryAfterMs("EVICTED")).toBeNull();
  });
});

test("[P7] every refusal has a status, a sentence and a key of its own", () => {
  const keys = Object.keys(ERROR_CODES).map((code) =>
    errorI18nKey(code as keyof typeof ERROR_CODES),
  );

  expect(new Set(keys).size).toBe(keys.length);
  expect(errorI18nKey("RATE_LIMITED")).toBe("error.code.rate_limited");
  for (const { status, message } of Object.values(ERROR_CODES)) {
    expect(status).toBeGreaterThanOrEqual(400);
    expect(message.endsWith(".")).toBe(true);
  }
});
