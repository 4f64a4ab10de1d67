import { describe, expect, test } from "vitest";
import { systemClock } from "#base/clock.ts";
import type { AccountId, ConversationId, MessageId } from "#protocol/ids.ts";
import type { Entry } from "#peer/endpoint.ts";
import { encodeEntry } from "#peer/entry.ts";
import { createMemoryStore } from "#peer/memory-store.ts";
import { aMessageContent } from "#peer/entry.contract.ts";
import { searchLogs } from "./search.ts";
import { createSearchTexts } from "./search-texts.ts";

const line = "01900000-0000-7000-8000-0000000000c1" as ConversationId;
const other = "01900000-0000-7000-8000-0000000000c2" as ConversationId;

async function aStore(
  texts: readonly string[],
  conversationId = line,
  startAt = 0,
  authorKind: Entry["authorKind"] = "human",
) {
  const store = createMemoryStore();
  await fill(store, texts, conversationId, startAt, authorKind);
  return store;
}

async function fill(
  store: ReturnType<typeof createMemoryStore>,
  texts: readonly string[],
  conversationId: ConversationId,
  startAt: number,
  authorKind: Entry["authorKind"] = "human",
) {
  const log = texts.map((text, i) => {
    const entry: Entry = {
      conversationId,
      seq: i + 1,
      at: startAt + i,
      authorId: "a" as AccountId,
      authorKind,
      authorDeviceId: null,
      content: aMessageContent(`m${startAt + i}` as MessageId, { type: "text", text }),
    };
    return { conversationId, seq: entry.seq, row: encodeEntry(entry) };
  });
  await store.commit({ log });
}

const titled = (...ids: readonly ConversationId[]) =>
  ids.map((id) => ({ id, title: `T ${id.at(-1)}` }));

describe("search", () => {
  test("[N55] finds every word in any case, width or accent, newest first, over all conversations", async () => {
    const store = await aStore(["Über den Ｆｌｕｓｓ", "nothing", "FLUSS uber alles"]);
    await fill(store, ["fluss, ueber"], other, 10);
    await fill(store, ["fluß über"], other, 20);

    const hits = await searchLogs(
      createSearchTexts(store),
      systemClock,
      titled(line, other),
      "uber FLUSS",
      10,
      null,
    );

    expect(hits.map(({ messageId }) => messageId)).toEqual(["m2", "m0"]);
    expect(hits[0]).toMatchObject({
      title: "T 1",
      authorId: "a",
      at: 2,
      snippet: "FLUSS uber alles",
    });
  });

  test("[N55] gives at most what was asked for, and a snippet around what was found", async () => {
    const long = `${"word ".repeat(80)}needle ${"tail ".repeat(80)}`;
    const store = await aStore(["needle one", "needle two", long]);

    const hits = await searchLogs(
      createSearchTexts(store),
      systemClock,
      titled(line),
      "needle",
      2,
      null,
    );

    expect(hits).toHaveLength(2);
    expect(hits[0]?.snippet).toMatch(/^….*needle.*…$/);
    expect(Array.from(hits[0]?.snippet ?? "").length).toBeLessThanOrEqual(122);
  });

  test("[N55] shows Markdown as it reads, and as it was written where what was found is not drawn", async () => {
    const markdown =
      "## Where to begin\n\nThe **first** step is [a page](https://needle.example/).";
    const store = await aStore([markdown], line, 0, "agent");
    const snippets = async (query: string) =>
      (await searchLogs(createSearchTexts(store), systemClock, titled(line), query, 10, null)).map(
        ({ snippet }) => snippet,
      );

    expect(await snippets("begin")).toEqual(["Where to begin The first step is a page."]);
    const long = `${"**many** words\n\n".repeat(200)}#### A table\n\n| layer | of |\n| :--- | ---: |\n| seal | **begins** here |\n\n- [x] done`;
    await fill(store, [markdown, long], line, 0, "agent");
    expect(await snippets("seal")).toEqual([
      expect.stringMatching(/^…(ords|words)( many words)+ A table layer of seal begins here done$/),
    ]);
    expect(await snippets("needle")).toEqual([
      "## Where to begin The **first** step is [a page](https://needle.example/).",
    ]);
  });

  test("[N55] ends when its signal aborts", async () => {
    const store = await aStore(Array.from({ length: 50 }, (_, i) => `needle ${i}`));
    const abort = new AbortController();
    abort.abort();

    expect(
      await searchLogs(
        createSearchTexts(store),
        systemClock,
        titled(line),
        "needle",
        10,
        abort.signal,
      ),
    ).toEqual([]);
  });

  test("[N55] finds again and again what is there now: nothing that was taken back, all that came since", async () => {
    const texts = createSearchTexts(createMemoryStore());
    const found = async () => {
      const hits = await searchLogs(texts, systemClock, titled(line), "needle", 10, null);
      return hits.map(({ messageId }) => messageId);
    };
    await fill(
      texts.store,
      ["needle 0", "needle 1", ...Array.from({ length: 500 }, () => "hay")],
      line,
      0,
    );
    expect(await found()).toEqual(["m1", "m0"]);

    await fill(texts.store, ["nothing"], line, 0);
    await fill(
      texts.store,
      Array.from({ length: 600 }, (_, i) => (i === 1 || i === 599 ? "needle" : "hay")),
      line,
      0,
    );
    expect(await found()).toEqual(["m599", "m1"]);
    await texts.store.commit({ dropLogs: [line] });
    expect(await found()).toEqual([]);
  });

  test("[N55] reads a log from the disk once, and of what was written since only its part", async () => {
    const inner = createMemoryStore();
    let rows = 0;
    const texts = createSearchTexts({
      ...inner,
      logAfter: async (...of) => {
        const read = await inner.logAfter(...of);
        rows += read.length;
        return read;
      },
    });
    await fill(
      texts.store,
      Array.from({ length: 1_000 }, (_, i) => `hay ${i}`),
      line,
      0,
    );
    const search = () => searchLogs(texts, systemClock, titled(line), "needle", 10, null);
    const read = async () => {
      rows = 0;
      await search();
      return rows;
    };

    expect(await read()).toBeGreaterThanOrEqual(1_000);
    expect(await read()).toBeLessThan(10);
    await fill(texts.store, ["needle"], line, 0);
    expect(await read()).toBeLessThan(300);
  });

  test("[N55] shows nothing of a message that was taken back while it searched", async () => {
    const inner = await aStore(["needle"]);
    const texts = createSearchTexts({ ...inner, logAt: () => Promise.resolve(null) });

    expect(await searchLogs(texts, systemClock, titled(line), "needle", 10, null)).toEqual([]);
  });
});

