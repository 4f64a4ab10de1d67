import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { KEY_FILE } from "./data-folder.ts";
import { loadKey, UnfitKey } from "./relay-key.ts";
import { createRelayServer } from "./relay-server.ts";
import { onTestEnd } from "./relay-world.contract.ts";

const aFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "parley-key-"));
  onTestEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

test("[R59] the key is made once, of 32 bytes, for its owner alone, and leaves no draft", () => {
  const folder = aFolder();
  const path = join(folder, KEY_FILE);

  const [first, second] = [loadKey(path), loadKey(path)];

  expect(first).toHaveLength(32);
  expect(second).toEqual(first);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual([KEY_FILE]);
});

test("[R59] a relay does not start with a key that is cut short: anybody could make its tokens", async () => {
  for (const length of [0, 31, 33]) {
    const folder = aFolder();
    writeFileSync(join(folder, KEY_FILE), new Uint8Array(length));

    await expect(createRelayServer({ dataFolder: folder })).rejects.toThrow(UnfitKey);
    expect(existsSync(join(folder, KEY_FILE))).toBe(true);
  }
});

test("[R59] a draft that a crash left behind does not stand in the way", () => {
  const folder = aFolder();
  writeFileSync(join(folder, `${KEY_FILE}.${process.pid}.draft`), "half");

  expect(loadKey(join(folder, KEY_FILE))).toHaveLength(32);
});
