import { afterEach, describe, expect, test } from "vitest";
import { CALL_NAMES } from "#bridge/call-names.ts";
import { silentLog } from "#base/log.ts";
import type { RunningEngine } from "./election.ts";
import { startEngineWorld, type EngineWorld } from "./engine-world.contract.ts";
import { createEngine } from "./engine.ts";
import { createPorch } from "./porch.ts";

/** A porch on a profile of `world`, which counts what it fetches and can be cut off from that. */
function aPorch(world: EngineWorld, databaseName: string) {
  const line = { isCut: false, fetches: 0, starts: 0 };
  const engine: RunningEngine = createPorch({
    databaseName,
    fetchEngine: async () => {
      line.fetches += 1;
      if (line.isCut) return null;
      return async () => {
        line.starts += 1;
        return createEngine({ ...world.deps, log: silentLog, databaseName });
      };
    },
  });
  return { engine, line };
}

describe("the porch", () => {
  let world: EngineWorld;
  const close: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const each of close.splice(0)) await each();
    await world.close();
  });

  test("[N110] a device without an account says so without the engine, and a touch fetches it ahead", async () => {
    world = await startEngineWorld();
    const { engine, line } = aPorch(world, "porch-empty");
    close.push(() => engine.close());
    const page = engine.openPage();

    expect(await page.calls.loadAccount()).toEqual({ ok: true, value: { status: "none" } });
    await page.calls.hint({ type: "hidden" });
    expect(line).toMatchObject({ fetches: 0, starts: 0 });

    await page.calls.hint({ type: "touched" });
    await page.calls.hint({ type: "touched" });
    expect(line).toMatchObject({ fetches: 1, starts: 0 });
  });

  test("[N111] the first call that needs it starts one engine for every page, each of which hears what happens", async () => {
    world = await startEngineWorld();
    const { engine, line } = aPorch(world, "porch-two-pages");
    close.push(() => engine.close());
    const [asking, looking] = [engine.openPage(), engine.openPage()];
    const heard: string[] = [];
    looking.onEvent((event) => {
      if (event.type === "account") heard.push(event.account.status);
    });

    const made = await asking.calls.createAccount({
      displayName: "Ada",
      handle: null,
      password: null,
    });
    const late = engine.openPage();

    expect(made).toMatchObject({ ok: true, value: { status: "open", displayName: "Ada" } });
    expect(heard).toContain("open");
    expect(await late.calls.loadAccount()).toMatchObject({ value: { status: "open" } });
    expect(line).toMatchObject({ fetches: 1, starts: 1 });
  });

  test("[N111] code that does not come fails the call by name, and the next call tries again", async () => {
    world = await startEngineWorld();
    const { engine, line } = aPorch(world, "porch-cut");
    close.push(() => engine.close());
    const page = engine.openPage();
    line.isCut = true;

    expect(await page.calls.listConversations()).toEqual({
      ok: false,
      failure: { kind: "engine/not-fetched" },
    });
    expect(await page.calls.loadAccount()).toEqual({ ok: true, value: { status: "none" } });
    line.isCut = false;

    expect(await page.calls.listConversations()).toEqual({
      ok: false,
      failure: { kind: "engine/not-open" },
    });
    expect(line).toMatchObject({ fetches: 2, starts: 1 });
  });

  test("[N110] a device with an account goes in at once, and answers every call of the vocabulary", async () => {
    world = await startEngineWorld();
    const ada = await world.person("Ada");
    const { profile } = ada;
    await ada.leave();
    const { engine, line } = aPorch(world, profile);
    close.push(() => engine.close());
    const page = engine.openPage();

    expect(await page.calls.loadAccount()).toMatchObject({
      value: { status: "open", displayName: "Ada" },
    });
    expect(line.starts).toBe(1);
    expect(Object.keys(page.calls).toSorted()).toEqual(CALL_NAMES.toSorted());
  });
});
