/** Reading a card to its end, which it asks for before anything in it can be decided. */
import { expect, type Locator } from "playwright/test";
import type { Person } from "./person.ts";

/** Reads the thread until the card lets `decision` be pressed. */
export async function readCard({ log }: Person, decision: Locator): Promise<void> {
  await expect(async () => {
    await readAll(log);
    await expect(decision).toBeEnabled({ timeout: 1_000 });
  }).toPass();
}

/** Reads the thread from its beginning to its end, a piece at a time. */
const readAll = (log: Locator): Promise<void> =>
  log.evaluate(async (element) => {
    element.scrollTop = 0;
    for (let top = -1; element.scrollTop > top;) {
      top = element.scrollTop;
      // What was in view for less than a frame was not seen.
      await new Promise((seen) => requestAnimationFrame(() => setTimeout(seen)));
      element.scrollBy({ top: 200, behavior: "instant" });
    }
  });
