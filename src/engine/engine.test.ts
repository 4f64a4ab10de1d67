import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesToBase64 } from "#base/base64.ts";
import { systemRandom } from "#base/random.ts";
import { Secret } from "#base/secret.ts";
import type { AccountView } from "#bridge/views.ts";
import type { EngineEvent } from "#bridge/events.ts";
import { makeSigner } from "#crypto/identity.ts";
import { startAccount } from "#crypto/ledger/account.ts";
import { primitives } from "#peer/endpoint-world.contract.ts";
import type { Entry } from "#peer/endpoint.ts";
import {
  must,
  startEngineWorld,
  words,
  type EngineWorld,
  type Seat,
} from "./engine-world.contract.ts";

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterAll(() => world.close());

const saysTo = (text: string) => (entry: Entry) =>
  entry.content.kind === "message" &&
  entry.content.payload.type === "text" &&
  entry.content.payload.text === text;
const open = (view: AccountView) => {
  if (view.status !== "open") throw new Error(view.status);
  return view;
};
const meet = async (person: Seat, link: string) => {
  const id = must(await person.calls.acceptInvite({ url: link }));
  if (id === null) throw new Error("no conversation");
  return id;
};
const send = async (person: Seat, conversationId: Awaited<ReturnType<typeof meet>>, text: string) =>
  must(await person.calls.sendText({ conversationId, text, mentions: [], replyToId: null }));

