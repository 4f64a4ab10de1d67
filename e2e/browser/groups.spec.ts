import { expect, test } from "./journey.ts";

test("two people and two agents talk in one group, mentions included", async ({ join, world }) => {
  test.setTimeout(120_000);
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  await ada.page.goto(world.url);
  await ada.page.getByRole("button", { name: "New conversation" }).first().click();
  const guide = world.agents.get("Guide");
  await ada.page
    .getByLabel("Invite link")
    .fill(`${world.url}/i/${guide?.inviteCode}#fp=${guide?.fingerprint}`);
  await ada.page.getByRole("button", { name: "Open", exact: true }).click();
  await ada.page.getByRole("button", { name: "Start talking" }).click();
  await expect(ada.composer).toBeVisible();

  const ben = await join({ name: "Ben" });
  await ben.page.goto(world.url);
  await ben.page.getByRole("button", { name: "New conversation" }).first().click();
  const link = await ben.page
    .getByText(/\/p\/.*#fp=/)
    .first()
    .innerText();
  await ada.page.goto(link.trim());
  await ada.page.getByRole("button", { name: "Send request" }).click();
  await ben.page.goto(`${world.url}/contacts`);
  await ben.page.getByRole("button", { name: "Accept Ada" }).click();
  await expect(ben.composer).toBeVisible();

  await ada.page.goto(world.url);
  await ada.page.getByRole("button", { name: "New conversation" }).first().click();
  await ada.page
    .getByRole("button", { name: "New group" })
    .or(ada.page.getByRole("tab", { name: "New group" }))
    .click();
  await ada.page.getByLabel("Name of the group").fill("Harbour plans");
  for (const name of ["Ben", "Echo", "Guide"])
    await ada.page.getByRole("checkbox", { name: new RegExp(name) }).check();
  await ada.page.getByRole("button", { name: "Create group" }).click();
  await expect(ada.composer).toBeVisible();

  await ada.composer.pressSequentially("hello @Be");
  await ada.page.getByRole("option", { name: /Ben/ }).click();
  await ada.composer.press("Enter");

  await ben.openConversation(/Harbour plans/);
  await expect(ben.log.getByText("@Ben").first()).toBeVisible();
  await ben.composer.pressSequentially("glad to be here @Ech");
  await ben.page.getByRole("option", { name: /Echo/ }).click();
  await ben.composer.press("Enter");

  // Once by Ben, once by Echo, who was named; Guide, who was not, keeps silent.
  await expect(ada.row("glad to be here")).toHaveCount(2, { timeout: 20_000 });
  await expect(ben.row("glad to be here")).toHaveCount(2, { timeout: 20_000 });
  await expect(ada.log.getByRole("article", { name: /^Guide/ })).toHaveCount(0);
});
