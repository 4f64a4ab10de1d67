import { expect, test } from "./journey.ts";
import { meetProgram } from "./meet-program.ts";

test("an own message goes from sent to delivered", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");

  await ada.say("are you there");

  await expect(ada.row("are you there").first().getByText("Delivered")).toBeAttached();
});

test("Markdown is drawn, HTML is not, and nothing is fetched", async ({ join, world }) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Guide");
  const foreign: string[] = [];
  ada.page.on("request", (request) => {
    if (!request.url().startsWith(world.url) && !request.url().startsWith("blob:"))
      foreign.push(request.url());
  });

  await ada.say("show me formatting");
  const answer = ada.row("GitHub-flavoured Markdown").last();

  await expect(answer.getByRole("heading", { name: "Formatting" })).toBeVisible();
  await expect(answer.getByRole("heading", { name: "A table" })).toBeVisible();
  await expect(answer.getByRole("table")).toBeVisible();
  await expect(answer.getByRole("img", { name: "Not done" })).toBeVisible();
  await expect(answer.getByText("const agent = await HasheeAgent.init();")).toBeVisible();
  await expect(answer.locator("blockquote").first()).toBeVisible();
  await expect(answer.locator("del")).toHaveText("struck out");
  await expect(answer.getByText("A lighthouse at dusk")).toBeVisible();
  await expect(answer.getByText("not bold")).toBeVisible();
  await expect(answer.locator("img, script, style, iframe, b")).toHaveCount(0);
  expect(foreign).toEqual([]);
});

test("named characters are drawn without asking the page's HTML parser", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");

  await ada.say("AT&amp;T &copy; &frac12;");

  // What people write is text as it stands; what agents write is Markdown.
  await expect(ada.row("AT&T © ½")).toHaveCount(1);
});

test("code is copied as it was written", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  await ada.say("```ts\nconst answer = 42;\n```");
  await expect(ada.row("const answer = 42;")).toHaveCount(2);

  const answer = ada.row("const answer = 42;").last();
  const copied = await ada.copies(() => answer.getByRole("button", { name: "Copy code" }).click());

  expect(copied).toBe("const answer = 42;");
});

test("a link names its true host before it opens", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  await ada.say("[www.bank.example](https://evil.example/login)");
  await expect(ada.row("www.bank.example")).toHaveCount(2);

  await ada.row("www.bank.example").last().getByRole("link", { name: "www.bank.example" }).click();

  const prompt = ada.page.getByRole("dialog", { name: "Open this link?" });
  await expect(prompt).toContainText("evil.example");
  await expect(prompt).toContainText("The link text names another address");
  await prompt.getByRole("button", { name: "Cancel" }).click();
});

test("a reply shows what it answers and leads back to it", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  await ada.say("the first thing");
  await expect(ada.row("the first thing")).toHaveCount(2);

  await ada.act(ada.row("the first thing").last(), "Reply");
  await ada.say("about that");

  const reply = ada.row("about that").first();
  await expect(reply.getByText("the first thing")).toBeVisible();
  await reply.getByRole("button", { name: /Go to the message by/ }).click();
  await expect(ada.row("the first thing").last()).toBeInViewport();
});

test("typing appears while the agent works and goes with its message", async ({ join, world }) => {
  const ada = await join({ name: "Ada" });
  const agent = await meetProgram(ada, world, "e2e/world/halting-agent.ts");

  await ada.say("type");

  const sign = ada.page.getByRole("main").getByText("Worker is writing");
  await expect(sign).toBeVisible();
  process.kill(agent.pid, "SIGUSR2");
  await ada.expectMessage("that was what I wrote");
  await expect(sign).toBeHidden();
  await agent.kill();
});

test("what is taken back leaves a tombstone on both sides", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Guide");
  await ada.say("recall something");
  await expect(ada.page.getByText("Guide took this message back.")).toBeVisible();

  await ada.say("I regret this");
  await ada.expectMessage("I regret this");
  await ada.act(ada.row("I regret this").first(), "Take back");

  await expect(ada.page.getByText("You took this message back.")).toBeVisible();
  await expect(ada.log.getByText("I regret this", { exact: true })).toHaveCount(0);
});

test("news in another conversation is counted until it is read", async ({ join, world }) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  const row = ada.page
    .getByRole("navigation", { name: "Conversations" })
    .getByRole("link", { name: /Echo/ });
  // The answer comes when the conversation is left for sure.
  const echo = world.agents.get("Echo");
  echo?.pause();
  await ada.say("any news");
  await expect(ada.row("any news").getByText("Sent", { exact: true })).toBeAttached();
  await ada.page.goto(new URL("/", ada.page.url()).href);
  await expect(row).toBeVisible();
  echo?.goOn();

  await expect(row).toContainText(/unread/);
  await row.click();
  await expect(ada.row("any news")).toHaveCount(2);
  await expect(row).not.toContainText(/unread/);
  await ada.page.goto(new URL("/", ada.page.url()).href);

  await expect(row).toBeVisible();
  await expect(row).not.toContainText(/unread/);
});

test("a pinned message stands over the thread and leads to itself", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  await ada.say("remember the tide tables");
  await expect(ada.row("remember the tide tables")).toHaveCount(2);

  await ada.act(ada.row("remember the tide tables").last(), "Pin for everyone");
  await expect(ada.log.getByText("Ada pinned a message.")).toBeAttached();
  await ada.page.getByRole("button", { name: "1 pinned message" }).click();
  await ada.page.getByRole("menuitem", { name: /remember the tide tables/ }).click();
  await expect(ada.row("remember the tide tables").last()).toBeInViewport();

  await ada.act(ada.row("remember the tide tables").last(), "Release the pin");
  await expect(ada.page.getByRole("button", { name: "1 pinned message" })).toHaveCount(0);
});

test("a reaction is given with its picker, counted, and taken back", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  await ada.say("high tide at noon");
  const answer = ada.row("high tide at noon").last();
  await expect(ada.row("high tide at noon")).toHaveCount(2);

  await ada.useTool(answer, "React");
  await ada.page.getByRole("button", { name: "👍", exact: true }).click();
  const given = answer.getByRole("button", { pressed: true });
  await expect(given).toContainText("1");
  await given.click();

  await expect(given).toHaveCount(0);
});

test("a conversation that is not here says so, and on a phone leads back to the others", async ({
  world,
  join,
}) => {
  const ada = await join({ name: "Ada", width: 390 });
  await ada.startWith("Echo");

  await ada.page.goto(`${world.url}/c/01900000-0000-7000-8000-000000000001`);
  await expect(
    ada.page.getByRole("heading", { name: "This conversation is not here" }),
  ).toBeVisible();
  await ada.page.getByRole("link", { name: "Conversations", exact: true }).click();

  await ada.openConversation("Echo");
});
