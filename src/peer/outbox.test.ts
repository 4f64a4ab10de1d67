import { describe, expect, onTestFinished, test } from "vitest";
import { utf8, type Bytes } from "#base/bytes.ts";
import { createFakeClock } from "#base/fake-clock.ts";
import { err, ok, type Result } from "#base/result.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { EndpointFrame } from "#protocol/endpoint-frame.ts";
import type { MessageHeader } from "#protocol/envelope.ts";
import {
  makeId,
  type AccountId,
  type ConversationId,
  type DeviceId,
  type MessageId,
} from "#protocol/ids.ts";
import type { RelayFrame } from "#protocol/relay-frame.ts";
import { must } from "./endpoint-world.contract.ts";
import type { PeerFailure } from "./failure.ts";
import { createMemoryStore } from "./memory-store.ts";
import { startDraft } from "./draft.ts";
import { createOutbox } from "./outbox.ts";
import type { RelayChannel } from "./relay-channel.ts";
import { createSeenMessages } from "./seen-messages.ts";
import type { SenderSessions } from "./sender-sessions.ts";
import type { Store } from "./store.ts";

const A = "01900000-0000-7000-8000-00000000000a" as ConversationId;
const B = "01900000-0000-7000-8000-00000000000b" as ConversationId;
const SELF = "01900000-0000-7000-8000-0000000000cc" as AccountId;
const HOUR_MS = 3_600_000;

type Answer = Result<RelayFrame, PeerFailure>;
type Asked = { readonly frame: EndpointFrame; answer(answer: Answer): void };

/** An outbox whose line and sessions are in the test's hand: each seal gives other bytes, as real ones do. */
function anOutbox(store: Store = createMemoryStore(), clock = createFakeClock()) {
  const random = createSeededRandom(5);
  const asked: Asked[] = [];
  const ended: ConversationId[] = [];
  let seals = 0;
  let isReady = true;
  const channel: RelayChannel = {
    on: () => () => {},
    isReady: () => isReady,
    send: () => isReady,
    request: (frame) => new Promise((resolve) => asked.push({ frame, answer: resolve })),
  };
  const sessions: Pick<SenderSessions, "seal" | "end"> = {
    async seal(_conversationId, { payload }) {
      seals += 1;
      const envelope: Bytes = utf8(`${seals}:${payload.length}`);
      const header = { hasSessionWrap: true, suite: 2 } as MessageHeader;
      return ok({
        envelope,
        sessionOpen: null,
        messageHash: envelope,
        plaintextHash: envelope,
        header,
        reduced: false,
      });
    },
    end: (conversationId) => ended.push(conversationId),
  };
  const outbox = createOutbox({
    clock,
    random,
    store,
    channel,
    sessions,
    seen: createSeenMessages({ store, isKept: true }),
    self: { accountId: SELF, deviceId: SELF as string as DeviceId, kind: "human" },
    place: async (_entry, { puts, deletes }) => store.commit({ puts, deletes }),
    placed: ({ conversationId, index }) => ({
      table: "placed",
      key: conversationId,
      value: utf8(String(index)),
    }),
    emit: () => {},
  });
  const queue = async (text: string, conversationId = A) => {
    const messageId = makeId<MessageId>(clock.now(), random);
    const payload = { type: "text", text } as const;
    const message = {
      conversationId,
      messageId,
      payload,
      contentType: "encrypted",
      guard: null,
    } as const;
    return outbox.queue({ ...message, stream: null });
  };
  const idsSent = () =>
    asked.map(({ frame }) => ("client_message_id" in frame ? frame.client_message_id : null));
  const bytesSent = () =>
    asked.map(({ frame }) => ("encrypted_payload" in frame ? frame.encrypted_payload : null));
  return {
    clock,
    store,
    outbox,
    asked,
    ended,
    queue,
    idsSent,
    bytesSent,
    goOffline(isOffline: boolean) {
      isReady = !isOffline;
      if (isReady) outbox.ready();
    },
  };
}

