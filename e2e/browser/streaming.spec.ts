import type { Locator } from "playwright/test";
import { expect, test } from "./journey.ts";
import { meetProgram } from "./meet-program.ts";

/** What comes of it in passing is there until a journey has seen it. */
const HALTING = "e2e/world/halting-agent.ts";

/** Where something is, px from the top, once it has stood there for some frames. */
const placeAtRest = (piece: Locator): Promise<number> =>
  piece.evaluate(async (element) => {
    const frame = () => new Promise((next) => requestAnimationFrame(next));
    let top = element.getBoundingClientRect().top;
    for (let rest = 0; rest < 10; rest++) {
      await frame();
      const now = element.getBoundingClientRect().top;
      if (now !== top) rest = 0;
      top = now;
    }
    return top;
  });

test("an answer grows while it is written and closes with its seal", async ({ join, world }) => {
  const ada = await join({ name: "Ada" });
  const agent = await meetProgram(ada, world, HALTING);

  await ada.say("stream");
  const answer = ada.row("How this answer reaches you").last();
  await expect(answer).toBeVisible();
  // Half an answer, for as long as one looks at it.
  await expect(answer.getByText("Still arriving, not proven yet")).toBeAttached();
  const early = (await answer.innerText()).length;
  process.kill(agent.pid, "SIGUSR2");
  await expect(answer.getByText("The rest is arithmetic.")).toBeVisible();

  expect((await answer.innerText()).length).toBeGreaterThan(early);
  await expect(answer.getByText("Complete, signature verified")).toBeAttached();
  await expect(answer.getByRole("table")).toBeVisible();
  await agent.kill();
});

test("a reader who scrolled up is not moved by what arrives", async ({ join, world }) => {
  const ada = await join({ name: "Ada" });
  const agent = await meetProgram(ada, world, HALTING);
  await ada.say("show me formatting");
  await ada.expectMessage("GitHub-flavoured Markdown");
  await ada.say("stream");
  await expect(ada.row("How this answer reaches you").last()).toBeVisible();

  // The rest of it comes when the reader is further up for sure.
  await ada.log.hover();
  const heading = ada.log.getByRole("heading", { name: "Formatting" });
  await expect(async () => {
    await ada.page.mouse.wheel(0, -1_200);
    await expect(heading).toBeInViewport({ timeout: 5_000 });
  }).toPass();
  const before = await placeAtRest(heading);
  process.kill(agent.pid, "SIGUSR2");
  // The new message is below, out of what is drawn: the count tells that it came.
  await expect(ada.page.getByRole("button", { name: "1 new message" })).toBeVisible();
  await expect(
    ada.page.getByRole("navigation", { name: "Conversations" }).getByText(/How this answer/),
  ).toBeVisible();

  expect(Math.abs((await placeAtRest(heading)) - before)).toBeLessThanOrEqual(1);
  await agent.kill();
});

test("[U54] a turn of the wheel counts though the list had moved by itself just before", async ({
  join,
  world,
}) => {
  const ada = await join({ name: "Ada" });
  const agent = await meetProgram(ada, world, HALTING);
  await ada.say("show me formatting");
  await ada.expectMessage("GitHub-flavoured Markdown");
  await ada.say("stream");
  const answer = ada.row("How this answer reaches you").last();
  await expect(answer.getByText("Still arriving, not proven yet")).toBeAttached();

  // What a list does that follows its end, and the wheel before the page heard of it.
  await ada.log.evaluate(async (log) => {
    const moved = (byPx: number): Promise<unknown> => {
      log.scrollTop += byPx;
      return new Promise((heard) => log.addEventListener("scroll", heard, { once: true }));
    };
    await moved(-8);
    const heard = moved(8);
    log.dispatchEvent(new WheelEvent("wheel", { deltaY: -100 }));
    await heard;
  });
  process.kill(agent.pid, "SIGUSR2");
  await expect(answer.getByText("Complete, signature verified")).toBeAttached();

  const toEndPx = await ada.log.evaluate(
    (log) => log.scrollHeight - log.clientHeight - log.scrollTop,
  );
  expect(toEndPx).toBeGreaterThan(100);
  await agent.kill();
});

test("a press while the thread still scrolls reaches what is under it", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Guide");
  await ada.say("a long text");
  await ada.expectMessage("so that you can see how scrolling");

  const hit = await ada.log.evaluate(async (log) => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    log.scrollTop -= 200;
    await frame();
    await frame();
    const { left, width, top, height } = log.getBoundingClientRect();
    return document
      .elementFromPoint(left + width / 2, top + height / 2)
      ?.closest("[data-message-id]")?.tagName;
  });

  expect(hit).toBe("ARTICLE");
});

test("stopping keeps what was written and tells the agent", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Guide");
  await ada.say("a long answer to stop");
  const stop = ada.page.getByRole("button", { name: "Stop the answer" });
  await expect(stop).toBeVisible();

  await stop.click();

  await expect(stop).toBeHidden();
  await expect(ada.page.getByRole("button", { name: "Send" })).toBeVisible();
});

test("an answer that breaks off says so", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Guide");

  await ada.say("show me a failure");

  await expect(
    ada.page.getByText("Guide took this answer back before it was complete."),
  ).toBeVisible();
});

test("an answer whose agent dies is cut short after thirty seconds", async ({ join, world }) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Guide");
  await ada.say("a long answer to stop");
  await expect(ada.page.getByRole("button", { name: "Stop the answer" })).toBeVisible();

  await world.agents.get("Guide")?.kill();

  await expect(ada.page.getByText("Cut short: Guide lost its connection.")).toBeVisible();
  await world.startAgent("Guide");
});
