import type { Page } from "playwright/test";
import { expect, test } from "playwright/test";
import { answerRead, askAndRead, KEPT, startFaultyWorld } from "./faulty-world.ts";
import { Person } from "./person.ts";

/** Names the worker that runs the engine of all tabs. */
const ownerSeenFrom = (page: Page): Promise<string | undefined> =>
  page.evaluate(async () => {
    const { held = [] } = await navigator.locks.query();
    return held.find(({ name }) => name === "parley/engine")?.clientId;
  });

/** The worker that runs it once that is none of those before. */
async function nextOwner(page: Page, before: readonly string[]): Promise<string> {
  let owner: string | undefined;
  await expect(async () => {
    owner = await ownerSeenFrom(page);
    expect(owner === undefined ? "nobody" : before.includes(owner)).toBe(false);
  }).toPass();
  return owner as string;
}

/** A tab more, which stands in the queue for the engine behind all others before the next one comes. */
async function openBehind(person: Person, url: string, others: number): Promise<Page> {
  const page = await person.openTab(url);
  const waiting = () =>
    page.evaluate(async () => {
      const { pending = [] } = await navigator.locks.query();
      return pending.filter(({ name }) => name === "parley/engine").length;
    });
  await expect.poll(waiting).toBe(others);
  return page;
}

/** Asks the engine that serves by now: a call that was under way to the one before fails, and its words stay. */
async function askNext(person: Person, text: string): Promise<string> {
  await person.composer.fill(text);
  await person.draftKept(text);
  await person.composer.press("Enter");
  return answerRead(person, text);
}

/** Runs in a worker: nothing happens in it for so long, as in a tab that is frozen. */
const standStill = (forMs: number): unknown =>
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, forMs);

test("[N7] of five tabs the owner is closed, killed and frozen, and the others go on with drafts and messages", async ({
  browser,
}) => {
  const place = await startFaultyWorld();
  const ada = await Person.join(browser, place.url, { name: "Ada" });
  try {
    await place.meet(ada);
    const url = ada.page.url();
    const first = ada.page;
    const owners = [await nextOwner(first, [])];
    const second = await openBehind(ada, url, 1);
    const third = await openBehind(ada, url, 2);
    const fourth = await openBehind(ada, url, 3);
    ada.page = await openBehind(ada, url, 4);
    const answers = [await askAndRead(ada, place.words("five tabs"))];

    const draft = "half a thought";
    await ada.composer.fill(draft);
    await ada.draftKept(draft);
    await first.close();
    owners.push(await nextOwner(ada.page, owners));
    await expect(ada.composer).toHaveValue(draft);
    answers.push(await askNext(ada, place.words("the owner was closed")));

    await ada.killTab(second);
    owners.push(await nextOwner(ada.page, owners));
    answers.push(await askNext(ada, place.words("the owner was killed")));

    // The third owns the line by now: whoever asked for the lock first gets it first.
    const frozen = (await ada.engineWorker(third)).evaluate(standStill, 3_000);
    const text = place.words("the owner stood still");
    await ada.say(text);
    await frozen;
    answers.push(await answerRead(ada, text));
    expect(await ownerSeenFrom(ada.page)).toBe(owners.at(-1));

    await ada.killTab(third);
    await fourth.close();
    answers.push(await askNext(ada, place.words("one tab is left")));

    expect(new Set(owners).size).toBe(3);
    expect(await place.curtain("five tabs", answers)).toEqual(KEPT);
    ada.complaints.splice(0);
    await ada.leave();
  } finally {
    await place.end();
  }
});

test("a page that is left and come back to has its thread, its draft and its line again", async ({
  browser,
}) => {
  const place = await startFaultyWorld();
  const ada = await Person.join(browser, place.url, { name: "Ada" });
  try {
    await place.meet(ada);
    const answers = [await askAndRead(ada, place.words("before"))];
    await ada.composer.fill("half a thought");
    await ada.draftKept("half a thought");

    await ada.page.goto("about:blank");
    await ada.page.goBack();
    await expect(ada.row("before")).toHaveCount(2);
    await expect(ada.composer).toHaveValue("half a thought");
    await ada.page.goForward();
    await ada.page.goBack();
    answers.push(await askAndRead(ada, place.words("after")));

    expect(await place.curtain("back and forward", answers)).toEqual(KEPT);
    ada.complaints.splice(0);
    await ada.leave();
  } finally {
    await place.end();
  }
});
