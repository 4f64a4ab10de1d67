/** A person at a browser: what the journeys do, in the words the screen uses. */
import type { Browser, BrowserContext, Locator, Page, Worker } from "playwright/test";
import { expect as bareExpect } from "playwright/test";

/** Waits as long as the runner's own: what runs without the runner would give a busy machine five seconds. */
export const expect = bareExpect.configure({ timeout: 60_000 });

export type JoinOptions = {
  readonly name: string;
  readonly password?: string;
  readonly width?: number;
  readonly theme?: "light" | "dark";
  readonly locale?: string;
  /** A window in which no service worker may run. */
  readonly isWithoutServiceWorker?: boolean;
};

export class Person {
  page: Page;
  readonly context: BrowserContext;
  readonly name: string;
  /** Console errors and warnings, page errors and policy reports; a journey ends with none. */
  readonly complaints: string[] = [];

  private constructor(context: BrowserContext, page: Page, name: string) {
    this.context = context;
    this.page = page;
    this.name = name;
    this.listen(page);
  }

  /** Opens a fresh browser profile at `url` without making an account. */
  static async arrive(browser: Browser, url: string, options: JoinOptions): Promise<Person> {
    const context = await browser.newContext({
      viewport: { width: options.width ?? 1280, height: options.width === 390 ? 844 : 800 },
      colorScheme: options.theme ?? "light",
      locale: options.locale ?? "en-GB",
      permissions: ["clipboard-read", "clipboard-write"],
      serviceWorkers: options.isWithoutServiceWorker === true ? "block" : "allow",
    });
    const page = await context.newPage();
    const person = new Person(context, page, options.name);
    await page.goto(url);
    return person;
  }

  /** Arrives and makes an account; stops where a first conversation is offered. */
  static async join(browser: Browser, url: string, options: JoinOptions): Promise<Person> {
    const person = await Person.arrive(browser, url, options);
    await person.makeAccount(options.password ?? null);
    return person;
  }

  async makeAccount(password: string | null): Promise<void> {
    const { page } = this;
    await page.getByLabel("Your name").fill(this.name);
    await page.getByRole("button", { name: "Continue" }).click();
    if (password === null) await page.getByRole("button", { name: "Set it later" }).click();
    else {
      await page.getByLabel("Password", { exact: true }).fill(password);
      await page.getByRole("button", { name: "Create account" }).click();
    }
    await expect(page.getByRole("heading", { name: "Start a first conversation" })).toBeVisible();
  }

  /** From the first-conversation step: talks with an offered agent. */
  async startWith(agentName: string): Promise<void> {
    await this.page
      .getByRole("listitem")
      .filter({ hasText: agentName })
      .getByRole("button", { name: /^Start/ })
      .click();
    await expect(this.composer).toBeVisible();
    // It speaks first: a question put before that would stand before its greeting.
    if (agentName === "Guide") await this.expectMessage("Where to begin");
  }

  /** A second tab of the same profile. */
  async openTab(url: string): Promise<Page> {
    const page = await this.context.newPage();
    this.listen(page);
    await page.goto(url);
    return page;
  }

  /** The tab's process dies, with its worker: nothing in it runs to its end. */
  async killTab(page = this.page): Promise<void> {
    const devtools = await this.context.newCDPSession(page);
    const died = page.waitForEvent("crash");
    // Nobody is left to answer.
    void devtools.send("Page.crash").catch(() => undefined);
    await died;
    await page.close();
  }

  /** A new tab takes the place of the one that is gone. */
  async comeBack(url: string): Promise<void> {
    this.page = await this.openTab(url);
  }

  /** The worker that holds the keys and the line, of a tab. */
  async engineWorker(page = this.page): Promise<Worker> {
    const isEngine = (worker: Worker): boolean => /\/assets\/worker-[^/]*\.js/.test(worker.url());
    return page.workers().find(isEngine) ?? page.waitForEvent("worker", { predicate: isEngine });
  }

  /** Resolves when what is being written lies on disk: the list tells a draft no sooner. */
  async draftKept(text: string): Promise<void> {
    await this.page.getByText(text).and(this.page.locator(":not(textarea)")).waitFor();
  }

  get composer(): Locator {
    return this.page.getByRole("textbox", { name: /^Message / });
  }

  get log(): Locator {
    return this.page.getByRole("log", { name: "Messages" });
  }

  /** The rows of the thread that hold `text`. */
  row(text: string | RegExp): Locator {
    return this.log.getByRole("article").filter({ hasText: text });
  }

  async say(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press("Enter");
  }

  async expectMessage(text: string | RegExp): Promise<void> {
    await expect(this.row(text).last()).toBeVisible();
  }

  async openConversation(title: string | RegExp): Promise<void> {
    await this.page
      .getByRole("navigation", { name: "Conversations" })
      .getByRole("link", { name: title })
      .first()
      .click();
    await expect(this.composer).toBeVisible();
  }

  /** An action of a message: one of its buttons, or one behind "More". */
  async act(row: Locator, action: string): Promise<void> {
    if (action === "Reply") return this.useTool(row, action);
    await this.useTool(row, "More");
    await this.page.getByRole("menuitem", { name: action }).click();
  }

  /** Presses a button that a row shows while the pointer is on it; what arrives may push the row from under it. */
  async useTool(row: Locator, name: string): Promise<void> {
    const tools = row.getByRole("toolbar", { name: "Message actions" });
    await expect(async () => {
      await row.hover({ timeout: 5_000 });
      await tools.getByRole("button", { name }).click({ timeout: 5_000 });
    }).toPass();
  }

  /** What lies on the clipboard once `press` has put it there. */
  async copies(press: () => Promise<void>): Promise<string> {
    const read = (): Promise<string> => this.page.evaluate(() => navigator.clipboard.readText());
    await this.page.evaluate(() => navigator.clipboard.writeText(""));
    await press();
    await expect.poll(read).not.toBe("");
    return read();
  }

  /** The browser loses what it stored of the app, as browsers do, and opens the app anew. */
  async loseStorage(url: string): Promise<void> {
    await this.page.goto("about:blank");
    const browser = await this.context.newCDPSession(this.page);
    await browser.send("Storage.clearDataForOrigin", {
      origin: new URL(url).origin,
      storageTypes: "indexeddb",
    });
    await this.page.goto(url);
  }

  async leave(): Promise<void> {
    expect(this.complaints).toEqual([]);
    await this.context.close();
  }

  private listen(page: Page): void {
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning")
        this.complaints.push(`${message.type()}: ${message.text()}`);
    });
    page.on("pageerror", (error) => this.complaints.push(`error: ${error.message}`));
  }
}
