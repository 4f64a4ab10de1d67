/** Adding a device by a link, as two people's hands would do it on two screens. */
import type { Browser, Locator, Page } from "playwright/test";
import { expect } from "./journey.ts";
import { Person } from "./person.ts";

/** For what goes from one browser to another. */
export const PATIENCE = { timeout: 240_000 };

/** The list of devices in the settings. */
export const devicesOf = async (page: Page): Promise<Locator> => {
  await page.goto(new URL("/settings/security", page.url()).href);
  const devices = page.getByRole("region", { name: "Your devices" });
  await expect(devices.getByText("This device")).toBeVisible();
  return devices;
};
/** Makes a link on the old device; its dialog, and the code as it is typed. */
export const offer = async (person: Person) => {
  const devices = await devicesOf(person.page);
  await devices.getByRole("button", { name: "Add a device" }).click();
  const dialog = person.page.getByRole("dialog");
  await expect(dialog.getByRole("img", { name: "The link as a QR code" })).toBeVisible();
  const code = await dialog.getByRole("group", { name: "Code of the link" }).innerText();
  return { dialog, code, path: `/link#${code.replaceAll("-", "")}` };
};
export const digitsOn = async (page: Page): Promise<string> => {
  const digits = page.getByRole("group", { name: /^Number to compare/ });
  await expect(digits).toBeVisible(PATIENCE);
  return (await digits.getAttribute("aria-label")) ?? "";
};
/** A new browser opens the link, both show the same digits, and the old one admits it. */
export const addByLink = async (
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
