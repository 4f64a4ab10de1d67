import { expect, test } from "vitest";
import type { DeviceId } from "#protocol/ids.ts";
import { createDevicesStore } from "./devices-store.ts";
import { createFakeEngine } from "./fake-engine.ts";

test("[U104] a device link is shown as the worker tells it, and is gone when it is put aside", async () => {
  const engine = createFakeEngine();
  const store = createDevicesStore(engine);

  await store.getState().offer();
  expect(store.getState().link?.status).toBe("offered");
  engine.emit({
    type: "device-link",
    link: { status: "asked", deviceName: "Tablet", digits: "123456", expiresAt: 1 },
  });
  expect(store.getState().link).toMatchObject({ status: "asked", digits: "123456" });
  store.getState().cancel();

  expect(store.getState().link).toBeNull();
  expect(engine.heard.map(({ name }) => name)).toEqual(["offerDeviceLink", "cancelDeviceLink"]);
});

test("[U104] a link that cannot be made is told to who asked, and shows nothing", async () => {
  const engine = createFakeEngine();
  const store = createDevicesStore(engine);
  engine.refuseNext("offerDeviceLink", { kind: "engine/device-limit" });

  const outcome = await store.getState().offer();

  expect(outcome).toEqual({ ok: false, failure: { kind: "engine/device-limit" } });
  expect(store.getState().link).toBeNull();
});

test("[U104] history on its way is shown until it is put aside or another worker takes over", () => {
  const engine = createFakeEngine();
  const store = createDevicesStore(engine);
  const history = {
    role: "taking",
    deviceId: "00000000-0000-7000-8000-0000000000d1" as DeviceId,
    doneParts: 1,
    totalParts: 3,
    status: "running",
    failure: null,
  } as const;

  engine.emit({ type: "history", history });
  expect(store.getState().history).toEqual(history);
  store.getState().dismissHistory();
  expect(store.getState().history).toBeNull();
  engine.emit({ type: "history", history });
  engine.emit({ type: "engine-restarted" });

  expect(store.getState().history).toBeNull();
});
