import { expect, test } from "./journey.ts";

test("[U150] a contact goes by the name a person gives it, is found by both names, and by its own again", async ({
  world,
  join: arrive,
}) => {
  const ada = await arrive({ name: "Ada" });
  const { page } = ada;
  await ada.startWith("Echo");
  const rename = async (name: string) => {
    await page.getByRole("button", { name: "Your name for Echo" }).click();
    const dialog = page.getByRole("dialog", { name: "A name of your own" });
    await dialog.getByLabel("Your name for Echo").fill(name);
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(dialog).toBeHidden();
  };
  const list = page.getByRole("navigation", { name: "Conversations" });
  const found = page.getByRole("searchbox");
  await page.getByRole("button", { name: "Details" }).click();

  await rename("Parrot of mine");

  await expect(page.getByRole("heading", { name: "Parrot of mine", exact: true })).toBeVisible();
  await expect(list.getByRole("link", { name: /Parrot of mine/ })).toBeVisible();
  await expect(page.getByText("Own name: Echo")).toBeVisible();
  await ada.say("Who are you?");
  await expect(ada.log.getByText("Parrot of mine").first()).toBeVisible();
  for (const query of ["parrot", "echo"]) {
    await found.fill(query);
    await expect(list.getByRole("link", { name: /Parrot of mine/ })).toBeVisible();
  }
  await found.fill("");

  // It was kept, and taken back it leaves nothing.
  await page.goto(`${world.url}/contacts`);
  await expect(page.getByRole("link", { name: /Parrot of mine.*Own name: Echo/ })).toBeVisible();
  await page.getByRole("link", { name: /Parrot of mine/ }).click();
  await page.getByRole("button", { name: "Details" }).click();
  await rename("");
  await expect(page.getByRole("heading", { name: "Echo", exact: true })).toBeVisible();
  await expect(list.getByRole("link", { name: /Echo/ })).toBeVisible();
  await expect(ada.log.getByText("Parrot of mine")).toHaveCount(0);
  await expect(page.getByText("Own name: Echo")).toHaveCount(0);
});
