/**
 * Draws the pictures of the README anew: the built client against the real relay and agents.
 * Run: npm run screenshots
 */
import { chromium } from "playwright/test";
import { startWorld } from "../world/processes.ts";
import buildClient from "./build-client.ts";
import { findChromium } from "./find-chromium.ts";
import { expect, Person } from "./person.ts";

const FOLDER = process.argv[2] ?? "public/screenshots";

await buildClient();
// Four newcomers within a minute, from one address.
const world = await startWorld({
  env: { PARLEY_RATES: "register=100/100,login=100/100,restByAddress=100/100,userKeys=100/100" },
});
const browser = await chromium.launch({ executablePath: findChromium(), args: ["--no-sandbox"] });
for (const theme of ["light", "dark"] as const)
  for (const [size, width] of [
    ["wide", 1280],
    ["narrow", 390],
  ] as const) {
    const ada = await Person.arrive(browser, world.url, { name: "Ada", theme, width });
    ada.page.setDefaultTimeout(120_000);
    await ada.makeAccount("a password for pictures");
    await ada.startWith("Echo");
    await ada.say("Who can read this?");
    await expect(ada.row("Who can read this?")).toHaveCount(2);
    await ada.page.goto(world.url);
    await ada.page.getByRole("button", { name: "New conversation" }).first().click();
    await ada.page.getByRole("dialog").getByRole("button", { name: "Start: Guide" }).click();
    await ada.expectMessage("Where to begin");
    await ada.say("Show me a streamed answer");
    await ada.expectMessage("The rest is arithmetic");
    await ada.say("Show me a progress card");
    await expect(ada.log.getByRole("progressbar").last()).toHaveAttribute("aria-valuenow", "100");
    await ada.log.evaluate((log) => log.scrollTo({ top: log.scrollHeight }));
    await ada.page.mouse.move(0, 0);
    await ada.page.screenshot({
      path: `${FOLDER}/${size}-${theme}.png`,
      animations: "disabled",
    });
    await ada.leave();
  }
await browser.close();
await world.close();
