import { expect, test } from "./journey.ts";

test("[U156] a hit says who said it, where and when, is reached by the arrow keys and leads to its message", async ({
  join,
}) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  const { page } = ada;
  await ada.say("The tide turns at seven");
  await expect(ada.row("The tide turns")).toHaveCount(2);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole("button", { name: "Back" }).click();
  const field = page.getByRole("searchbox");

  await field.fill("tide");
  const hits = page.getByRole("region", { name: "Messages" }).getByRole("link");
  await expect(hits).toHaveCount(2);
  await expect(hits.filter({ hasText: /^You·Echo.*The tide turns at seven$/ })).toHaveCount(1);
  await expect(hits.filter({ hasText: /^Echo.*The tide turns at seven$/ })).toHaveCount(1);
  // The conversation itself comes first: what was said last in it holds the word.
  await field.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await expect(hits.first()).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(hits.last()).toBeFocused();
  const target = await hits.last().getAttribute("href");
  await page.keyboard.press("Enter");

  await expect(page).toHaveURL((url) => `${url.pathname}${url.search}` === target);
  const said = ada.log.locator(`[data-message-id="${target?.split("m=").at(-1) ?? ""}"]`);
  await expect(said).toContainText("The tide turns at seven");
  await expect(said).toBeInViewport();

  await page.goBack();
  await expect(field).toHaveValue("tide");
  await expect(hits).toHaveCount(2);
});
