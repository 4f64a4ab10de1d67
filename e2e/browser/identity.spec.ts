import { join as joinPath } from "node:path";
import type { Browser, Page } from "playwright/test";
import { provisionAgent, runAgent } from "../world/agent-process.ts";
import { expect, test } from "./journey.ts";
import { Person } from "./person.ts";

const PASSWORD = "correct horse battery";
const NEXT_PASSWORD = "another horse battery";
/** For passwords, which are made to be slow. */
const PATIENCE = { timeout: 240_000 };

test("a person compares keys by digits and picture, and the contact is verified until the person takes it back", async ({
  join,
}) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  await ada.page.getByRole("button", { name: "Who can read this" }).click();
  const sheet = ada.page.getByRole("dialog");
  await expect(sheet.getByRole("img", { name: "Safety number as a QR code" })).toBeVisible();

  await sheet.getByRole("button", { name: "They are equal" }).click();

  const back = sheet.getByRole("button", { name: "Take back verification" });
  await expect(back).toBeVisible();
  await expect(sheet.getByText(/ · Verified$/)).toBeVisible();
  await back.click();
  await expect(sheet.getByRole("button", { name: "They are equal" })).toBeVisible();
  await expect(sheet.getByText(/ · Not verified yet$/)).toBeVisible();
});

test("the settings list this device and lock it by themselves when asked to", async ({ join }) => {
  const ada = await join({ name: "Ada", password: PASSWORD });
  await ada.page.getByRole("button", { name: "Skip for now" }).click();
  await ada.page.goto(new URL("/settings/security", ada.page.url()).href);
  const devices = ada.page.getByRole("region", { name: "Your devices" });
  await expect(devices.getByText("This device")).toBeVisible();
  await expect(devices.getByRole("button", { name: /^Remove/ })).toHaveCount(0);

  await ada.page.getByRole("radio", { name: "After 5 minutes" }).click();

  await expect(ada.page.getByRole("radio", { name: "After 5 minutes" })).toBeChecked();
});

test("a browser that lost its data offers the way back before anything new", async ({
  join,
  world,
}) => {
  const ada = await join({ name: "Ada", password: PASSWORD });
  await ada.page.getByRole("button", { name: "Skip for now" }).click();
  await ada.loseStorage(world.url);

  await expect(
    ada.page.getByRole("heading", { name: "Your conversations are gone from this browser" }),
  ).toBeVisible();
  await ada.page.getByRole("button", { name: "Begin anew" }).click();
  const dialog = ada.page.getByRole("alertdialog");
  await expect(dialog.getByRole("button", { name: /^You can begin anew in/ })).toBeDisabled();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await ada.page.getByRole("button", { name: "Sign in with the password" }).click();
  await expect(ada.page.getByLabel("Handle")).toBeVisible();
});

test("an agent that keeps no sessions is named as such in words wherever its keys are spoken of, and another is not", async ({
  join,
  world,
}) => {
  const folder = joinPath(world.folder, "hook");
  const agent = await provisionAgent(joinPath(world.folder, "data"), folder);
  const program = await runAgent("src/sdk/examples/echo.ts", agent, world.url, {
    HASHEE_CONNECTION_MODE: "webhook",
  });
  const { fingerprint } = program.greeting as { readonly fingerprint: string };
  const ada = await join({ name: "Ada" });
  const { page } = ada;
  const words = "it keeps no session: if its key were stolen, older messages could be read too.";
  const sheet = page.getByRole("dialog");
  await ada.startWith("Echo");
  await expect(page.getByText("No forward secrecy")).toHaveCount(0);

  await page.goto(`${world.url}/i/${agent.invite}#fp=${fingerprint}`);
  await expect(page.getByText("This agent keeps no session")).toBeVisible();
  await page.getByRole("button", { name: "Start talking" }).click();

  await expect(page.getByText("No forward secrecy")).toBeVisible();
  await page.getByRole("button", { name: "Who can read this" }).click();
  await expect(sheet.getByText(words)).toBeVisible();
  await expect(sheet.getByText("Keeps no session: no forward secrecy")).toBeVisible();
  await page.keyboard.press("Escape");
  await ada.say("sealed by itself");
  await expect(ada.row("sealed by itself").getByText("Sent", { exact: true })).toBeAttached();
  await ada.openConversation(/Echo/);
  await expect(page.getByText("No forward secrecy")).toHaveCount(0);
  await page.getByRole("button", { name: "Who can read this" }).click();
  await expect(sheet.getByText("Everything here is end-to-end encrypted.")).toBeVisible();
  await expect(sheet.getByText(words)).toHaveCount(0);
  await program.kill();
});

