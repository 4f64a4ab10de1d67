import { expect, test } from "vitest";
import { Secret } from "#base/secret.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { parseId, type DeviceId, type UserId } from "#protocol/ids.ts";
import { openDeviceName, sealDeviceName } from "./device-name.ts";
import { createPrimitives } from "./primitives.ts";

const id = <Id>(last: string) => parseId(`00000000-0000-7000-8000-0000000000${last}`) as Id;
const primitives = await createPrimitives({ random: createSeededRandom(44) });
const owner = {
  accountId: id<UserId>("01"),
  deviceId: id<DeviceId>("d1"),
  identitySeed: new Secret(primitives.randomBytes(32)),
};

test("[C44] a device's name opens for that device of that person, and nowhere else", () => {
  const sealed = sealDeviceName(primitives, owner, "Kitchen tablet");

  expect(openDeviceName(primitives, owner, sealed)).toBe("Kitchen tablet");
  for (const other of [
    { ...owner, deviceId: id<DeviceId>("d2") },
    { ...owner, accountId: id<UserId>("02") },
    { ...owner, identitySeed: new Secret(primitives.randomBytes(32)) },
  ])
    expect(openDeviceName(primitives, other, sealed)).toBeNull();
  expect(openDeviceName(primitives, owner, sealed.slice(0, 20))).toBeNull();
});
