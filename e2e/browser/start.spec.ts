import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "playwright/test";
import { freePort } from "../../src/start/free-port.ts";
import { Person } from "./person.ts";

/** What `npm start` runs; settles when it says that it is ready. */
async function start(port: number, folder: string) {
  const launcher = spawn(process.execPath, ["src/start/main.ts"], {
    env: { ...process.env, PARLEY_PORT: String(port), PARLEY_DATA: folder },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<number | null>((resolve) => launcher.once("exit", resolve));
  const url = await new Promise<string>((resolve, reject) => {
    let said = "";
    launcher.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      const ready = /^Parley is ready at (\S+)\n/m.exec(said)?.[1];
      if (ready !== undefined) resolve(ready);
    });
    void ended.then((code) => reject(new Error(`ended with code ${code}`)));
  });
  return {
    url,
    /** Ends it as Ctrl-C does. */
    interrupt: (): Promise<number | null> => {
      launcher.kill("SIGINT");
      return ended;
    },
  };
}

test("one command starts everything, Ctrl-C ends it, and a second start knows all again", async ({
  browser,
}) => {
  const folder = mkdtempSync(join(tmpdir(), "parley-start-"));
  const port = await freePort();
  try {
    const first = await start(port, folder);
    const ada = await Person.join(browser, first.url, { name: "Ada" });
    await ada.startWith("Echo");
    await ada.say("remember me");
    await expect(ada.row("remember me")).toHaveCount(2);
    expect(ada.complaints).toEqual([]);
    expect(await first.interrupt()).toBe(0);

    const second = await start(port, folder);
    await ada.page.goto(second.url);
    await ada.openConversation("Echo");
    await expect(ada.row("remember me")).toHaveCount(2);
    await ada.say("and again");
    await expect(ada.row("and again")).toHaveCount(2);
    // While the server was away, the page's fetches failed.
    ada.complaints.splice(0);
    await ada.leave();
    expect(await second.interrupt()).toBe(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
