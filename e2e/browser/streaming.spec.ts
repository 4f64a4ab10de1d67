import { expect, test } from "./journey.ts";

test("an answer grows while it is written and closes with its seal", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Guide");

  await ada.say("stream an answer bit by bit");
  const answer = ada.row("How this answer reaches you").last();
  await expect(answer).toBeVisible();
  await expect(answer.getByText("Still arriving, not proven yet")).toBeAttached();
  const early = (await answer.innerText()).length;
  await expect(answer.getByText("The rest is arithmetic.")).toBeVisible({ timeout: 30_000 });

  expect((await answer.innerText()).length).toBeGreaterThan(early);
  await expect(answer.getByText("Complete, signature verified")).toBeAttached();
  await expect(answer.getByRole("table")).toBeVisible();
});

test("a reader who scrolled up is not moved by what arrives", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Guide");
  await ada.say("show me formatting");
  await ada.expectMessage("GitHub-flavoured Markdown");
  await ada.say("stream an answer bit by bit");
  await expect(ada.row("How this answer reaches you").last()).toBeVisible();

  await ada.log.hover();
  await ada.page.mouse.wheel(0, -1_200);
  const heading = ada.log.getByRole("heading", { name: "Formatting" });
  await expect(heading).toBeInViewport();
  const before = (await heading.boundingBox())?.y;
  // The new message is below, out of what is drawn: the count tells that it came.
  await expect(ada.page.getByRole("button", { name: "1 new message" })).toBeVisible({
    timeout: 30_000,
  });
  await expect(
    ada.page.getByRole("navigation", { name: "Conversations" }).getByText(/How this answer/),
  ).toBeVisible({ timeout: 30_000 });
  const after = (await heading.boundingBox())?.y;

  expect(Math.abs((after ?? 0) - (before ?? 0))).toBeLessThanOrEqual(1);
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
  await expect(stop).toBeVisible({ timeout: 15_000 });

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
  ).toBeVisible({ timeout: 20_000 });
});

test("an answer whose agent dies is cut short after thirty seconds", async ({ join, world }) => {
  test.setTimeout(120_000);
  const ada = await join({ name: "Ada" });
  await ada.startWith("Guide");
  await ada.say("a long answer to stop");
  await expect(ada.page.getByRole("button", { name: "Stop the answer" })).toBeVisible({
    timeout: 15_000,
  });

  await world.agents.get("Guide")?.kill();

  await expect(ada.page.getByText("Cut short: Guide lost its connection.")).toBeVisible({
    timeout: 60_000,
  });
  await world.startAgent("Guide");
});