/** Makes a code and its file in the settings, as somebody does who keeps both. */
const makeRecovery = async (
  page: Page,
): Promise<{ readonly code: string; readonly file: string }> => {
  await page.getByRole("button", { name: /^Make a (new )?recovery code$/ }).click();
  const dialog = page.getByRole("dialog");
  const code = await dialog.getByRole("group", { name: "Recovery code" }).innerText();
  const downloading = page.waitForEvent("download");
  await dialog.getByRole("button", { name: "Save the recovery file" }).click();
  const file = await (await downloading).path();
  await expect(dialog.getByRole("button", { name: "Done" })).toBeDisabled();
  await dialog.getByLabel("Type the last two groups").fill(code.slice(-9));
  await dialog.getByRole("button", { name: "Done" }).click();
  await expect(dialog).toHaveCount(0);
  return { code, file };
};
const restoreBy = async (page: Page, made: { readonly code: string; readonly file: string }) => {
  await page.getByLabel("Recovery file").setInputFiles(made.file);
  await page.getByLabel("Recovery code").fill(made.code.toLowerCase());
  await page.getByRole("button", { name: "Restore the account" }).click();
};

test("a withdrawn recovery code is refused in words, and the next one brings the person back, whose old password then opens nothing", async ({
  join,
  browser,
  world,
}) => {
  const ada = await join({ name: "Ada Recovers", password: PASSWORD });
  const { page } = ada;
  await page.getByRole("button", { name: "Skip for now" }).click();
  await page.goto(`${world.url}/settings/security`);
  const withdrawn = await makeRecovery(page);
  await page.getByRole("button", { name: "Withdraw the code" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Withdraw the code" }).click();
  await expect(page.getByText("The recovery code is withdrawn").first()).toBeVisible();
  const made = await makeRecovery(page);
  const elsewhere = await Person.arrive(browser as Browser, world.url, { name: "Ada" });

  await elsewhere.page.getByRole("button", { name: "I already have an account" }).click();
  await elsewhere.page.getByRole("button", { name: "Use a recovery file instead" }).click();
  await restoreBy(elsewhere.page, withdrawn);
  await expect(elsewhere.page.getByRole("alert")).toContainText(
    "This recovery code no longer counts. A newer one was made, or it was withdrawn.",
    PATIENCE,
  );
  await ada.loseStorage(world.url);
  await page.getByRole("button", { name: "Come back with a recovery file" }).click();
  await restoreBy(page, made);

  await page.getByRole("link", { name: "Settings" }).first().click(PATIENCE);
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("Ada Recovers");
  await page.goto(`${world.url}/settings/security`);
  await expect(page.getByText("You came back without the password.")).toBeVisible();
  await page.getByLabel("New password").fill(NEXT_PASSWORD);
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByRole("button", { name: "Lock now" }).click(PATIENCE);
  const unlock = async (password: string): Promise<void> => {
    await page.getByLabel("Password", { exact: true }).fill(password);
    await page.getByRole("button", { name: "Unlock" }).click();
  };
  await unlock(PASSWORD);
  await expect(page.getByRole("alert")).toContainText("That password does not fit", PATIENCE);
  await unlock(NEXT_PASSWORD);
  await expect(page.getByRole("heading", { name: "Security" })).toBeVisible(PATIENCE);
  // What the relay refuses is in the console as a failed request.
  await elsewhere.context.close();
});
