import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { utf8 } from "#base/bytes.ts";
import { createFakeClock } from "#base/fake-clock.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import {
  createFileDedupeStore,
  createMemoryDedupeStore,
  openDedupeStore,
  type Claim,
  type DedupeStore,
} from "./dedupe-store.ts";

const aClaim = (key: string): Claim => ({ conversationId: "c", key, work: utf8(`work of ${key}`) });
const aPath = () => join(mkdtempSync(join(tmpdir(), "parley-dedupe-")), "dedupe.sqlite");
const settings = (seed: number) => ({
  clock: createFakeClock(),
  random: createSeededRandom(seed),
  isAlive: () => true,
});

function describeDedupe(name: string, make: () => DedupeStore): void {
  describe(`${name} as a dedupe store`, () => {
    test("[K6] gives a claim once, finished or not", async () => {
      const store = make();

      const first = await store.claim(aClaim("a"));
      const again = await store.claim(aClaim("a"));
      await store.finish(aClaim("a"));
      const afterwards = await store.claim(aClaim("a"));
      const another = await store.claim({ ...aClaim("a"), conversationId: "d" });

      expect([first, again, afterwards, another]).toEqual([true, false, false, true]);
    });
  });
}
describeDedupe("memory", createMemoryDedupeStore);
describeDedupe("a file", () => createFileDedupeStore(aPath(), settings(1)));

describe("the dedupe file", () => {
  test("[K6] gives a claim to one of three that ask at once, thirty times over", async () => {
    const path = aPath();
    const stores = [1, 2, 3].map((seed) => createFileDedupeStore(path, settings(seed)));

    const asked = await Promise.all(
      Array.from({ length: 90 }, (_, i) => stores[i % 3]?.claim(aClaim(String(i % 30)))),
    );

    expect(asked.filter(Boolean)).toHaveLength(30);
    for (const store of stores) await store.close();
  });

  test("[K34] knows how many living processes have it open", async () => {
    const path = aPath();
    const [dead, other] = ["41.dead", "42.alive"];
    const first = createFileDedupeStore(path, { ...settings(1), isAlive: (pid) => pid === 42 });
    const second = createFileDedupeStore(path, settings(2));
    const database = new DatabaseSync(path);
    for (const owner of [dead, other])
      database.prepare("INSERT INTO process (owner) VALUES (?)").run(owner);
    database.close();

    const withTheOther = first.sharers?.();
    await second.close();
    const afterwards = first.sharers?.();
    await first.close();

    expect([withTheOther, afterwards]).toEqual([3, 2]);
  });

  test("[K6] hands what a dead process had begun to one other, with the work", async () => {
    const path = aPath();
    const dead = createFileDedupeStore(path, settings(1));
    await dead.claim(aClaim("done"));
    await dead.finish(aClaim("done"));
    await dead.claim(aClaim("begun"));
    await dead.close();

    const heir = createFileDedupeStore(path, settings(2));
    const second = createFileDedupeStore(path, settings(3));

    expect(await heir.takeOver()).toEqual([aClaim("begun")]);
    expect(await second.takeOver()).toEqual([]);
    expect(await second.claim(aClaim("begun"))).toBe(false);
  });

  test("[K6] leaves alone what a living process has begun", async () => {
    const path = aPath();
    const busy = createFileDedupeStore(path, settings(1));
    await busy.claim(aClaim("begun"));

    const other = createFileDedupeStore(path, settings(2));

    expect(await other.takeOver()).toEqual([]);
  });

  test("[K6] keeps no work once it is finished", async () => {
    const path = aPath();
    const store = createFileDedupeStore(path, settings(1));
    await store.claim(aClaim("secret"));
    await store.finish(aClaim("secret"));
    await store.close();

    expect(readFileSync(path).includes("work of secret")).toBe(false);
  });

  test("[K6] forgets claims that outlived every key", async () => {
    const path = aPath();
    const clock = createFakeClock();
    const store = createFileDedupeStore(path, { ...settings(1), clock });
    await store.claim(aClaim("old"));
    await store.finish(aClaim("old"));
    await clock.advance(31 * 86_400_000);

    const later = createFileDedupeStore(path, { ...settings(2), clock });

    expect(await later.claim(aClaim("old"))).toBe(true);
  });

  test("[K6] stands where its address says", async () => {
    const folder = mkdtempSync(join(tmpdir(), "parley-dedupe-"));

    const inFolder = await openDedupeStore(folder, settings(1));
    const named = await openDedupeStore(join(folder, "mine.sqlite"), settings(2));

    expect([inFolder.reach, named.reach]).toEqual(["local", "local"]);
    expect((await openDedupeStore(null, settings(3))).reach).toBe("memory");
  });
});
