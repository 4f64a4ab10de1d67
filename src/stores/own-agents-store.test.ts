import { expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { createFakeEngine } from "./fake-engine.ts";
import { createOwnAgentsStore } from "./own-agents-store.ts";
import type { AgentRelationView } from "./views.ts";
import { anOwnAgent } from "./sample-views.ts";

test("[U112] who watches their agents sees one start within seconds, and nothing is asked after that", async () => {
  const clock = createFakeClock();
  const engine = createFakeEngine({ ownAgents: [anOwnAgent({ isOnline: false })] });
  const store = createOwnAgentsStore(engine, clock);

  const stop = store.getState().watch();
  await expect.poll(() => store.getState().agents?.[0]?.isOnline).toBe(false);
  engine.world.ownAgents = [anOwnAgent({ isOnline: true })];
  await expect
    .poll(async () => {
      await clock.advance(4_000);
      return store.getState().agents?.[0]?.isOnline;
    })
    .toBe(true);
  stop();
  const asked = engine.heard.length;
  await clock.advance(60_000);

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

test("[U152] the people of the agent that is looked at are asked for again on news and with the line, and kept when that fails", async () => {
  const engine = createFakeEngine({ ownAgents: [anOwnAgent()] });
  const store = createOwnAgentsStore(engine, createFakeClock());
  const { id: agentId } = anOwnAgent();
  const person = {
    relationId: agentId as string as AgentRelationView["relationId"],
    userId: agentId as string as AgentRelationView["userId"],
    name: "Ben",
    handle: "ben",
    status: "pending",
    since: 1,
  } as const;
  const names = () => store.getState().relations?.map(({ name }) => name);

  const stop = store.getState().watchRelations(agentId);
  await expect.poll(names).toEqual([]);
  engine.world.agentRelations = [person];
  engine.emit({ type: "agent-relations", agentId });
  await expect.poll(names).toEqual(["Ben"]);
  engine.refuseNext("listAgentRelations", { kind: "peer/offline" });
  await store.getState().loadRelations();
  expect(store.getState().relationsFailure).toEqual({ kind: "peer/offline" });
  expect(names()).toEqual(["Ben"]);
  engine.world.agentRelations = [person, { ...person, name: "Cleo" }];
  engine.emit({ type: "connection", connection: { status: "online" } });
  await expect.poll(names).toEqual(["Ben", "Cleo"]);
  expect(store.getState().relationsFailure).toBeNull();
  stop();
  const asked = engine.heard.length;
  engine.emit({ type: "agent-relations", agentId });

  expect(engine.heard.length).toBe(asked);
});
