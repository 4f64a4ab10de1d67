import { describe, expect, test } from "vitest";
import { createFakeEngine } from "./fake-engine.ts";
import { createFilesStore, selectTray } from "./files-store.ts";
import { CONVERSATION } from "./sample-views.ts";
import type { MessageId } from "./views.ts";

function aDesk(part: Parameters<typeof createFakeEngine>[0] = {}) {
  const engine = createFakeEngine(part);
  const store = createFilesStore(engine);
  return {
    engine,
    act: () => store.getState(),
    tray: () => selectTray(CONVERSATION)(store.getState()),
  };
}
const aBlob = (name: string) => ({ name, bytes: new Blob([name]) });
const REF = {
  conversationId: CONVERSATION,
  messageId: "m-1" as MessageId,
  attachmentId: "a-1",
};

describe("the tray", () => {
  test("[U140] shows what waits since before, then what is attached, each until it is removed", async () => {
    const waiting = { fileId: "old", name: "old.txt", sizeBytes: 3, picture: null };
    const { act, engine, tray } = aDesk({ attached: [waiting] });
    await act().begin(CONVERSATION);
    await act().attach(CONVERSATION, [aBlob("one.txt"), aBlob("two.txt")]);
    const before = tray().map(({ name, status }) => [name, status]);

    act().detach(CONVERSATION, "old");

    expect(before).toEqual([
      ["old.txt", "ready"],
      ["one.txt", "ready"],
      ["two.txt", "ready"],
    ]);
    expect(tray().map(({ name }) => name)).toEqual(["one.txt", "two.txt"]);
    expect(engine.heard.at(-1)).toEqual({
      name: "detachFile",
      input: { conversationId: CONVERSATION, fileId: "old" },
    });
  });

  test("[U140] keeps a file that was refused and says why, and gives only those that are ready", async () => {
    const { act, engine, tray } = aDesk();
    engine.refuseNext("attachFile", { kind: "engine/file-too-large" });
    await act().attach(CONVERSATION, [aBlob("large.bin"), aBlob("small.bin")]);
    const [large] = tray();

    const taken = act().take(CONVERSATION);

    expect(large).toMatchObject({ status: "failed", failure: { kind: "engine/file-too-large" } });
    expect(taken.map(({ name }) => name)).toEqual(["small.bin"]);
    expect(tray().map(({ name }) => name)).toEqual(["large.bin"]);
  });
});

describe("a picture", () => {
  test("[U142] is asked for once, says when it is none or fails, and can be asked for again", async () => {
    const { act, engine } = aDesk();
    engine.refuseNext("openFile", { kind: "peer/damaged-file" });
    await act().show(REF);
    const failed = act().pictureById["a-1"];
    await Promise.all([act().show(REF), act().show(REF)]);

    expect(failed).toEqual({ status: "failed", failure: { kind: "peer/damaged-file" } });
    expect(act().pictureById["a-1"]).toEqual({ status: "no-picture" });
    expect(engine.heard.filter(({ name }) => name === "openFile")).toHaveLength(2);
  });

  test("[U142] leaves the page when the account closes", async () => {
    const { act } = aDesk();
    await act().show(REF);
    await act().attach(CONVERSATION, [aBlob("one.txt")]);

    act().clear();

    expect(act().pictureById).toEqual({});
    expect(act().trayById).toEqual({});
  });
});

describe("files on their way", () => {
  test("[U141] are shown as the worker tells, until they end", () => {
    const { act, engine } = aDesk();
    const transfer = {
      id: "m-1",
      conversationId: CONVERSATION,
      status: "paused" as const,
      doneBytes: 1,
      totalBytes: 4,
    };
    engine.emit({ type: "transfer", transfer });
    const during = act().transferById;
    engine.emit({ type: "transfer", transfer: { ...transfer, status: "ended" } });

    expect(during).toEqual({ "m-1": transfer });
    expect(act().transferById).toEqual({});
  });
});
