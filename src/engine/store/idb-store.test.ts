import "fake-indexeddb/auto";
import { unwrap } from "idb";
import { describe, expect, test } from "vitest";
import { utf8, utf8ToText, type Bytes } from "#base/bytes.ts";
import { silentLog } from "#base/log.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { Secret } from "#base/secret.ts";
import { createPrimitives } from "#crypto/primitives.ts";
import { createVault } from "#crypto/vault.ts";
import { describeStore } from "#peer/store.contract.ts";
import type { ConversationId } from "#protocol/ids.ts";
import { createIdbStore } from "./idb-store.ts";
import { openDatabase, type Database } from "./migrations.ts";
import { createSealedNames } from "./sealed-names.ts";

const random = createSeededRandom(7);
const primitives = await createPrimitives({ random });
const A = "01900000-0000-7000-8000-00000000000a" as ConversationId;
let made = 0;

async function aDatabase(name = `store-${made++}`): Promise<Database> {
  const opened = await openDatabase(name, () => undefined);
  if (!opened.ok) throw new Error(opened.failure.kind);
  return opened.value;
}

function storeOn(database: Database, vaultKey: Bytes = new Uint8Array(32).fill(9)) {
  const key = new Secret(vaultKey);
  return createIdbStore({
    database,
    vault: createVault(primitives, key.reveal()),
    names: createSealedNames(primitives, key),
    log: silentLog,
  });
}

describeStore("IndexedDB", async () => storeOn(await aDatabase()));

const rowsFrom = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({
    conversationId: A,
    seq: from + i,
    row: utf8(`row ${from + i}`),
  }));

describe("what lies on disk", () => {
  test("[N10] shows no key, table, conversation or text", async () => {
    const database = await aDatabase();
    const store = storeOn(database);
    await store.commit({
      puts: [{ table: "drafts", key: "canary-key", value: utf8("canary-value") }],
      log: rowsFrom(1, 130).map((row) => ({ ...row, row: utf8("canary-row") })),
    });

    const dump = [
      ...(await database.getAll("records")),
      ...(await database.getAllKeys("records")),
      ...(await database.getAll("rows")),
      ...(await database.getAllKeys("rows")),
    ];
    const text = dump.map((value) => dumpOf(value)).join("\n");

    expect(dump.length).toBeGreaterThan(4);
    for (const word of ["canary", "drafts", A]) expect(text).not.toContain(word);
  });

  test("[N10] names nothing alike under two vault keys", async () => {
    const namesUnder = async (fill: number) => {
      const database = await aDatabase();
      const store = storeOn(database, new Uint8Array(32).fill(fill));
      await store.commit({
        puts: [{ table: "t", key: "a", value: utf8("1") }],
        log: rowsFrom(1, 1),
      });
      const [record] = await database.getAll("records");
      const [row] = await database.getAll("rows");
      return [record?.name, record?.group, row?.log];
    };

    const [first, second] = [await namesUnder(8), await namesUnder(9)];

    expect(new Set([...first, ...second]).size).toBe(6);
  });

  test("[N11] a row is written alone until its page is full, and the newest of a place is read", async () => {
    const name = `store-${made++}`;
    const database = await aDatabase(name);
    const store = storeOn(database);
    const rows = async () =>
      (await database.getAllKeys("rows")).map(([, page, slot]) => [page, slot]);
    await store.commit({ log: rowsFrom(1, 3) });
    expect(await rows()).toEqual([2, 3, 4].map((slot) => [0, slot]));

    await store.commit({
      log: [...rowsFrom(99, 1), { conversationId: A, seq: 2, row: utf8("anew") }],
    });

    expect(await rows()).toEqual([[0, 0]]);
    await store.close();
    const again = storeOn(await aDatabase(name));
    const read = await again.logAfter(A, 0, 10);
    expect(read.map(({ row }) => utf8ToText(row))).toEqual(["row 1", "anew", "row 3", "row 99"]);
  });

  test("[N12] rows moved to another page, or another log, do not open there", async () => {
    const name = `store-${made++}`;
    const database = await aDatabase(name);
    const store = storeOn(database);
    const other = "01900000-0000-7000-8000-00000000000b" as ConversationId;
    const rows = [...rowsFrom(5, 1), ...rowsFrom(105, 1)];
    await store.commit({ log: [...rows, { conversationId: other, seq: 5, row: utf8("other") }] });
    const [own] = (await database.getAll("rows")).filter(({ page }) => page === 1);
    if (own === undefined) throw new Error("a row of the second page");
    for (const { log, page, slot } of await database.getAll("rows")) {
      if (page === 0) await database.put("rows", { log, page, slot, sealed: own.sealed });
    }
    await store.close();

    const again = storeOn(await aDatabase(name));

    expect(await again.logAt(A, 5)).toBeNull();
    expect(await again.logAt(other, 5)).toBeNull();
    expect(await again.logAt(A, 105)).not.toBeNull();
  });

  test("[N11] a log of many rows takes few records and reads back whole after reopening", async () => {
    const name = `store-${made++}`;
    const database = await aDatabase(name);
    const store = storeOn(database);
    for (const row of rowsFrom(1, 60)) await store.commit({ log: [row] });
    await store.commit({ log: rowsFrom(61, 940) });

    const records = await database.count("rows");
    await store.close();
    const again = storeOn(await aDatabase(name));

    expect(records).toBeLessThan(40);
    const rows = await again.logAfter(A, 0, 2_000);
    expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 1));
    expect(utf8ToText((await again.logAt(A, 777)) ?? new Uint8Array())).toBe("row 777");
  });

  test("[N12] does not open under another vault key", async () => {
    const name = `store-${made++}`;
    const store = storeOn(await aDatabase(name));
    await store.commit({ puts: [{ table: "t", key: "a", value: utf8("1") }], log: rowsFrom(1, 3) });
    await store.close();

    const other = storeOn(await aDatabase(name), new Uint8Array(32).fill(8));

    expect(await other.get("t", "a")).toBeNull();
    expect(await other.list("t")).toEqual([]);
    expect(await other.logAfter(A, 0, 10)).toEqual([]);
  });

  test("[N12] a record moved to another name does not open there", async () => {
    const database = await aDatabase();
    const store = storeOn(database);
    await store.commit({ puts: [{ table: "t", key: "a", value: utf8("1") }] });
    await store.commit({ puts: [{ table: "t", key: "b", value: utf8("2") }] });
    const [first, second] = await database.getAll("records");
    if (first === undefined || second === undefined) throw new Error("two records");
    await database.put("records", { ...first, sealed: second.sealed });
    await database.put("records", { ...second, sealed: first.sealed });

    expect([await store.get("t", "a"), await store.get("t", "b")]).toEqual([null, null]);
  });
});

