import { join } from "node:path";
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
    { scope: "worker", timeout: 600_000 },
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

test("messages that come turned round stand in their order", async ({ ada, scene }) => {
  scene.relay.tells("human", lies.reorders(3));
  for (const word of ["one", "two", "three"]) {
    await ada.say(`${word} of three`);
    await expect(ada.row(`${word} of three`).first()).toBeVisible();
  }

  await expect(ada.row("three of three")).toHaveCount(2);
  await expect(ada.row(/of three/)).toHaveCount(6);
  const texts = await ada.row(/of three/).allInnerTexts();
  const heard = texts.map((text) => /(\w+) of three/.exec(text)?.[1]);
  const told = heard.filter((word, i) => heard.indexOf(word) === i);
  expect(told).toEqual(["one", "two", "three"]);
  expect(heard.filter((word, i) => heard.indexOf(word) !== i)).toEqual(["one", "two", "three"]);
});

test("a message with one bit turned is a row that says so, and the next one opens", async ({
  ada,
  scene,
}) => {
  scene.relay.tells("human", lies.flips());
  await ada.say("spoilt");
  const row = ada.row("This could not be opened");
  await expect(row).toBeVisible();
  await expect(row).toContainText("Ask the sender to send it again.");
  await ada.say("whole");

  await expect(ada.row("whole")).toHaveCount(2);
  await expect(ada.row("spoilt")).toHaveCount(1);
});

test("a message kept back is missed, and when it comes the thread is whole again", async ({
  ada,
  scene,
}) => {
  const { lie, letGo } = lies.keepsBack();
  const gap = ada.log.getByText(/^Something Echo sent before this is missing/);
  scene.relay.tells("human", lie);
  await ada.say("kept back");
  await expect(ada.row("kept back")).toHaveCount(1);
  await ada.say("what follows");
  await expect(ada.row("what follows")).toHaveCount(2);
  await expect(gap).toBeVisible();

  letGo();
  await ada.say("at last");

  await expect(ada.row("kept back")).toHaveCount(2);
  await expect(gap).toHaveCount(0);
});

test("an identity put in an agent's place is kept out until the person decides, and the draft stays", async ({
  ada,
  scene,
}) => {
  const agentId = scene.world.agents.get("Echo")?.agentId as AccountId;
  await ada.composer.fill("on my own risk");
  scene.relay.answers(await lies.anotherIdentity(agentId));
  scene.relay.tells("human", lies.alarms({ agent_id: agentId }));
  scene.relay.cut("human");
  await expect(ada.page.getByText(/^The server shows other keys for Echo/)).toBeVisible();
  await expect(ada.composer).toHaveCount(0);
  await expect(ada.page.getByRole("region", { name: "What you were writing" })).toContainText(
    "on my own risk",
  );

  scene.relay.tells("human", null);
  scene.relay.answers(null);
  await ada.page.getByRole("button", { name: "Compare", exact: true }).click();
  await expect(ada.page.getByText(/^This is the key you knew/)).toBeVisible();
  await ada.page.getByRole("button", { name: "Go on without comparing" }).click();
  const question = ada.page.getByRole("alertdialog");
  await question.getByRole("button", { name: "Go on without comparing" }).click();
  // Escape closes what is on top.
  await expect(question).toHaveCount(0);
  await ada.page.keyboard.press("Escape");

  await expect(ada.composer).toHaveText("on my own risk");
  await ada.composer.press("Enter");
  await expect(ada.row("on my own risk")).toHaveCount(2);
});

test("an older list of members freezes the writing, after a reload too, until the newer is back", async ({
  ada,
  scene,
}) => {
  const banner = ada.page.getByText(/^The server shows an older list of who can read/);
  await ada.composer.fill("half a thought");
  scene.relay.answers(lies.shortensLedger());
  scene.relay.cut("human");
  await expect(banner).toBeVisible();
  await expect(ada.composer).toHaveCount(0);
  await expect(ada.page.getByRole("region", { name: "What you were writing" })).toContainText(
    "half a thought",
  );
  await ada.page.reload();
  await expect(banner).toBeVisible();
  await ada.page.getByRole("button", { name: "Check again" }).click();
  await expect(banner).toBeVisible();

  scene.relay.answers(null);
  await ada.page.getByRole("button", { name: "Check again" }).click();
  await expect(ada.composer).toHaveText("half a thought");
  await expect(banner).toHaveCount(0);
  await ada.composer.press("Enter");

  await expect(ada.row("half a thought")).toHaveCount(2);
});

test("a relay's word that an agent keeps no sessions is not believed", async ({ ada, scene }) => {
  scene.relay.answers(lies.callsStateless());
  scene.relay.cut("human");
  await ada.page.reload();
  await ada.say("sealed as ever");

  await expect(ada.row("sealed as ever")).toHaveCount(2);
  await expect(ada.page.getByText("No forward secrecy")).toHaveCount(0);
  await ada.page.getByRole("button", { name: "Who can read this" }).click();
  await expect(ada.page.getByText("Protected against future quantum computers too.")).toBeVisible();
  await expect(ada.page.getByText(/no forward secrecy/i)).toHaveCount(0);
});

test("a card that asks for less protection is refused in words until the person agrees", async ({
  ada,
  scene,
}) => {
  const agentId = scene.world.agents.get("Echo")?.agentId as AccountId;
  const vault = join(scene.world.folder, "agents", "Echo", "vault");
  scene.relay.answers(await lies.weakerCard(agentId, vault));
  scene.relay.tells("human", lies.alarms({ agent_id: agentId }));
  await ada.say("anything");

  await expect(ada.page.getByText(/^Echo asks for less protection than before/)).toBeVisible();
  await expect(ada.composer).toHaveCount(0);
  await ada.page.getByRole("button", { name: "Compare", exact: true }).click();
  await expect(ada.page.getByText(/it now signs for less protection/)).toBeVisible();
});
