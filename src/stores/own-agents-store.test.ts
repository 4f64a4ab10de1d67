import { expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { createFakeEngine } from "./fake-engine.ts";
import { createOwnAgentsStore } from "./own-agents-store.ts";
import { anOwnAgent } from "./sample-views.ts";

test("[U112] who watches their agents sees one start within seconds, and nothing is asked after that", async () => {
  const clock = createFakeClock();
  const engine = createFakeEngine({ ownAgents: [anOwnAgent({ isOnline: false })] });
  const store = createOwnAgentsStore(engine, clock);

  const stop = store.getState().watch();
  await expect.poll(() => store.getState().agents?.[0]?.isOnline).toBe(false);
  engine.world.ownAgents = [anOwnAgent({ isOnline: true })];
  await expect
    .poll(() => {
      clock.advance(4_000);
      return store.getState().agents?.[0]?.isOnline;
    })
    .toBe(true);
  stop();
  const asked = engine.heard.length;
  clock.advance(60_000);

  expect(engine.heard.length).toBe(asked);
});

test("[U112] what cannot be asked leaves the agents that are known, and a closed account takes them off the page", async () => {
  const engine = createFakeEngine({ ownAgents: [anOwnAgent()] });
  const store = createOwnAgentsStore(engine, createFakeClock());
  await store.getState().load();
  engine.refuseNext("listOwnAgents", { kind: "peer/offline" });

  await store.getState().load();
  expect(store.getState()).toMatchObject({
    agents: [anOwnAgent()],
    failure: { kind: "peer/offline" },
  });
  engine.emit({ type: "account", account: { status: "none" } });

  expect(store.getState().agents).toBeNull();
});