describe("a person and an agent", () => {
  test("[N40] meet by a link and talk, and the page sees every step", async () => {
    const ada = await world.person("Ada");
    const guide = await world.agent();
    const conversationId = await meet(ada, guide.link);
    await ada.openThread(conversationId);

    const messageId = await send(ada, conversationId, "hello guide");
    const heard = await guide.entry(saysTo("hello guide"));
    must(await guide.endpoint.send(heard.conversationId, { type: "text", text: "hello **Ada**" }));

    const answer = await ada.row((row) => words(row) === "hello **Ada**");
    expect(answer).toMatchObject({
      authorKind: "agent",
      isSelf: false,
      body: { kind: "text", markdown: true },
      delivery: null,
    });
    const own = await ada.row((row) => row.id === messageId && row.seq !== null);
    expect(own.isSelf).toBe(true);
    const list = must(await ada.calls.listConversations());
    expect(list).toHaveLength(1);
    expect(list[0]).toMatchObject({ kind: "h2a", title: "Echo", relation: "established" });
    // Who is there is told apart from what is said.
    await expect
      .poll(async () => must(await ada.calls.listConversations())[0]?.peer?.presence)
      .toBe("online");
  });

  test("[N41] a link whose fingerprint is another stops there", async () => {
    const ada = await world.person("Ada");
    const guide = await world.agent();
    const forged = `${guide.link.slice(0, -43)}${"A".repeat(43)}`;

    expect(await ada.calls.acceptInvite({ url: forged })).toEqual({
      ok: false,
      failure: { kind: "engine/fingerprint-mismatch" },
    });
    expect(await ada.calls.listConversations()).toEqual({ ok: true, value: [] });
  });

  test("[N41] a link shows nobody whose key is another, and founds nothing on a ledger that is", async () => {
    const ada = await world.person("Ada");
    const bob = await world.person("Bob");
    const guide = await world.agent();
    const { inviteUrl } = open(must(await bob.calls.loadAccount()));
    const mismatch = { ok: false, failure: { kind: "engine/fingerprint-mismatch" } };

    for (const link of [guide.link, inviteUrl])
      expect(await ada.calls.openInvite({ url: `${link.slice(0, -43)}${"A".repeat(43)}` })).toEqual(
        mismatch,
      );
    const { accountId } = guide.endpoint;
    const forged = await startAccount(primitives, {
      accountId,
      kind: "agent",
      identity: makeSigner(primitives, new Secret(systemRandom(32))),
      mode: "session",
      suiteFloor: 1,
      bootstrapKey: null,
      createdAt: Date.now(),
    });
    const prev_hash = bytesToBase64(new Uint8Array(32));
    const row = { ledger_seq: 0, prev_hash, entry: bytesToBase64(forged.entry) };
    ada.line.lie = (url) =>
      url.includes(`/keys/ledger/${accountId}`) ? { data: [row], next_cursor: null } : null;
    expect(await ada.calls.acceptInvite({ url: guide.link })).toEqual(mismatch);
    expect(await ada.calls.listConversations()).toEqual({ ok: true, value: [] });
  });

  test("[N42] an answer grows while it is made and ends as one message", async () => {
    const ada = await world.person("Ada");
    const guide = await world.agent();
    const conversationId = await meet(ada, guide.link);
    await ada.openThread(conversationId);
    await send(ada, conversationId, "tell me");
    await guide.entry(saysTo("tell me"));

    const stream = must(await guide.endpoint.openStream(conversationId));
    must(await stream.delta("Once upon "));
    const live = await ada.row(({ body }) => body.kind === "stream");
    const gained = ada.until(
      (event): event is Extract<EngineEvent, { type: "stream-text" }> =>
        event.type === "stream-text" && event.offset + event.text.length >= 16,
    );
    must(await stream.delta("a time"));
    await gained;
    must(await stream.done());
    const whole = await ada.row(
      ({ body }) => body.kind === "text" && body.text === "Once upon a time",
    );

    expect(live.id).not.toBe(whole.id);
    await ada.until(
      (event): event is EngineEvent =>
        event.type === "messages-removed" && event.messageIds.includes(live.id),
    );
    const again = await ada.openThread(conversationId);
    expect(again.messages.map(words)).toContain("Once upon a time");
    expect(again.messages.some(({ body }) => body.kind === "stream")).toBe(false);
  });

  test("[N43] a form is checked here, answered once, and the agent has the values", async () => {
    const ada = await world.person("Ada");
    const guide = await world.agent();
    const conversationId = await meet(ada, guide.link);
    await ada.openThread(conversationId);
    const artifactId = "order" as never;
    await guide.until(
      (event): event is never =>
        event.type === "entry" && event.entry.conversationId === conversationId,
    );
    must(
      await guide.endpoint.send(conversationId, {
        type: "artifact",
        artifact: {
          artifact_id: "order",
          subtype: "form",
          title: "Order",
          payload: { fields: [{ id: "name", label: "Name", type: "text", required: true }] },
        },
      }),
    );
    await ada.row(({ body }) => body.kind === "card");
    const answer = (values: Record<string, unknown>) =>
      ada.calls.answerArtifact({ conversationId, artifactId, actionId: "submit", values });

    expect(await answer({})).toEqual({
      ok: false,
      failure: { kind: "engine/bad-answer", params: { count: 1 } },
    });
    expect(await answer({ name: "Ada" })).toEqual({ ok: true, value: null });
    const heard = await guide.entry(
      ({ content }) => content.kind === "message" && content.payload.type === "artifact_response",
    );
    expect(heard.content).toMatchObject({
      payload: { values: { name: "Ada" }, ref_artifact: "order" },
    });
    expect(await answer({ name: "Eve" })).toMatchObject({
      failure: { kind: "engine/answer-refused" },
    });
  });
});

describe("without a line", () => {
  test("[N44] history is shown, messages are taken, and they leave when it is back", async () => {
    const ada = await world.person("Ada");
    const guide = await world.agent();
    const conversationId = await meet(ada, guide.link);
    await send(ada, conversationId, "first words");
    await guide.entry(saysTo("first words"));
    await ada.leave();

    const later = world.open(ada.profile, { isCut: true });
    const thread = await later.openThread(conversationId);
    expect(thread.messages.map(words)).toContain("first words");
    await send(later, conversationId, "said offline");
    await later.row((row) => words(row) === "said offline" && row.delivery?.status === "queued");
    await later.mend();

    await guide.entry(saysTo("said offline"));
    await later.row((row) => words(row) === "said offline" && row.seq !== null);
  });

  test("[N45] unread counts and drafts survive a restart, and reading clears them", async () => {
    const ada = await world.person("Ada");
    const guide = await world.agent();
    const conversationId = await meet(ada, guide.link);
    await send(ada, conversationId, "hi");
    await guide.entry(saysTo("hi"));
    must(await guide.endpoint.send(conversationId, { type: "text", text: "unread one" }));
    await ada.until(
      (event): event is EngineEvent =>
        event.type === "conversation" && event.conversation.unreadCount === 1,
    );
    must(await ada.calls.saveDraft({ conversationId, text: "half a tho", replyToId: null }));
    await ada.leave();

    const later = world.open(ada.profile);
    const [before] = must(await later.calls.listConversations());
    expect(before).toMatchObject({
      unreadCount: 1,
      draft: "half a tho",
      preview: { kind: "draft" },
    });
    const thread = await later.openThread(conversationId);
    const last = thread.messages.at(-1);
    if (last === undefined) throw new Error("empty");
    expect(thread.firstUnreadId).toBe(last.id);
    must(await later.calls.hint({ type: "hidden" }));
    must(await later.calls.markRead({ conversationId, upToId: last.id }));
    expect(must(await later.calls.listConversations())[0]?.unreadCount).toBe(1);
    must(await later.calls.hint({ type: "visible" }));
    must(await later.calls.markRead({ conversationId, upToId: last.id }));
    expect(must(await later.calls.listConversations())[0]?.unreadCount).toBe(0);
  });
});

