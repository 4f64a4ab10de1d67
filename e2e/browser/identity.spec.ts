import { expect, test } from "./journey.ts";

const PASSWORD = "correct horse battery";

test("a person compares keys by digits and picture, and the contact is verified from then on", async ({
  join,
}) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  await ada.page.getByRole("button", { name: "Who can read this" }).click();
  const sheet = ada.page.getByRole("dialog");
  await expect(sheet.getByRole("img", { name: "Safety number as a QR code" })).toBeVisible();

  await sheet.getByRole("button", { name: "They are equal" }).click();

  await expect(sheet.getByRole("button", { name: "Take back verification" })).toBeVisible();
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

test("a recovery code and its file bring a person back after the browser lost everything", async ({
  join,
  world,
}) => {
  const ada = await join({ name: "Ada Recovers" });
  await ada.page.getByRole("button", { name: "Skip for now" }).click();
  await ada.page.goto(new URL("/settings/security", ada.page.url()).href);
  await ada.page.getByRole("button", { name: "Make a recovery code" }).click();
  const dialog = ada.page.getByRole("dialog");
  const code = await dialog.getByRole("group", { name: "Recovery code" }).innerText();
  const downloading = ada.page.waitForEvent("download");
  await dialog.getByRole("button", { name: "Save the recovery file" }).click();
  const file = await (await downloading).path();
  await expect(dialog.getByRole("button", { name: "Done" })).toBeDisabled();
  await dialog.getByLabel("Type the last two groups").fill(code.slice(-9));
  await dialog.getByRole("button", { name: "Done" }).click();
  await ada.loseStorage(world.url);
  await ada.page.getByRole("button", { name: "Come back with a recovery file" }).click();
  await ada.page.getByLabel("Recovery file").setInputFiles(file);
  await ada.page.getByLabel("Recovery code").fill(code.toLowerCase());
  await ada.page.getByRole("button", { name: "Restore the account" }).click();

  await ada.page.getByRole("link", { name: "Settings" }).first().click();
  await expect(ada.page.getByLabel("Name", { exact: true })).toHaveValue("Ada Recovers");
});
