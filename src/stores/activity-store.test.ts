import { expect, test } from "vitest";
import { createActivityStore } from "./activity-store.ts";
import { createFakeEngine } from "./fake-engine.ts";
import { CONVERSATION } from "./sample-views.ts";

test("[U83] activity is shown while somebody looks, and forgotten after", async () => {
  const engine = createFakeEngine();
  const store = createActivityStore(engine);
  await store.getState().watch(CONVERSATION);
  const activity = { status: { status: "closed" as const }, runs: [] };

  engine.emit({ type: "activity", conversationId: CONVERSATION, activity });
  const shown = store.getState().byId[CONVERSATION];
  store.getState().unwatch(CONVERSATION);

  expect(shown).toBe(activity);
  expect(store.getState().byId).toEqual({});
  expect(engine.heard.map(({ name }) => name)).toEqual(["watchActivity", "unwatchActivity"]);
});

test("[U83] a server without a feed is said", async () => {
  const engine = createFakeEngine();
  const store = createActivityStore(engine);
  engine.refuseNext("watchActivity", { kind: "engine/plain-cannot" });

  await store.getState().watch(CONVERSATION);

  expect(store.getState().failure).toEqual({ kind: "engine/plain-cannot" });
});
