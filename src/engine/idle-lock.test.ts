import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock, type Clock } from "#base/clock.ts";
import { createFakeClock } from "#base/fake-clock.ts";
import { createMemoryStore } from "#peer/memory-store.ts";
import { must, startEngineWorld, type EngineWorld } from "./engine-world.contract.ts";
import { createIdleLock, wasIdle } from "./idle-lock.ts";

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterAll(() => world.close());

const PASSWORD = "correct horse battery";
const later = (minutes: number): Clock => ({
  ...systemClock,
  now: () => systemClock.now() + minutes * 60_000,
});

describe("the lock that turns by itself", () => {
  test("[N17] turns after the chosen minutes, and a touch in between puts it off", async () => {
    const clock = createFakeClock();
    let turns = 0;
    const idle = createIdleLock({
      clock,
      open: () => (turns > 0 ? null : { store: createMemoryStore(), afterMinutes: 5 }),
      lock: async () => turns++,
    });

    await clock.advance(4 * 60_000);
    idle.touch();
    await clock.advance(4 * 60_000 + 50_000);
    expect(turns).toBe(0);
    await clock.advance(20_000);
    expect(turns).toBe(1);
    idle.close();
  });

  test("[N17] turns at a touch that comes too late: whoever wakes a sleeping computer finds it locked", async () => {
    const clock = createFakeClock();
    let turns = 0;
    const idle = createIdleLock({
      clock: { ...clock, after: () => () => {} },
      open: () => (turns > 0 ? null : { store: createMemoryStore(), afterMinutes: 5 }),
      lock: async () => turns++,
    });
    await clock.advance(6 * 60_000);

    idle.touch();

    expect(turns).toBe(1);
    idle.touch();
    expect(turns).toBe(1);
    idle.close();
  });

  test("[N17] turns at the end of the chosen minutes, and a restart judges by touches of half a minute ago at most", async () => {
    const clock = createFakeClock();
    const store = createMemoryStore();
    let turns = 0;
    const idle = createIdleLock({
      clock,
      open: () => (turns > 0 ? null : { store, afterMinutes: 5 }),
      lock: async () => turns++,
    });
    const startedAt = clock.now();
    const isOverAt = (seconds: number) => wasIdle(store, 1, startedAt + seconds * 1_000);

    await clock.advance(60_000);
    idle.touch();
    await clock.advance(29_999);
    idle.touch();
    const before = [await isOverAt(119), await isOverAt(120)];
    await clock.advance(1);
    idle.touch();
    const after = [await isOverAt(149), await isOverAt(150)];
    await clock.advance(5 * 60_000 - 1);
    const turned = turns;
    await clock.advance(1);

    expect([before, after]).toEqual([
      [false, true],
      [false, true],
    ]);
    expect([turned, turns]).toEqual([0, 1]);
    idle.close();
  });

  test("[N17] finds a device locked that was shut meanwhile, and open one that was not away for long", async () => {
    const ada = await world.person("Ada", PASSWORD);
    must(await ada.calls.setIdleLock({ minutes: 15 }));
    expect(must(await ada.calls.loadAccount())).toMatchObject({ lockAfterMinutes: 15 });
    await ada.leave();

    const soon = world.open(ada.profile, { isCut: false }, later(10));
    expect(must(await soon.calls.loadAccount()).status).toBe("open");
    await soon.leave();
    const late = world.open(ada.profile, { isCut: false }, later(16));
    expect(must(await late.calls.loadAccount()).status).toBe("locked");

    must(await late.calls.unlock({ password: PASSWORD }));
    expect(must(await late.calls.loadAccount())).toMatchObject({ lockAfterMinutes: 15 });
  });

  test("[N17] needs a password", async () => {
    const ada = await world.person("Ada");

    expect(await ada.calls.setIdleLock({ minutes: 5 })).toEqual({
      ok: false,
      failure: { kind: "engine/no-password" },
    });
  });
});
