import { AxeBuilder } from "@axe-core/playwright";
import { expect, test as base } from "playwright/test";
import { startMyAgentServer, type MyAgentServer } from "../world/plain/myagent-server.ts";
import { startTpclawServer, type TpclawServer } from "../world/plain/tpclaw-server.ts";
import { chatScriptsOf } from "../world/plain/transcript.ts";
import { startWorld, type World } from "../world/processes.ts";
import { Person } from "./person.ts";

type Servers = {
  readonly chat: MyAgentServer;
  readonly asking: MyAgentServer;
  readonly planning: MyAgentServer;
  readonly tpclaw: TpclawServer;
};

const test = base.extend<{ readonly ada: Person }, { readonly at: Servers & { world: World } }>({
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
      };
      const origins = [
        servers.chat.url,
        servers.asking.url,
        servers.planning.url,
        new URL(servers.tpclaw.url).origin,
        new URL(servers.tpclaw.socketUrl).origin,
      ];
      // The deployment says whom its pages may speak to.
      const world = await startWorld({ agents: [], env: { PARLEY_CONNECT: origins.join(",") } });
      await use({ ...servers, world });
      await world.close();
      for (const server of Object.values(servers)) await server.close();
    },
    { scope: "worker", timeout: 60_000 },
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
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.filter(({ impact }) => impact === "serious" || impact === "critical")).toEqual(
    [],
  );
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
