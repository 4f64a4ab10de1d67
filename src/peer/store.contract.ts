/** The suite every {@link Store} passes: memory, browser, file. */
import { describe, expect, test } from "vitest";
import { utf8, utf8ToText } from "#base/bytes.ts";
import type { ConversationId } from "#protocol/ids.ts";
import type { LogRow, Store } from "./store.ts";

const A = "01900000-0000-7000-8000-00000000000a" as ConversationId;
const B = "01900000-0000-7000-8000-00000000000b" as ConversationId;

const put = (key: string, text: string, table = "t") => ({ table, key, value: utf8(text) });
const row = (conversationId: ConversationId, seq: number) => ({
  conversationId,
  seq,
  row: utf8(`${conversationId}#${seq}`),
});
const seqs = (rows: readonly LogRow[]) => rows.map(({ seq }) => seq);
const textAt = async (store: Store, key: string, table = "t") => {
  const value = await store.get(table, key);
  return value === null ? null : utf8ToText(value);
};

/** Runs the suite; `make` gives a fresh, empty store. */
export function describeStore(name: string, make: () => Promise<Store>): void {
  describe(`${name} as a store`, () => {
    test("a record that was never put is null", async () => {
      const store = await make();

      expect(await store.get("t", "a")).toBeNull();
    });

    test("a put replaces the record of its table and key alone", async () => {
      const store = await make();
      await store.commit({ puts: [put("a", "1"), put("b", "2"), put("a", "3", "u")] });
      await store.commit({ puts: [put("a", "4")] });

      expect([
        await textAt(store, "a"),
        await textAt(store, "b"),
        await textAt(store, "a", "u"),
      ]).toEqual(["4", "2", "3"]);
    });

    test("a delete removes one record and is content with none", async () => {
      const store = await make();
      await store.commit({ puts: [put("a", "1"), put("b", "2")] });
      await store.commit({
        deletes: [
          { table: "t", key: "a" },
          { table: "t", key: "z" },
        ],
      });

      expect([await textAt(store, "a"), await textAt(store, "b")]).toEqual([null, "2"]);
    });

    test("a list gives the records of a prefix in key order", async () => {
      const store = await make();
      await store.commit({
        puts: [put("b/2", "x"), put("a/1", "y"), put("b/1", "z"), put("c", "w")],
      });

      const listed = await store.list("t", "b/");

      expect(listed.map(({ key, value }) => [key, utf8ToText(value)])).toEqual([
        ["b/1", "z"],
        ["b/2", "x"],
      ]);
      expect((await store.list("t")).map(({ key }) => key)).toEqual(["a/1", "b/1", "b/2", "c"]);
      expect(await store.list("none")).toEqual([]);
    });

    test("a log is read backwards and forwards from any seq, ascending", async () => {
      const store = await make();
      await store.commit({ log: [3, 1, 2, 5, 7].map((seq) => row(A, seq)) });
      await store.commit({ log: [row(B, 4)] });

      expect(seqs(await store.logBefore(A, 7, 2))).toEqual([3, 5]);
      expect(seqs(await store.logBefore(A, 1_000, 100))).toEqual([1, 2, 3, 5, 7]);
      expect(seqs(await store.logAfter(A, 2, 2))).toEqual([3, 5]);
      expect(seqs(await store.logAfter(A, 7, 2))).toEqual([]);
      expect(await store.logAt(A, 4)).toBeNull();
      expect(utf8ToText((await store.logAt(B, 4)) ?? new Uint8Array())).toBe(`${B}#4`);
    });

    test("a row at a seq that exists replaces it", async () => {
      const store = await make();
      await store.commit({ log: [row(A, 1), row(A, 2)] });
      await store.commit({ log: [{ conversationId: A, seq: 1, row: utf8("new") }] });

      expect((await store.logAfter(A, 0, 9)).map((entry) => utf8ToText(entry.row))).toEqual([
        "new",
        `${A}#2`,
      ]);
    });

    test("dropping a log leaves other logs, and rows of the same commit stand after it", async () => {
      const store = await make();
      await store.commit({ log: [row(A, 1), row(A, 2), row(B, 1)] });
      await store.commit({ dropLogs: [A], log: [row(A, 9)] });

      expect([seqs(await store.logAfter(A, 0, 9)), seqs(await store.logAfter(B, 0, 9))]).toEqual([
        [9],
        [1],
      ]);
    });

    test("more rows than a page of any size come back whole", async () => {
      const store = await make();
      for (let from = 1; from <= 350; from += 70) {
        await store.commit({ log: Array.from({ length: 70 }, (_, i) => row(A, from + i)) });
      }

      expect(seqs(await store.logBefore(A, 301, 250))).toEqual(
        Array.from({ length: 250 }, (_, i) => 51 + i),
      );
      expect(seqs(await store.logAfter(A, 0, 1_000))).toHaveLength(350);
    });

    test("what a caller does to its array later changes nothing", async () => {
      const store = await make();
      const value = utf8("kept");
      await store.commit({ puts: [{ table: "t", key: "a", value }] });
      value.fill(0);
      (await store.get("t", "a"))?.fill(0);

      expect(await textAt(store, "a")).toBe("kept");
    });

    test("a commit to a closed store fails and says so", async () => {
      const store = await make();
      await store.close();

      expect(await store.commit({ puts: [put("a", "1")] })).toEqual({
        ok: false,
        failure: { kind: "peer/store-closed" },
      });
    });
  });
}
