import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EngineEvent } from "#bridge/events.ts";
import { must, startEngineWorld, type EngineWorld } from "./engine-world.contract.ts";

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterAll(() => world.close());

const restarted = (event: EngineEvent): event is EngineEvent => event.type === "engine-restarted";
const done = (request: IDBOpenDBRequest): Promise<IDBDatabase> =>
  new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error ?? new Error("no answer")));
  });

describe("a disk that is taken away from a running engine", () => {
  test("[N151] leaves no account open: the pages are told that there is none, and it can begin anew", async () => {
    const ada = await world.person("Ada");

    await done(indexedDB.deleteDatabase(ada.profile));
    await ada.until(restarted);

    expect(ada.events.findLast(({ type }) => type === "account")).toEqual({
      type: "account",
      account: { status: "none" },
    });
    expect(must(await ada.calls.loadAccount())).toEqual({ status: "none" });
    expect(await ada.calls.listConversations()).toMatchObject({
      failure: { kind: "engine/not-open" },
    });
    must(await ada.calls.createAccount({ displayName: "Eve", handle: null, password: null }));
    expect(must(await ada.calls.loadAccount())).toMatchObject({ displayName: "Eve" });
  });

  test("[N151] by a newer version says so", async () => {
    const ada = await world.person("Ada");

    const newer = await done(indexedDB.open(ada.profile, 1_000));
    await ada.until(restarted);

    expect(await ada.calls.loadAccount()).toEqual({
      ok: false,
      failure: { kind: "engine/store-newer" },
    });
    newer.close();
  });
});

test("[N150] a disk that could not be opened is asked again whenever somebody asks for the account", async () => {
  const ada = await world.person("Ada");
  await ada.leave();
  const { open } = indexedDB;
  indexedDB.open = () => {
    throw new DOMException("not here", "SecurityError");
  };
  const later = world.open(ada.profile);
  expect(await later.calls.loadAccount()).toEqual({
    ok: false,
    failure: { kind: "engine/store-unavailable" },
  });

  indexedDB.open = open;

  expect(must(await later.calls.loadAccount())).toMatchObject({ displayName: "Ada" });
});
