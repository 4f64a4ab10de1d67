import { expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { aWorld } from "./relay-world.contract.ts";

test("[R62] a relay that stood still hears first what came meanwhile, and only then closes who was silent", async () => {
  const time = createFakeClock();
  let stoodStillMs = 0;
  const world = await aWorld({ clock: { ...time, now: () => time.now() + stoodStillMs } });
  const [ada, ben] = [await world.person("ada"), await world.person("ben")];
  const [talks, silent] = [await world.online(ada), await world.online(ben)];

  stoodStillMs = 120_000;
  await time.advance(1_000);
  await talks.settle();
  await time.advance(1_000);

  expect(await silent.closed()).toMatchObject({ code: 4005 });
  await talks.settle();
});
