import { describe, expect, test } from "vitest";
import type { AccountId, ConversationId, MessageId, StreamId } from "#protocol/ids.ts";
import type { Payload, KnownPayload } from "#protocol/payload.ts";
import type { Entry, OutgoingMessage } from "#peer/endpoint.ts";
import { aMessageContent } from "#peer/entry.contract.ts";
import type { ViewContext } from "./context.ts";
import { viewAll, viewMessage } from "./message-view.ts";
import { emptyThread, reduceThread, type Thread, type ThreadEvent } from "./thread.ts";

const line = "01900000-0000-7000-8000-0000000000c1" as ConversationId;
const ada = "01900000-0000-7000-8000-0000000000a1" as AccountId;
const bot = "01900000-0000-7000-8000-0000000000b1" as AccountId;
const mallory = "01900000-0000-7000-8000-0000000000e1" as AccountId;
const m = (n: number) =>
  `01900000-0000-7000-8000-0000000010${String(n).padStart(2, "0")}` as MessageId;
const s1 = "01900000-0000-7000-8000-0000000000f1" as StreamId;
const START = 1_700_000_000_000;

const entry = (seq: number, authorId: AccountId, content: Entry["content"]): Entry => ({
  conversationId: line,
  seq,
  at: START + seq * 1_000,
  authorId,
  authorKind: authorId === bot ? "agent" : "human",
  authorDeviceId: null,
  content,
});
const said = (
  seq: number,
  authorId: AccountId,
  payload: Payload,
  streamId: StreamId | null = null,
): Entry => entry(seq, authorId, aMessageContent(m(seq), payload, streamId));
const text = (words: string, more: object = {}) => ({
  type: "text" as const,
  text: words,
  ...more,
});
const onEntry = (entry: Entry): ThreadEvent => ({ type: "entry", entry });
const threadOf = (...entries: readonly Entry[]): Thread =>
  reduceThread(emptyThread(line), entries.map(onEntry)).thread;
const outgoing = (
  n: number,
  payload: KnownPayload,
  state: OutgoingMessage["state"] = { status: "queued" },
): OutgoingMessage => ({
  conversationId: line,
  messageId: m(n),
  payload,
  queuedAt: START + n * 1_000,
  state,
});

const names: Record<string, string> = { [ada]: "Ada", [bot]: "Guide", [mallory]: "Mallory" };
const context = (more: Partial<ViewContext> = {}): ViewContext => ({
  selfId: ada,
  now: START,
  nameOf: (id) => names[id] ?? "?",
  ownNameOf: (id) => names[id] ?? "?",
  memberById: new Map([
    [ada, { kind: "human", role: "owner" }],
    [bot, { kind: "agent", role: "member" }],
  ]),
  marksById: {},
  canRecall: true,
  turnOf: () => null,
  isFileHere: () => false,
  canSend: true,
  draftOf: () => null,
  approvalOf: () => ({ rows: [], blockedBecause: null }),
  toolOf: () => null,
  contactOf: ({ kind, id, display_name: name }) => ({
    kind,
    id: id as AccountId,
    name,
    handle: null,
    inviteUrl: null,
    conversationId: null,
  }),
  ...more,
});
const bodies = (thread: Thread) =>
  viewAll(thread, context()).map(({ body }) => ("text" in body ? body.text : body.kind));