const ackOf = (frame: EndpointFrame, seq: number): Answer => {
  const id =
    "client_message_id" in frame ? (frame.client_message_id as MessageId) : ("" as MessageId);
  return ok({
    type: "message.ack",
    conversation_id: A,
    client_message_id: id,
    message_id: id,
    conversation_seq: seq,
    created_at: "2026-01-01T00:00:00.000Z",
  });
};

/** Steps taken through the values of maps from now on. */
function stepsFromNow(): () => number {
  const steps = Object.getPrototypeOf(new Map().values()) as Iterator<unknown>;
  const { next } = steps;
  let count = 0;
  steps.next = function (this: Iterator<unknown>) {
    count += 1;
    return next.call(this);
  };
  onTestFinished(() => {
    steps.next = next;
  });
  return () => count;
}

describe("sending", () => {
  test("[E60] one message of a conversation is under way at a time; conversations do not wait for each other", async () => {
    const { queue, asked, idsSent, clock } = anOutbox();
    const first = must(await queue("one"));
    const second = must(await queue("two"));
    const other = must(await queue("elsewhere", B));
    await clock.advance(0);

    expect(idsSent()).toEqual([first.messageId, other.messageId]);
    asked[0]?.answer(ackOf(asked[0].frame, 1));
    await clock.advance(0);

    expect(idsSent()).toEqual([first.messageId, other.messageId, second.messageId]);
  });

  test("[E60] [E63] what an earlier run queued goes first, though the clock was set back since", async () => {
    const store = createMemoryStore();
    const first = anOutbox(store);
    first.goOffline(true);
    const one = must(await first.queue("one"));
    const two = must(await first.queue("two"));
    const earlier = createFakeClock(first.clock.now() - 24 * HOUR_MS);
    const next = anOutbox(store, earlier);
    next.goOffline(true);
    const three = must(await next.queue("three"));
    const last = anOutbox(store, earlier);
    await earlier.advance(1);

    const four = must(await last.queue("four"));
    for (let sent = 1; sent <= 4; sent++) {
      await earlier.advance(0);
      const asked = last.asked.at(-1);
      if (asked !== undefined) asked.answer(ackOf(asked.frame, sent));
    }
    await earlier.advance(0);

    const order = [one, two, three, four].map(({ messageId }) => messageId);
    expect(last.idsSent()).toEqual(order);
    expect(last.outbox.list()).toEqual([]);
    expect(await store.list("outbox")).toEqual([]);
  });

  test("[E60] what a message takes does not grow with how many wait behind it", async () => {
    const { queue, asked, clock } = anOutbox();
    for (let i = 0; i < 200; i++) must(await queue(String(i)));
    await clock.advance(0);
    const steps = stepsFromNow();

    asked[0]?.answer(ackOf(asked[0].frame, 1));
    await clock.advance(0);

    expect(asked).toHaveLength(2);
    expect(steps()).toBeGreaterThan(0);
    expect(steps()).toBeLessThan(50);
  });

  test("[E61] queued means stored: the record is there before the call resolves, unsealed", async () => {
    const { queue, store, goOffline, clock } = anOutbox();
    goOffline(true);

    must(await queue("offline"));
    await clock.advance(0);

    const rows = await store.list("outbox");
    expect(rows.map(({ value }) => JSON.parse(new TextDecoder().decode(value)))).toMatchObject([
      { payload: { type: "text", text: "offline" }, sealed: null },
    ]);
  });

  test("[E62] sealed bytes are stored before they leave and are the same at every try, over restarts too", async () => {
    const world = anOutbox();
    must(await world.queue("once"));
    await world.clock.advance(0);
    const stored = new TextDecoder().decode((await world.store.list("outbox"))[0]?.value);
    world.asked[0]?.answer(err({ kind: "peer/offline" }));
    await world.clock.advance(0);
    const next = anOutbox(world.store, world.clock);
    await next.outbox.start();
    await next.clock.advance(0);

    const [bytes] = world.bytesSent();
    expect(stored).toContain(bytes);
    expect([...world.bytesSent(), ...next.bytesSent()]).toEqual([bytes, bytes, bytes]);
  });

  test("[E64] what was sealed more than a day ago is sealed anew under the same id", async () => {
    const { queue, asked, clock, goOffline, idsSent, bytesSent } = anOutbox();
    const queued = must(await queue("patient"));
    await clock.advance(0);
    goOffline(true);
    asked[0]?.answer(err({ kind: "peer/offline" }));
    await clock.advance(25 * HOUR_MS);
    goOffline(false);
    await clock.advance(0);

    expect(idsSent()).toEqual([queued.messageId, queued.messageId]);
    expect(new Set(bytesSent()).size).toBe(2);
  });

  test("[E66] a rate limit is waited out, then the same bytes go again", async () => {
    const { queue, asked, clock, bytesSent } = anOutbox();
    must(await queue("eager"));
    await clock.advance(0);
    asked[0]?.answer(err({ kind: "peer/rate-limited", retryAfterMs: 4_000 }));
    await clock.advance(3_900);
    expect(asked).toHaveLength(1);
    await clock.advance(200);

    expect(asked).toHaveLength(2);
    expect(new Set(bytesSent()).size).toBe(1);
  });

  test("[E66] what passes in a time nobody states is tried later and later, and not at once", async () => {
    const { queue, asked, clock } = anOutbox();
    must(await queue("patient"));
    await clock.advance(0);
    asked[0]?.answer(err({ kind: "peer/timed-out" }));
    await clock.advance(499);
    expect(asked).toHaveLength(1);
    await clock.advance(501);
    expect(asked).toHaveLength(2);

    asked[1]?.answer(err({ kind: "peer/timed-out" }));
    await clock.advance(999);
    expect(asked).toHaveLength(2);
    await clock.advance(1_001);

    expect(asked).toHaveLength(3);
  });
});

