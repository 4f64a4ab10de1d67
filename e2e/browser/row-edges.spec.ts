import type { Locator } from "playwright/test";
import { expect, test } from "./journey.ts";

const LONG =
  "A text that runs over more than one line on the widest screen, so that its bubble goes as far as a bubble may, and what stands beside it has only the room that is kept for it.";

/** What a row's tools lie over: words, pictures and controls of any row in view; and whether they leave the column. */
const underTools = (row: Locator): Promise<readonly string[]> =>
  row.evaluate((article) => {
    const tools = article.querySelector('[role="toolbar"]');
    const log = article.closest('[role="log"]');
    if (tools === null || log === null) return ["no tools"];
    const at = tools.getBoundingClientRect();
    const room = log.getBoundingClientRect();
    const isUnder = (rect: DOMRect): boolean =>
      rect.width > 1 &&
      rect.right > at.left + 0.5 &&
      rect.left < at.right - 0.5 &&
      rect.bottom > at.top + 0.5 &&
      rect.top < at.bottom - 0.5;
    const isRead = (element: Element | null): boolean =>
      element !== null &&
      !tools.contains(element) &&
      element.closest('[tabindex="-1"]') !== element;
    const under: string[] = at.left < room.left || at.right > room.right ? ["the edge"] : [];
    const words = document.createTreeWalker(log, NodeFilter.SHOW_TEXT);
    for (let node = words.nextNode(); node !== null; node = words.nextNode()) {
      const parent = node.parentElement;
      // Said to those who listen alone.
      if (!isRead(parent) || (parent !== null && getComputedStyle(parent).clipPath !== "none"))
        continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      if ([...range.getClientRects()].some(isUnder)) under.push(node.textContent ?? "");
    }
    for (const drawn of log.querySelectorAll("svg, img, button, time"))
      if (isRead(drawn) && isUnder(drawn.getBoundingClientRect())) under.push(drawn.tagName);
    return under;
  });

const heights = (rows: Locator) =>
  rows.evaluateAll((all) => all.map((row) => row.getBoundingClientRect().height));

test("[U154] [U155] what one can do with a message lies over no words, and a row in a run says how far it is proven", async ({
  world,
  join,
}) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  const echo = world.agents.get("Echo");
  // While it stands still one's own words make a run, and what it says then makes another.
  echo?.pause();
  const said = ["ok", "Another", LONG, "yes"];
  for (const words of said) await ada.say(words);
  const rows = ada.log.getByRole("article");
  await expect(ada.row(LONG)).toHaveCount(1);
  echo?.goOn();
  for (const words of [LONG, "Another"]) await expect(ada.row(words)).toHaveCount(2);
  const last = ada.row("yes").last();
  await expect(last).toContainText("Complete, signature verified");

  for (const width of [1280, 390]) {
    await ada.page.setViewportSize({ width, height: 844 });
    const before = await heights(rows);
    for (const row of await rows.all()) {
      await row.focus();
      await expect(row.getByRole("toolbar").getByRole("button")).toHaveCount(3);
      expect(await underTools(row)).toEqual([]);
    }
    expect(await heights(rows)).toEqual(before);
  }

  const seal = last.getByTitle("Complete, signature verified");
  await ada.composer.focus();
  await expect(seal.locator("../..")).toHaveCSS("opacity", "0");
  await last.focus();
  await expect(seal.locator("../..")).toHaveCSS("opacity", "1");
  await ada.page.keyboard.press("Tab");
  await expect(last.getByRole("button", { name: "React" })).toBeFocused();
});