describe("rows of a thread", () => {
  test("[N20] stand in the relay's order, own messages on their way last", () => {
    const late = reduceThread(threadOf(said(2, bot, text("two"))), [
      { type: "outgoing", message: outgoing(9, text("later")) },
      { type: "outgoing", message: outgoing(8, text("sooner")) },
      onEntry(said(1, ada, text("one"))),
    ]).thread;

    expect(bodies(late)).toEqual(["one", "two", "sooner", "later"]);
  });

  test("[N20] are the same in whatever order and how often entries come", () => {
    const entries = [
      said(1, bot, text("one")),
      said(
        2,
        bot,
        text("two", { reply_to: { message_id: m(1), sender_id: bot, preview_text: "x" } }),
      ),
      said(3, ada, { type: "reaction", message_id: m(1), emoji: "+", op: "add" }),
      entry(4, bot, { kind: "recalled", messageId: m(2), by: "author" }),
    ];

    const forwards = viewAll(threadOf(...entries), context());
    const backwards = viewAll(threadOf(...entries.toReversed(), ...entries), context());

    expect(backwards).toEqual(forwards);
    expect(forwards.map(({ body }) => body.kind)).toEqual(["text", "recalled"]);
  });

  test("[N20] an own message moves from the outbox to its place in the log", () => {
    const sending = reduceThread(threadOf(), [
      { type: "outgoing", message: outgoing(3, text("hello"), { status: "sending" }) },
    ]).thread;
    expect(viewMessage(sending, m(3), context())).toMatchObject({
      seq: null,
      delivery: { status: "sending" },
    });

    const { thread, changed } = reduceThread(sending, [onEntry(said(3, ada, text("hello")))]);

    expect([...changed]).toEqual([m(3)]);
    expect(viewMessage(thread, m(3), context())).toMatchObject({
      seq: 3,
      delivery: { status: "sent" },
    });
    expect(viewAll(thread, context())).toHaveLength(1);
  });

  test("[N20] a word of the outbox that comes behind the log changes nothing, nor does a repeat of the log", () => {
    const [hello, react] = [
      said(3, ada, text("hello")),
      said(4, bot, { type: "reaction", message_id: m(3), emoji: "+", op: "add" }),
    ];
    const thread = threadOf(hello, react);

    const { thread: after, changed } = reduceThread(thread, [
      { type: "outgoing", message: outgoing(3, text("hello"), { status: "sending" }) },
      onEntry(hello),
      onEntry(react),
    ]);

    expect(changed).toEqual(new Set());
    expect(viewAll(after, context())).toEqual(viewAll(thread, context()));
  });

  test("[N96] say when what their author sealed before them is not here, own ones never", () => {
    const withGap = ({ content, ...rest }: Entry): Entry => ({
      ...rest,
      content: content.kind === "message" ? { ...content, gap: true } : content,
    });
    const thread = threadOf(
      said(1, bot, text("one")),
      withGap(said(2, bot, text("three"))),
      withGap(said(3, ada, text("mine"))),
    );

    expect(viewAll(thread, context()).map(({ hasGapBefore }) => hasGapBefore)).toEqual([
      false,
      true,
      false,
    ]);
  });

  test("[N96] say so no more once it has come", () => {
    const at = (gap: boolean): Entry => {
      const entry = said(2, bot, text("three"));
      const { content } = entry;
      return { ...entry, content: content.kind === "message" ? { ...content, gap } : content };
    };
    const thread = threadOf(said(1, bot, text("one")), at(true));

    const { thread: mended, changed } = reduceThread(thread, [onEntry(at(false))]);

    expect([...changed]).toEqual([m(2)]);
    expect(viewAll(mended, context()).map(({ hasGapBefore }) => hasGapBefore)).toEqual([
      false,
      false,
    ]);
  });

  test("[N103] what was sealed before this device was known has no row of its own", () => {
    const before = entry(1, bot, {
      kind: "unreadable",
      messageId: m(1),
      failure: "before-device",
    });
    const broken = entry(2, bot, { kind: "unreadable", messageId: m(2), failure: "malformed" });

    expect(viewAll(threadOf(before, broken), context()).map(({ seq }) => seq)).toEqual([2]);
  });

  test("[N21] a recalled message keeps its place and loses its words, also as a quote", () => {
    const reply = text("re", {
      reply_to: { message_id: m(1), sender_id: bot, preview_text: "kept?" },
    });
    const thread = threadOf(said(1, bot, text("secret words")), said(2, ada, reply));
    const before = viewMessage(thread, m(2), context());

    const { thread: after, changed } = reduceThread(thread, [
      onEntry(entry(3, bot, { kind: "recalled", messageId: m(1), by: "author" })),
    ]);

    expect(before?.replyTo).toMatchObject({ text: "secret words", isQuotedByAuthor: false });
    expect(viewMessage(after, m(1), context())?.body).toEqual({ kind: "recalled", by: "author" });
    expect(viewMessage(after, m(2), context())?.replyTo?.text).toBe("");
    expect(changed).toEqual(new Set([m(1), m(2)]));
    expect(viewAll(after, context()).map(({ seq }) => seq)).toEqual([1, 2]);
  });

  test("[N21] a message recalled before it was read stands where it was", () => {
    const thread = threadOf(
      entry(1, bot, { kind: "recalled", messageId: m(1), by: "server" }),
      said(2, bot, text("two")),
      entry(3, bot, { kind: "recalled", messageId: m(1), by: "author" }),
    );

    expect(viewAll(thread, context()).map(({ seq, body }) => [seq, body.kind])).toEqual([
      [1, "recalled"],
      [2, "text"],
    ]);
  });

  test("[N21] of two words that took back a message nobody here read the first is its place, however they come", () => {
    const recalls = [1, 3].map((seq) =>
      entry(seq, bot, { kind: "recalled", messageId: m(1), by: "author" }),
    );
    const threads = [recalls, recalls.toReversed()].map((one) =>
      threadOf(said(2, bot, text("two")), ...one),
    );

    for (const thread of threads)
      expect(viewAll(thread, context()).map(({ seq }) => seq)).toEqual([1, 2]);
  });

  test("[N22] a quote whose original is not here says that it is only its author's word", () => {
    const thread = threadOf(
      said(
        5,
        bot,
        text("re", { reply_to: { message_id: m(1), sender_id: ada, preview_text: "you said" } }),
      ),
    );

    expect(viewMessage(thread, m(5), context())?.replyTo).toEqual({
      messageId: m(1),
      authorName: "Ada",
      text: "you said",
      isQuotedByAuthor: true,
    });
    const { thread: later, changed } = reduceThread(thread, [onEntry(said(1, ada, text("truth")))]);
    expect(changed.has(m(5))).toBe(true);
    expect(viewMessage(later, m(5), context())?.replyTo).toMatchObject({
      text: "truth",
      isQuotedByAuthor: false,
    });
  });

  test("[N22] a mention counts only when listed and a member", () => {
    const thread = threadOf(
      said(1, bot, text(`@<U:${ada}> @<U:${mallory}>`, { mentions: [ada, mallory] })),
      said(2, bot, text(`@<U:${ada}>`)),
      said(3, bot, text("all", { mention_all: true })),
    );

    expect(viewMessage(thread, m(1), context())).toMatchObject({
      mentionsMe: true,
      mentionNameById: { [ada]: "Ada" },
    });
    expect(viewMessage(thread, m(2), context())).toMatchObject({
      mentionsMe: false,
      mentionNameById: {},
    });
    expect(viewMessage(thread, m(3), context())?.mentionsMe).toBe(false);
  });

  test("[N23] reactions add and remove by person, own ones before the relay has them", () => {
    const react = (op: "add" | "remove"): KnownPayload => ({
      type: "reaction",
      message_id: m(1),
      emoji: "👍",
      op,
    });
    const thread = threadOf(
      said(1, ada, text("one")),
      said(2, bot, react("add")),
      said(3, mallory, react("add")),
      said(4, mallory, react("remove")),
    );

    const { thread: mine, changed } = reduceThread(thread, [
      { type: "outgoing", message: outgoing(9, react("add")) },
    ]);

    expect(viewMessage(thread, m(1), context())?.reactions).toEqual([
      { emoji: "👍", by: [bot], mine: false },
    ]);
    expect(changed.has(m(1))).toBe(true);
    expect(viewMessage(mine, m(1), context())?.reactions).toEqual([
      { emoji: "👍", by: [bot, ada], mine: true },
    ]);
    expect(viewAll(mine, context())).toHaveLength(1);
  });

  test("[N23] what was taken away last stays away, in whatever order the log comes", () => {
    const react = (op: "add" | "remove") =>
      ({ type: "reaction", message_id: m(1), emoji: "+", op }) as const;
    const [one, add, remove] = [
      said(1, ada, text("one")),
      said(2, bot, react("add")),
      said(3, bot, react("remove")),
    ];

    for (const entries of [
      [one, add, remove],
      [remove, add, one],
      [one, remove, add],
    ])
      expect(viewMessage(threadOf(...entries), m(1), context())?.reactions).toEqual([]);
  });

  test("[N23] delivery follows the marks of others and never one's own", () => {
    const thread = threadOf(said(4, ada, text("x")));
    const at = (marksById: ViewContext["marksById"]) =>
      viewMessage(thread, m(4), context({ marksById }))?.delivery?.status;

    expect(at({})).toBe("sent");
    expect(at({ [ada]: { delivered: 9, read: 9 } })).toBe("sent");
    expect(at({ [bot]: { delivered: 4, read: 3 } })).toBe("delivered");
    expect(at({ [bot]: { delivered: 4, read: 4 } })).toBe("read");
  });
});