describe("when it cannot be sent", () => {
  test("[E65] a refused message fails, ends its session and lets the next one go", async () => {
    const { queue, asked, clock, outbox, ended, idsSent } = anOutbox();
    const refused = must(await queue("no"));
    const next = must(await queue("yes"));
    await clock.advance(0);
    asked[0]?.answer(err({ kind: "peer/relation-suspended" }));
    await clock.advance(0);

    expect((await outbox.settled(refused.messageId)).state).toEqual({
      status: "failed",
      failure: { kind: "peer/relation-suspended" },
    });
    expect(ended).toEqual([A]);
    expect(idsSent()).toEqual([refused.messageId, next.messageId]);
  });

  test("[E65] what no type takes, or is too long once written, fails for its reason and lets the next one go", async () => {
    const { queue, outbox, asked, clock } = anOutbox();
    const long = must(await queue("x".repeat(100_001)));
    // Each of these is six characters in JSON.
    const wide = must(await queue("\u0001".repeat(100_000)));
    const good = must(await queue("next"));
    await clock.advance(0);

    expect([
      await outbox.settled(long.messageId),
      await outbox.settled(wide.messageId),
    ]).toMatchObject([
      { state: { status: "failed", failure: { kind: "peer/bad-payload", path: "text" } } },
      { state: { status: "failed", failure: { kind: "peer/too-large", limit: 524_288 } } },
    ]);
    expect(asked.map(({ frame }) => frame)).toMatchObject([{ client_message_id: good.messageId }]);
  });

  test("[E65] a failed message waits for a decision, also over a restart: again, or away", async () => {
    const world = anOutbox();
    const refused = must(await world.queue("no"));
    await world.clock.advance(0);
    world.asked[0]?.answer(err({ kind: "peer/relation-suspended" }));
    await world.clock.advance(0);
    const next = anOutbox(world.store, world.clock);
    await next.outbox.start();
    await next.clock.advance(0);

    expect(next.asked).toHaveLength(0);
    must(await next.outbox.retry(refused.messageId));
    await next.clock.advance(0);
    next.asked[0]?.answer(err({ kind: "peer/relation-suspended" }));
    await next.clock.advance(0);
    must(await next.outbox.discard(refused.messageId));

    expect(next.idsSent()).toEqual([refused.messageId]);
    expect(await next.store.list("outbox")).toEqual([]);
  });

  test("[E67] a store that cannot write takes no message and sends none", async () => {
    const store = createMemoryStore();
    const { queue, asked, clock, outbox } = anOutbox(store);
    await outbox.start();
    await store.close();

    const queued = await queue("lost?");
    await clock.advance(0);

    expect(queued).toEqual({ ok: false, failure: { kind: "peer/store-closed" } });
    expect(asked).toHaveLength(0);
    expect(outbox.list()).toEqual([]);
  });

  test("[E67] a message that a store did not take once is not sent when it takes others", async () => {
    const disk = createMemoryStore();
    let tries = 0;
    const store: Store = {
      ...disk,
      commit: async (batch) =>
        tries++ === 0 ? err({ kind: "peer/store-full" }) : disk.commit(batch),
    };
    const { queue, asked, clock, outbox, idsSent } = anOutbox(store);
    await outbox.start();

    const lost = await queue("not taken");
    const taken = must(await queue("taken"));
    await clock.advance(0);

    expect(lost).toEqual({ ok: false, failure: { kind: "peer/store-full" } });
    expect(asked).toHaveLength(1);
    expect(idsSent()).toEqual([taken.messageId]);
  });

  test("[E67] a message that the relay has and a full store cannot place stays here until there is room", async () => {
    const disk = createMemoryStore();
    let isFull = false;
    const store: Store = {
      ...disk,
      commit: async (batch) => (isFull ? err({ kind: "peer/store-full" }) : disk.commit(batch)),
    };
    const { queue, asked, clock, outbox } = anOutbox(store);
    const queued = must(await queue("ours alone"));
    await clock.advance(0);
    isFull = true;
    asked[0]?.answer(ackOf(asked[0].frame, 1));
    await clock.advance(10_000);
    const whileFull = outbox.list();

    isFull = false;
    await clock.advance(2_000);

    expect(whileFull).toMatchObject([
      { messageId: queued.messageId, state: { status: "sending" } },
    ]);
    expect(outbox.list()).toEqual([]);
    expect((await outbox.settled(queued.messageId)).state).toMatchObject({ status: "acked" });
    expect(await disk.list("outbox")).toEqual([]);
    expect(asked).toHaveLength(1);
  });

  test("[E69] a message found in the log though its ack was lost counts as sent", async () => {
    const { queue, asked, clock, outbox, goOffline, store } = anOutbox();
    const queued = must(await queue("once"));
    await clock.advance(0);
    goOffline(true);
    asked[0]?.answer(err({ kind: "peer/offline" }));
    await clock.advance(0);

    const elsewhere = outbox.found(B, queued.messageId, { seq: 4, at: 9 }, startDraft());
    const draft = startDraft();
    const found = outbox.found(A, queued.messageId, { seq: 4, at: 9 }, draft);
    must(await store.commit(draft));
    found?.after();
    goOffline(false);
    await clock.advance(0);

    expect(elsewhere).toBeNull();
    expect(found?.entry).toMatchObject({ seq: 4, at: 9, authorId: SELF });
    // The next run does not send it again, and takes its repeats as such.
    expect(await store.list("outbox")).toEqual([]);
    expect(await store.list("seen")).toHaveLength(1);
    expect((await outbox.settled(queued.messageId)).state).toMatchObject({
      status: "acked",
      seq: 4,
    });
    expect(asked).toHaveLength(1);
  });
});
