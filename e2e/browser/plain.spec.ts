import { expect, test as base } from "playwright/test";
import { startMyAgentServer, type MyAgentServer } from "../world/plain/myagent-server.ts";
import { startTpclawServer, type TpclawServer } from "../world/plain/tpclaw-server.ts";
import { freePort } from "../../src/start/free-port.ts";
import { chatScriptsOf, linesOf } from "../world/plain/transcript.ts";
import { startWorld, type World } from "../world/processes.ts";
import { seriousIn } from "./axe.ts";
import { Person } from "./person.ts";

type Servers = {
  readonly chat: MyAgentServer;
  readonly asking: MyAgentServer;
  readonly planning: MyAgentServer;
  readonly tpclaw: TpclawServer;
  readonly feed: TpclawServer;
  readonly slow: MyAgentServer;
  readonly flooding: TpclawServer;
  readonly failing: TpclawServer;
  readonly closed: TpclawServer;
};
type Stage = Servers & { readonly world: World; readonly ports: { readonly dying: number } };

const test = base.extend<{ readonly ada: Person }, { readonly at: Stage }>({
  at: [
    async ({}, use) => {
      const servers: Servers = {
        chat: await startMyAgentServer({ deltaMs: 20 }),
        asking: await startMyAgentServer({
          scripts: chatScriptsOf("tool_confirm_accept"),
          confirmMs: 120_000,
        }),
        planning: await startMyAgentServer({ kind: "plan", taskMs: 400, confirmMs: 120_000 }),
        tpclaw: await startTpclawServer({ apiKey: "sk-1", speed: 2 }),
        feed: await startTpclawServer({ socket: "feed" }),
        slow: await startMyAgentServer({ stepMs: 400 }),
        flooding: await startTpclawServer({ flood: 300 }),
        failing: await startTpclawServer({ failsAsText: true }),
        closed: await startTpclawServer({ cors: false }),
      };
      const ports = { dying: await freePort() };
      const origins = Object.values(servers)
        .flatMap((server) =>
          "socketUrl" in server ? [server.url, server.socketUrl] : [server.url],
        )
        .map((url) => new URL(url).origin)
        .concat(`ws://127.0.0.1:${ports.dying}`);
      // The deployment says whom its pages may speak to.
      const world = await startWorld({ agents: [], env: { PARLEY_CONNECT: origins.join(",") } });
      await use({ ...servers, ports, world });
      await world.close();
      for (const server of Object.values(servers)) await server.close();
    },
    { scope: "worker", timeout: 600_000 },
  ],
  ada: async ({ at, browser }, use) => {
    const ada = await Person.join(browser, at.world.url, { name: "Ada" });
    await ada.page.getByRole("button", { name: /^(Later|Skip)/ }).click();
    await use(ada);
    await ada.leave();
  },
});

type Added = {
  readonly kind: RegExp;
  readonly url: string;
  readonly name: string;
  readonly key?: string;
};

