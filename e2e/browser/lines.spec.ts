import { expect, test } from "./journey.ts";

test("history opens without a network, and what is written then leaves in order", async ({
  join,
  world,
}) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  await ada.say("before");
  await expect(ada.row("before")).toHaveCount(2);
  await ada.page.evaluate(() => navigator.serviceWorker.ready);

  await world.stopRelay("stop");
  await ada.page.reload();
  await expect(ada.row("before")).toHaveCount(2);
  for (const text of ["one", "two", "three"]) await ada.say(text);
  await expect(ada.row("three").getByText("Not sent yet.")).toBeAttached();
  await world.startRelay();

  await expect(ada.row(/^.*three/s)).toHaveCount(2);
  const order = (await ada.log.getByRole("article", { name: /^You/ }).allInnerTexts())
    .map((text) => /(one|two|three)/.exec(text)?.[1])
    .filter((word) => word !== undefined);
  expect(order.slice(0, 3)).toEqual(["one", "two", "three"]);
  // Failed fetches are what a missing server looks like to the browser.
  ada.complaints.splice(0);
});

test("a relay that restarts loses nothing and repeats nothing", async ({ join, world }) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  await ada.say("one");
  await expect(ada.row("one")).toHaveCount(2);

  await world.stopRelay("kill");
  await ada.say("two");
  await expect(ada.page.getByText(/Offline since|Connecting/).first()).toBeVisible();
  await world.startRelay();

  await expect(ada.row("two")).toHaveCount(2);
  await ada.page.reload();
  await expect(ada.row("two")).toHaveCount(2);
  await expect(ada.row("one")).toHaveCount(2);
  // A refused socket is what a missing relay looks like to the browser.
  ada.complaints.splice(0);
});

test("two tabs of one account both live, also after the first one goes", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  const second = await ada.openTab(ada.page.url());
  const log = second.getByRole("log", { name: "Messages" });

  await ada.say("from the first tab");
  await expect(log.getByRole("article").filter({ hasText: "from the first tab" })).toHaveCount(2);
  await ada.page.close();
  await second.getByRole("textbox", { name: /^Message / }).fill("from the second tab");
  await second.getByRole("textbox", { name: /^Message / }).press("Enter");

  await expect(log.getByRole("article").filter({ hasText: "from the second tab" })).toHaveCount(2);
});
