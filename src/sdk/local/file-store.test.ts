import { mkdtempSync, readdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { utf8 } from "#base/bytes.ts";
import { assert } from "#base/invariant.ts";
import { describeStore } from "#peer/store.contract.ts";
import { openFileStore, openStoreDatabase } from "./file-store.ts";

const aPath = () => join(mkdtempSync(join(tmpdir(), "parley-store-")), "store.sqlite");
const open = (path: string) => {
  const store = openFileStore(path);
  assert(store !== null, "nobody else has it open");
  return store;
};

describeStore("a file", async () => open(aPath()));

describe("the file of a store", () => {
  test("[K9] what was committed is there after closing and opening again", async () => {
    const path = aPath();
    const before = open(path);
    await before.commit({ puts: [{ table: "t", key: "a", value: utf8("kept") }] });
    await before.close();

    const after = open(path);

    expect(await after.get("t", "a")).toEqual(utf8("kept"));
  });

  test("[K9] a commit that fails leaves nothing of itself, and the next one stands", async () => {
    const store = open(aPath());
    const put = (key: string, value: unknown) => ({ table: "t", key, value: value as never });

    const failed = await store.commit({ puts: [put("a", utf8("half")), put("b", "no bytes")] });
    const next = await store.commit({ puts: [put("c", utf8("whole"))] });

    expect([failed.ok, next.ok]).toEqual([false, true]);
    expect((await store.list("t")).map(({ key }) => key)).toEqual(["c"]);
  });

  test("[K9] is open in one place at a time, and free again after closing", async () => {
    const path = aPath();
    const first = open(path);

    expect(openFileStore(path)).toBeNull();
    await first.close();
    expect(openFileStore(path)).not.toBeNull();
  });

  test("[K9] shows nothing once it is closed, to work that nobody waited for", async () => {
    const store = open(aPath());
    await store.commit({ puts: [{ table: "t", key: "a", value: utf8("kept") }] });

    await store.close();

    expect(await store.get("t", "a")).toBeNull();
    expect(await store.list("t")).toEqual([]);
  });

  test("[K9] [K10] can be read by its owner alone, and so can what lies beside it", async () => {
    const path = aPath();
    const store = open(path);
    await store.commit({ puts: [{ table: "t", key: "a", value: utf8("kept") }] });

    const modes = readdirSync(dirname(path)).map((name) => [
      name,
      statSync(join(dirname(path), name)).mode & 0o777,
    ]);

    expect(Object.fromEntries(modes)).toEqual({
      "store.sqlite": 0o600,
      "store.sqlite-wal": 0o600,
    });
  });

  test("[K9] is synced at every commit", () => {
    const database = openStoreDatabase(aPath());

    expect(database?.prepare("PRAGMA synchronous").get()).toEqual({ synchronous: 2 });
    expect(database?.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    database?.close();
  });
});
