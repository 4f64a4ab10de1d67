import { describe, expect, test } from "vitest";
import { bytesToBase64 } from "#base/base64.ts";
import { bytesToHex } from "#base/bytes.ts";
import { err, ok } from "#base/result.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { Secret } from "#base/secret.ts";
import { fingerprint, makeSigner } from "#crypto/identity.ts";
import { createPrimitives } from "#crypto/primitives.ts";
import type { AccountId, DeviceId } from "#protocol/ids.ts";
import type { Prekey } from "#protocol/rest.ts";
import { createMemoryKeyVault } from "./key-vault.ts";
import { createOwnPrekeys, tendPrekeys } from "./prekey-keeper.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START = Date.UTC(2026, 0, 1);
const ACCOUNT = "01900000-0000-7000-8000-0000000000aa" as AccountId;

async function anAgentsPrekeys(suiteFloor: 1 | 2 = 1) {
  const random = createSeededRandom(7);
  const primitives = await createPrimitives({ random });
  const signer = makeSigner(primitives, new Secret(random(32)));
  const vault = createMemoryKeyVault();
  const published: (readonly Prekey[])[] = [];
  let isRelayThere = true;
  const tend = (now: number) =>
    tendPrekeys({
      primitives,
      vault,
      owner: {
        accountId: ACCOUNT,
        deviceId: ACCOUNT as string as DeviceId,
        kind: "agent",
        signer,
        fingerprint: fingerprint(primitives, ACCOUNT, signer.publicKey),
        mode: "session",
        suiteFloor,
      },
      now,
      async publish(prekeys) {
        if (!isRelayThere) return err({ kind: "peer/offline" });
        published.push(prekeys);
        return ok(null);
      },
    });
  return {
    vault,
    published,
    tend,
    loseRelay: (isLost: boolean) => {
      isRelayThere = !isLost;
    },
  };
}

describe("own prekeys", () => {
  test("[E28] one of each suite is published, and not again before it is due", async () => {
    const { tend, published } = await anAgentsPrekeys();

    await tend(START);
    await tend(START + 23 * HOUR_MS);

    expect(published.map((prekeys) => prekeys.map(({ suite }) => suite))).toEqual([[2, 1]]);
  });

  test("[E28] a prekey that could not be published is published later, the same one", async () => {
    const { tend, published, loseRelay, vault } = await anAgentsPrekeys();
    loseRelay(true);
    await tend(START);
    const made = (await vault.list()).map(({ kid }) => bytesToHex(kid));
    loseRelay(false);
    await tend(START + HOUR_MS);

    const kept = (await vault.list()).map(({ kid }) => bytesToHex(kid));
    expect(kept).toEqual(made);
    expect(published.map((prekeys) => prekeys.map(({ kid }) => kid).toSorted())).toEqual([
      (await vault.list()).map(({ kid }) => bytesToBase64(kid)).toSorted(),
    ]);
  });

  test("[E28] none is made under the signed floor", async () => {
    const { tend, published, vault } = await anAgentsPrekeys(2);

    await tend(START);

    expect(published.map((prekeys) => prekeys.map(({ suite }) => suite))).toEqual([[2]]);
    expect(await vault.list()).toHaveLength(1);
  });

  test("[E29] a successor comes after a day; the old private half goes two days later", async () => {
    const { tend, published, vault } = await anAgentsPrekeys();
    await tend(START);
    const first = (await vault.list()).map(({ kid }) => kid);

    await tend(START + DAY_MS);
    expect(published).toHaveLength(2);
    expect(await vault.list()).toHaveLength(4);
    await tend(START + 2 * DAY_MS - HOUR_MS);
    const held = createOwnPrekeys(vault);
    await held.reload();
    expect(first.every((kid) => held.of(kid) !== undefined)).toBe(true);
    await tend(START + 3 * DAY_MS - 1);
    await held.reload();
    expect(first.every((kid) => held.of(kid) !== undefined)).toBe(true);
    await tend(START + 3 * DAY_MS);
    await held.reload();

    expect(first.some((kid) => held.of(kid) !== undefined)).toBe(false);
  });
});
