import { expect, test } from "./journey.ts";
import { gzipBytes, readBuiltScripts, type BuiltScripts } from "../../bench/built-scripts.ts";
import { Person } from "./person.ts";

/**
 * Kilobytes of script, gzip. A build may be two hundredths above: more is a decision, and is written down here. The
 * first visit stands as last measured, under its goals of 150 and 45; what an account loads has room to grow: its worker
 * keeps the words of a search in memory, and knows the recalls it asked for.
 */
const BUDGET_KB: Readonly<Record<keyof BuiltScripts, number>> = {
  firstVisit: 130,
  list: 200,
  thread: 335,
  porch: 6.6,
  engine: 167,
};
const TOLERANCE = 1.02;

test("[U110] what is loaded before anything is pressed stays within its budget", () => {
  const built = readBuiltScripts("dist");

  const kb = (scripts: ReadonlySet<string>): number => gzipBytes("dist", scripts) / 1_000;
  expect.soft(kb(built.firstVisit)).toBeLessThan(BUDGET_KB.firstVisit * TOLERANCE);
  expect.soft(kb(built.list)).toBeLessThan(BUDGET_KB.list * TOLERANCE);
  expect.soft(kb(built.thread)).toBeLessThan(BUDGET_KB.thread * TOLERANCE);
  expect.soft(kb(built.porch)).toBeLessThan(BUDGET_KB.porch * TOLERANCE);
  expect.soft(kb(built.engine)).toBeLessThan(BUDGET_KB.engine * TOLERANCE);
});

test("[U110] [U111] the first screen needs nothing but the budgeted scripts, and what does not come later says so and is fetched again", async ({
  world,
  browser,
}) => {
  const { firstVisit, porch } = readBuiltScripts("dist");
  const budgeted = new Set([...firstVisit, ...porch]);
  const person = await Person.arrive(browser, "about:blank", { name: "Ada" });
  const { page } = person;
  // Its copy of the build would stand in for what is kept away here.
  await page.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, "serviceWorker"));
  await page.route(
    (url) => url.pathname.startsWith("/assets/") && url.pathname.endsWith(".js"),
    (route) => {
      const file = route.request().url().split("/").at(-1) ?? "";
      return budgeted.has(file) ? route.continue() : route.abort();
    },
  );
  await page.goto(world.url);

  await page.getByLabel("Your name").fill("Ada");
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByRole("alert")).toContainText("A part of the app did not arrive");

  await page.unrouteAll();
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("button", { name: "Set it later" }).click();
  await expect(page.getByRole("heading", { name: "Start a first conversation" })).toBeVisible();
  // The aborted requests, and nothing else.
  expect(person.complaints.filter((text) => !text.includes("net::ERR_FAILED"))).toEqual([]);
  person.complaints.splice(0);
  await person.leave();
});

test("[U111] every part is there offline, though it was never opened", async ({ world, join }) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  await ada.page.evaluate(async () => void (await navigator.serviceWorker.ready));
  await ada.page.goto("about:blank");
  await ada.context.setOffline(true);

  await ada.page.goto(`${world.url}/settings/security`);
  await expect(ada.page.getByRole("heading", { name: "Devices" })).toBeVisible();
  await ada.page.getByRole("link", { name: /^Conversations/ }).click();
  await ada.page.getByRole("button", { name: "New conversation" }).first().click();
  await expect(ada.page.getByRole("dialog", { name: "New conversation" })).toBeVisible();
  await ada.page.keyboard.press("Escape");
  await ada.openConversation("Echo");
  await ada.page.getByRole("button", { name: "Details" }).click();
  await expect(ada.page.getByRole("complementary", { name: "Details" })).toContainText("Echo");

  await ada.context.setOffline(false);
  // Without a network the line's own tries fail, and the browser says so.
  ada.complaints.splice(0);
});