describe("a stream in a thread", () => {
  const start: ThreadEvent = {
    type: "stream-start",
    streamId: s1,
    messageId: m(1),
    authorId: bot,
    at: START,
  };
  const startEntry = said(1, bot, { type: "stream", stream_id: s1, key: "" }, s1);

  test("[N24] grows by its deltas, and repeats change nothing", () => {
    const { thread } = reduceThread(threadOf(startEntry), [
      start,
      { type: "stream-text", streamId: s1, offset: 0, text: "Hel" },
      { type: "stream-text", streamId: s1, offset: 3, text: "lo" },
      { type: "stream-text", streamId: s1, offset: 0, text: "Hel" },
      { type: "stream-text", streamId: s1, offset: 3, text: "lo" },
    ]);

    expect(viewMessage(thread, m(1), context())?.body).toEqual({
      kind: "stream",
      stream: {
        streamId: s1,
        text: "Hello",
        status: "live",
        reason: null,
        markdown: true,
        startedAt: START + 1_000,
      },
    });
  });

  test("[N24] gives way to its whole message", () => {
    const live = reduceThread(threadOf(startEntry), [start]).thread;

    const { thread, changed } = reduceThread(live, [
      onEntry(said(2, bot, text("Hello there"), s1)),
    ]);

    expect(changed).toEqual(new Set([m(1), m(2)]));
    expect(viewMessage(thread, m(1), context())).toBeNull();
    expect(bodies(thread)).toEqual(["Hello there"]);
  });

  test("[N24] skips no hole: text that is further on than what is here waits", () => {
    const { thread } = reduceThread(threadOf(startEntry), [
      start,
      { type: "stream-text", streamId: s1, offset: 0, text: "Hel" },
      { type: "stream-text", streamId: s1, offset: 4, text: "!" },
    ]);

    expect(thread.liveById.get(s1)?.text).toBe("Hel");
  });

  test("[N24] whose end is here begins no more, whether it ended whole or short", () => {
    const whole = threadOf(startEntry, said(2, bot, text("Hello there"), s1));
    const short = threadOf(
      startEntry,
      entry(2, bot, { kind: "stream-ended", streamId: s1, reason: "orphaned" }),
    );

    for (const thread of [whole, short]) {
      const { thread: after, changed } = reduceThread(thread, [start]);
      expect(changed).toEqual(new Set());
      expect(after.liveById.size).toBe(0);
    }
  });

  test("[N24] that ends short says so and keeps no unproven word", () => {
    const live = reduceThread(threadOf(startEntry), [
      start,
      { type: "stream-text", streamId: s1, offset: 0, text: "half a sen" },
    ]).thread;

    const { thread } = reduceThread(live, [
      onEntry(entry(2, bot, { kind: "stream-ended", streamId: s1, reason: "orphaned" })),
    ]);

    expect(viewMessage(thread, m(1), context())?.body).toMatchObject({
      kind: "stream",
      stream: { text: "", status: "cut-short", reason: "orphaned" },
    });
  });
});

