import type { Page } from "playwright/test";
import { plugAuthenticator } from "./authenticator.ts";
import { expect, test } from "./journey.ts";

const PASSWORD = "correct horse battery";
const NEXT_PASSWORD = "another horse battery";

const openSecurity = async (page: Page): Promise<void> => {
  await page.goto(new URL("/settings/security", page.url()).href);
};
const passkeysOf = (page: Page) => page.getByRole("region", { name: "Passkeys" });
const lock = (page: Page) => page.getByRole("button", { name: "Lock now" }).click();

test("a passkey unlocks this browser beside the password, until it is removed", async ({
  join,
}) => {
  const ada = await join({ name: "Ada", password: PASSWORD });
  const { page } = ada;
  await plugAuthenticator(page);
  await page.getByRole("button", { name: "Skip for now" }).click();
  await openSecurity(page);
  await passkeysOf(page).getByRole("button", { name: "Add a passkey" }).click();
  await expect(passkeysOf(page).getByText("Opens the lock of this device.")).toBeVisible();

  await lock(page);
  await expect(page.getByRole("heading", { name: "Locked" })).toBeVisible();
  await page.getByRole("button", { name: "Unlock with a passkey" }).click();
  await expect(passkeysOf(page).getByText("Opens the lock of this device.")).toBeVisible();

  await passkeysOf(page)
    .getByRole("button", { name: /^Remove the passkey/ })
    .click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Remove passkey" }).click();
  await expect(passkeysOf(page).getByText("Opens the lock of this device.")).toHaveCount(0);
  await lock(page);
  await expect(page.getByLabel("Password", { exact: true })).toBeVisible();
  await expect(page.getByRole("button", { name: "Unlock with a passkey" })).toHaveCount(0);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Unlock" }).click();
  await expect(passkeysOf(page)).toBeVisible();
});

test("a passkey brings a person back without the password after the browser lost everything", async ({
  join,
  world,
}) => {
  const ada = await join({ name: "Ada Returns", password: PASSWORD });
  const { page } = ada;
  await plugAuthenticator(page);
  await page.getByRole("button", { name: "Skip for now" }).click();
  await openSecurity(page);
  await passkeysOf(page).getByRole("button", { name: "Add a passkey" }).click();
  await expect(passkeysOf(page).getByText("Opens the lock of this device.")).toBeVisible();
  await ada.loseStorage(world.url);

  await page.getByRole("button", { name: "Sign in with a passkey" }).click();

  await page.getByRole("link", { name: "Settings" }).first().click();
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("Ada Returns");
  await openSecurity(page);
  await expect(page.getByText("You came back without the password.")).toBeVisible();
  await expect(page.getByLabel("Current password")).toHaveCount(0);
  await page.getByLabel("New password").fill(NEXT_PASSWORD);
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByLabel("Current password")).toBeVisible();
  await lock(page);
  await page.getByRole("button", { name: "Unlock with a passkey" }).click();
  await expect(passkeysOf(page)).toBeVisible();
});

test("where passkeys come without a secret nothing offers them; an authenticator without one is told so", async ({
  join,
}) => {
  const ada = await join({ name: "Ada", password: PASSWORD });
  const { page } = ada;
  await plugAuthenticator(page, { hasSecret: false });
  await page.getByRole("button", { name: "Skip for now" }).click();
  await openSecurity(page);
  await passkeysOf(page).getByRole("button", { name: "Add a passkey" }).click();
  await expect(
    page.getByRole("region", { name: "Notifications" }).getByText("This passkey cannot unlock"),
  ).toBeVisible();

  await page.addInitScript(() => {
    Object.defineProperty(PublicKeyCredential, "getClientCapabilities", {
      value: async () => ({ "extension:prf": false }),
    });
  });
  await page.reload();

  await expect(page.getByRole("region", { name: "Your devices" })).toBeVisible();
  await expect(passkeysOf(page)).toHaveCount(0);
});
