import { expect, test } from "vitest";
import { isOnAServer, runsFromNow } from "../log/statements.contract.ts";
import { aWorld } from "../relay-world.contract.ts";

test.skipIf(isOnAServer)(
  "[R15] [R61] each second all agents that are here are looked at in one read, however many they are",
  async () => {
    const world = await aWorld();
    for (let i = 0; i < 3; i++) await world.online(await world.agent());
    // What their coming asks is answered by the time of a later request.
    await world.rest("GET", "/health");
    const runs = runsFromNow();

    await world.clock.advance(1_000);
    await world.rest("GET", "/health");

    expect(runs.filter((text) => text.includes("FROM agents"))).toEqual([
      expect.stringMatching(/FROM agents WHERE agent_id IN \(/),
    ]);
  },
);
