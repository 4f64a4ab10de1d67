import { aPng } from "#engine/files/pictures.contract.ts";
import type { World } from "../world/processes.ts";
import { expect, test } from "./journey.ts";
import type { Person } from "./person.ts";

/** Ben accepts what Ada asked by his link; both have the conversation afterwards. */
async function meet(ada: Person, ben: Person, { url }: World): Promise<void> {
  await ben.page.goto(url);
  await ben.page.getByRole("button", { name: "New conversation" }).first().click();
  const link = await ben.page
    .getByText(/\/p\/.*#fp=/)
    .first()
    .innerText();
  await ada.page.goto(link.trim());
  await ada.page.getByRole("button", { name: "Send request" }).click();
  await ben.page.goto(`${url}/contacts`);
  await ben.page.getByRole("button", { name: "Accept Ada" }).click();
  await expect(ben.composer).toBeVisible();
}

async function makeGroup(ada: Person, { url }: World, name: string, members: readonly string[]) {
  await ada.page.goto(url);
  await ada.page.getByRole("button", { name: "New conversation" }).first().click();
  await ada.page.getByRole("button", { name: "New group" }).click();
  await ada.page.getByLabel("Name of the group").fill(name);
  for (const member of members)
    await ada.page.getByRole("checkbox", { name: new RegExp(member) }).check();
  await ada.page.getByRole("button", { name: "Create group" }).click();
  await expect(ada.composer).toBeVisible();
}

test("[U147] a group is renamed, described and given a picture, opened to its members, handed over, and deleted by its new owner", async ({
  join,
  world,
}) => {
  const ada = await join({ name: "Ada" });
  const ben = await join({ name: "Ben" });
  await meet(ada, ben, world);
  await makeGroup(ada, world, "Harbour plans", ["Ben"]);
  const details = (person: Person) => person.page.getByRole("button", { name: "Details" }).click();

  await details(ada);
  await ada.page.getByLabel("Name of the group").fill("Pier plans");
  await ada.page.getByRole("button", { name: "Save" }).click();
  await expect(ada.log.getByText("The group is now called Pier plans.")).toBeAttached();
  await ada.page.getByLabel("Description").fill("Every Thursday at the pier.");
  await ada.page.getByRole("button", { name: "Save" }).click();
  const aside = ada.page.getByRole("complementary", { name: "Details" });
  await expect(aside.getByText("Every Thursday at the pier.").first()).toBeVisible();
  const picture = { name: "pier.png", mimeType: "image/png", buffer: Buffer.from(aPng(64, 48)) };
  await ada.page.setInputFiles('input[type="file"][accept="image/*"][hidden]', picture);
  await expect(aside.getByRole("button", { name: "Remove picture" })).toBeVisible();
  await expect(aside.locator("img")).toHaveAttribute("src", /^blob:/);
  await ada.page.getByRole("switch", { name: /Members may add people/ }).click();
  await expect(ada.log.getByText("Ada changed who may add people.")).toBeAttached();
  await ada.page.getByRole("button", { name: "Renew keys" }).click();
  await expect(ada.log.getByText("Ada renewed the keys of this group.")).toBeAttached();
  await ada.page.getByRole("button", { name: "Manage Ben" }).click();
  await ada.page.getByRole("menuitem", { name: "Hand over the group" }).click();
  const asked = ada.page.getByRole("alertdialog", { name: "Hand this group over to Ben?" });
  await expect(asked.getByRole("button", { name: "Hand over the group" })).toBeDisabled();
  await asked.getByRole("textbox").fill("Ben");
  await asked.getByRole("button", { name: "Hand over the group" }).click();
  await expect(ada.page.getByRole("button", { name: "Leave group" })).toBeVisible();

  await ben.openConversation(/Pier plans/);
  await ben.say("my group now");
  await ada.expectMessage("my group now");
  await details(ben);
  // A picture comes when somebody asks for it, and then stands wherever the group does.
  await expect(ben.page.getByText("Every Thursday at the pier.").first()).toBeVisible();
  const faces = ben.page.locator('img[src^="blob:"]');
  await expect(faces).toHaveCount(0);
  await ben.page.getByRole("button", { name: "Show the group’s picture" }).click();
  await expect(faces).toHaveCount(3);
  await ben.page.getByRole("button", { name: "Delete group" }).click();
  const last = ben.page.getByRole("alertdialog", { name: /Delete Pier plans/ });
  await last.getByRole("textbox").fill("Pier plans");
  await last.getByRole("button", { name: "Delete group" }).click();

  await expect(ada.log.getByText("Ben deleted this group.")).toBeAttached();
  await expect(ada.composer).toBeHidden();
  await ada.page.getByRole("button", { name: "Take off the list" }).click();
  const gone = ada.page.getByRole("alertdialog", { name: /off your list/ });
  await gone.getByRole("button", { name: "Take off the list" }).click();
  await expect(
    ada.page
      .getByRole("navigation", { name: "Conversations" })
      .getByRole("link", { name: /Pier plans/ }),
  ).toHaveCount(0);
});

test("two people and two agents talk in one group, mentions included", async ({ join, world }) => {
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
  await meet(ada, ben, world);
  await makeGroup(ada, world, "Harbour plans", ["Ben", "Echo", "Guide"]);

  await ada.composer.pressSequentially("hello @Be");
  await ada.page.getByRole("option", { name: /Ben/ }).click();
  await ada.composer.press("Enter");

  await ben.openConversation(/Harbour plans/);
  await expect(ben.log.getByText("@Ben").first()).toBeVisible();
  await ben.composer.pressSequentially("glad to be here @Ech");
  await ben.page.getByRole("option", { name: /Echo/ }).click();
  await ben.composer.press("Enter");

  // Once by Ben, once by Echo, who was named; Guide, who was not, keeps silent.
  await expect(ada.row("glad to be here")).toHaveCount(2);
  await expect(ben.row("glad to be here")).toHaveCount(2);
  await expect(ada.log.getByRole("article", { name: /^Guide/ })).toHaveCount(0);
});
