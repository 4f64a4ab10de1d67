import { fc } from "#base/properties.contract.ts";
import { describe, expect, test } from "vitest";
import { createFakeEngine, type FakeWorld } from "./fake-engine.ts";
import { aMessage, aStream, CONVERSATION } from "./sample-views.ts";
import { createThreadStore, selectIsUnsaid } from "./thread-store.ts";
import { makeRows, NO_ROWS, reduceMessages, reduceStreamText } from "./thread-rows.ts";
import type { ConversationId, StreamId } from "./views.ts";

async function anOpenThread(part: Partial<FakeWorld> = {}) {
  const engine = createFakeEngine({ messages: rows(1, 100), windowRows: 20, ...part });
  const store = createThreadStore(engine);
  await store.getState().open(CONVERSATION, null);
  return { engine, store, state: () => store.getState() };
}

const rows = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => aMessage(from + i));

describe("the open thread", () => {
  test("[U50] a thread opens at its newest window and older rows join in front", async () => {
    const { state } = await anOpenThread();
    const newest = state().order;

    await state().loadBefore();

    expect(newest[0]).toBe("m-00081");
    expect(state().order[0]).toBe("m-00061");
    expect(state().order.at(-1)).toBe("m-00100");
    expect(state().order.slice(20)).toEqual(newest);
  });

  test("rows are ordered by the relay's number, and rows without one stand last by time", async () => {
    const { engine, state } = await anOpenThread({ messages: rows(1, 3) });

    engine.emit({
      type: "messages",
      conversationId: CONVERSATION,
      messages: [
        aMessage(90, { seq: null, at: 5 }),
        aMessage(91, { seq: null, at: 4 }),
        aMessage(4),
      ],
    });

    expect(state().order).toEqual([
      "m-00001",
      "m-00002",
      "m-00003",
      "m-00004",
      "m-00091",
      "m-00090",
    ]);
  });

  test("a change of one row leaves the order's identity and every other row alone", async () => {
    const { engine, state } = await anOpenThread({ messages: rows(1, 3) });
    const before = state();

    engine.emit({
      type: "messages",
      conversationId: CONVERSATION,
      messages: [aMessage(2, { mentionsMe: true })],
    });

    expect(state().order).toBe(before.order);
    expect(state().messageById.get(aMessage(1).id)).toBe(before.messageById.get(aMessage(1).id));
    expect(state().messageById.get(aMessage(2).id)?.mentionsMe).toBe(true);
  });

  test("[U51] while newer rows are not loaded, rows that come do not stand beside the hole", async () => {
    const { engine, state } = await anOpenThread();
    await state().showMessage(aMessage(30).id);

    engine.emit({ type: "messages", conversationId: CONVERSATION, messages: [aMessage(101)] });

    expect(state().hasAfter).toBe(true);
    expect(state().order.at(-1)).toBe("m-00039");
    expect(state().target?.messageId).toBe("m-00030");
  });

  test("going to the newest rows leaves an older window", async () => {
    const { state } = await anOpenThread();
    await state().showMessage(aMessage(30).id);

    await state().showNewest();

    expect(state().hasAfter).toBe(false);
    expect(state().order.at(-1)).toBe("m-00100");
  });

  test("showing a row that is here asks the worker for nothing", async () => {
    const { engine, state } = await anOpenThread();
    const asked = engine.heard.length;

    await state().showMessage(aMessage(95).id);

    expect(engine.heard.length).toBe(asked);
    expect(state().target?.messageId).toBe("m-00095");
  });

  test("facts about another conversation change nothing", async () => {
    const { engine, state } = await anOpenThread();
    const before = state();

    engine.emit({
      type: "messages",
      conversationId: "other" as ConversationId,
      messages: [aMessage(200)],
    });

    expect(state()).toBe(before);
  });

  test("the answer to a thread that was left in the meantime is dropped", async () => {
    const engine = createFakeEngine({ messages: rows(1, 5) });
    const store = createThreadStore(engine);

    const first = store.getState().open(CONVERSATION, null);
    const second = store.getState().open("other" as ConversationId, null);
    await Promise.all([first, second]);

    expect(store.getState().conversationId).toBe("other");
    expect(store.getState().order).toEqual([]);
  });

  test("a thread that could not be opened says why and can be asked again", async () => {
    const engine = createFakeEngine({ messages: rows(1, 5) });
    engine.refuseNext("openThread", { kind: "engine/storage-failed" });
    const store = createThreadStore(engine);

    await store.getState().open(CONVERSATION, null);
    const failed = store.getState();
    await store.getState().reload();

    expect(failed.status).toBe("failed");
    expect(failed.failure).toEqual({ kind: "engine/storage-failed" });
    expect(store.getState().status).toBe("open");
  });

  test("removed rows leave", async () => {
    const { engine, state } = await anOpenThread({ messages: rows(1, 3) });

    engine.emit({
      type: "messages-removed",
      conversationId: CONVERSATION,
      messageIds: [aMessage(2).id],
    });

    expect(state().order).toEqual(["m-00001", "m-00003"]);
  });

  test("the same row is reported as read once", async () => {
    const { engine, state } = await anOpenThread();

    state().markRead(aMessage(100).id);
    state().markRead(aMessage(100).id);

    expect(engine.heard.filter(({ name }) => name === "markRead").length).toBe(1);
  });
});