test("[N56] a page that joins late is told how the line stands", async () => {
  const ada = await world.person("Ada");
  const page = ada.openPage();
  const heard: EngineEvent[] = [];
  page.onEvent((event) => heard.push(event));

  must(await page.calls.loadAccount());
  must(await page.calls.hint({ type: "network-offline" }));

  expect(
    heard.flatMap((event) => (event.type === "connection" ? [event.connection.status] : [])),
  ).toEqual(["online", "offline"]);
  page.close();
});

describe("the account", () => {
  test("[N46] is none on a fresh device, and open again after a restart", async () => {
    const ada = world.newcomer();
    expect(must(await ada.calls.loadAccount())).toEqual({ status: "none" });
    const made = open(
      must(await ada.calls.createAccount({ displayName: "Ada L", handle: null, password: null })),
    );
    expect(made.handle).toMatch(/^ada_l_[0-9a-f]{6}$/);
    await ada.leave();

    const later = world.open(ada.profile);

    expect(must(await later.calls.loadAccount())).toEqual(made);
    expect(await later.calls.lock()).toEqual({
      ok: false,
      failure: { kind: "engine/no-password" },
    });
  });

  test("[N47] locks, shows only a name, and opens with the password alone, offline too", async () => {
    const ada = await world.person("Ada", "correct horse battery");
    const before = must(await ada.calls.loadAccount());

    must(await ada.calls.lock());
    expect(must(await ada.calls.loadAccount())).toMatchObject({
      status: "locked",
      displayName: "Ada",
    });
    expect(await ada.calls.listConversations()).toMatchObject({
      failure: { kind: "engine/not-open" },
    });
    await ada.leave();
    const later = world.open(ada.profile, { isCut: true });
    expect(must(await later.calls.loadAccount()).status).toBe("locked");
    for (const password of ["wrong horse battery", "short"])
      expect(await later.calls.unlock({ password })).toEqual({
        ok: false,
        failure: { kind: "engine/wrong-password" },
      });

    expect(must(await later.calls.unlock({ password: "correct horse battery" }))).toEqual(before);
  });

  test("[N48] follows its person to a new device by handle and password, also one set later", async () => {
    const ada = await world.person("Ada");
    const { handle, userId } = open(must(await ada.calls.loadAccount()));
    expect(await ada.calls.setPassword({ current: null, next: "short" })).toMatchObject({
      failure: { kind: "engine/weak-password", params: { min: 12 } },
    });
    must(await ada.calls.setPassword({ current: null, next: "correct horse battery" }));
    const laptop = world.newcomer();
    expect(await laptop.calls.signIn({ handle, password: "wrong horse battery" })).toEqual({
      ok: false,
      failure: { kind: "engine/wrong-password" },
    });

    const typed = ` @${handle.toUpperCase()} `;
    const there = open(
      must(await laptop.calls.signIn({ handle: typed, password: "correct horse battery" })),
    );

    expect(there).toMatchObject({ userId, handle, displayName: "Ada", hasPassword: true });
    expect(there.deviceId).not.toBe(open(must(await ada.calls.loadAccount())).deviceId);
  });

  test("[N48] changes its password on any device, by what it is now wherever it was set", async () => {
    const ada = await world.person("Ada", "correct horse battery");
    const { handle } = open(must(await ada.calls.loadAccount()));
    const laptop = world.newcomer();
    must(await laptop.calls.signIn({ handle, password: "correct horse battery" }));
    const second = "another horse battery";
    must(await laptop.calls.setPassword({ current: "correct horse battery", next: second }));
    const change = (current: string) =>
      ada.calls.setPassword({ current, next: "a third horse battery" });

    expect(await change("correct horse battery")).toMatchObject({
      failure: { kind: "engine/wrong-password" },
    });
    must(await change(second));

    must(await ada.calls.lock());
    must(await ada.calls.unlock({ password: "a third horse battery" }));
  });

  test("[N49] wiped is gone from this device", async () => {
    const ada = await world.person("Ada");

    must(await ada.calls.wipe());

    expect(must(await ada.calls.loadAccount())).toEqual({ status: "none" });
    await ada.leave();
    expect(must(await world.open(ada.profile).calls.loadAccount())).toEqual({ status: "none" });
  });
});

