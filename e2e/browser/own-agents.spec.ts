import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startProgram } from "../world/processes.ts";
import { expect, test } from "./journey.ts";

/** Lines of `NAME=value` as the browser shows them. */
const environmentOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    text.split("\n").map((line) => {
      const at = line.indexOf("=");
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );

test("[U113] [U114] [U145] [U146] a person makes an agent, starts its program with what was shown, talks with it, and ends its token", async ({
  world,
  join: arrive,
}) => {
  const folder = mkdtempSync(join(tmpdir(), "parley-own-agent-"));
  const ada = await arrive({ name: "Ada" });
  const { page } = ada;
  await page.goto(`${world.url}/settings/agents`);
  await page.getByRole("button", { name: "New agent" }).click();
  const form = page.getByRole("dialog", { name: "A new agent" });
  await form.getByLabel("Name").fill("Parrot");
  await form.getByLabel("What it does").fill("Says everything twice");
  await form.getByLabel("What to ask first").fill("Who is a good bird?");
  await form.getByRole("button", { name: "Create agent" }).click();

  // Shown once: a press beside it does not close it, and what is copied starts the program.
  const once = page.getByRole("alertdialog", { name: "Parrot is ready to be started" });
  const shown = await ada.copies(() =>
    once.getByRole("button", { name: "Copy: Environment" }).click(),
  );
  await page.mouse.click(4, 4);
  await expect(once.getByText(shown)).toBeVisible();
  await once.getByRole("button", { name: "I have kept it" }).click();
  const sheet = page.getByRole("dialog", { name: "Parrot" });
  await expect(sheet.getByRole("status").first()).toHaveText(
    "Waits to be started for the first time",
  );
  const program = await startProgram(
    "src/sdk/examples/echo.ts",
    {
      ...environmentOf(shown),
      HASHEE_KEY_VAULT: join(folder, "vault"),
      HASHEE_DEDUPE: join(folder, "dedupe.sqlite"),
    },
    world.logFile,
  );
  try {
    await expect(sheet.getByRole("status").first()).toHaveText("Online");

    // What the program printed is compared, and only then this device signs for it.
    const { fingerprint } = program.greeting as { readonly fingerprint: string };
    const inGroups = Buffer.from(fingerprint, "base64url").toString("hex").toUpperCase();
    const key = sheet.getByRole("region", { name: "Its key" });
    await expect(key.getByText(inGroups.replaceAll(/(.{4})(?=.)/g, "$1 "))).toBeVisible();
    await expect(key.getByRole("status")).toBeEmpty();
    await key.getByRole("button", { name: "They are the same, confirm" }).click();
    await expect(key.getByRole("status")).toHaveText("Confirmed. People see that you made it.");
    // A slip is taken back where it was made.
    await key.getByRole("button", { name: "Take this back" }).click();
    await expect(key.getByRole("status")).toBeEmpty();
    await key.getByRole("button", { name: "They are the same, confirm" }).click();
    await expect(key.getByRole("status")).toHaveText("Confirmed. People see that you made it.");

    // The link is the program's own word about its key.
    await sheet.getByRole("button", { name: "Make a link" }).click();
    await expect(sheet.getByRole("img", { name: "The link as a QR code" })).toBeVisible();
    await expect(sheet.getByText(`/i/`)).toContainText(`#fp=${fingerprint}`);
    const link = (await sheet.getByText(`/i/`).textContent()) ?? "";
    await sheet.getByRole("button", { name: "Open it yourself" }).click();
    await page
      .getByRole("dialog")
      .getByRole("button", { name: /^Start/ })
      .click();
    await page.getByRole("button", { name: "Who is a good bird?" }).click();
    await expect(ada.row("Who is a good bird?")).toHaveCount(2);

    // Who made it is said in its details, to its maker and to who comes by the link.
    await page.getByRole("button", { name: "Details" }).click();
    await expect(page.getByText("Made by you, confirmed")).toBeVisible();
    const ben = await arrive({ name: "Ben", width: 390, theme: "dark" });
    await ben.page.goto(link);
    await ben.page
      .getByRole("dialog")
      .getByRole("button", { name: /^Start/ })
      .click();
    await ben.page.getByRole("button", { name: "Details" }).click();
    await expect(ben.page.getByText("Made by Ada, confirmed")).toBeVisible();
    await expect(ben.page.getByText("You have not compared it with them.")).toBeVisible();

    // A new token ends the program that runs on the old one.
    await page.goto(`${world.url}/settings/agents`);
    await page.getByRole("button", { name: /^Parrot/ }).click();
    await sheet.getByRole("button", { name: "New token" }).click();
    await page.getByRole("button", { name: "Make a new one" }).click();
    await expect(page.getByText(/^HASHEE_AGENT_TOKEN=hsk_/)).not.toHaveText(shown);
    await page.getByRole("button", { name: "I have kept it" }).click();
    await expect(sheet.getByRole("status").first()).toHaveText("Not running");
  } finally {
    await program.kill();
    rmSync(folder, { recursive: true, force: true });
  }
});

test("[U114] an agent that is called says what that costs, has a secret, and is deleted after a while of thought", async ({
  world,
  join: arrive,
}) => {
  const ada = await arrive({ name: "Ada" });
  const { page } = ada;
  await page.goto(`${world.url}/settings/agents`);
  await page.getByRole("button", { name: "New agent" }).click();
  const form = page.getByRole("dialog", { name: "A new agent" });
  await form.getByLabel("Name").fill("Bell");
  await form.getByRole("radio", { name: "It is called at an address" }).click();
  await expect(form.getByText("there is no forward secrecy")).toBeVisible();
  await form.getByLabel("Address to call").fill("https://agent.example/hook");
  await form.getByRole("button", { name: "Create agent" }).click();
  const once = page.getByRole("alertdialog");
  await expect(once.getByRole("region", { name: "Webhook secret" })).toContainText(/[\w+/]{43}=/);
  await expect(once.getByText("HASHEE_CONNECTION_MODE=webhook")).toBeVisible();
  await once.getByRole("button", { name: "I have kept it" }).click();

  const sheet = page.getByRole("dialog", { name: "Bell" });
  await sheet.getByRole("switch", { name: "Paused" }).click();
  await expect(sheet.getByRole("status").first()).toHaveText("Paused");
  // It passes: looked for from before it is there.
  const counting = expect(page.getByRole("button", { name: /^Delete in \d+$/ })).toBeDisabled();
  await sheet.getByRole("button", { name: "Delete this agent" }).click();
  await counting;
  await page.getByRole("button", { name: "Delete agent" }).click();

  await expect(page.getByText("You have no agent yet.")).toBeVisible();
});

test("[U152] who made an agent lets somebody in, pauses, restores and ends it for good, as it happens", async ({
  world,
  join: arrive,
}) => {
  const folder = mkdtempSync(join(tmpdir(), "parley-own-agent-"));
  const [ada, ben] = [await arrive({ name: "Ada" }), await arrive({ name: "Ben" })];
  const { page } = ada;
  await page.goto(`${world.url}/settings/agents`);
  await page.getByRole("button", { name: "New agent" }).click();
  const form = page.getByRole("dialog", { name: "A new agent" });
  await form.getByLabel("Name").fill("Clerk");
  await form.getByRole("button", { name: "Create agent" }).click();
  const once = page.getByRole("alertdialog", { name: "Clerk is ready to be started" });
  const shown = await ada.copies(() =>
    once.getByRole("button", { name: "Copy: Environment" }).click(),
  );
  await once.getByRole("button", { name: "I have kept it" }).click();
  const program = await startProgram(
    "src/sdk/examples/echo.ts",
    {
      ...environmentOf(shown),
      HASHEE_KEY_VAULT: join(folder, "vault"),
      HASHEE_DEDUPE: join(folder, "dedupe.sqlite"),
    },
    world.logFile,
  );
  try {
    const sheet = page.getByRole("dialog", { name: "Clerk" });
    const people = sheet.getByRole("region", { name: "People", exact: true });
    await expect(people.getByText(/^Nobody is connected yet/)).toBeVisible();
    await sheet.getByRole("checkbox", { name: "You let each person in" }).check();
    await sheet.getByRole("button", { name: "Make a link" }).click();
    await ben.page.goto(await sheet.getByText("/i/").innerText());
    await ben.page
      .getByRole("dialog")
      .getByRole("button", { name: /^Start/ })
      .click();

    await people.getByRole("button", { name: "Approve Ben" }).click();
    await expect(people.getByText("One person is connected.")).toBeVisible();
    await ben.say("Good morning");
    await expect(ben.row("Good morning")).toHaveCount(2);
    const act = async (action: string) => {
      await people.getByRole("button", { name: "Manage Ben" }).click();
      await page.getByRole("menuitem", { name: action }).click();
    };
    await act("Pause");
    await expect(people.getByText(/Paused/)).toBeVisible();
    await act("Restore");
    await expect(people.getByText(/Paused/)).toHaveCount(0);
    await act("End for good");
    await page
      .getByRole("alertdialog", { name: "End it with Ben?" })
      .getByRole("button", { name: "End for good" })
      .click();
    await expect(people.getByText(/^Nobody is connected yet/)).toBeVisible();
  } finally {
    await program.kill();
    rmSync(folder, { recursive: true, force: true });
  }
});
