/** A person under end-to-end encryption, the real relay, the bridge as a process, and a plain agent server behind it. */
import { join } from "node:path";
import { expect, test as base, type Locator } from "playwright/test";
import { provisionAgent, runAgent, type ProvisionedAgent } from "../world/agent-process.ts";
import { startMyAgentServer } from "../world/plain/myagent-server.ts";
import { startTpclawServer } from "../world/plain/tpclaw-server.ts";
import { chatScriptsOf } from "../world/plain/transcript.ts";
import { startWorld, type Program, type World } from "../world/processes.ts";
import { Person } from "./person.ts";
import { readCard } from "./read-card.ts";

type Bridge = {
  readonly ada: Person;
  /** Kills the bridge like a power cut and starts it again. */
  restart(): Promise<void>;
};

type Cast = {
  /** A person in a conversation with a server behind a bridge of its own. */
  readonly bridged: (to: string, protocol: string) => Promise<Bridge>;
  /** What ends with the test. */
  readonly ends: (() => unknown)[];
};

const test = base.extend<Cast, { readonly world: World }>({
  world: [
    async ({}, use) => {
      const world = await startWorld({ agents: [] });
      await use(world);
      await world.close();
    },
    { scope: "worker", timeout: 600_000 },
  ],
  ends: async ({}, use) => {
    const ends: (() => unknown)[] = [];
    await use(ends);
    for (const end of ends.reverse()) await end();
  },
  bridged: async ({ world, browser, ends }, use) => {
    let bridges = 0;
    await use(async (to, protocol) => {
      const folder = join(world.folder, `bridge-${Date.now()}-${++bridges}`);
      const account = await provisionAgent(join(world.folder, "data"), folder);
      const start = (): ReturnType<typeof runAgent> => startBridge(account, world, to, protocol);
      let program: Program & { readonly greeting: unknown } = await start();
      ends.push(() => program.kill());
      const { fingerprint } = program.greeting as { fingerprint: string };
      const ada = await Person.join(browser, world.url, { name: "Ada" });
      ends.push(() => ada.leave());
      await ada.page.goto(`${world.url}/i/${account.invite}#fp=${fingerprint}`);
      await ada.page.getByRole("button", { name: "Start talking", exact: true }).click();
      await expect(ada.composer).toBeVisible();
      return {
        ada,
        async restart() {
          await program.kill();
          program = await start();
        },
      };
    });
  },
});

const startBridge = (
  account: ProvisionedAgent,
  world: World,
  to: string,
  protocol: string,
): ReturnType<typeof runAgent> =>
  runAgent("src/gateway/main.ts", account, world.url, {
    PARLEY_BRIDGE_TO: to,
    PARLEY_BRIDGE_PROTOCOL: protocol,
  });

/** Reads all of a card, knows that no keys were compared, and approves. */
async function approve(ada: Person, card: Locator): Promise<void> {
  const button = card.getByRole("button", { name: "Approve", exact: true });
  await readCard(ada, card.getByRole("button", { name: "Deny" }));
  const box = card.getByRole("checkbox", { name: /I have not compared keys/ });
  await box.press("Space");
  await expect(box).toBeChecked();
  await button.click();
}

test("[G2, G3, G9] a MyAgent answers under end-to-end encryption, its tools are cards, and a restart of the bridge is told", async ({
  bridged,
  ends,
}) => {
  const server = await startMyAgentServer({ deltaMs: 5, aliveMs: 100 });
  ends.push(() => server.close());
  const { ada, restart } = await bridged(server.url, "myagent");

  await expect(ada.page.getByText("Not end-to-end encrypted")).toHaveCount(0);
  await ada.say("What is the weather in Oslo?");
  await ada.expectMessage("bold text");
  const tool = ada.log.getByRole("article", { name: /get_weather/ }).last();
  await expect(tool).toContainText("get_weather");
  await restart();
  await ada.say("And tomorrow?");
  await ada.expectMessage("The agent has forgotten what was said so far.");
});

test("[G2] completions appear while they are written and stay as one message", async ({
  bridged,
  ends,
}) => {
  const server = await startTpclawServer({ recording: "21-window-mode-slow-answer" });
  ends.push(() => server.close());
  const { ada } = await bridged(server.url, "tpclaw");

  await ada.say("hello");
  await ada.expectMessage(/(Hello from fake LLM\.){8}/);

  await expect(ada.row("Hello from fake LLM.")).toHaveCount(1);
});

test("[G4] a confirmation is an approval card that is decided once, and the server obeys", async ({
  bridged,
  ends,
}) => {
  const server = await startMyAgentServer({
    scripts: chatScriptsOf("tool_confirm_accept"),
    confirmMs: 120_000,
  });
  ends.push(() => server.close());
  const { ada } = await bridged(server.url, "myagent");
  await ada.say("delete it");
  const card = ada.log.getByRole("article", { name: "Run delete_file" }).last();
  await expect(card).toContainText("demo.txt");

  await approve(ada, card);
  await ada.expectMessage("bold text");

  await expect(ada.log.getByText("You approved this")).toBeVisible();
  await expect(card.getByRole("button", { name: "Approve", exact: true })).toHaveCount(0);
  expect(server.heard.filter(({ event }) => event === "user.response")).toMatchObject([
    { content: { confirmed: true } },
  ]);
});

test("[G5] a plan is a progress card that moves to its end, its product the answer", async ({
  bridged,
  ends,
}) => {
  const server = await startMyAgentServer({ kind: "plan", taskMs: 700, confirmMs: 120_000 });
  ends.push(() => server.close());
  const { ada } = await bridged(server.url, "myagent");
  await ada.say("Write a report in 2 tasks");
  const card = ada.log.getByRole("article", { name: "Carry out a plan" }).last();
  await approve(ada, card);

  await expect(ada.log.getByRole("progressbar")).toHaveAttribute("aria-valuenow", "100");
  await expect(ada.log.getByRole("heading", { name: "Part 2" })).toBeVisible();
});

test("[G10] a run without a plan gets a card, and its Cancel stops the server", async ({
  bridged,
  ends,
}) => {
  const server = await startMyAgentServer({ scripts: chatScriptsOf("cancel") });
  ends.push(() => server.close());
  const { ada } = await bridged(server.url, "myagent");
  await ada.say("use the slow tool");
  const card = ada.log.getByRole("article", { name: "Working on it" });
  await card.getByRole("button", { name: "Cancel" }).click();

  await ada.expectMessage("Stopped.");
  await expect(ada.log.getByRole("article", { name: "Worked on it" })).toContainText("Cancelled");
  expect(server.heard.filter(({ event }) => event === "user.cancel")).toHaveLength(1);
});
