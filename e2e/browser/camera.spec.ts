import type { Browser } from "playwright/test";
import { findChromium } from "./find-chromium.ts";
import { expect, test } from "./journey.ts";
import { Person } from "./person.ts";

// The browser's own picture in place of a camera's, and its own yes in place of a person's.
test.use({
  launchOptions: {
    executablePath: findChromium(),
    args: ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
  },
});

/** A browser that reads codes, as this one on a phone does; what it sees is what the test says. */
const seesCodes = async (person: Person): Promise<void> => {
  await person.context.addInitScript(() => {
    const page = globalThis as unknown as Record<string, unknown>;
    page["seenCodes"] = [];
    page["BarcodeDetector"] = class {
      static getSupportedFormats = async () => ["qr_code"];
      detect = async () => (page["seenCodes"] as string[]).map((rawValue) => ({ rawValue }));
    };
  });
};
const show = (person: Person, ...codes: string[]): Promise<void> =>
  person.page.evaluate((seen) => {
    (globalThis as unknown as Record<string, unknown>)["seenCodes"] = seen;
  }, codes);

test("the camera reads a device link at the door, says when a code is another, and is let go", async ({
  join,
  browser,
  world,
}) => {
  const ada = await join({ name: "Ada" });
  await ada.page.getByRole("button", { name: "Skip for now" }).click();
  await ada.page.goto(`${world.url}/settings/security`);
  await ada.page.getByRole("button", { name: "Add a device" }).click();
  const code = await ada.page.getByRole("group", { name: "Code of the link" }).innerText();
  const phone = await Person.arrive(browser as Browser, "about:blank", { name: "Ada" });
  await seesCodes(phone);
  await phone.page.goto(world.url);
  await phone.page.getByRole("button", { name: "I have another device" }).click();
  await phone.page.getByRole("button", { name: "Scan the code" }).click();
  const view = phone.page.getByLabel("What the camera sees");
  await expect.poll(() => view.evaluate((video: HTMLVideoElement) => video.videoWidth)).not.toBe(0);
  const track = await view.evaluateHandle(
    (video: HTMLVideoElement) => (video.srcObject as MediaStream).getTracks()[0],
  );

  await show(phone, "5012345678900");
  await expect(phone.page.getByText("That is another kind of code.")).toBeVisible();
  await show(phone, `${world.url}/link#${code.replaceAll("-", "")}`);

  await expect(phone.page.getByRole("group", { name: /^Number to compare/ })).toBeVisible();
  await expect.poll(() => track.evaluate((one) => one?.readyState)).toBe("ended");
  await phone.leave();
});

test("the camera compares safety numbers and warns of another", async ({ browser, world }) => {
  const ada = await Person.arrive(browser as Browser, "about:blank", { name: "Ada" });
  await seesCodes(ada);
  await ada.page.goto(world.url);
  await ada.makeAccount(null);
  await ada.startWith("Echo");
  await ada.page.getByRole("button", { name: "Who can read this" }).click();
  const sheet = ada.page.getByRole("dialog").first();
  await sheet.getByRole("button", { name: "Scan their code" }).click();

  await show(ada, "parley-sn:AAAA");

  await expect(sheet.getByText("The codes differ.")).toBeVisible();
  await expect(sheet.getByRole("button", { name: "They are equal" })).toBeVisible();
  await ada.leave();
});
