import { describe, expect, test } from "vitest";
import type { AccountId, ConversationId, MessageId } from "#protocol/ids.ts";
import type { KnownPayload, Payload } from "#protocol/payload.ts";
import type { Entry } from "#peer/endpoint.ts";
import { aMessageContent } from "#peer/entry.contract.ts";
import {
  makeConversation,
  reduceConversation,
  type Conversation,
  type Member,
} from "./conversation.ts";
import { sendingOf, viewConversation, type PeopleContext } from "./conversation-view.ts";

const line = "01900000-0000-7000-8000-0000000000c1" as ConversationId;
const ada = "01900000-0000-7000-8000-0000000000a1" as AccountId;
const bot = "01900000-0000-7000-8000-0000000000b1" as AccountId;
const eve = "01900000-0000-7000-8000-0000000000e1" as AccountId;
const m = (n: number) =>
  `01900000-0000-7000-8000-0000000010${String(n).padStart(2, "0")}` as MessageId;

const entry = (seq: number, authorId: AccountId, content: Entry["content"]): Entry => ({
  conversationId: line,
  seq,
  at: seq * 1_000,
  authorId,
  authorKind: authorId === bot ? "agent" : "human",
  authorDeviceId: null,
  content,
});
const said = (seq: number, authorId: AccountId, payload: Payload): Entry =>
  entry(seq, authorId, aMessageContent(m(seq), payload));
const words = (text: string, more: object = {}) => ({ type: "text" as const, text, ...more });
const fresh = (kind: Conversation["kind"] = "h2a") =>
  reduceConversation(
    makeConversation({
      id: line,
      kind,
      peerId: kind === "group" ? null : bot,
      relation: "established",
      createdAt: 0,
    }),
    {
      type: "ledger",
      membersMayAdd: false,
      isClosed: false,
      members: [
        { id: ada, kind: "human", role: "owner" },
        { id: bot, kind: "agent", role: "member" },
      ],
    },
    ada,
  );
const after = (before: Conversation, ...entries: readonly Entry[]) =>
  reduceConversation(before, { type: "entries", entries }, ada);

const people = (more: Partial<PeopleContext> = {}): PeopleContext => ({
  selfId: ada,
  nameOf: (id) => (id === bot ? "Guide" : "Ada"),
  ownNameOf: (id) => (id === bot ? "Guide" : "Ada"),
  trustOf: () => "unverified",
  changeOf: () => null,
  presenceOf: () => "unknown",
  isStateless: () => false,
  suggestionsOf: () => ["Hi"],
  isFileHere: () => false,
  isCutOff: () => false,
  ...more,
});

