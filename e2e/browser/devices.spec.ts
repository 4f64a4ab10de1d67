import type { Browser } from "playwright/test";
import { addByLink, devicesOf, digitsOn, offer, PATIENCE } from "./device-steps.ts";
import { expect, test } from "./journey.ts";
import { Person } from "./person.ts";

test("a person adds a browser by a link, and each of the two sees what the other says", async ({
  join,
  browser,
  world,
}) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  await ada.say("before the link");
  await expect(ada.row("before the link")).toHaveCount(2);

  const tablet = await addByLink(ada, browser as Browser, world.url);

  expect(new URL(tablet.page.url()).hash).toBe("");
  await tablet.openConversation(/Echo/);
  await expect(
    tablet.page.getByText("Messages before this device was added are not here."),
  ).toBeVisible();
  await expect(tablet.row("before the link")).toHaveCount(0);
  await ada.page.goto(world.url);
  await ada.openConversation(/Echo/);
  await ada.say("from the old one");
  await expect(tablet.row("from the old one")).toHaveCount(2, PATIENCE);
  await tablet.say("from the new one");
  await expect(ada.row("from the new one")).toHaveCount(2, PATIENCE);
  await tablet.leave();
});

test("history chosen with the link comes with it, and more can be sent later", async ({
  join,
  browser,
  world,
}) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  await ada.say("worth keeping");
  await expect(ada.row("worth keeping")).toHaveCount(2);

  const tablet = await addByLink(ada, browser as Browser, world.url, "Everything");

  await expect(tablet.page.getByText("Your history is here.")).toBeVisible(PATIENCE);
  await tablet.openConversation(/Echo/);
  await expect(tablet.row("worth keeping")).toHaveCount(2);
  await expect(tablet.page.getByText("This is the beginning of the conversation.")).toBeVisible();
  const devices = await devicesOf(ada.page);
  await devices.getByRole("button", { name: /^Send history to / }).click();
  const dialog = ada.page.getByRole("dialog");
  await expect(dialog.getByText(/messages? from 1 conversation, about/)).toBeVisible();
  await dialog.getByRole("button", { name: "Send", exact: true }).click();
  await expect(ada.page.getByText("The history was sent.")).toBeVisible(PATIENCE);
  await expect(tablet.row("worth keeping")).toHaveCount(2);
  await tablet.leave();
});

/** The composer gave way to what happened and what to do; the words that were typed are in view. */
const expectShut = async (person: Person, typed: string): Promise<void> => {
  await expect(person.composer).toHaveCount(0);
  await expect(person.page.getByText("Write on another of your devices.")).toBeVisible();
  const kept = person.page.getByRole("region", { name: "What you were writing" });
  await expect(kept.getByText(typed)).toBeVisible();
};

test("[U106] a device is renamed, and a removed one is shut out at once, says so, and keeps what was typed", async ({
  join,
  browser,
  world,
}) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  const tablet = await addByLink(ada, browser as Browser, world.url);
  await tablet.openConversation(/Echo/);
  await tablet.composer.fill("half a thought");
  await tablet.draftKept("half a thought");
  const devices = await devicesOf(ada.page);
  await expect(devices.getByRole("button", { name: /^Rename / })).toHaveCount(2);
  await devices
    .getByRole("button", { name: /^Rename / })
    .last()
    .click();
  await ada.page.getByLabel("Name of the device").fill("Kitchen tablet");
  await ada.page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await expect(devices.getByText("Kitchen tablet")).toBeVisible();

  await devices.getByRole("button", { name: "Remove Kitchen tablet" }).click();
  await ada.page.getByRole("button", { name: "Remove device" }).click();

  await expect(devices.getByText("Kitchen tablet")).toHaveCount(0);
  const notice = tablet.page.getByText("This device was removed from your account.");
  await expect(notice).toBeVisible(PATIENCE);
  await expectShut(tablet, "half a thought");
  const copied = await tablet.copies(() =>
    tablet.page.getByRole("button", { name: "Copy", exact: true }).click(),
  );
  expect(copied).toBe("half a thought");
  await ada.page.goto(world.url);
  await ada.openConversation(/Echo/);
  await ada.say("without the tablet");
  await expect(ada.row("without the tablet")).toHaveCount(2, PATIENCE);
  await expect(tablet.row("without the tablet")).toHaveCount(0);
  await tablet.page.reload();
  await expect(notice).toBeVisible(PATIENCE);
  await expectShut(tablet, "half a thought");
  await expect(tablet.page.getByRole("button", { name: "Erase this device" })).toBeVisible();
  await tablet.context.close();
});

test("a refused, a mistyped and a used link add nothing and say so", async ({
  join,
  browser,
  world,
}) => {
  const ada = await join({ name: "Ada" });
  await ada.page.getByRole("button", { name: "Skip for now" }).click();
  const { dialog, code } = await offer(ada);
  const tablet = await Person.arrive(browser as Browser, world.url, { name: "Ada" });
  const { page } = tablet;
  await page.getByRole("button", { name: "I have another device" }).click();
  const type = async (text: string): Promise<void> => {
    await page.getByLabel("Code or link").fill(text);
    await page.getByRole("button", { name: "Continue" }).click();
  };

  await type(code.replace(/.$/, (last) => (last === "0" ? "1" : "0")));
  await expect(page.getByRole("alert")).toContainText("not a code or link of this server");
  await type(code.toLowerCase());
  await digitsOn(page);
  await dialog.getByRole("button", { name: "Refuse" }).click();

  await expect(page.getByRole("alert")).toContainText("no longer open", PATIENCE);
  const devices = await devicesOf(ada.page);
  await expect(devices.getByRole("listitem")).toHaveCount(1);
  await ada.page.goto(`${world.url}/link#${code.replaceAll("-", "")}`);
  await expect(
    ada.page.getByRole("heading", { name: "This browser has an account already" }),
  ).toBeVisible();
  // What the relay refuses is in the console as a failed request.
  await tablet.context.close();
});
