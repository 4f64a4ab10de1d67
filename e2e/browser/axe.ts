/** What axe finds in a page that would keep somebody out. */
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "playwright/test";

/**
 * Serious and critical violations, a line each. Looked at when everything that fades or moves has come to its end: colours
 * on their way are no colours.
 */
export async function seriousIn(page: Page): Promise<readonly string[]> {
  await page.waitForFunction(() =>
    document.getAnimations().every(({ playState, effect }) => {
      const isEndless = effect?.getComputedTiming().endTime === Number.POSITIVE_INFINITY;
      return isEndless || playState !== "running";
    }),
  );
  // No page here has frames, for which alone axe opens another page to gather its findings in.
  const axe = new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ["violations"] });
  const { violations } = await axe.analyze();
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes.map(({ target, any }) => `${target.join(" ")} ${any[0]?.message ?? ""}`).join("; ")}`,
    );
}
