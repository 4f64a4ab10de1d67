import { join as joinPath } from "node:path";
import type { Browser, Locator } from "playwright/test";
import type { AccountId } from "../../src/protocol/ids.ts";
import { provisionAgent, runAgent, type ProvisionedAgent } from "../world/agent-process.ts";
import { startHostileRelay, type HostileRelay } from "../world/hostile-relay.ts";
import * as lies from "../world/lies.ts";
import { startWorld, type Program } from "../world/processes.ts";
import { expect, test as base } from "./journey.ts";
import { Person } from "./person.ts";
import { readCard } from "./read-card.ts";

/** A relay that can show other keys, and an agent that asks for approvals of any risk. */
type Scene = {
  readonly relay: HostileRelay;
  readonly url: string;
  readonly agent: ProvisionedAgent;
  readonly link: string;
};
const test = base.extend<object, { readonly scene: Scene }>({
  scene: [
    async ({}, use) => {
      const relay = await startHostileRelay();
      const env = { PARLEY_RATES: "register=100/100,login=100/100,restByAddress=100/100" };
      const world = await startWorld({ agents: [], env, front: relay });
      const folder = joinPath(world.folder, "risky");
      const agent = await provisionAgent(joinPath(world.folder, "data"), folder);
      const program: Program & { readonly greeting: unknown } = await runAgent(
        "e2e/world/risky-agent.ts",
        agent,
        relay.url,
      );
      const { fingerprint } = program.greeting as { readonly fingerprint: string };
      const link = `${relay.url}/i/${agent.invite}#fp=${fingerprint}`;
      await use({ relay, url: relay.url, agent, link });
      await program.kill();
      await world.close();
      await relay.close();
    },
    { scope: "worker", timeout: 600_000 },
  ],
});

const meet = async (browser: Browser, { url, link }: Scene): Promise<Person> => {
  const ada = await Person.join(browser, url, { name: "Ada" });
  await ada.page.getByRole("button", { name: "Skip for now" }).click();
  await ada.page.goto(link);
  await ada.page.getByRole("button", { name: "Start talking" }).click();
  await expect(ada.composer).toBeVisible();
  return ada;
};
const card = (ada: Person, title: string): Locator =>
  ada.log.getByRole("article", { name: title, exact: true }).last();
/** Brings every line of a card into view, as it must be before anything can be decided. */
const readAll = (ada: Person, request: Locator): Promise<void> =>
  readCard(ada, request.getByRole("button", { name: "Deny" }));
/** From now on the relay shows no ledger of the agent that the person's browser could believe. */
const showOtherKeys = ({ relay, agent }: Scene): void => {
  const agentId: AccountId = agent.endpoint.accountId;
  relay.answers((path, truth) =>
    path.startsWith(`/keys/ledger/${agentId}`) ? { data: [], next_cursor: null } : truth,
  );
  relay.tells("human", lies.alarms({ agent_id: agentId }));
};
const tellTheTruth = ({ relay }: Scene): void => {
  relay.tells("human", null);
  relay.answers(null);
};

test("at critical risk an agent that was not compared is approved by a tick and a second question; under a changed key nothing is, until the person decides", async ({
  scene,
  browser,
}) => {
  const ada = await meet(browser as Browser, scene);
  await ada.say("critical: Sell the house");
  const house = card(ada, "Sell the house");
  const approve = house.getByRole("button", { name: "Approve" });
  await expect(house.getByText("Critical", { exact: true }).first()).toBeVisible();
  await readAll(ada, house);
  await expect(approve).toBeDisabled();
  await house.getByRole("checkbox").check();
  await approve.click();
  const question = ada.page.getByRole("alertdialog");
  await question.getByRole("button", { name: "Cancel" }).click();
  await expect(house.getByText("You approved this")).toHaveCount(0);
  await approve.click();
  await question.getByRole("button", { name: "Approve all the same" }).click();
  await ada.expectMessage("Sell the house: approved");

  await ada.say("low: Buy bread");
  const bread = card(ada, "Buy bread");
  await expect(bread.getByRole("checkbox")).toBeVisible();
  showOtherKeys(scene);
  await ada.say("anything");

  await expect(bread.getByText("The key of this agent changed.")).toBeVisible();
  await expect(bread.getByRole("button")).toHaveCount(0);
  await expect(ada.composer).toHaveCount(0);
  await ada.page.reload();
  await expect(bread.getByText("The key of this agent changed.")).toBeVisible();
  tellTheTruth(scene);
  await ada.page.getByRole("button", { name: "Compare", exact: true }).click();
  const sheet = ada.page.getByRole("dialog");
  await sheet.getByRole("button", { name: "Go on without comparing" }).click();
  await question.getByRole("button", { name: "Go on without comparing" }).click();
  // Escape closes what is on top.
  await expect(question).toHaveCount(0);
  await ada.page.keyboard.press("Escape");

  await readAll(ada, bread);
  await bread.getByRole("checkbox").check();
  await bread.getByRole("button", { name: "Approve" }).click();
  await ada.expectMessage("Buy bread: approved");
  await ada.leave();
});

test("a key that changed is compared, the contact is verified again, and an approval asks for no tick any more", async ({
  scene,
  browser,
}) => {
  const ada = await meet(browser as Browser, scene);
  await ada.say("high: Water the plants");
  const plants = card(ada, "Water the plants");
  await expect(plants.getByRole("checkbox")).toBeVisible();
  showOtherKeys(scene);
  await ada.say("anything");
  await expect(ada.page.getByText(/^The key of .* changed/).first()).toBeVisible();
  tellTheTruth(scene);

  await ada.page.getByRole("button", { name: "Compare", exact: true }).click();
  const sheet = ada.page.getByRole("dialog");
  await expect(sheet.getByText("This is the key you knew, and it stays in use.")).toBeVisible();
  await sheet.getByRole("button", { name: "They are equal" }).click();
  await expect(sheet.getByRole("button", { name: "Take back verification" })).toBeVisible();
  await ada.page.keyboard.press("Escape");

  await expect(ada.composer).toBeVisible();
  await expect(plants.getByRole("checkbox")).toHaveCount(0);
  await readAll(ada, plants);
  await plants.getByRole("button", { name: "Approve" }).click();
  await ada.expectMessage("Water the plants: approved");
  await ada.leave();
});
