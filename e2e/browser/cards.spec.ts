import { expect, test } from "./journey.ts";
import { readCard } from "./read-card.ts";

test("a progress card moves in place to its end", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Guide");

  await ada.say("show progress");
  const bar = ada.log.getByRole("progressbar");
  await expect(bar).toHaveCount(1);

  await expect(bar).toHaveAttribute("aria-valuenow", "100");
  await expect(ada.log.getByRole("progressbar")).toHaveCount(1);
});

test("a form is checked, keeps its entries over a reload, and its answer arrives", async ({
  join,
}) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Guide");
  await ada.say("show me a form");
  const form = ada.log.getByRole("form");
  await expect(form).toBeVisible();

  const first = form.getByRole("textbox").first();
  await first.fill("Ada Lovelace");
  await expect(
    ada.log.getByText("Your entries are kept on this device until you send them."),
  ).toBeVisible();
  await ada.page.reload();
  await expect(ada.log.getByRole("form").getByRole("textbox").first()).toHaveValue("Ada Lovelace");

  await form.getByRole("button", { name: "Send" }).click();
  await expect(form.getByText("Please fill this in.").first()).toBeVisible();
  await form.getByLabel("Day").fill("2030-05-01");
  await form.getByRole("radio", { name: "To the garden" }).check();
  await form.getByRole("checkbox", { name: "I know that nothing is booked" }).check();
  await form.getByLabel("A secret word").fill("swordfish");
  await form.getByRole("button", { name: "Send" }).click();

  await expect(form).toHaveCount(0);
  await expect(ada.log.getByText("Given, sealed to the agent alone")).toBeVisible();
  await ada.expectMessage("9 characters, sealed");
  await expect(ada.page.getByText("swordfish")).toHaveCount(0);
  await ada.expectMessage(/Ada Lovelace/);
});

test("an approval shows everything, asks once, and the agent obeys the signed decision", async ({
  join,
}) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Guide");
  await ada.say("ask me for approval");
  const card = ada.log.getByRole("article", { name: "Publish version 2.0" }).last();
  await expect(card).toBeVisible();
  await expect(card).toContainText("2.0.0");

  const publish = card.getByRole("button", { name: "Publish", exact: true });
  await expect(publish).toBeDisabled();
  await readCard(ada, card.getByRole("button", { name: "Do not publish" }));
  await expect(publish).toBeDisabled();
  await card.getByRole("checkbox", { name: /I have not compared keys with Guide/ }).check();
  await expect(publish).toBeEnabled();
  await publish.click();

  await expect(ada.log.getByText("You approved this")).toBeVisible();
  await ada.page.reload();
  await expect(ada.log.getByText("You approved this")).toBeVisible();
});

test("a link shows its true host and fetches nothing; a contact leads to its conversation", async ({
  join,
  world,
}) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Guide");
  const foreign: string[] = [];
  ada.page.on("request", (request) => {
    if (!request.url().startsWith(world.url) && !request.url().startsWith("blob:"))
      foreign.push(request.url());
  });

  await ada.say("show a card with buttons");
  const link = ada.log.getByRole("button", { name: /RFC 9180: Hybrid/ });
  await expect(link).toContainText("www.rfc-editor.org");
  await link.click();
  const prompt = ada.page.getByRole("dialog", { name: "Open this link?" });
  await expect(prompt).toContainText("rfc-editor.org");
  await prompt.getByRole("button", { name: "Cancel" }).click();

  const contact = ada.log.getByRole("article", { name: /shares a contact/ });
  await expect(contact.getByText("Guide", { exact: true })).toBeVisible();
  await contact.getByRole("button", { name: "Open the conversation" }).click();
  await expect(ada.composer).toBeVisible();
  expect(foreign).toEqual([]);
});

test("what is written without a line stands in the list at once", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Guide");
  await ada.expectMessage("I am the guide");
  await ada.context.setOffline(true);

  await ada.say("written in a tunnel");

  const list = ada.page.getByRole("navigation", { name: "Conversations" });
  await expect(list.getByText(/written in a tunnel/)).toBeVisible();
  await ada.context.setOffline(false);
  // Whatever was being fetched when the network went is what the browser complains about.
  expect(ada.complaints.filter((complaint) => !complaint.includes("net::ERR_"))).toEqual([]);
  ada.complaints.splice(0);
});

test("a vote is given once, sealed to the agent, and its end is shown; pictures come as one card", async ({
  join,
}) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Guide");
  await ada.say("let us vote");
  const card = ada.log.getByRole("article", { name: /harbour light/ }).last();
  const give = card.getByRole("button", { name: "Vote", exact: true });
  await expect(give).toBeDisabled();

  await card.getByRole("radio", { name: "Red, two short ones" }).check();
  await give.click();

  await ada.expectMessage("The vote has closed with one vote: Red, two short ones.");
  const red = card.getByRole("listitem").filter({ hasText: "Red, two short ones" });
  await expect(red).toContainText("Your vote");
  await expect(red).toContainText("1 vote");
  await expect(card.getByRole("radio")).toHaveCount(0);
  await ada.say("show me pictures");
  const gallery = ada.log.getByRole("article", { name: /A day over the harbour/ });
  await expect(gallery.getByRole("listitem")).toHaveCount(4);
  await expect(gallery.getByRole("figure", { name: "Dusk", exact: true })).toBeVisible();
  const isInside = () => gallery.evaluate((card) => card.scrollWidth <= card.clientWidth);
  await expect.poll(isInside).toBe(true);
});

test("a tool of the device runs when its person allows it, and not when they do not", async ({
  join,
}) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Guide");
  await ada.say("use a tool of mine");
  const calls = ada.log.getByRole("article", { name: /What time is it where you are/ });
  const ask = calls.last().getByRole("group", { name: /wants to use a tool of this device/ });
  await expect(ask).toContainText("time zone");
  await ask.getByRole("button", { name: "Deny" }).click();
  await ada.expectMessage("You said no");
  await expect(calls.last()).toContainText("You denied it.");

  await ada.say("use a tool of mine");
  await expect(calls.nth(1)).toBeVisible();
  await calls.last().getByRole("button", { name: "Allow" }).click();
  await ada.expectMessage(/Your device says \d\d:\d\d in /);
  await expect(ask).toHaveCount(0);
});
