import { expect, test } from "./journey.ts";
import { Person } from "./person.ts";

test("a newcomer is three steps from a first conversation", async ({ browser, world }) => {
  const ada = await Person.arrive(browser, world.url, { name: "Ada" });
  const { page } = ada;

  await page.getByLabel("Your name").fill("Ada");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("button", { name: "Set it later" }).click();
  await ada.startWith("Echo");
  await ada.say("hello");

  await expect(ada.row("hello")).toHaveCount(2);
  await ada.leave();
});

test("a conversation in which nobody has spoken offers what one could ask", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  await expect(ada.page.getByRole("heading", { name: "Say hello to Echo" })).toBeVisible();

  await ada.page.getByRole("list", { name: "You could ask" }).getByText("Hello").click();

  await expect(ada.row("Hello")).toHaveCount(2);
});

test("without a password the client keeps reminding, and setting one ends that", async ({
  join,
}) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  await expect(ada.page.getByText("No password is set.")).toBeVisible();

  await ada.page
    .getByRole("button", { name: "Set a password" })
    .or(ada.page.getByRole("link", { name: "Set a password" }))
    .click();
  await ada.page.getByLabel("New password").fill("correct horse battery");
  await ada.page.getByRole("button", { name: "Save password" }).click();

  await expect(ada.page.getByText("A password protects this account.")).toBeVisible();
});

test("the offered invitations carry the fingerprint the agent itself told", async ({
  join,
  world,
}) => {
  const ada = await join({ name: "Ada" });
  const guide = world.agents.get("Guide");

  await ada.page.goto(`${world.url}/i/${guide?.inviteCode}#fp=${guide?.fingerprint}`);
  await expect(
    ada.page.getByText("The key on the server is the one this link promises."),
  ).toBeVisible();

  await ada.page.goto(`${world.url}/i/${guide?.inviteCode}#fp=${"A".repeat(43)}`);
  await expect(ada.page.getByText("This invite was not opened")).toBeVisible();
});

test("a second start knows the person and the history", async ({ join, world }) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  await ada.say("remember me");
  await expect(ada.row("remember me")).toHaveCount(2);

  await ada.page.goto(world.url);
  await ada.openConversation("Echo");

  await expect(ada.row("remember me")).toHaveCount(2);
});
