import { describe, expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { createComposerStore, selectDraft } from "./composer-store.ts";
import { createConversationsStore } from "./conversations-store.ts";
import { createFilesStore } from "./files-store.ts";
import { createFakeEngine } from "./fake-engine.ts";
import { aConversation, aMember, aMessage, CONVERSATION, memberId } from "./sample-views.ts";
import type { BridgeFailure } from "./views.ts";

async function aComposer(draft = "") {
  const engine = createFakeEngine({
    conversations: [
      aConversation({
        draft,
        members: [aMember({ id: memberId(5), name: "Grace" }), aMember()],
      }),
    ],
  });
  const clock = createFakeClock();
  const failures: BridgeFailure[] = [];
  const conversations = createConversationsStore(engine, (failure) => failures.push(failure));
  await conversations.getState().load();
  const files = createFilesStore(engine);
  const store = createComposerStore(engine, clock, conversations, files, (failure) =>
    failures.push(failure),
  );
  const heard = (name: string) =>
    engine.heard.filter((call) => call.name === name).map(({ input }) => input);
  return {
    engine,
    clock,
    failures,
    heard,
    act: () => store.getState(),
    files: () => files.getState(),
    draft: () => selectDraft(CONVERSATION)(store.getState()),
  };
}

describe("a draft", () => {
  test("[U57] is saved at the first key, then at most once in a pause", async () => {
    const { act, clock, heard } = await aComposer();
    const saved = () => heard("saveDraft").map((input) => (input as { text: string }).text);

    act().write(CONVERSATION, "h");
    const atOnce = saved();
    act().write(CONVERSATION, "hi");
    act().write(CONVERSATION, "hi!");
    await clock.advance(399);
    const inPause = saved();
    await clock.advance(1);
    await clock.advance(10_000);

    expect(atOnce).toEqual(["h"]);
    expect(inPause).toEqual(["h"]);
    expect(saved()).toEqual(["h", "hi!"]);
  });

  test("[U58] is saved at once when the page goes away", async () => {
    const { act, clock, heard } = await aComposer();
    act().write(CONVERSATION, "half");
    act().write(CONVERSATION, "half a sen");

    await act().flush();
    await clock.advance(10_000);

    expect(heard("saveDraft")).toEqual([
      { conversationId: CONVERSATION, text: "half", replyToId: null },
      { conversationId: CONVERSATION, text: "half a sen", replyToId: null },
    ]);
  });

  test("[U58] that could not be saved, as behind a lock, is saved when everything is saved next", async () => {
    const { act, clock, engine, heard } = await aComposer();
    engine.refuseNext("saveDraft", { kind: "engine/not-open" });
    act().write(CONVERSATION, "behind the lock");
    await clock.advance(10_000);

    await act().flush();
    await act().flush();

    const texts = heard("saveDraft").map((input) => (input as { text: string }).text);
    expect(texts).toEqual(["behind the lock", "behind the lock"]);
  });

  test("comes back as it was typed, names included", async () => {
    const { act, draft } = await aComposer(`ask @<U:${memberId(5)}> first`);

    act().begin(CONVERSATION);

    expect(draft().text).toBe("ask @Grace first");
  });

  test("that is being written wins over the saved one", async () => {
    const { act, draft } = await aComposer("old");
    act().write(CONVERSATION, "new");

    act().begin(CONVERSATION);

    expect(draft().text).toBe("new");
  });
});

describe("sending", () => {
  test("hands over placeholders, the reply and trimmed text, and empties the draft", async () => {
    const { act, draft, heard } = await aComposer();
    act().write(CONVERSATION, "  @Grace look  ");
    act().setReply(CONVERSATION, aMessage(7));

    await act().send(CONVERSATION);

    expect(heard("sendText")).toEqual([
      {
        conversationId: CONVERSATION,
        text: `@<U:${memberId(5)}> look`,
        mentions: [memberId(5)],
        replyToId: "m-00007",
      },
    ]);
    expect(draft()).toEqual({ text: "", replyTo: null });
    expect(heard("saveDraft").at(-1)).toMatchObject({ text: "" });
  });

  test("[U59] what the worker refused is back in the composer", async () => {
    const { act, draft, engine, failures } = await aComposer();
    act().write(CONVERSATION, "precious");
    engine.refuseNext("sendText", { kind: "engine/storage-full" });

    await act().send(CONVERSATION);

    expect(draft().text).toBe("precious");
    expect(failures).toEqual([{ kind: "engine/storage-full" }]);
  });

  test("blank text is not sent", async () => {
    const { act, heard } = await aComposer();
    act().write(CONVERSATION, " \n ");

    expect(await act().send(CONVERSATION)).toBe(false);
    expect(heard("sendText")).toEqual([]);
  });
});

describe("typing", () => {
  test("is told at the first key, again while it goes on, and ended after a pause", async () => {
    const { act, clock, heard } = await aComposer();
    for (let i = 1; i <= 5; i++) {
      act().write(CONVERSATION, "x".repeat(i));
      await clock.advance(1_000);
    }
    await clock.advance(10_000);

    expect(heard("setTyping").map((input) => (input as { typing: boolean }).typing)).toEqual([
      true,
      true,
      false,
    ]);
  });

  test("ends when the text is sent", async () => {
    const { act, heard } = await aComposer();
    act().write(CONVERSATION, "hi");

    await act().send(CONVERSATION);

    expect(heard("setTyping").at(-1)).toEqual({ conversationId: CONVERSATION, typing: false });
  });
});

describe("files beside a draft", () => {
  const aFile = { name: "a.txt", bytes: new Blob(["a"]) };

  test("[U140] go with the words, or alone, and are back in the tray when they were refused", async () => {
    const { act, engine, files, heard } = await aComposer();
    await files().attach(CONVERSATION, [aFile]);
    engine.refuseNext("sendFiles", { kind: "engine/file-gone" });

    const isSent = await act().send(CONVERSATION);
    const back = files().trayById[CONVERSATION]?.map(({ name }) => name);
    act().write(CONVERSATION, "with words");
    await act().send(CONVERSATION);

    expect(isSent).toBe(false);
    expect(back).toEqual(["a.txt"]);
    expect(heard("sendFiles")).toMatchObject([{ text: "" }, { text: "with words" }]);
    expect(heard("sendText")).toEqual([]);
    expect(files().trayById[CONVERSATION]).toEqual([]);
  });

  test("[U140] that could not be read hold the message back until they are removed", async () => {
    const { act, engine, files, heard } = await aComposer();
    engine.refuseNext("attachFile", { kind: "engine/file-unreadable" });
    await files().attach(CONVERSATION, [aFile]);
    act().write(CONVERSATION, "words");

    expect(await act().send(CONVERSATION)).toBe(false);
    expect(heard("sendText")).toEqual([]);
  });
});