describe("a commit that cannot be", () => {
  test("[N13] says that the disk is full, and nothing of it was written", async () => {
    const database = await aDatabase();
    const store = storeOn(database);
    await store.commit({ puts: [{ table: "t", key: "a", value: utf8("1") }] });
    const full = new DOMException("no room", "QuotaExceededError");
    const real = database.transaction.bind(database);
    Object.defineProperty(database, "transaction", {
      configurable: true,
      value: () => {
        throw full;
      },
    });

    const result = await store.commit({ puts: [{ table: "t", key: "a", value: utf8("2") }] });
    Object.defineProperty(database, "transaction", { value: real });

    expect(result).toEqual({ ok: false, failure: { kind: "peer/store-full" } });
    expect(utf8ToText((await store.get("t", "a")) ?? new Uint8Array())).toBe("1");
  });

  test("[N13] that its transaction could not keep wrote nothing, and nothing of it is listed or read", async () => {
    const database = await aDatabase();
    const store = storeOn(database);
    await store.commit({ puts: [{ table: "t", key: "a", value: utf8("1") }], log: rowsFrom(1, 1) });
    await store.list("t");
    await store.logAfter(A, 0, 10);
    const asked: unknown[] = [];
    const real = database.transaction.bind(database);
    Object.defineProperty(database, "transaction", {
      configurable: true,
      value: (...wants: Parameters<typeof real>) => {
        asked.push(wants);
        const transaction = real(...wants);
        // Once its requests are made.
        queueMicrotask(() => transaction.abort());
        return unwrap(transaction);
      },
    });

    const result = await store.commit({
      puts: [{ table: "t", key: "b", value: utf8("2") }],
      log: rowsFrom(2, 1),
    });
    Object.defineProperty(database, "transaction", { value: real });

    expect(result).toMatchObject({ ok: false });
    expect(asked).toEqual([[["records", "rows"], "readwrite", { durability: "strict" }]]);
    expect((await store.list("t")).map(({ key }) => key)).toEqual(["a"]);
    expect((await store.logAfter(A, 0, 10)).map(({ seq }) => seq)).toEqual([1]);
  });

  test("[N13] on a connection the browser took away says closed", async () => {
    const database = await aDatabase();
    const store = storeOn(database);
    database.close();

    expect(await store.commit({ puts: [{ table: "t", key: "a", value: utf8("1") }] })).toEqual({
      ok: false,
      failure: { kind: "peer/store-closed" },
    });
  });
});

function dumpOf(value: unknown): string {
  if (value instanceof Uint8Array) return new TextDecoder("latin1").decode(value);
  if (Array.isArray(value)) return value.map(dumpOf).join(" ");
  if (typeof value === "object" && value !== null)
    return Object.values(value).map(dumpOf).join(" ");
  return String(value);
}