describe("live text", () => {
  const piece = (offset: number, text: string) => ({
    messageId: aMessage(1).id,
    streamId: "s-1" as StreamId,
    offset,
    text,
  });
  const live = reduceMessages(NO_ROWS, [aStream(1, "ab")]);

  test("[U52] a delta changes the live text and no row", () => {
    const next = reduceStreamText(live, piece(2, "cd"));

    expect(next?.liveTextById[aMessage(1).id]).toBe("abcd");
    expect(next?.messageById).toBe(live.messageById);
    expect(next?.order).toBe(live.order);
  });

  test("a piece told twice is kept once, and a missing piece is noticed", () => {
    const once = reduceStreamText(live, piece(2, "cd")) ?? NO_ROWS;
    const twice = reduceStreamText(once, piece(2, "cd"));

    expect(twice?.liveTextById[aMessage(1).id]).toBe("abcd");
    expect(reduceStreamText(once, piece(9, "x"))).toBeNull();
  });

  test("a row told whole replaces the live text", () => {
    const streaming = reduceStreamText(live, piece(2, "cd")) ?? NO_ROWS;

    const ended = reduceMessages(streaming, [aMessage(1)]);

    expect(ended.liveTextById).toEqual({});
  });

  test("a missing piece makes the store ask for the rows again", async () => {
    const { engine } = await anOpenThread({ messages: [aStream(1, "ab")] });

    engine.emit({ type: "stream-text", conversationId: CONVERSATION, ...piece(7, "x") });

    expect(engine.heard.at(-1)?.name).toBe("openThread");
  });

  test("[U90] missing pieces ask one question at a time, and no row leaves meanwhile", async () => {
    const { engine, state } = await anOpenThread({
      messages: [...rows(2, 30), aStream(31, "ab")],
      windowRows: 5,
    });
    await state().loadBefore();
    const before = state();
    const asked = () => engine.heard.filter(({ name }) => name === "openThread").length;
    const gap = (offset: number) =>
      engine.emit({
        type: "stream-text",
        conversationId: CONVERSATION,
        ...piece(offset, "x"),
        messageId: aMessage(31).id,
      });

    engine.world.messages = [...rows(2, 30), aStream(31, "abcdef")];
    for (let offset = 10; offset < 60; offset++) gap(offset);
    const askedAtOnce = asked() - 1;
    await state().loadBefore();

    expect(askedAtOnce).toBe(1);
    expect(state().order).toEqual(expect.arrayContaining([...before.order]));
    expect(state().generation).toBe(before.generation);
    expect(state().messageById.get(aMessage(31).id)?.body).toMatchObject({
      stream: { text: "abcdef" },
    });
  });

  test("[U90] reasons to reload that come in a row still let the first answer show", async () => {
    const { engine, state } = await anOpenThread({ messages: rows(1, 3) });
    engine.world.messages = rows(1, 4);

    const first = state().reload();
    for (let times = 0; times < 9; times++)
      engine.emit({ type: "history-reset", conversationId: CONVERSATION });
    await first;

    expect(state().order.at(-1)).toBe("m-00004");
    expect(engine.heard.filter(({ name }) => name === "openThread").length).toBe(3);
  });

  test("any cutting of a text, with pieces repeated, gives the text", () => {
    const text = fc.string({ minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(60), { maxLength: 8 }), fc.nat(3), (whole, cuts, again) => {
        const places = [...new Set([0, ...cuts.filter((cut) => cut < whole.length)])].sort(
          (a, b) => a - b,
        );
        const pieces = places.map((start, i) => piece(start, whole.slice(start, places[i + 1])));
        const told = pieces.flatMap((each) => Array.from({ length: again + 1 }, () => each));

        let state = reduceMessages(NO_ROWS, [aStream(1, "")]);
        for (const each of told) state = reduceStreamText(state, each) ?? NO_ROWS;

        expect(state.liveTextById[aMessage(1).id]).toBe(whole);
      }),
    );
  });
});

test("a window says whether there is more on either side", () => {
  const view = {
    conversationId: CONVERSATION,
    messages: rows(5, 6),
    hasBefore: true,
    isCut: false,
    hasAfter: false,
    firstUnreadId: null,
    readSeqById: {},
  };

  expect(makeRows(view)).toMatchObject({ hasBefore: true, isCut: false, hasAfter: false });
});

describe("a thread in which nobody has spoken", () => {
  const said = (event: string) =>
    aMessage(1, { body: { kind: "system", event, text: "", params: {} } });

  test("[U87] is one without rows, or with the connection's row alone", async () => {
    const isUnsaid = async (messages: ReturnType<typeof rows>) =>
      selectIsUnsaid((await anOpenThread({ messages })).state());

    expect(await isUnsaid([])).toBe(true);
    expect(await isUnsaid([said("relation.established")])).toBe(true);
    expect(await isUnsaid([said("relation.established"), aMessage(2)])).toBe(false);
    expect(await isUnsaid([said("member.added")])).toBe(false);
  });
});
