import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "playwright/test";
import { answerRead, askAndRead, KEPT, startFaultyWorld } from "./faulty-world.ts";
import { bringTime, letMinutesPass } from "./passing-time.ts";
import { Person } from "./person.ts";

const DAY_MINUTES = 24 * 60;
const DAY_MS = DAY_MINUTES * 60_000;

test("who was away for eight days reads what came meanwhile and sends what they wrote, and a clock a day off changes nothing", async ({
  browser,
}) => {
  const folder = mkdtempSync(join(tmpdir(), "parley-clock-"));
  const clock = join(folder, "ahead");
  writeFileSync(clock, "0");
  const place = await startFaultyWorld({
    CLOCK_FILE: clock,
    NODE_OPTIONS: "--import ./e2e/world/shifted-clock.ts",
  });
  const ada = await Person.arrive(browser, "about:blank", { name: "Ada" });
  try {
    await bringTime(ada);
    await ada.page.goto(place.url);
    await ada.makeAccount(null);
    await place.meet(ada);
    const answers = [await askAndRead(ada, place.words("before"))];

    // One question is with the relay, the other not on the line yet, when everybody leaves.
    await place.stopAgent();
    const asked = place.words("answer when I am away");
    await ada.say(asked);
    await expect(ada.row(asked).getByText("Sent", { exact: true })).toBeAttached();
    place.line.become({ kind: "refused" });
    place.line.cut();
    const unsent = place.words("written without a line");
    await ada.say(unsent);
    await expect(ada.row(unsent).getByText("Not sent yet.")).toBeAttached();
    await place.stopRelay("stop");

    writeFileSync(clock, String(8 * DAY_MS));
    await place.startRelay();
    place.line.become({ kind: "none" });
    await place.startAgent();
    await letMinutesPass(ada, 8 * DAY_MINUTES);
    await ada.page.evaluate(() => window.dispatchEvent(new Event("online")));
    answers.push(await answerRead(ada, asked), await answerRead(ada, unsent));
    answers.push(await askAndRead(ada, place.words("back again")));

    await letMinutesPass(ada, DAY_MINUTES);
    place.line.cut();
    answers.push(await askAndRead(ada, place.words("a day ahead")));
    await letMinutesPass(ada, -2 * DAY_MINUTES);
    place.line.cut();
    answers.push(await askAndRead(ada, place.words("a day behind")));

    expect(await place.curtain("eight days away", answers)).toEqual(KEPT);
    // A relay that was not there is what the browser complains about.
    ada.complaints.splice(0);
    await ada.leave();
  } finally {
    await place.end();
    rmSync(folder, { recursive: true, force: true });
  }
});
