import { fc } from "#base/properties.contract.ts";
import { expect, test } from "vitest";

import { utf8 } from "#base/bytes.ts";
import { systemRandom } from "#base/random.ts";
import { Secret } from "#base/secret.ts";
import type { ConversationId, DeviceId } from "#protocol/ids.ts";

import { createPrimitives } from "./primitives.ts";
import { createVault, unwrapVaultKey, wrapVaultKey, type VaultPlace } from "./vault.ts";

const p = await createPrimitives({ random: systemRandom });
const vaultKey = new Uint8Array(32).fill(1);
const conversationId = "01900000-0000-7000-8000-000000000004" as ConversationId;
const deviceId = "01900000-0000-7000-8000-000000000003" as DeviceId;
const place: VaultPlace = { store: "pages", conversationId, key: "page/7", version: 3 };

test("[C40] a record opens at its place, also in a vault made anew from the same key", async () => {
  const sealed = await createVault(p, vaultKey).seal(place, utf8("a page"));

  expect(await createVault(p, vaultKey).open(place, sealed)).toEqual(utf8("a page"));
});

test("[C40] a record opens at no other store, conversation, key or version, nor under another key", async () => {
  const vault = createVault(p, vaultKey);
  const sealed = await vault.seal(place, utf8("a page"));
  const { conversationId: _left, ...withoutConversation } = place;
  const elsewhere: readonly VaultPlace[] = [
    { ...place, store: "outbox" },
    { ...place, conversationId: "01900000-0000-7000-8000-000000000009" as ConversationId },
    withoutConversation,
    { ...place, key: "page/8" },
    { ...place, version: 4 },
    { ...place, version: 2 },
  ];

  for (const other of elsewhere) expect(await vault.open(other, sealed)).toBeNull();
  expect(await createVault(p, new Uint8Array(32).fill(2)).open(place, sealed)).toBeNull();
});

test("[C40] a flipped bit anywhere, or any cut, does not open", async () => {
  const vault = createVault(p, vaultKey);
  const sealed = await vault.seal(place, utf8("a page"));

  await fc.assert(
    fc.asyncProperty(fc.nat(sealed.length - 1), fc.nat(7), async (at, bit) => {
      const flipped = Uint8Array.from(sealed, (byte, index) =>
        index === at ? byte ^ (1 << bit) : byte,
      );
      expect(await vault.open(place, flipped)).toBeNull();
      expect(await vault.open(place, sealed.slice(0, at))).toBeNull();
    }),
  );
});

test("[C5] two seals of one record draw two nonces", async () => {
  const vault = createVault(p, vaultKey);

  const [one, other] = [
    await vault.seal(place, utf8("same")),
    await vault.seal(place, utf8("same")),
  ];

  expect(one.slice(0, 12)).not.toEqual(other.slice(0, 12));
});

test("[C40] wiping the key outside leaves the vault at work", async () => {
  const handedOver = vaultKey.slice();
  const vault = createVault(p, handedOver);
  handedOver.fill(0);

  const sealed = await vault.seal(place, utf8("a page"));

  expect(await createVault(p, vaultKey).open(place, sealed)).toEqual(utf8("a page"));
});

test("[C40] the locked vault key opens with its password's key alone, on its own device", () => {
  const kek = new Secret(new Uint8Array(32).fill(3));
  const wrapped = wrapVaultKey(p, kek, deviceId, new Secret(vaultKey));
  const otherDevice = "01900000-0000-7000-8000-000000000008" as DeviceId;
  const wrong = { ok: false, failure: { kind: "crypto/wrong-unlock-key" } };

  const opened = unwrapVaultKey(p, kek, deviceId, wrapped);

  expect(opened.ok && opened.value.reveal()).toEqual(vaultKey);
  expect(unwrapVaultKey(p, new Secret(new Uint8Array(32)), deviceId, wrapped)).toEqual(wrong);
  expect(unwrapVaultKey(p, kek, otherDevice, wrapped)).toEqual(wrong);
});
