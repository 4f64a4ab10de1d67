import { describe, expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { announce } from "./announcements-store.ts";
import { filterConversations, selectUnreadConversations } from "./conversations-store.ts";
import { createStores } from "./create-stores.ts";
import { createFakeEngine, type FakeWorld } from "./fake-engine.ts";
import { aConversation, aMessage, aStream, CONVERSATION } from "./sample-views.ts";
import { parseSettings } from "./settings-store.ts";
import type { ArtifactId, ConversationId, InviteView } from "./views.ts";

const OTHER = "00000000-0000-7000-8000-00000000c002" as ConversationId;
const CARD = { conversationId: CONVERSATION, artifactId: "a-1" as ArtifactId };
const INVITE = { kind: "agent", code: "abc", name: "Guide" } as InviteView;

async function openStores(part: Partial<FakeWorld> = {}) {
  const engine = createFakeEngine({ conversations: [aConversation()], ...part });
  const clock = createFakeClock();
  const saved: string[] = [];
  const stores = createStores(engine, clock, {
    load: () => null,
    save: (text) => void saved.push(text),
  });
  await stores.account.getState().load();
  await stores.account.getState().create({ displayName: "Ada", handle: null, password: null });
  await clock.advance(0);
  return { engine, clock, stores, saved };
}

describe("the account", () => {
  test("opening it loads conversations and requests", async () => {
    const { engine, stores } = await openStores();

    expect(stores.conversations.getState().status).toBe("ready");
    expect(engine.heard.map(({ name }) => name)).toContain("listContactRequests");
  });

  test("[U143] without its disk the account closes, says why, and opens with what was being written", async () => {
    const { engine, stores } = await openStores();
    stores.composer.getState().write(CONVERSATION, "half a thought");
    engine.refuseNext("loadAccount", { kind: "engine/store-newer" });

    engine.emit({ type: "engine-restarted" });
    await expect
      .poll(() => stores.account.getState())
      .toMatchObject({
        account: { status: "loading" },
        loadFailure: { kind: "engine/store-newer" },
      });
    await stores.account.getState().load();

    expect(stores.account.getState()).toMatchObject({
      account: { status: "open" },
      loadFailure: null,
    });
    expect(stores.composer.getState().draftById[CONVERSATION]?.text).toBe("half a thought");
  });

  test("a wrong password leaves the door as it was", async () => {
    const { engine, stores } = await openStores();
    engine.emit({
      type: "account",
      account: { status: "locked", displayName: "Ada", handle: "ada", passkeyIds: [] },
    });
    engine.refuseNext("unlock", { kind: "engine/wrong-password" });

    const outcome = await stores.account.getState().unlock("nope");

    expect(outcome).toEqual({ ok: false, failure: { kind: "engine/wrong-password" } });
    expect(stores.account.getState().account.status).toBe("locked");
  });

  test("[U85] a browser that lost its account says so; one that was wiped or begins anew does not", async () => {
    const { engine, stores } = await openStores();
    const isLost = () => stores.account.getState().isLost;
    expect(isLost()).toBe(false);

    engine.emit({ type: "account", account: { status: "none" } });
    expect(isLost()).toBe(true);
    stores.account.getState().beginAnew();
    expect(isLost()).toBe(false);

    await stores.account.getState().signIn({ handle: "ada", password: "correct horse battery" });
    await stores.account.getState().wipe();
    engine.emit({ type: "account", account: { status: "none" } });
    expect(isLost()).toBe(false);
  });

  test("[U60] locking takes the open thread off the page", async () => {
    const { engine, stores } = await openStores({ messages: [aMessage(1)] });
    await stores.thread.getState().open(CONVERSATION, null);

    engine.emit({
      type: "account",
      account: { status: "locked", displayName: "Ada", handle: "ada", passkeyIds: [] },
    });

    expect(stores.thread.getState().status).toBe("closed");
    expect(stores.thread.getState().messageById.size).toBe(0);
  });
});

describe("onboarding", () => {
  test("[U61] goes from a name over an optional password to a first conversation", async () => {
    const { stores } = await openStores();
    const steps: string[] = [];
    stores.onboarding.subscribe(({ step }) => steps.push(step));
    const { start, setName, finishAccount, finish } = stores.onboarding.getState();

    start();
    setName("Ada");
    await finishAccount(null);
    finish();

    expect(steps.filter((step, i) => step !== steps[i - 1])).toEqual([
      "name",
      "password",
      "first-conversation",
      "idle",
    ]);
  });
});

describe("conversations", () => {
  test("stand pinned first, then by the last thing that happened", async () => {
    const { engine, stores } = await openStores();

    engine.emit({
      type: "conversation",
      conversation: aConversation({ id: OTHER, updatedAt: Date.UTC(2027, 0) }),
    });
    const recentFirst = stores.conversations.getState().order;
    engine.emit({ type: "conversation", conversation: aConversation({ pinned: true }) });

    expect(recentFirst).toEqual([OTHER, CONVERSATION]);
    expect(stores.conversations.getState().order).toEqual([CONVERSATION, OTHER]);
  });

  test("a muted conversation counts as unread only when it mentions us", async () => {
    const { engine, stores } = await openStores();
    const tell = (mentioned: boolean): number => {
      engine.emit({
        type: "conversation",
        conversation: aConversation({ muted: true, unreadCount: 3, mentioned }),
      });
      return selectUnreadConversations(stores.conversations.getState());
    };

    expect([tell(false), tell(true)]).toEqual([0, 1]);
  });

  test("the filter looks for every word in title, members and last line", async () => {
    const { stores } = await openStores({
      conversations: [
        aConversation({ title: "Deploy room" }),
        aConversation({ id: OTHER, title: "Lunch" }),
      ],
    });
    const state = stores.conversations.getState();

    expect(filterConversations(state, "DEPLOY guide")).toEqual([CONVERSATION]);
    expect(filterConversations(state, "  ").length).toBe(2);
  });
});

describe("invites", () => {
  test("an answer to a link that was put away is dropped", async () => {
    const { stores } = await openStores({ inviteByUrl: { "/i/abc#fp=x": INVITE } });
    const opening = stores.contacts.getState().openInvite("/i/abc#fp=x");
    stores.contacts.getState().dismissInvite();

    await opening;

    expect(stores.contacts.getState().invite.status).toBe("none");
  });

  test("accepting answers with the conversation and closes the sheet", async () => {
    const { stores } = await openStores({ inviteByUrl: { "/i/abc#fp=x": INVITE } });
    await stores.contacts.getState().openInvite("/i/abc#fp=x");

    const answer = await stores.contacts.getState().acceptInvite();

    expect(answer).toEqual({ ok: true, value: CONVERSATION });
    expect(stores.contacts.getState().invite.status).toBe("none");
  });
});

describe("cards", () => {
  test("[U62] a form's values are saved as they are typed and leave when they were sent", async () => {
    const { clock, engine, stores } = await openStores();
    const { fill, answer } = stores.cards.getState();

    fill(CARD, { city: "Oslo" });
    await clock.advance(400);
    await answer(CARD, "submit", { city: "Oslo" });

    expect(engine.heard.filter(({ name }) => name === "saveFormDraft").length).toBe(1);
    expect(stores.cards.getState().valuesById).toEqual({});
  });

  test("a decision that was refused is kept as a failure and can be taken again", async () => {
    const { engine, stores } = await openStores();
    engine.refuseNext("decideApproval", { kind: "engine/expired" });

    const first = await stores.cards.getState().decide(CARD, "deny", "", false);
    const failed = stores.cards.getState().progressById[CARD.artifactId];
    const second = await stores.cards.getState().decide(CARD, "deny", "", false);

    expect([first, second]).toEqual([false, true]);
    expect(failed).toEqual({ status: "failed", failure: { kind: "engine/expired" } });
  });
});

describe("what is said aloud", () => {
  test("[U63] a stream is said to start once and to finish once, and its pieces are not said", () => {
    const text = aMessage(1);

    expect(announce(aStream(1, ""), "nothing")).toBe("started");
    expect(announce(aStream(1, "more"), "started")).toBeNull();
    expect(announce(text, "started")).toBe("finished");
    expect(announce(text, "finished")).toBeNull();
  });

  test("own messages and old rows that changed are not said", async () => {
    const { engine, clock, stores } = await openStores();
    await clock.advance(3_600_000);

    engine.emit({
      type: "messages",
      conversationId: CONVERSATION,
      messages: [aMessage(1), aMessage(2, { isSelf: true, at: clock.now() })],
    });

    expect(stores.announcements.getState().latest).toBeNull();
  });
});

test("what no call waits for is said in passing", async () => {
  const { engine, stores } = await openStores();
  const notices: unknown[] = [];
  stores.notices.on((notice) => notices.push(notice));

  engine.emit({ type: "failed", failure: "peer/cannot-read" });
  engine.emit({ type: "history-reset", conversationId: OTHER });

  expect(notices).toEqual([
    { kind: "failure", failure: { kind: "peer/cannot-read" } },
    { kind: "note", note: "history-reset" },
  ]);
});

describe("settings", () => {
  test("are saved as they change and survive a visit", async () => {
    const { saved, stores } = await openStores();

    stores.settings.getState().change({ theme: "dark", listWidthPx: 900 });

    expect(parseSettings(saved.at(-1) ?? null)).toMatchObject({ theme: "dark", listWidthPx: 440 });
  });

  test("that cannot be read are the defaults", () => {
    expect(parseSettings("{")).toEqual(parseSettings(null));
    expect(parseSettings('{"theme":"neon","enterSends":1}')).toEqual(parseSettings(null));
  });
});

describe("search", () => {
  test("asks once per pause and drops the answer to older words", async () => {
    const { clock, engine, stores } = await openStores();
    const { search } = stores.search.getState();

    search("de");
    search("deploy");
    await clock.advance(150);

    expect(engine.heard.filter(({ name }) => name === "search").map(({ input }) => input)).toEqual([
      { query: "deploy", conversationId: null, limit: 30 },
    ]);
    expect(stores.search.getState().status).toBe("done");
  });
});

test("[U64] an update takes over only after what was typed is saved", async () => {
  const { engine, stores } = await openStores();
  const order: string[] = [];
  stores.composer.getState().write(CONVERSATION, "unsaved");
  stores.update.getState().offer(() => {
    order.push(`take over after ${engine.heard.filter((c) => c.name === "saveDraft").length} save`);
  });

  await stores.update.getState().apply();

  expect(order).toEqual(["take over after 1 save"]);
});

test("after another engine took over, everything is asked for again", async () => {
  const { clock, engine, stores } = await openStores({ messages: [aMessage(1)] });
  await stores.thread.getState().open(CONVERSATION, null);
  const before = engine.heard.length;

  engine.emit({ type: "engine-restarted" });
  await clock.advance(0);

  expect(engine.heard.slice(before).map(({ name }) => name)).toEqual([
    "loadAccount",
    "listConversations",
    "listContactRequests",
    "openThread",
  ]);
});
