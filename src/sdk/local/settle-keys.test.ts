import { mkdtempSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { base64ToBytes } from "#base/base64.ts";
import { assert } from "#base/invariant.ts";
import { Secret } from "#base/secret.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { createPrimitives, type Primitives } from "#crypto/primitives.ts";
import { settleKeys } from "./settle-keys.ts";
import type { GeneratedKeys, RawKeys } from "../options.ts";
import { createFolderKeyVault } from "./key-vault.ts";
import { createMemoryVaultFolder, openVaultFolder, type VaultFolder } from "./vault-folder.ts";

let primitives: Primitives;
beforeAll(async () => {
  primitives = await createPrimitives({ random: createSeededRandom(1) });
});

const aFolder = () => join(mkdtempSync(join(tmpdir(), "parley-vault-")), "vault");
const openVault = async (folder: string) => {
  const vault = await openVaultFolder(folder);
  assert(vault !== null, "the folder can be written");
  return vault;
};
const raw = (keys: RawKeys) => [keys.privateKey.reveal(), keys.signingPrivateKey.reveal()];
const noOptions = { keys: null, onKeyGenerated: null };

describe("an agent's keys", () => {
  test("[K2] are made on the first run, told before they are used, and kept for the next", async () => {
    const folder = aFolder();
    const told: GeneratedKeys[] = [];
    const onKeyGenerated = (keys: GeneratedKeys) => told.push(keys);

    const first = await settleKeys(
      { keys: null, onKeyGenerated },
      await openVault(folder),
      primitives,
    );
    const second = await settleKeys(
      { keys: null, onKeyGenerated },
      await openVault(folder),
      primitives,
    );

    expect(raw(second)).toEqual(raw(first));
    expect(told).toHaveLength(1);
    const {
      privateKey = "",
      signingPrivateKey = "",
      publicKey = "",
      signingPublicKey = "",
    } = told[0] ?? {};
    const [agreement = new Uint8Array(), signing = new Uint8Array()] = raw(first);
    expect([privateKey, signingPrivateKey, publicKey, signingPublicKey].map(base64ToBytes)).toEqual(
      [
        agreement,
        signing,
        primitives.x25519PublicKey(agreement),
        primitives.ed25519PublicKey(signing),
      ],
    );
  });

  test("[K2] that could not be handed over are not kept", async () => {
    const vault = await openVault(aFolder());
    const failing = () => Promise.reject(new Error("the disk is full"));

    await expect(
      settleKeys({ keys: null, onKeyGenerated: failing }, vault, primitives),
    ).rejects.toThrow("the disk is full");
    expect(await vault.list("")).toEqual([]);
  });

  test("[K2] are used only after they were told and are kept", async () => {
    const story: string[] = [];
    const [told, kept] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const [asked, written] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const vault: VaultFolder = {
      ...createMemoryVaultFolder(),
      write: (name) => (story.push(`writes ${name}`), written.resolve(), kept.promise),
    };
    const onKeyGenerated = () => (story.push("tells"), asked.resolve(), told.promise);
    const settled = settleKeys({ keys: null, onKeyGenerated }, vault, primitives).then(() =>
      story.push("settled"),
    );

    await asked.promise;
    story.push("told");
    told.resolve();
    await written.promise;
    // A turn of the loop: who did not wait is through by now.
    await new Promise((resolve) => setImmediate(resolve));
    story.push("kept");
    kept.resolve();
    await settled;

    expect(story).toEqual(["tells", "told", "writes identity", "kept", "settled"]);
  });

  test("[K2] that are given win over those of the vault", async () => {
    const vault = createMemoryVaultFolder();
    await settleKeys(noOptions, vault, primitives);
    const keys: RawKeys = {
      privateKey: new Secret(new Uint8Array(32).fill(1)),
      signingPrivateKey: new Secret(new Uint8Array(32).fill(2)),
    };

    expect(await settleKeys({ ...noOptions, keys }, vault, primitives)).toBe(keys);
  });

  test("[K2] are the same for two processes that start at once", async () => {
    const folder = aFolder();
    const vaults = await Promise.all([openVault(folder), openVault(folder)]);

    const [one, other] = await Promise.all(
      vaults.map((vault) => settleKeys(noOptions, vault, primitives)),
    );

    assert(one !== undefined && other !== undefined, "both have keys");
    expect(raw(one)).toEqual(raw(other));
  });
});

describe("the vault's folder", () => {
  test("[K10] and every file in it belong to their owner alone", async () => {
    const folder = aFolder();
    const vault = await openVault(folder);
    await vault.write("identity", new Uint8Array([1]));

    const modes = readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o077);

    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(modes.length).toBeGreaterThan(0);
    expect(new Set(modes)).toEqual(new Set([0]));
  });

  test("[K10] holds the prekeys of every process that opens it", async () => {
    const folder = aFolder();
    const [writer, reader] = [await openVault(folder), await openVault(folder)].map(
      createFolderKeyVault,
    );
    assert(writer !== undefined && reader !== undefined, "two vaults");
    const prekey = {
      kid: new Uint8Array(16).fill(3),
      certificate: new Uint8Array([1, 2]),
      privateKey: new Secret(new Uint8Array(32).fill(4)),
      publishedAt: null,
      supersededAt: null,
    };

    await writer.change({ put: [prekey] });
    await writer.change({ put: [{ ...prekey, publishedAt: 5 }] });
    const held = await reader.list();
    await reader.change({ remove: [prekey.kid] });

    expect(held.map((one) => ({ ...one, privateKey: one.privateKey.reveal() }))).toEqual([
      { ...prekey, publishedAt: 5, privateKey: prekey.privateKey.reveal() },
    ]);
    expect(await writer.list()).toEqual([]);
  });

  test("[K10] lets one process renew prekeys and sends the other away", async () => {
    const folder = aFolder();
    const [one, other] = [await openVault(folder), await openVault(folder)].map(
      createFolderKeyVault,
    );

    const outcome = await one?.exclusively(() =>
      Promise.resolve(other?.exclusively(() => Promise.resolve("both"))),
    );

    expect(outcome).toBeNull();
    expect(await other?.exclusively(() => Promise.resolve("free again"))).toBe("free again");
  });

  test("[K10] is missing where nothing may be written", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "parley-vault-")), "a-file");
    writeFileSync(file, "");

    expect(await openVaultFolder(join(file, "vault"))).toBeNull();
  });
});
