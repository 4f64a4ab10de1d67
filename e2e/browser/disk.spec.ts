import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, type Browser } from "playwright/test";
import { startWorld, type World } from "../world/processes.ts";
import { Person } from "./person.ts";

type Disk = { isForbidden: boolean; isFull: boolean; versionsAhead: number };

/**
 * Runs in the worker before anything else: the disk is forbidden until the journey says otherwise, and may be full or
 * asked for by a later version of the app.
 */
function obeyDisk(): void {
  const disk = Object.assign(globalThis as unknown as Disk, { isForbidden: true });
  const { put } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = function (...given) {
    if (disk.isFull) throw new DOMException("No room.", "QuotaExceededError");
    return put.apply(this, given);
  };
  const { open } = IDBFactory.prototype;
  IDBFactory.prototype.open = function (name, version = 1) {
    if (disk.isForbidden) throw new DOMException("Not here.", "SecurityError");
    return open.call(this, name, version + (disk.versionsAhead ?? 0));
  };
}

let world: World;
let built: string;

test.beforeAll(async () => {
  built = mkdtempSync(join(tmpdir(), "parley-dist-"));
  cpSync("dist", built, { recursive: true });
  for (const file of globSync("assets/worker-*.js", { cwd: built })) {
    const path = join(built, file);
    writeFileSync(path, `(${obeyDisk})();${readFileSync(path, "utf8")}`);
  }
  world = await startWorld({ agents: ["Echo"], env: { PARLEY_DIST: built } });
});
test.afterAll(async () => {
  await world.close();
  rmSync(built, { recursive: true, force: true });
});

const FORBIDDEN = "This browser does not let the app store anything";

/** The person reads that nothing can be stored, allows it, and asks again. */
async function allowDisk(person: Person, disk: Partial<Disk> = {}): Promise<void> {
  const { page } = person;
  await expect(page.getByText(FORBIDDEN)).toBeVisible();
  const worker = await person.engineWorker();
  await worker.evaluate((set) => Object.assign(globalThis, set), { isForbidden: false, ...disk });
  await page.getByRole("button", { name: "Try again" }).click();
}

/** A newcomer who met Echo and said one thing, on a disk that was forbidden at first. */
async function newcomer(browser: Browser, said: string, password: string | null): Promise<Person> {
  const ada = await Person.arrive(browser, world.url, {
    name: "Ada",
    isWithoutServiceWorker: password === null,
  });
  await allowDisk(ada);
  await ada.makeAccount(password);
  await ada.startWith("Echo");
  await ada.say(said);
  await expect(ada.row(said)).toHaveCount(2);
  return ada;
}

test("[U143] a full disk is told, keeps what was typed, and everything goes on once there is room", async ({
  browser,
}) => {
  const ada = await newcomer(browser, "while there was room", null);
  const worker = await ada.engineWorker();
  const full = ada.page
    .locator('[role="alertdialog"]')
    .filter({ hasText: "There is no room left on this device" });

  // The message is on the line when the disk fills up: neither its place nor its answer can be kept.
  await worker.evaluate(() => {
    const { send } = WebSocket.prototype;
    let isDue = true;
    WebSocket.prototype.send = function (said) {
      if (isDue && String(said).includes('"message.send"')) {
        isDue = false;
        Object.assign(globalThis, { isFull: true });
      }
      send.call(this, said);
    };
  });
  await ada.say("the last that fits");
  await expect(full).toBeVisible();
  await ada.say("one too many");
  await expect(ada.composer).toHaveValue("one too many");
  await expect(ada.row("while there was room")).toHaveCount(2);
  await expect(full).toHaveCount(1);

  await worker.evaluate(() => void Object.assign(globalThis, { isFull: false }));
  await expect(ada.row("the last that fits")).toHaveCount(2);
  await ada.composer.press("Enter");
  await expect(ada.row("one too many")).toHaveCount(2);
  await ada.page.reload();
  await allowDisk(ada);
  await expect(ada.row("the last that fits")).toHaveCount(2);
  await expect(ada.row("one too many")).toHaveCount(2);
  await ada.context.close();
});

test("[U85] [N151] a database that goes while the page is open leads to the ways back", async ({
  browser,
}) => {
  const ada = await newcomer(browser, "before", "correct horse battery");
  const devtools = await ada.context.newCDPSession(ada.page);

  await devtools.send("Storage.clearDataForOrigin", {
    origin: new URL(world.url).origin,
    storageTypes: "indexeddb",
  });

  await expect(
    ada.page.getByRole("heading", { name: "Your conversations are gone from this browser" }),
  ).toBeVisible();
  await expect(ada.page.getByRole("button", { name: "Sign in with the password" })).toBeVisible();
  await ada.context.close();
});

test("[U143] [N150] a disk that is forbidden or held by another version is named, and asked again without a reload", async ({
  browser,
}) => {
  const ada = await newcomer(browser, "said by the older version", null);
  const url = ada.page.url();

  await ada.page.goto("about:blank");
  const older = await ada.openTab(`${world.url}/robots.txt`);
  await older.evaluate(
    () =>
      new Promise((resolve) => {
        const opening = indexedDB.open("parley");
        opening.addEventListener("success", () =>
          resolve(Object.assign(globalThis, { held: opening.result }) && null),
        );
      }),
  );
  await ada.page.goto(url);
  await allowDisk(ada, { versionsAhead: 1 });
  await expect(
    ada.page.getByText("An older version of the app is open in another tab"),
  ).toBeVisible();
  await older.close();
  // What waited for the other tab may take a moment to let go.
  await expect(async () => {
    const again = ada.page.getByRole("button", { name: "Try again" });
    if (await again.isVisible()) await again.click({ timeout: 5_000 });
    await expect(ada.row("said by the older version")).toHaveCount(2);
  }).toPass();

  // The other way round: a tab of a newer version takes the disk from this one.
  const newer = await ada.openTab(`${world.url}/robots.txt`);
  await newer.evaluate(() => void indexedDB.open("parley", 1_000));
  await expect(
    ada.page.getByText("A newer version of the app has been at work here"),
  ).toBeVisible();
  await ada.context.close();
});
