import { test as base, type Browser } from "playwright/test";
import type { AccountId } from "../../src/protocol/ids.ts";
import { startHostileRelay, type HostileRelay } from "../world/hostile-relay.ts";
import * as lies from "../world/lies.ts";
import { startWorld, type World } from "../world/processes.ts";
import { Person } from "./person.ts";
import { expect } from "./journey.ts";

type Scene = { readonly relay: HostileRelay; readonly world: World };

/** A person whose browser hears what the relay in front makes of it, in talk with an agent that hears the truth. */
const test = base.extend<{ readonly ada: Person }, { readonly scene: Scene }>({
  scene: [
    async ({}, use) => {
      const relay = await startHostileRelay();
      const env = {
        PARLEY_RATES: "register=100/100,login=100/100,restByAddress=100/100,userKeys=100/100",
      };
      const world = await startWorld({ agents: ["Echo"], env, front: relay });
      await use({ relay, world });
      await world.close();
      await relay.close();
    },
    { scope: "worker", timeout: 60_000 },
  ],
  ada: async ({ scene, browser }, use) => {
    const ada = await Person.join(browser as Browser, scene.world.url, { name: "Ada" });
    await ada.startWith("Echo");
    await ada.say("first");
    await expect(ada.row("first")).toHaveCount(2);
    await use(ada);
    scene.relay.tells("human", null);
    scene.relay.answers(null);
    await ada.leave();
  },
});

test("what a relay repeats, turns round or does not push stands in the thread once, also after a reload", async ({
  ada,
  scene,
}) => {
  for (const [word, lie] of [
    ["repeated", lies.repeats()],
    ["dropped", lies.drops()],
    ["replayed", lies.replays()],
  ] as const) {
    scene.relay.tells("human", lie);
    await ada.say(`${word} one`);
    await expect(ada.row(`${word} one`).first()).toBeVisible();
    await ada.say(`${word} two`);
    await expect(ada.row(`${word} two`)).toHaveCount(2);
    await expect(ada.row(`${word} one`)).toHaveCount(2);
  }
  scene.relay.tells("human", null);
  await ada.page.reload();

  // Only what is in view is drawn: the newest rows.
  await expect(ada.row("replayed two")).toHaveCount(2);
  await expect(ada.row("replayed one")).toHaveCount(2);
});

test("a message that was cut short is a row that cannot be read, and the next says what is missing", async ({
  ada,
  scene,
}) => {
  scene.relay.tells("human", lies.truncates());
  await ada.say("spoilt");
  await expect(ada.row("This was not understood")).toBeVisible();
  await ada.say("whole");

  await expect(ada.row("whole")).toHaveCount(2);
  await expect(ada.row("spoilt")).toHaveCount(1);
  await expect(ada.log.getByText(/^Something Echo sent before this is missing/)).toBeVisible();
});

test("a relay that shows other keys stops the writing until the person decides to go on", async ({
  ada,
  scene,
}) => {
  const agentId = scene.world.agents.get("Echo")?.agentId as AccountId;
  scene.relay.answers((path, truth) =>
    path.startsWith(`/keys/ledger/${agentId}`) ? { data: [], next_cursor: null } : truth,
  );
  scene.relay.tells("human", lies.alarms({ agent_id: agentId }));
  await ada.say("anything");

  await expect(ada.page.getByText(/^The key of Echo changed/)).toBeVisible();
  await expect(ada.page.getByText("A key changed. Compare it before you write on.")).toBeVisible();
  await expect(ada.composer).toHaveCount(0);
  scene.relay.tells("human", null);
  scene.relay.answers(null);
  await ada.page.getByRole("button", { name: "Compare", exact: true }).click();
  await ada.page.getByRole("button", { name: "Go on without comparing" }).click();
  const question = ada.page.getByRole("alertdialog");
  await question.getByRole("button", { name: "Go on without comparing" }).click();
  await ada.page.keyboard.press("Escape");

  await ada.say("on my own risk");
  await expect(ada.row("on my own risk")).toHaveCount(2);
});