describe("two people", () => {
  test("[N50] meet by a request, and compare the same safety number", async () => {
    const ada = await world.person("Ada");
    const bob = await world.person("Bob");
    const { inviteUrl } = open(must(await bob.calls.loadAccount()));
    expect(must(await ada.calls.openInvite({ url: inviteUrl }))).toMatchObject({
      kind: "human",
      name: "Bob",
      requested: false,
    });

    expect(must(await ada.calls.acceptInvite({ url: inviteUrl }))).toBeNull();
    await bob.until(
      (event): event is EngineEvent =>
        event.type === "contact-requests" && event.requests.some(({ name }) => name === "Ada"),
    );
    const [request] = must(await bob.calls.listContactRequests());
    if (request === undefined) throw new Error("no request");
    const conversationId = must(
      await bob.calls.answerContactRequest({ requestId: request.requestId, accept: true }),
    );
    if (conversationId === null) throw new Error("no conversation");
    await ada.until(
      (event): event is EngineEvent =>
        event.type === "conversation" &&
        event.conversation.id === conversationId &&
        event.conversation.members.length === 2,
    );
    await bob.openThread(conversationId);
    await send(ada, conversationId, "hello Bob");
    await bob.row((row) => words(row) === "hello Bob" && row.authorName === "Ada");

    const digits = async (seat: Seat) =>
      must(await seat.calls.describeSecurity({ conversationId })).readers.find((one) => !one.isSelf)
        ?.safetyNumber;
    expect(await digits(ada)).toHaveLength(12);
    expect(await digits(ada)).toEqual(await digits(bob));
  });

  test("[N51] in a group see its sealed name, and search finds what was said there", async () => {
    const ada = await world.person("Ada");
    const bob = await world.person("Bob");
    const guide = await world.agent();
    await meet(bob, guide.link);
    const { inviteUrl, userId } = open(must(await bob.calls.loadAccount()));
    must(await ada.calls.acceptInvite({ url: inviteUrl }));
    await bob.until(
      (event): event is EngineEvent =>
        event.type === "contact-requests" && event.requests.length > 0,
    );
    const [request] = must(await bob.calls.listContactRequests());
    must(
      await bob.calls.answerContactRequest({ requestId: request?.requestId ?? "", accept: true }),
    );

    const groupId = must(await ada.calls.createGroup({ title: "Sailing", memberIds: [userId] }));
    await bob.until(
      (event): event is EngineEvent =>
        event.type === "conversation" &&
        event.conversation.id === groupId &&
        event.conversation.title === "Sailing",
    );
    await bob.openThread(groupId);
    await send(ada, groupId, "Who brings the Crème brûlée?");
    await bob.row((row) => words(row).startsWith("Who brings"));

    const hits = must(
      await bob.calls.search({ query: "creme BRULEE", conversationId: null, limit: 5 }),
    );
    expect(hits).toHaveLength(1);
    expect(hits[0]).toMatchObject({
      conversationId: groupId,
      title: "Sailing",
      authorName: "Ada",
      isSelf: false,
    });
  });
});