test("[N55] keeps at most sixteen million characters in memory: what is beyond is read by each search, until there is room", async () => {
  const inner = createMemoryStore();
  const reads: number[] = [];
  const texts = createSearchTexts({
    ...inner,
    logAfter(conversationId, afterSeq, limit) {
      if (limit > 1) reads.push(afterSeq);
      return inner.logAfter(conversationId, afterSeq, limit);
    },
  });
  const say = (seq: number, text: string, conversationId = line) => {
    const content = aMessageContent(`m${seq}` as MessageId, { type: "text", text });
    const by = { authorId: "a" as AccountId, authorKind: "human", authorDeviceId: null } as const;
    const row = encodeEntry({ conversationId, seq, at: seq, ...by, content });
    return texts.store.commit({ log: [{ conversationId, seq, row }] });
  };
  const readsOfASearch = async (conversationId = line) => {
    reads.length = 0;
    let messages = 0;
    for await (const part of texts.of(conversationId)) messages += part.length;
    return [messages, ...reads];
  };
  // Each lies in another part of the log; two and a half of them are too much.
  for (const seq of [1, 201, 401]) await say(seq, "x".repeat(7_000_000));

  const first = await readsOfASearch();
  const second = await readsOfASearch();
  await say(401, "little");
  const third = await readsOfASearch();
  const last = await readsOfASearch();
  await texts.store.commit({ dropLogs: [line] });
  for (const seq of [1, 201]) await say(seq, "y".repeat(7_000_000), other);
  const afterDrop = [await readsOfASearch(other), await readsOfASearch(other)];

  expect(first).toEqual([3, 400, 200, 0]);
  expect(second).toEqual([3, 0]);
  expect(third).toEqual([3, 400, 0]);
  expect(last).toEqual([3]);
  // What was thrown away leaves its room to others.
  expect(afterDrop).toEqual([[2, 200, 0], [2]]);
});

test("[N55] words that change while they are read are read anew by the next search", async () => {
  const inner = await aStore(["as it was"]);
  const after = createMemoryStore();
  await fill(after, ["as it is"], line, 0);
  const [changed] = await after.logAfter(line, 0, 1);
  if (changed === undefined) throw new Error("an entry");
  let isFirst = true;
  const texts = createSearchTexts({
    ...inner,
    async logAfter(conversationId, afterSeq, limit) {
      const rows = await inner.logAfter(conversationId, afterSeq, limit);
      if (limit > 1 && isFirst) {
        isFirst = false;
        await texts.store.commit({ log: [{ conversationId, ...changed }] });
      }
      return rows;
    },
  });
  const words = async () => {
    const found: string[] = [];
    for await (const part of texts.of(line)) found.push(...part.map(({ folded }) => folded));
    return found;
  };

  await words();

  expect(await words()).toEqual(["as it is"]);
});
