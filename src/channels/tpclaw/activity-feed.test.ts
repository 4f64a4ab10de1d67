import { expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { createScriptedLines } from "../scripted-line.contract.ts";
import { createActivityFeed } from "./create-activity-feed.ts";

function aFeed() {
  const clock = createFakeClock(1_000);
  const lines = createScriptedLines();
  const feed = createActivityFeed({
    clock,
    random: createSeededRandom(1),
    openSocket: lines.open,
    url: "ws://localhost:9527/api/v1/ws?agentId=main",
  });
  feed.start();
  lines.last().opens();
  const says = (type: string, payload: object): void =>
    lines.last().says({ id: "e", type, agentId: "main", taskId: "t1", payload });
  return { clock, lines, feed, says };
}

test("[A90] documented events build a run: text, thinking, tools paired by order, progress, end", () => {
  const { feed, says } = aFeed();

  says("status", { status: "running" });
  says("think", { content: "hm" });
  says("tool", { tool: "read", args: { path: "a" } });
  says("tool", { tool: "read", args: { path: "b" } });
  says("tool_result", { content: "A" });
  says("progress", { progress: 50, message: "half" });
  says("text", { content: "he" });
  says("text", { content: "llo" });
  says("done", { content: "" });

  expect(feed.activity()).toMatchObject([
    {
      runKey: "t1",
      status: "running",
      outcome: "done",
      thinking: "hm",
      text: "hello",
      progress: { percent: 50, text: "half" },
      tools: [
        { name: "read", args: { path: "a" }, status: "ok", text: "A" },
        { name: "read", args: { path: "b" }, status: "unknown", text: "" },
      ],
    },
  ]);
});

test("[A91] a documented error ends its run; the next event begins another", () => {
  const { feed, says } = aFeed();

  says("error", { message: "broke" });
  says("text", { content: "again" });

  expect(feed.activity()).toMatchObject([
    { outcome: "failed", error: "broke" },
    { outcome: "running", text: "again" },
  ]);
});

test("[A92] a ping goes out every 30 s, and the watched agent is named again on each new line", async () => {
  const { clock, lines, feed } = aFeed();
  feed.watch("other");
  await clock.advance(30_000);
  lines.last().closes(1006);
  await clock.advance(2_000);
  lines.last().opens();

  expect(lines.lines.map(({ sent }) => sent)).toEqual([
    [{ type: "subscribe", agentId: "other" }, { type: "ping" }],
    [{ type: "subscribe", agentId: "other" }],
  ]);
  expect(feed.status()).toMatchObject({ status: "online" });
});

test("[A92] a server that stops answering pings is left for a new line", async () => {
  const { clock, lines } = aFeed();
  await clock.advance(30_000);
  lines.last().says({ type: "pong" });

  await clock.advance(39_999);
  const before = lines.lines.length;
  await clock.advance(1);

  expect([before, lines.lines.length]).toEqual([1, 2]);
});

test("[A93] a run that was at work when the line went is out of sight, one that had ended is not", async () => {
  const { lines, feed, says } = aFeed();
  says("text", { content: "one" });
  says("done", { content: "" });
  says("tool", { tool: "read", args: {} });

  lines.last().closes(1006);

  expect(feed.activity()).toMatchObject([
    { outcome: "done" },
    { outcome: "unseen", tools: [{ status: "unknown" }] },
  ]);
});

test("[A93] garbage changes nothing, and the panel keeps the latest runs only", () => {
  const { lines, feed, says } = aFeed();
  lines.last().saysText("{");
  lines.last().saysText("[]");
  expect(feed.activity()).toEqual([]);

  for (let run = 0; run < 60; run++) says("error", { message: String(run) });

  expect(feed.activity()).toHaveLength(50);
  expect(feed.activity().at(-1)).toMatchObject({ error: "59" });
});
