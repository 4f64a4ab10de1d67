import type { Browser } from "playwright/test";
import { addByLink, PATIENCE } from "./device-steps.ts";
import { expect, test } from "./journey.ts";
import { bringTime, letMinutesPass } from "./passing-time.ts";
import { Person } from "./person.ts";

const PASSWORD = "correct horse battery";

const toSecurity = async ({ page }: Person): Promise<void> => {
  await page.getByRole("link", { name: "Settings" }).first().click();
  await page.getByRole("link", { name: "Security" }).click();
};
const unlock = async ({ page }: Person, password: string): Promise<void> => {
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Unlock" }).click();
};
const expectLocked = ({ page }: Person): Promise<void> =>
  expect(page.getByRole("heading", { name: "Locked" })).toBeVisible(PATIENCE);

test("a device that nobody touches locks itself after its minutes, and opens with all that was there", async ({
  browser,
  world,
}) => {
  const ada = await Person.arrive(browser as Browser, "about:blank", { name: "Ada" });
  await bringTime(ada);
  await ada.page.goto(world.url);
  await ada.makeAccount(PASSWORD);
  await ada.startWith("Echo");
  await ada.say("said before");
  await expect(ada.row("said before")).toHaveCount(2);
  await toSecurity(ada);
  await ada.page.getByRole("radio", { name: "After 5 minutes" }).click();
  await expect(ada.page.getByRole("radio", { name: "After 5 minutes" })).toBeChecked();
  await ada.page.getByRole("link", { name: "Conversations" }).first().click();
  await ada.openConversation(/Echo/);
  await ada.composer.fill("half a thought");

  await letMinutesPass(ada, 4);
  await expect(ada.composer).toHaveValue("half a thought");
  await letMinutesPass(ada, 2);

  await expectLocked(ada);
  await expect(ada.page.getByText("said before")).toHaveCount(0);
  await expect(ada.page.getByText("half a thought")).toHaveCount(0);
  await unlock(ada, "another horse battery");
  await expect(ada.page.getByRole("alert")).toContainText("That password does not fit", PATIENCE);
  await unlock(ada, PASSWORD);
  await expect(ada.row("said before")).toHaveCount(2, PATIENCE);
  await expect(ada.composer).toHaveValue("half a thought");
  await ada.composer.press("End");
  await ada.composer.pressSequentially(" more");
  await expect(ada.composer).toHaveValue("half a thought more");
  await ada.leave();
});

test("a browser that was added by a link takes the password once and is locked by it from then on", async ({
  join,
  browser,
  world,
}) => {
  const ada = await join({ name: "Ada", password: PASSWORD });
  await ada.startWith("Echo");
  const tablet = await addByLink(ada, browser as Browser, world.url);
  await toSecurity(tablet);
  await expect(tablet.page.getByText("has not seen your password")).toBeVisible();
  await expect(tablet.page.getByRole("button", { name: "Lock now" })).toHaveCount(0);

  await tablet.page.getByLabel("Password of the account").fill(PASSWORD);
  await tablet.page.getByRole("button", { name: "Use it here" }).click();

  await tablet.page.getByRole("button", { name: "Lock now" }).click(PATIENCE);
  await expectLocked(tablet);
  await tablet.page.reload();
  await expectLocked(tablet);
  await unlock(tablet, PASSWORD);
  await tablet.page.getByRole("link", { name: "Conversations" }).first().click(PATIENCE);
  await tablet.openConversation(/Echo/);
  await tablet.say("from the tablet");
  await expect(tablet.row("from the tablet")).toHaveCount(2, PATIENCE);
  await tablet.leave();
});
