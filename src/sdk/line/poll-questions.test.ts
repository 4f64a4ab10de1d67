import { expect, test } from "vitest";
import { type Clock, systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import type { AgentId } from "#protocol/ids.ts";
import { createRest, type Fetch } from "#peer/rest.ts";
import { createRestLine } from "./rest-line.ts";
import { pollUntil } from "./poll-loop.ts";

const AGENT = "01900000-0000-7000-8000-0000000000b1" as AgentId;
/** Pauses between tries take no time. */
const clock: Clock = {
  ...systemClock,
  after: (delayMs, task) => systemClock.after(delayMs < 30_000 ? 0 : delayMs, task),
};

const anEntry = (seq: number) => ({
  type: "stream.error",
  conversation_id: "01900000-0000-7000-8000-0000000000c1",
  conversation_seq: seq,
  created_at: "2026-01-01T00:00:00.000Z",
  stream_id: "01900000-0000-7000-8000-0000000000e1",
  code: "STREAM_LOST",
  message: "",
  i18n_key: "",
});
const page = (data: readonly unknown[], nextCursor: string | null) =>
  Response.json({ data, next_cursor: nextCursor });
const refusal = (status: number, code: string) =>
  Response.json({ error: { code, message: "", i18n_key: "", params: {} } }, { status });

/** A poll against answers given one after the other; it ends when none is left. */
function aPoll(answers: readonly Response[]) {
  const story: string[] = [];
  const end = new AbortController();
  const left = [...answers];
  const dealtWith = new Map<number, () => void>();
  const fetch: Fetch = async (url) => {
    story.push(`asks ${new URL(url).searchParams.get("cursor") ?? "-"}`);
    const answer = left.shift();
    if (answer === undefined) end.abort();
    return answer ?? page([], null);
  };
  const line = createRestLine({ agentId: AGENT, call: async () => null });
  const polling = pollUntil(end.signal, {
    agentId: AGENT,
    rest: createRest({ fetch, clock, baseUrl: "https://relay.example", tokens: null }),
    line: {
      ...line,
      deliver: ({ conversation_seq: seq }) => {
        story.push(`gives ${seq}`);
        return new Promise((resolve) => dealtWith.set(seq, resolve));
      },
    },
    clock,
    random: systemRandom,
  });
  return { story, polling, dealtWith };
}

test("[K31] a batch is acknowledged by the question after it, once all of it is dealt with", async () => {
  const { story, polling, dealtWith } = aPoll([page([anEntry(1), anEntry(2)], "after-two")]);
  await expect.poll(() => dealtWith.size).toBe(2);
  dealtWith.get(1)?.();
  const beforeTheLast = [...story];
  dealtWith.get(2)?.();
  await polling;

  expect(beforeTheLast).toEqual(["asks -", "gives 1", "gives 2"]);
  expect(story.slice(3)).toEqual(["asks after-two"]);
});

test("[K31] while another process polls, or the relay is away, it asks again; a refusal ends it", async () => {
  const { story, polling } = aPoll([
    refusal(409, "POLL_BUSY"),
    refusal(503, "UNAVAILABLE"),
    refusal(403, "FORBIDDEN"),
  ]);

  await expect(polling).rejects.toMatchObject({ code: "FORBIDDEN", fatal: true });
  expect(story).toEqual(["asks -", "asks -", "asks -"]);
});