describe("a conversation in the list", () => {
  test("[N30] counts what others said since it was read, and nothing twice", () => {
    const entries = [
      said(1, bot, words("one")),
      said(2, bot, { type: "reaction", message_id: m(1), emoji: "+", op: "add" }),
      said(3, bot, words("two")),
    ];

    const once = after(fresh(), ...entries);
    const twice = after(once, ...entries);

    expect([once.unreadCount, once.foldedSeq]).toEqual([2, 3]);
    expect(twice).toBe(once);
  });

  test("[N32] a call by name outlives a mark that does not reach it, and no other", () => {
    const called = after(
      fresh(),
      said(1, bot, words("one")),
      said(2, bot, words("@Ada", { mentions: [ada] })),
    );
    const read = (seq: number, unreadCount: number) =>
      reduceConversation(called, { type: "read", seq, unreadCount }, ada).mentionSeq;

    expect([called.mentionSeq, read(1, 1), read(2, 0)]).toEqual([2, 2, 0]);
  });

  test("[N33] a profile counts by what was verified when it came, and in a group alone", () => {
    const profile = { type: "profile", name: "Named" } as const;
    const marked = (isByLead: boolean, by: AccountId) =>
      entry(1, by, { ...aMessageContent(m(1), profile), isByLead });

    expect(after(fresh("group"), marked(false, ada)).title).toBeNull();
    expect(after(fresh("group"), marked(true, eve)).title).toBe("Named");
    expect(after(fresh("h2a"), marked(true, ada)).title).toBeNull();
  });

  test("[N30] is read up to a mark, which never moves back", () => {
    const unread = after(fresh(), said(1, bot, words("one")), said(2, bot, words("two")));

    const read = reduceConversation(unread, { type: "read", seq: 2, unreadCount: 0 }, ada);
    const back = reduceConversation(read, { type: "read", seq: 1, unreadCount: 1 }, ada);

    expect([read.unreadCount, read.readSeq]).toEqual([0, 2]);
    expect(back).toBe(read);
    expect(after(read, said(3, bot, words("three"))).unreadCount).toBe(1);
  });

  test("[N30] an own message, from whatever device, says that all above it is read", () => {
    const unread = after(fresh(), said(1, bot, words("one")));

    expect(after(unread, said(2, ada, words("two")))).toMatchObject({ unreadCount: 0, readSeq: 2 });
  });

  test("[N30] only what a person says reads for them, and what was read ahead counts no more when it comes", () => {
    const unread = after(fresh(), said(1, bot, words("one")));
    const added = entry(2, ada, { kind: "ledger", op: "add", actorId: ada, subjectId: eve });
    const readAhead = reduceConversation(fresh(), { type: "read", seq: 2, unreadCount: 0 }, ada);

    expect(after(unread, added)).toMatchObject({ unreadCount: 1, readSeq: 0 });
    const come = after(readAhead, ...[1, 2, 3].map((seq) => said(seq, bot, words("news"))));
    expect(come).toMatchObject({ unreadCount: 1, readSeq: 2 });
  });

  test("[N31] the taking back of another message, and a turn without words, leave what was said last", () => {
    const last = after(fresh(), said(1, bot, words("first")), said(2, bot, words("last")));

    const recalled = after(
      last,
      entry(3, bot, { kind: "recalled", messageId: m(1), by: "author" }),
    );
    const silent = after(recalled, said(4, bot, words("")));

    expect(recalled.preview).toEqual(last.preview);
    expect(silent).toMatchObject({ preview: last.preview, updatedAt: 4_000 });
  });

  test("[N31] shows the newest row, and forgets the words of a recalled one", () => {
    const one = after(fresh(), said(1, bot, words("first\nline")), said(2, bot, words("oops")));

    const recalled = after(one, entry(3, bot, { kind: "recalled", messageId: m(2), by: "author" }));

    expect(one.preview).toMatchObject({ text: "oops", kind: "text", at: 2_000 });
    expect(recalled.preview).toMatchObject({ text: "", kind: "recalled" });
  });

  test("[N31] a picture without words and a contact are the newest row too, and say what they are", () => {
    const image: KnownPayload = {
      type: "image",
      attachment_id: "019a0000-0000-7000-8000-000000000009",
      attachments: [],
    };
    const contact: KnownPayload = {
      type: "contact",
      contact: { kind: "agent", id: bot, display_name: "Guide" },
    };
    const before = after(fresh(), said(1, bot, words("first")), said(2, bot, image));

    expect(before.preview).toMatchObject({ text: "", kind: "image" });
    expect(after(before, said(3, bot, contact)).preview).toMatchObject({
      text: "Guide",
      kind: "contact",
    });
  });

  test("[N35] has the messages pinned that the log pinned last and did not release", () => {
    const pin = (seq: number, n: number, pinned: boolean) =>
      entry(seq, bot, {
        kind: "other",
        frameType: "message.pinned",
        facts: { message_id: m(n), pinned: String(pinned), pinned_by: bot },
      });
    const view = (one: Conversation) =>
      viewConversation(one, { draft: "", typing: [], channel: null, outgoing: [] }, people());

    const pinned = after(fresh(), pin(1, 1, true), pin(2, 2, true), pin(3, 1, true));

    expect(view(pinned).pinnedIds).toEqual([m(2), m(1)]);
    expect(view(after(pinned, pin(4, 2, false))).pinnedIds).toEqual([m(1)]);
    expect(view(pinned).can).toContain("pin");
  });

  test("[N36] a group's rights are the ledger's, and a closed one is over", () => {
    const ledger = (role: Member["role"], membersMayAdd: boolean, isClosed = false) =>
      viewConversation(
        reduceConversation(
          fresh("group"),
          {
            type: "ledger",
            members: [{ id: ada, kind: "human", role }],
            membersMayAdd,
            isClosed,
          },
          ada,
        ),
        { draft: "", typing: [], channel: null, outgoing: [] },
        people(),
      );

    expect(ledger("member", false).group).toEqual({
      role: "member",
      description: "",
      picture: null,
      membersMayAdd: false,
      mayAdd: false,
    });
    expect(ledger("member", true).group?.mayAdd).toBe(true);
    expect(ledger("admin", false).group?.mayAdd).toBe(true);
    const two = { draft: "", typing: [], channel: null, outgoing: [] };
    expect(viewConversation(fresh("h2a"), two, people()).group).toBeNull();
    expect(ledger("owner", false).group?.mayAdd).toBe(true);
    expect(ledger("member", false).can).not.toContain("pin");
    expect(ledger("owner", false, true)).toMatchObject({
      relation: "revoked",
      sending: { allowed: false, because: "ended" },
    });
  });

  test("[N31] what was just written stands in the list before it has left, and below a draft", () => {
    const one = after(fresh(), said(1, bot, words("first")));
    const waiting = (n: number, payload: KnownPayload) => ({
      conversationId: line,
      messageId: m(n),
      payload,
      queuedAt: 9_000 + n,
      state: { status: "queued" as const },
    });
    const outgoing = [
      waiting(1, words("on its way")),
      waiting(2, { type: "reaction", message_id: m(1), emoji: "+", op: "add" }),
    ];
    const extra = { draft: "", typing: [], channel: null, outgoing };

    const view = viewConversation(one, extra, people());
    const drafted = viewConversation(one, { ...extra, draft: "and" }, people());

    expect(view).toMatchObject({
      preview: { authorId: ada, text: "on its way", kind: "text", at: 9_001 },
      updatedAt: 9_001,
    });
    expect(drafted.preview).toMatchObject({ text: "and", kind: "draft" });
  });

  test("[N31] an unsent draft stands before what was said", () => {
    const one = after(fresh(), said(1, bot, words("first")));

    const view = viewConversation(
      one,
      { draft: "I wan", typing: [], channel: null, outgoing: [] },
      people(),
    );

    expect(view.preview).toMatchObject({ kind: "draft", text: "I wan", authorId: ada });
    expect(view.draft).toBe("I wan");
  });

  test("[N32] a call by name is shown until it is read", () => {
    const called = after(fresh("group"), said(1, bot, words("you", { mentions: [ada] })));
    const read = reduceConversation(called, { type: "read", seq: 1, unreadCount: 0 }, ada);
    const mentioned = (one: Conversation) =>
      viewConversation(one, { draft: "", typing: [], channel: null, outgoing: [] }, people())
        .mentioned;

    expect([mentioned(called), mentioned(read)]).toEqual([true, false]);
  });

  test("[N33] a group takes its name from its owner and admins alone", () => {
    const named = after(fresh("group"), said(1, ada, { type: "profile", name: "Trip" }));
    const renamed = after(named, said(2, bot, { type: "profile", name: "Mine now" }));

    expect(renamed.title).toBe("Trip");
  });

  test("[N34] says why nothing can be sent", () => {
    const because = (one: Conversation, trust: "unverified" | "changed" = "unverified") => {
      const sending = sendingOf(one, people({ trustOf: () => trust }));
      return sending.allowed ? null : sending.because;
    };
    const relation = (status: "revoked" | "suspended") =>
      after(fresh(), entry(1, bot, { kind: "relation", status, facts: {} }));

    expect(because(fresh())).toBeNull();
    expect(because(relation("revoked"))).toBe("ended");
    expect(because(relation("suspended"))).toBe("suspended");
    expect(because(reduceConversation(fresh(), { type: "forked" }, ada))).toBe("fork");
    const withheld = reduceConversation(fresh(), { type: "withheld", isWithheld: true }, ada);
    expect(because(withheld)).toBe("ledger-withheld");
    const shown = reduceConversation(withheld, { type: "withheld", isWithheld: false }, ada);
    expect(because(shown)).toBeNull();
    expect(because(fresh(), "changed")).toBe("key-changed");
    const pending = { type: "relation", relation: "pending" } as const;
    expect(because(reduceConversation(fresh(), pending, ada))).toBe("pending");
    const without = reduceConversation(
      fresh("group"),
      {
        type: "ledger",
        membersMayAdd: false,
        isClosed: false,
        members: [{ id: eve, kind: "human", role: "owner" }],
      },
      ada,
    );
    expect(because(without)).toBe("removed");
    const changed = (id: AccountId, one: Conversation) =>
      sendingOf(one, people({ trustOf: (of) => (of === id ? "changed" : "verified") })).allowed;
    const bare = { id: line, kind: "h2a", peerId: bot, relation: "established" } as const;
    const unnamed = makeConversation({ ...bare, createdAt: 0 });
    expect([changed(bot, unnamed), changed(eve, unnamed)]).toEqual([false, true]);
    expect([changed(bot, fresh("group")), changed(ada, fresh("group"))]).toEqual([false, true]);
    const cutOff = sendingOf(relation("revoked"), people({ isCutOff: () => true }));
    expect(cutOff).toEqual({ allowed: false, because: "device-removed" });
  });
});