async function add({ page }: Person, { kind, url, name, key }: Added): Promise<void> {
  await page.getByRole("button", { name: "New conversation" }).first().click();
  await page.getByRole("button", { name: "Add an agent by its address" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Kind of server").click();
  await page.getByRole("option", { name: kind }).click();
  await dialog.getByLabel("Address", { exact: true }).fill(url);
  await dialog.getByLabel("Name in your list").fill(name);
  if (key !== undefined) await dialog.getByLabel(/^Key/).fill(key);
  await dialog.getByRole("button", { name: "Add agent" }).click();
  await expect(page.getByRole("heading", { name, exact: true })).toBeVisible();
}

test("[U82] a MyAgent server: the badge, an answer with its tools, and nothing it cannot do", async ({
  at,
  ada,
}) => {
  const { page } = ada;
  await add(ada, { kind: /^MyAgent/, url: at.chat.url, name: "Weather" });
  await expect(page.getByText("Not end-to-end encrypted")).toBeVisible();
  await ada.say("What is the weather in Oslo?");

  await ada.expectMessage("bold text");
  const answer = ada.row("bold text").last();
  await expect(answer.getByRole("heading", { name: /get_weather/ })).toBeVisible();
  await expect(answer.getByRole("code").filter({ hasText: "print" })).toBeVisible();
  await answer.hover();
  await expect(answer.getByRole("button", { name: "Reply" })).toHaveCount(0);
  expect(await seriousIn(page)).toEqual([]);
});

test("[U81] a confirmation is answered once and a plan is edited before it runs", async ({
  at,
  ada,
}) => {
  const { page } = ada;
  await add(ada, { kind: /^MyAgent/, url: at.asking.url, name: "Careful" });
  await ada.say("delete it");
  await page.getByRole("button", { name: "Allow" }).click();
  await ada.expectMessage("bold text");
  await expect(page.getByRole("button", { name: "Allow" })).toHaveCount(0);

  await add(ada, { kind: /^MyAgent/, url: at.planning.url, name: "Planner" });
  await ada.say("Write a report in 2 tasks");
  await page.getByRole("button", { name: "Edit tasks" }).click();
  await page.getByLabel("Title of task 1").fill("Part one, renamed");
  await page.getByRole("button", { name: "Remove task 2" }).click();
  await page.getByRole("radio", { name: "JSON" }).click();
  await expect(page.getByRole("textbox", { name: "Tasks" })).toHaveValue(/renamed/);
  await page.getByRole("button", { name: "Carry out" }).click();

  await expect(page.getByRole("heading", { name: "Part one, renamed" })).toBeVisible();
  expect(
    at.planning.heard
      .filter(({ event }) => event === "user.response")
      .map(({ content }) => content),
  ).toMatchObject([{ confirmed: true, tasks: [{ id: 1, title: "Part one, renamed" }] }]);
});

test("[U82] TPCLAW both ways: completions with a key, and the socket", async ({ at, ada }) => {
  await add(ada, { kind: /TPCLAW, chat/, url: at.tpclaw.url, name: "Files", key: "sk-1" });
  await ada.say("use-tool");
  await ada.expectMessage("The file says hello.");
  await add(ada, { kind: /TPCLAW, socket/, url: at.tpclaw.socketUrl, name: "Echo" });
  await ada.say("hi there");
  await ada.expectMessage("You said hi there");
});

test("[U82] what was said is there after a reload, and what cannot work is refused in words", async ({
  at,
  ada,
}) => {
  const { page } = ada;
  await add(ada, { kind: /^MyAgent/, url: at.chat.url, name: "Weather" });
  await ada.say("What is the weather in Oslo?");
  await ada.expectMessage("bold text");
  await page.reload();
  await ada.expectMessage("bold text");
  await page.getByRole("button", { name: "New conversation" }).first().click();
  await page.getByRole("button", { name: "Add an agent by its address" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Address", { exact: true }).fill("ftp://h.example");
  await dialog.getByRole("button", { name: "Add agent" }).click();

  await expect(dialog.getByRole("alert")).toContainText("Only ws, wss, http and https");
});

test("[U83] a feed is watched while a person wants to: runs in both shapes, and out of sight when the line breaks", async ({
  at,
  ada,
}) => {
  const { page } = ada;
  await add(ada, { kind: /TPCLAW, chat/, url: at.feed.url, name: "Busy" });
  await page.getByRole("button", { name: "Details" }).click();
  const panel = page.getByRole("region", { name: "Live activity" });
  await panel.getByRole("switch", { name: "Live activity" }).click();
  await expect(panel.getByText("Reports come as they happen.")).toBeVisible();

  const says = (type: string, payload: object): void =>
    at.feed.say({ id: "e", type, agentId: "main", taskId: "t-1", payload });
  says("tool", { tool: "read", args: { path: "a" } });
  says("progress", { progress: 50, message: "half way" });
  await expect(panel.getByText("at work · 50 % · half way")).toBeVisible();
  says("tool_result", { content: "A" });
  says("text", { content: "Looked into the folder." });
  says("done", { content: "" });
  await expect(
    panel.getByRole("listitem").filter({ hasText: "read · done" }).first(),
  ).toBeVisible();
  await expect(panel.getByText("Looked into the folder.")).toBeVisible();
  for (const event of linesOf("tpclaw/30-agui-emitter-failing-tool")) at.feed.say(event);
  const flat = panel.getByRole("listitem").filter({ hasText: "boom-tool" }).first();
  await expect(flat).toContainText("boom · failed");
  await expect(flat).toContainText("The file says hello.");

  await panel.getByRole("switch", { name: "Live activity" }).click();
  await expect(panel.getByText("boom-tool")).toHaveCount(0);
  await expect.poll(() => at.feed.clients()).toBe(0);
});

test("[U80] own tasks are run without a plan, and a plan is made anew for another question", async ({
  at,
  ada,
}) => {
  const { page } = ada;
  await add(ada, { kind: /^MyAgent/, url: at.planning.url, name: "Worker" });
  await page.getByRole("button", { name: "Agent actions" }).click();
  await page.getByRole("menuitem", { name: "Run own tasks" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Title of task 1").fill("Count the chairs");
  await dialog.getByRole("button", { name: "Carry out" }).click();
  const pipeline = ada.log.getByRole("article", { name: /Plan/ }).last();
  await expect(pipeline).toContainText("Count the chairs");
  await expect(pipeline).toContainText("Done · 1/1");

  await ada.say("Write a report in 3 tasks");
  await expect(page.getByRole("button", { name: "Edit tasks" })).toBeVisible();
  await page.getByRole("button", { name: "Plan again" }).last().click();
  await dialog.getByLabel("Question").fill("Write a report in 1 tasks");
  await dialog.getByRole("button", { name: "Plan again" }).click();
  await expect(ada.log.getByText(/^Plan again: the server accepted; it happened\./)).toBeVisible();
  await page.getByRole("button", { name: "Carry out" }).click();
  await expect(ada.log.getByText("Done · 2/2")).toHaveCount(1);

  expect(
    at.planning.heard
      .filter(({ event }) => event === "user.solve_tasks" || event === "user.replan")
      .map(({ event, content }) => ({ event, content })),
  ).toMatchObject([
    { event: "user.solve_tasks", content: { tasks: [{ id: 1, title: "Count the chairs" }] } },
    { event: "user.replan", content: { question: "Write a report in 1 tasks" } },
  ]);
});

test("[U81] a server that dies in mid-answer: the turn is lost in words, the next question waits and is answered", async ({
  at,
  ada,
}) => {
  const { page } = ada;
  const first = await startMyAgentServer({
    scripts: chatScriptsOf("cancel"),
    port: at.ports.dying,
  });
  await add(ada, { kind: /^MyAgent/, url: first.url, name: "Mortal" });
  await ada.say("use the slow tool");
  await expect(ada.log.getByRole("heading", { name: "slow_tool" })).toBeVisible();
  await first.close();
  await ada.expectMessage("The line to the agent broke.");
  await ada.expectMessage("The line is down.");
  await expect(page.getByText(/^No connection\. Next try/)).toBeVisible();
  await ada.say("are you there?");

  const second = await startMyAgentServer({ port: at.ports.dying, deltaMs: 5 });
  const retry = page.getByRole("button", { name: "Try now" });
  await expect(async () => {
    // The line may come back by itself before anybody asks it to.
    if (await retry.isVisible()) await retry.click({ timeout: 1_000 });
    await expect(page.getByText(/^Connected/)).toBeVisible({ timeout: 2_000 });
  }).toPass();
  await ada.expectMessage("bold text");
  await ada.expectMessage("Lost with the connection");
  await second.close();

  expect(ada.complaints.filter((complaint) => !isAboutLines(complaint))).toEqual([]);
  ada.complaints.length = 0;
});

test("[U81] garbage and a frame of 10 MB change no answer and never freeze the page", async ({
  at,
  ada,
}) => {
  const { page } = ada;
  await add(ada, { kind: /^MyAgent/, url: at.slow.url, name: "Noisy" });
  await ada.say("What is the weather in Oslo?");
  await expect(ada.log.getByRole("heading", { name: "get_weather" })).toBeVisible();
  at.slow.raw("{nonsense");
  at.slow.raw(JSON.stringify({ event: "made.up", content: "x".repeat(10_000_000) }));
  at.slow.raw("[1,2]");
  await ada.composer.fill("typing goes on");

  await ada.expectMessage("bold text");
  await expect(page.getByText(/could not be read/)).toBeVisible();
  await expect(ada.composer).toHaveValue("typing goes on");
  await ada.composer.fill("");
  await expect(page.getByText(/unread/)).toHaveCount(0);
});

test("[U81] a reader that falls behind, an error as text, and a server that lets no page in are told in words", async ({
  at,
  ada,
}) => {
  await add(ada, { kind: /TPCLAW, chat/, url: at.flooding.url, name: "Flood" });
  await ada.say("all of it");
  await expect(ada.row("xxxxxxxx").last()).toBeVisible();
  await expect(ada.page.getByRole("button", { name: /^Stop/ })).toHaveCount(0);

  await add(ada, { kind: /TPCLAW, chat/, url: at.failing.url, name: "Failing" });
  await ada.say("hello");
  await ada.expectMessage("The agent failed.");
  await ada.expectMessage("[NodeRunError] error, status code: 401");

  await add(ada, { kind: /TPCLAW, chat/, url: at.closed.url, name: "Closed" });
  await ada.say("hello");
  await ada.expectMessage("The agent server does not answer.");
  await ada.expectMessage("Does the server allow other origins?");

  expect(ada.complaints.filter((complaint) => !isAboutLines(complaint))).toEqual([]);
  ada.complaints.length = 0;
});

test("[U82] a chat server is asked for its models, and a key it does not take is told in words", async ({
  at,
  ada,
}) => {
  const { page } = ada;
  await page.getByRole("button", { name: "New conversation" }).first().click();
  await page.getByRole("button", { name: "Add an agent by its address" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Kind of server").click();
  await page.getByRole("option", { name: /^OpenAI-compatible/ }).click();
  await dialog.getByLabel("Address", { exact: true }).fill(at.tpclaw.url);
  await dialog.getByLabel(/^Key/).fill("sk-wrong");
  await dialog.getByRole("button", { name: "Ask the server for its models" }).click();
  await expect(dialog.getByRole("alert")).toContainText("key");

  await dialog.getByLabel(/^Key/).fill("sk-1");
  await dialog.getByRole("button", { name: "Ask the server for its models" }).click();
  await expect(dialog.getByRole("combobox", { name: "Model" })).toContainText("main");
  await dialog.getByRole("button", { name: "Add agent" }).click();
  await ada.say("hello");
  await ada.expectMessage("The file says hello.");

  expect(ada.complaints.filter((complaint) => !isAboutLines(complaint))).toEqual([]);
  ada.complaints.length = 0;
});

/** A browser tells every line that breaks on its console; nothing else may be there. */
const isAboutLines = (complaint: string): boolean =>
  /WebSocket connection to|net::ERR_|blocked by CORS policy|status of 401/.test(complaint);
