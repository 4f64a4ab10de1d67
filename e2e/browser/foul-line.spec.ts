import { expect, test } from "playwright/test";
import type { Fault } from "../world/fault-line.ts";
import { answerRead, askAndRead, KEPT, startFaultyWorld } from "./faulty-world.ts";
import { Person } from "./person.ts";

const FAULTS: readonly Fault[] = [
  { kind: "portal" },
  { kind: "gateway", says: "502 Bad Gateway" },
  { kind: "gateway", says: "429 Too Many Requests" },
];

test("behind a hotel's page, a gateway's refusal or a torn line one reads and writes on, and all of it arrives once", async ({
  browser,
}) => {
  const place = await startFaultyWorld();
  const ada = await Person.join(browser, place.url, { name: "Ada" });
  try {
    await place.meet(ada);
    const answers = [await askAndRead(ada, place.words("before"))];
    await ada.page.evaluate(() => navigator.serviceWorker.ready);

    for (const fault of FAULTS) {
      const text = place.words("says" in fault ? fault.says : fault.kind);
      place.line.become(fault);
      place.line.cut();
      await expect(ada.page.getByText(/Offline since/)).toBeVisible();
      await ada.say(text);
      await expect(ada.row(text).getByText("Not sent yet.")).toBeAttached();
      await ada.page.reload();
      await expect(ada.row("before")).toHaveCount(2);
      await expect(ada.row(text)).toHaveCount(1);
      place.line.become({ kind: "none" });
      await ada.page.evaluate(() => window.dispatchEvent(new Event("online")));
      answers.push(await answerRead(ada, text));
    }

    const torn = place.words("torn in the midst of it");
    place.line.cutAfter(400, "endpoint");
    await ada.say(torn);
    answers.push(await answerRead(ada, torn));
    expect(place.line.cuts).toBeGreaterThan(FAULTS.length);

    expect(await place.curtain("foul line", answers)).toEqual(KEPT);
    // What does not come, or comes from somebody else, is what the browser complains about.
    ada.complaints.splice(0);
    await ada.leave();
  } finally {
    await place.end();
  }
});
