import { expect, test } from "./journey.ts";

test("a progress card moves in place to its end", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Guide");

  await ada.say("show progress");
  const bar = ada.log.getByRole("progressbar");
  await expect(bar).toHaveCount(1);

  await expect(bar).toHaveAttribute("aria-valuenow", "100", { timeout: 30_000 });
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
  await form.getByRole("button", { name: "Send" }).click();

  await expect(form).toHaveCount(0);
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
  await card.getByText("Action", { exact: true }).scrollIntoViewIfNeeded();
  await publish.scrollIntoViewIfNeeded();
  await expect(card.getByRole("button", { name: "Do not publish" })).toBeEnabled();
  await expect(publish).toBeDisabled();
  await card.getByRole("checkbox", { name: /I have not compared keys with Guide/ }).check();
  await expect(publish).toBeEnabled();
  await publish.click();

  await expect(ada.log.getByText("You approved this")).toBeVisible();
  await ada.page.reload();
  await expect(ada.log.getByText("You approved this")).toBeVisible();
});