describe("a card in a thread", () => {
  const card = (more: object = {}) =>
    said(1, bot, {
      type: "artifact",
      artifact: {
        artifact_id: "work",
        subtype: "progress",
        title: "Work",
        payload: { percent: 10 },
        ...more,
      },
    });
  const update = (seq: number, by: AccountId, base: number, percent: number) =>
    said(seq, by, {
      type: "artifact_update",
      ref_artifact: "work",
      based_on_revision: base,
      artifact: { payload: { percent } },
    });
  const answer = (seq: number, by: AccountId, id: string) =>
    said(seq, by, {
      type: "artifact_response",
      response_id: id,
      ref_artifact: "work",
      ref_revision: 0,
      ref_action: "cancel",
      values: {},
    });
  const artifactOf = (thread: Thread, more: Partial<ViewContext> = {}) => {
    const body = viewMessage(thread, m(1), context(more))?.body;
    if (body?.kind !== "card") throw new Error("no card");
    return body.artifact;
  };

  test("[N25] takes its author's updates in order and refuses stale and foreign ones", () => {
    const thread = threadOf(
      card(),
      update(2, bot, 0, 40),
      update(3, mallory, 1, 99),
      update(4, bot, 0, 12),
      update(5, bot, 1, 70),
    );

    const shown = artifactOf(thread);

    expect(shown.revision).toBe(2);
    expect(shown.card).toMatchObject({ subtype: "progress", payload: { percent: 70 } });
    expect(viewAll(thread, context())).toHaveLength(1);
  });

  test("[N26] counts the first answer, shows later ones as late, and takes no second", () => {
    const open = threadOf(card());
    const answered = threadOf(card(), answer(2, mallory, "r1"), answer(3, ada, "r2"));

    expect(artifactOf(open).canRespond).toBe(true);
    const shown = artifactOf(answered);
    expect(shown.answers.map(({ byName, late }) => [byName, late])).toEqual([
      ["Mallory", false],
      ["Ada", true],
    ]);
    expect(shown.answer?.by).toBe(mallory);
    expect(shown.canRespond).toBe(false);
  });

  test("[N26] ignores who was not asked, and closes at its hour", () => {
    const only = threadOf(card({ responders: [mallory] }), answer(2, ada, "r1"));
    const timed = threadOf(card({ expires_at: new Date(START + 5_000).toISOString() }));

    expect(artifactOf(only)).toMatchObject({ canRespond: false, answers: [] });
    expect(artifactOf(timed, { now: START + 4_999 })).toMatchObject({
      expired: false,
      canRespond: true,
    });
    expect(artifactOf(timed, { now: START + 5_000 })).toMatchObject({
      expired: true,
      canRespond: false,
    });
  });

  const vote = (options: object, more: object = {}) =>
    card({
      subtype: "app",
      payload: { ui: "vote_card", question: "?", options, closesAt: START + 9_000, ...more },
    });
  const OPTIONS = [
    { id: "tea", label: "Tea", votes: 1 },
    { id: "coffee", label: "Coffee", votes: 0 },
  ];
  const voted = (seq: number, by: AccountId, option: string) =>
    said(seq, by, {
      type: "artifact_response",
      response_id: `v${seq}`,
      ref_artifact: "work",
      ref_revision: 0,
      ref_action: "vote",
      values: { option_id: option },
    });

  test("[N26] a vote counts each member's first choice, and what names no option is none", () => {
    const thread = threadOf(
      vote(OPTIONS),
      voted(2, mallory, "coffee"),
      voted(3, mallory, "tea"),
      voted(4, ada, "water"),
    );

    const shown = artifactOf(thread);

    expect(shown.vote).toEqual({
      options: [
        { id: "tea", label: "Tea", votes: 1 },
        { id: "coffee", label: "Coffee", votes: 1 },
      ],
      ownOptionId: null,
    });
    expect(shown.canRespond).toBe(true);
    expect(artifactOf(threadOf(vote(OPTIONS), voted(2, ada, "tea")))).toMatchObject({
      vote: { ownOptionId: "tea" },
      canRespond: false,
    });
  });

  test("[N26] a vote is over at its hour or by its agent's word", () => {
    const thread = threadOf(vote(OPTIONS), voted(10, ada, "coffee"));

    expect(artifactOf(threadOf(vote(OPTIONS)), { now: START + 9_000 }).canRespond).toBe(false);
    expect(artifactOf(threadOf(vote(OPTIONS, { closed: true }))).expired).toBe(true);
    expect(artifactOf(thread).vote).toMatchObject({ ownOptionId: null });
  });

  const requestOf = (approvers: readonly AccountId[], expiresAt = Date.UTC(2099, 0, 1)) => ({
    action: "deploy",
    summary: "",
    details: [],
    request: {},
    risk: "low",
    options: [
      { id: "no", label: "No", decision: "deny" },
      { id: "yes", label: "Yes", decision: "approve" },
    ],
    expires_at: new Date(expiresAt).toISOString(),
    nonce: "",
    digest: "",
    quorum: { required: 2, approvers },
  });
  const request = (...asked: Parameters<typeof requestOf>) =>
    card({ subtype: "approval", payload: requestOf(...asked) });
  const decided = (seq: number, by: AccountId, option: string) =>
    said(seq, by, {
      type: "artifact_response",
      response_id: `d${seq}`,
      ref_artifact: "work",
      ref_revision: 0,
      ref_action: option,
      values: {},
      decision: { option_id: option, approval: "" },
    });

  test("[N25] a request takes no update: what is decided is what was asked", () => {
    const change = said(2, bot, {
      type: "artifact_update",
      ref_artifact: "work",
      based_on_revision: 0,
      artifact: { payload: { ...requestOf([ada, mallory]), summary: "something else" } },
    });
    const asked = request([ada, mallory]);

    expect(artifactOf(threadOf(asked, change))).toEqual(artifactOf(threadOf(asked)));
  });

  test("[N26] counts an answer at its very hour, one that comes again once, and of a request no decision after its hour", () => {
    const atTwo = { expires_at: new Date(START + 2_000).toISOString() };
    const cards = [answer(2, mallory, "r1"), answer(3, mallory, "r1")].map((one) =>
      artifactOf(threadOf(card(atTwo), one)),
    );
    const asked = request([ada, mallory], START + 2_500);
    const late = artifactOf(threadOf(asked, decided(2, ada, "yes"), decided(3, mallory, "yes")));

    expect(cards.map(({ answers }) => answers.map(({ late: isLate }) => isLate))).toEqual([
      [false],
      [true],
    ]);
    expect(late).toMatchObject({ approval: { outcome: "pending", approvedCount: 1 } });
    const again = artifactOf(threadOf(card(), answer(2, mallory, "r1"), answer(3, mallory, "r1")));
    expect(again.answers).toHaveLength(1);
  });

  test("[N26] a request with a quorum stands open until enough agree or one does not", () => {
    const all = [ada, mallory, bot] as const;
    const asked = (...entries: readonly Entry[]) => artifactOf(threadOf(request(all), ...entries));
    const [one, two, denied] = [
      asked(decided(2, mallory, "yes")),
      asked(decided(2, mallory, "yes"), decided(3, ada, "yes")),
      asked(decided(2, mallory, "no"), decided(3, ada, "yes")),
    ];

    expect(one).toMatchObject({
      canRespond: true,
      approval: { outcome: "pending", approvedCount: 1 },
    });
    expect(two).toMatchObject({
      canRespond: false,
      approval: { outcome: "approved", approvedCount: 2 },
    });
    expect(denied).toMatchObject({ canRespond: false, approval: { outcome: "denied" } });
    expect(denied.answers.map(({ late }) => late)).toEqual([false, true]);
    expect(artifactOf(threadOf(request([mallory, bot]))).canRespond).toBe(false);
  });

  test("[N26] a shown answer is read by the card it was given to", () => {
    const shown = said(2, bot, {
      type: "artifact",
      artifact: {
        artifact_id: "shown",
        subtype: "response",
        title: "What Ada said",
        payload: { ref_artifact: "work", ref_action: "vote", values: { option_id: "tea" } },
      },
    });
    const refersTo = (thread: Thread) => {
      const body = viewMessage(thread, m(2), context())?.body;
      return body?.kind === "card" ? body.artifact.refersTo : undefined;
    };

    expect(refersTo(threadOf(vote(OPTIONS), shown))).toMatchObject({
      title: "Work",
      card: { subtype: "app" },
    });
    expect(refersTo(threadOf(shown))).toBeNull();
  });

  test("[N26] an own answer on its way already counts", () => {
    const { thread, changed } = reduceThread(threadOf(card()), [
      {
        type: "outgoing",
        message: outgoing(7, {
          type: "artifact_response",
          response_id: "r9",
          ref_artifact: "work",
          ref_revision: 0,
          ref_action: "cancel",
          values: { pin: { secret: "AAAA" }, why: "late" },
        }),
      },
    ]);

    expect(changed.has(m(1))).toBe(true);
    expect(artifactOf(thread)).toMatchObject({
      canRespond: false,
      answer: { delivery: { status: "queued" }, values: { pin: { secret: "" }, why: "late" } },
    });
  });
});

test("[N58] a member's word about an event never looks like the relay's or the ledger's", () => {
  const rows = viewAll(
    threadOf(
      entry(1, bot, { kind: "relation", status: "revoked", facts: {} }),
      said(2, mallory, { type: "system", event: { name: "relation.revoked" } }),
    ),
    context(),
  );

  expect(rows.map(({ body }) => ("event" in body ? body.event : body.kind))).toEqual([
    "relation.revoked",
    "said.relation.revoked",
  ]);
});
