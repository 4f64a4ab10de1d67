import type { Browser, Locator, Page } from "playwright/test";
import { expect, test } from "./journey.ts";
import { Person } from "./person.ts";

const PATIENCE = { timeout: 60_000 };

/** The list of devices in the settings. */
const devicesOf = async (page: Page): Promise<Locator> => {
  await page.goto(new URL("/settings/security", page.url()).href);
  const devices = page.getByRole("region", { name: "Your devices" });
  await expect(devices.getByText("This device")).toBeVisible();
  return devices;
};
/** Makes a link on the old device; its dialog, and the code as it is typed. */
const offer = async (person: Person) => {
  const devices = await devicesOf(person.page);
  await devices.getByRole("button", { name: "Add a device" }).click();
  const dialog = person.page.getByRole("dialog");
  await expect(dialog.getByRole("img", { name: "The link as a QR code" })).toBeVisible();
  const code = await dialog.getByRole("group", { name: "Code of the link" }).innerText();
  return { dialog, code, path: `/link#${code.replaceAll("-", "")}` };
};
const digitsOn = async (page: Page): Promise<string> => {
  const digits = page.getByRole("group", { name: /^Number to compare/ });
  await expect(digits).toBeVisible(PATIENCE);
  return (await digits.getAttribute("aria-label")) ?? "";
};
/** A new browser opens the link, both show the same digits, and the old one admits it. */
const addByLink = async (
  old: Person,
  browser: Browser,
  url: string,
  history = "Nothing",
): Promise<Person> => {
  const { dialog, path } = await offer(old);
  const fresh = await Person.arrive(browser, new URL(path, url).href, { name: old.name });
  const there = await digitsOn(fresh.page);
  expect(await digitsOn(old.page)).toBe(there);
  await expect(fresh.page.getByText(`the account of ${old.name}`)).toBeVisible();
  await dialog.getByRole("radio", { name: history }).click();
  await dialog.getByRole("button", { name: "Same number: admit" }).click();
  await expect(old.page.getByRole("dialog", { name: /was added$/ })).toBeVisible(PATIENCE);
  await old.page.getByRole("button", { name: "Done" }).click();
  await expect(fresh.page.getByRole("navigation", { name: "Conversations" })).toBeVisible(PATIENCE);
  return fresh;
};

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

test("a device is renamed, and a removed one is shut out at once and says so", async ({
  join,
  browser,
  world,
}) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  const tablet = await addByLink(ada, browser as Browser, world.url);
  await tablet.openConversation(/Echo/);
  const devices = await devicesOf(ada.page);
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
  await ada.page.goto(world.url);
  await ada.openConversation(/Echo/);
  await ada.say("without the tablet");
  await expect(ada.row("without the tablet")).toHaveCount(2, PATIENCE);
  await expect(tablet.row("without the tablet")).toHaveCount(0);
  await tablet.page.reload();
  await expect(notice).toBeVisible(PATIENCE);
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
