import type { Locator } from "playwright/test";
import type { Program } from "../world/processes.ts";
import { expect, test } from "./journey.ts";
import { meetProgram } from "./meet-program.ts";
import type { Person } from "./person.ts";

const AGENTS = 2;
const DROPS_EACH = 250;

/**
 * Starts to count frames, and those in which rows that can be seen cover less than half of the log. A frame is looked
 * at last before it is painted, after the list has measured its rows: a probe that grows in each frame resizes one
 * inside of it, and that one's observer runs behind all others.
 */
const watchFrames = (log: Locator): Promise<void> =>
  log.evaluate((element) => {
    const seen = { frames: 0, blank: 0 };
    Object.assign(globalThis, { seen });
    const [outer, inner] = [document.createElement("div"), document.createElement("div")];
    outer.style.position = "fixed";
    outer.append(inner);
    document.body.append(outer);
    const grow = (probe: HTMLElement): void => {
      probe.style.height = probe.style.height === "1px" ? "2px" : "1px";
    };
    new ResizeObserver(() => grow(inner)).observe(outer, { box: "border-box" });
    new ResizeObserver(() => {
      const { top, bottom } = element.getBoundingClientRect();
      let coveredPx = 0;
      for (const row of element.querySelectorAll("article")) {
        if (!row.checkVisibility({ visibilityProperty: true })) continue;
        const box = row.getBoundingClientRect();
        coveredPx += Math.max(0, Math.min(box.bottom, bottom) - Math.max(box.top, top));
      }
      seen.frames++;
      if (coveredPx < (bottom - top) / 2) seen.blank++;
    }).observe(inner);
    const next = (): void => {
      outer.style.paddingTop = outer.style.paddingTop === "1px" ? "2px" : "1px";
      requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
  });
const framesSeen = (log: Locator): Promise<{ frames: number; blank: number }> =>
  log.evaluate(() => (globalThis as unknown as { seen: { frames: number; blank: number } }).seen);

type Place = { folder: string; url: string };

/** A conversation with an agent that storms. */
const meetStorm = (ada: Person, world: Place): Promise<Program> =>
  meetProgram(ada, world, "e2e/world/storm-agent.ts");

async function groupWithStorms(ada: Person, world: Place): Promise<readonly Program[]> {
  const programs: Program[] = [];
  for (let at = 0; at < AGENTS; at++) programs.push(await meetStorm(ada, world));
  await ada.page.goto(world.url);
  await ada.page.getByRole("button", { name: "New conversation" }).first().click();
  await ada.page.getByRole("button", { name: "New group" }).click();
  await ada.page.getByLabel("Name of the group").fill("Weather");
  const boxes = ada.page.getByRole("checkbox", { name: /Worker/ });
  for (let at = 0; at < AGENTS; at++) await boxes.nth(at).check();
  await ada.page.getByRole("button", { name: "Create group" }).click();
  await expect(ada.composer).toBeVisible();
  return programs;
}

/** Asks for a storm and waits until everything of it lies with the relay. */
async function storm(ada: Person, programs: readonly Program[], command: string): Promise<void> {
  await ada.say(command);
  await Promise.all(programs.map((program) => program.tells(command)));
}

test("[U90] rows are in view in every frame of a storm, at the end of a group and further up", async ({
  join,
  world,
}) => {
  test.setTimeout(900_000);
  const ada = await join({ name: "Ada" });
  const programs = await groupWithStorms(ada, world);
  const news = ada.page
    .getByRole("navigation", { name: "Conversations" })
    .getByRole("link", { name: /Weather/ });

  await storm(ada, programs, "storm 20 first");
  await expect(ada.row("calm after storm 20 first").last()).toBeInViewport();
  const devtools = await ada.context.newCDPSession(ada.page);
  await devtools.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  await watchFrames(ada.log);
  await storm(ada, programs, `storm ${DROPS_EACH}`);
  await expect(ada.row(`calm after storm ${DROPS_EACH}`).last()).toBeInViewport({
    timeout: 300_000,
  });
  const atEnd = await framesSeen(ada.log);

  expect(atEnd.frames).toBeGreaterThan(10);
  expect(atEnd.blank).toBe(0);

  await ada.log.hover();
  await ada.page.mouse.wheel(0, -1_500);
  await expect(ada.page.getByRole("button", { name: "Go to the newest" })).toBeVisible();
  const again = `storm ${DROPS_EACH} again`;
  for (const program of programs) process.kill(program.pid, "SIGUSR2");
  await Promise.all(programs.map((program) => program.tells(again)));
  await expect(news).toContainText(`calm after ${again}`, { timeout: 300_000 });
  await expect(ada.page.getByRole("button", { name: /new messages$/ })).toBeVisible();
  const furtherUp = await framesSeen(ada.log);

  expect(furtherUp.frames).toBeGreaterThan(atEnd.frames + 10);
  expect(furtherUp.blank).toBe(0);
  for (const program of programs) await program.kill();
});

/** Goes to the very top as a reader does, and waits until older rows have come and stand. */
const goToTop = (log: Locator): Promise<void> =>
  log.evaluate(async (element) => {
    const frame = () => new Promise((next) => requestAnimationFrame(next));
    element.dispatchEvent(new WheelEvent("wheel", { deltaY: -1 }));
    element.scrollTop = 0;
    while (element.scrollTop === 0) await frame();
    for (let rest = 0; rest < 20; rest++) await frame();
  });

test("[U50] a reader at the very top stays with what they read when older rows join in front of it", async ({
  join,
  world,
}) => {
  const ada = await join({ name: "Ada" });
  const cloud = await meetStorm(ada, world);
  await storm(ada, [cloud], "storm 160");
  await expect(ada.row("calm after storm 160").last()).toBeInViewport({ timeout: 300_000 });
  await expect(ada.page.getByRole("link", { name: /unread/ })).toHaveCount(0);
  await ada.page.reload();
  await expect(ada.log.getByRole("article").first()).toBeAttached();

  await goToTop(ada.log);

  // Whoever were still at the top would be taken on to the beginning, window by window.
  expect(await ada.log.evaluate((element) => element.scrollTop)).toBeGreaterThan(800);
  await expect(ada.log).not.toContainText("This is the beginning");
  await cloud.kill();
});
