import "fake-indexeddb/auto";
import { describe, expect, test } from "vitest";
import { equalBytes } from "#base/bytes.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { Secret } from "#base/secret.ts";
import { createPrimitives } from "#crypto/primitives.ts";
import { unwrapVaultKey, wrapVaultKey } from "#crypto/vault.ts";
import type { DeviceId } from "#protocol/ids.ts";
import {
  fitLock,
  greetFromDoor,
  lockDoor,
  makeDoor,
  removeDoor,
  unlockDoor,
  viewDoor,
  type VaultLock,
} from "./door.ts";
import { openDatabase } from "./migrations.ts";

const random = createSeededRandom(3);
const primitives = await createPrimitives({ random });
const device = "01900000-0000-7000-8000-0000000000d1" as DeviceId;
const greeting = {
  accountId: "01900000-0000-7000-8000-0000000000a1",
  deviceId: device,
  handle: "ada",
  displayName: "Ada",
  salt: null,
  params: null,
};
let made = 0;

async function aDatabase() {
  const opened = await openDatabase(`door-${made++}`, () => undefined);
  if (!opened.ok) throw new Error(opened.failure.kind);
  return opened.value;
}

function lockWith(fill: number): VaultLock {
  const kek = new Secret(new Uint8Array(32).fill(fill));
  return {
    wrap: async (vaultKey) => wrapVaultKey(primitives, kek, device, vaultKey),
    unwrap: async (wrapped) => {
      const opened = unwrapVaultKey(primitives, kek, device, wrapped);
      return opened.ok ? opened.value : null;
    },
  };
}

describe("the vault's door", () => {
  test("[N14] opens by itself on this device while no lock is on", async () => {
    const database = await aDatabase();
    expect(await viewDoor(database)).toEqual({ status: "none" });

    const vaultKey = await makeDoor(database, random);
    const view = await viewDoor(database);

    expect(view.status === "open" && equalBytes(view.vaultKey.reveal(), vaultKey.reveal())).toBe(
      true,
    );
  });

  test("[N14] keeps a key that script may use and nobody can export", async () => {
    const database = await aDatabase();
    await makeDoor(database, random);

    const door = await database.get("door", "door");

    expect(door?.deviceKey.extractable).toBe(false);
  });

  test("[N15] once locked opens with the password alone, and stays open after that", async () => {
    const database = await aDatabase();
    const vaultKey = await makeDoor(database, random);
    await greetFromDoor(database, random, greeting);
    await fitLock(database, random, vaultKey, lockWith(1));
    expect((await viewDoor(database)).status).toBe("open");

    expect((await lockDoor(database)).ok).toBe(true);
    expect(await viewDoor(database)).toEqual({ status: "locked", greeting });
    expect(await unlockDoor(database, random, lockWith(2))).toEqual({
      ok: false,
      failure: { kind: "engine/wrong-password" },
    });
    expect((await viewDoor(database)).status).toBe("locked");
    const opened = await unlockDoor(database, random, lockWith(1));

    expect(opened.ok && equalBytes(opened.value.reveal(), vaultKey.reveal())).toBe(true);
    expect((await viewDoor(database)).status).toBe("open");
    expect((await lockDoor(database)).ok).toBe(true);
    expect((await unlockDoor(database, random, lockWith(1))).ok).toBe(true);
  });

  test("[N15] does not lock without a password", async () => {
    const database = await aDatabase();
    await makeDoor(database, random);
    await greetFromDoor(database, random, greeting);

    expect(await lockDoor(database)).toEqual({
      ok: false,
      failure: { kind: "engine/no-password" },
    });
    expect((await viewDoor(database)).status).toBe("open");
  });

  test("[N15] does not lock where no name would stand before the lock: nobody could open it", async () => {
    const database = await aDatabase();
    const vaultKey = await makeDoor(database, random);
    await fitLock(database, random, vaultKey, lockWith(1));

    expect((await lockDoor(database)).ok).toBe(false);
    expect((await viewDoor(database)).status).toBe("open");
  });

  test("[N16] removed leads nowhere, and no wrap is left, not even a locked one", async () => {
    const database = await aDatabase();
    const vaultKey = await makeDoor(database, random);
    await greetFromDoor(database, random, greeting);
    await fitLock(database, random, vaultKey, lockWith(1));

    await removeDoor(database);

    expect(await viewDoor(database)).toEqual({ status: "none" });
    expect(await database.getAll("door")).toEqual([]);
  });
});
