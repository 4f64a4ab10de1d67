import { appendFileSync, cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startWorld } from "../world/processes.ts";
import { expect, test } from "./journey.ts";
import { Person } from "./person.ts";

test("the page can be installed as an app", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.page.evaluate(() => navigator.serviceWorker.ready);
  const browser = await ada.context.newCDPSession(ada.page);

  const { errors } = (await browser.send("Page.getAppManifest")) as { errors: unknown[] };
  const { installabilityErrors } = await browser.send("Page.getInstallabilityErrors");

  expect(errors).toEqual([]);
  // A private window is never offered an installation; nothing else may stand in its way.
  expect(installabilityErrors.map(({ errorId }) => errorId)).toEqual(["in-incognito"]);
});

test("an update waits for consent and loses no draft", async ({ browser }) => {
  const built = mkdtempSync(join(tmpdir(), "parley-dist-"));
  cpSync("dist", built, { recursive: true });
  const world = await startWorld({ agents: ["Echo"], env: { PARLEY_DIST: built } });
  try {
    const ada = await Person.join(browser, world.url, { name: "Ada" });
    await ada.startWith("Echo");
    await ada.page.evaluate(() => navigator.serviceWorker.ready);
    appendFileSync(join(built, "service-worker.js"), "\n// The next build.\n");
    await world.stopRelay("stop");
    await world.startRelay();

    await ada.page.reload();
    await ada.composer.fill("half a thought");
    const offer = ada.page.getByText("A newer version is ready.");
    await expect(offer).toBeVisible();
    await expect(ada.composer).toHaveValue("half a thought");
    const reloaded = ada.page.waitForEvent("load");
    await ada.page.getByRole("button", { name: "Update now" }).click();
    await reloaded;

    await expect(ada.composer).toHaveValue("half a thought");
    await expect(offer).toBeHidden();
    ada.complaints.splice(0);
    await ada.leave();
  } finally {
    await world.close();
    rmSync(built, { recursive: true, force: true });
  }
});

test("what the browser stores holds no word, title or name", async ({ join }) => {
  const ada = await join({ name: "Adalovelacename", password: "correct horse battery" });
  await ada.startWith("Echo");
  await ada.say("xylophone secret");
  await expect(ada.row("xylophone secret")).toHaveCount(2);
  await ada.composer.fill("zeppelin draft");
  // The list tells a draft when it is on disk; before that, a page that goes may take it along.
  await ada.page.getByText("zeppelin draft").and(ada.page.locator(":not(textarea)")).waitFor();
  await ada.page.goto(new URL("/settings", ada.page.url()).href);
  await ada.page.goto(new URL("/", ada.page.url()).href);
  await ada.page.getByText("zeppelin draft").waitFor();

  const stored = await ada.page.evaluate(dumpStorage);

  expect(stored.length).toBeGreaterThan(10_000);
  for (const word of [
    "xylophone",
    "zeppelin",
    "correct horse",
    "Adalovelacename",
    "Says back what",
  ])
    expect(stored.includes(word), word).toBe(false);
});

/** Runs in the page: every key and value of every database, and every cached answer from the relay's API, as text. */
async function dumpStorage(): Promise<string> {
  const seen: string[] = [];
  const latin1 = new TextDecoder("latin1");
  const add = (value: unknown): void => {
    if (value instanceof ArrayBuffer) seen.push(latin1.decode(value));
    else if (ArrayBuffer.isView(value)) seen.push(latin1.decode(value));
    else if (Array.isArray(value)) value.forEach(add);
    else if (value instanceof Map) [...value].forEach(add);
    else if (typeof value === "object" && value !== null)
      Object.entries(value).forEach(([key, inner]) => {
        seen.push(key);
        add(inner);
      });
    else seen.push(String(value));
  };
  const done = <Value>(request: IDBRequest<Value>): Promise<Value> =>
    new Promise((resolve, reject) => {
      request.addEventListener("success", () => resolve(request.result));
      request.addEventListener("error", () => reject(request.error ?? new Error("no answer")));
    });
  for (const { name } of await indexedDB.databases()) {
    const database = await done(indexedDB.open(name ?? ""));
    for (const storeName of database.objectStoreNames) {
      const store = database.transaction(storeName).objectStore(storeName);
      add(await done(store.getAllKeys()));
      add(await done(store.getAll()));
    }
    database.close();
  }
  for (const cacheName of await caches.keys()) {
    const cache = await caches.open(cacheName);
    for (const request of await cache.keys()) {
      seen.push(request.url);
      // The app's own files are public; they hold every word of the product.
      const isBuilt = /\.(js|css|html|woff2|svg|png|webmanifest)$|\/$/.test(request.url);
      if (!isBuilt) add(await (await cache.match(request))?.arrayBuffer());
    }
  }
  add({ ...localStorage });
  add({ ...sessionStorage });
  return seen.join("\n");
}

test("[U153] a page whose worker dies starts anew where it was, and stays with words that were not stored", async ({
  join,
}) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  await ada.say("before");
  await ada.expectMessage("before");
  const draft = "half a thought";
  await ada.composer.fill(draft);
  await ada.draftKept(draft);
  const dies = async (): Promise<void> => {
    const engine = await ada.engineWorker();
    await engine.evaluate(() => {
      setTimeout(() => {
        throw new Error("a fault");
      });
    });
  };

  const anew = ada.page.waitForEvent("load");
  await dies();
  await anew;

  await expect(ada.composer).toHaveValue(draft);
  await expect(ada.row("before")).not.toHaveCount(0);
  await dies();
  await expect(
    ada.page.locator("h2", { hasText: "The part that opens your messages has stopped" }),
  ).toBeVisible();
  await ada.composer.fill("typed after it");
  await expect(ada.composer).toHaveValue("typed after it");
  ada.complaints.splice(0);
});
