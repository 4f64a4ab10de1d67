import { describe, expect, test } from "vitest";
import { base64ToBytes } from "#base/base64.ts";
import type { Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import { createFakeClock } from "#base/fake-clock.ts";
import { createKeyedQueue } from "#base/queue.ts";
import { err, ok } from "#base/result.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { Secret } from "#base/secret.ts";
import { verifyBeat, verifyClose } from "#crypto/control-records.ts";
import { makeSigner } from "#crypto/identity.ts";
import { SESSION_AGE_MS } from "#crypto/limits.ts";
import { createPrimitives } from "#crypto/primitives.ts";
import type { EndpointFrame } from "#protocol/endpoint-frame.ts";
import type { AccountId, ConversationId, DeviceId, MessageId } from "#protocol/ids.ts";
import type { Inbox } from "./inbox.ts";
import { createMemoryStore } from "./memory-store.ts";
import type { Outbox } from "./outbox.ts";
import { createOwnProgress } from "./own-progress.ts";
import type { RelayChannel } from "./relay-channel.ts";
import type { SenderSessions } from "./sender-sessions.ts";

const A = "01900000-0000-7000-8000-00000000000a" as ConversationId;
const MINUTE_MS = 60_000;
const HASH = new Uint8Array(32);
const sidOf = (name: number): Bytes => new Uint8Array(16).fill(name);

/** The words of a writer whose line, sessions and disk the test holds; `between` is a lane of its own, as the outbox's is. */
async function aWriter(store = createMemoryStore()) {
  const random = createSeededRandom(8);
  const primitives = await createPrimitives({ random });
  const signer = makeSigner(primitives, new Secret(random(32)));
  const fake = createFakeClock();
  const arming: (() => void)[] = [];
  const clock: Clock = {
    now: fake.now,
    after(delayMs, task) {
      for (const tell of arming.splice(0)) tell();
      return fake.after(delayMs, task);
    },
  };
  const line = { isThere: true, isHeld: true, answersOffline: false };
  const sent: Extract<EndpointFrame, { type: "control.send" }>[] = [];
  const record = (frame: EndpointFrame): void => {
    if (frame.type === "control.send") sent.push(frame);
  };
  const channel: RelayChannel = {
    on: () => () => {},
    isReady: () => line.isThere,
    send(frame) {
      record(frame);
      return true;
    },
    async request(frame) {
      record(frame);
      if (line.answersOffline) return err({ kind: "peer/offline" });
      return ok({
        type: "message.ack",
        conversation_id: A,
        client_message_id: A as string as MessageId,
        message_id: A as string as MessageId,
        conversation_seq: 9,
        created_at: "2026-01-01T00:00:00.000Z",
      });
    },
  };
  const ended: ConversationId[] = [];
  const senders: Pick<SenderSessions, "writer" | "holds" | "end"> = {
    writer: new Uint8Array(16),
    holds: () => line.isHeld,
    end: (conversationId) => void ended.push(conversationId),
  };
  const lanes = createKeyedQueue();
  const outbox: Pick<Outbox, "between"> = {
    between: (conversationId, task) => lanes.run(conversationId, task),
  };
  const inbox: Pick<Inbox, "offer"> = { offer: () => {} };
  const progress = createOwnProgress({
    primitives,
    clock,
    store,
    self: { accountId: A as string as AccountId, deviceId: A as string as DeviceId, signer },
    channel,
    senders: senders as SenderSessions,
    later: () => ({ outbox: outbox as Outbox, inbox: inbox as Inbox }),
  });
  const place = async (index: number, sid = sidOf(1)) => {
    const put = progress.placed({ conversationId: A, sid, index, messageHash: HASH });
    await store.commit({ puts: [put] });
  };
  /** A minute in which something runs: over when the next look is set. */
  const minute = async () => {
    const armed = new Promise<void>((resolve) => arming.push(resolve));
    await fake.advance(MINUTE_MS);
    await armed;
  };
  const said = async () => {
    const words = [];
    for (const { record: text, durable } of sent) {
      const bytes = base64ToBytes(text) ?? new Uint8Array();
      const close = await verifyClose(primitives, bytes, signer.publicKey);
      const beat = await verifyBeat(primitives, bytes, signer.publicKey);
      const counts = beat.ok ? beat.value.sessions.map(({ count }) => count) : [];
      words.push(close.ok ? ["close", close.value.count, durable] : ["beat", ...counts, durable]);
    }
    return words;
  };
  return { progress, store, fake, line, lanes, sent, ended, place, minute, said };
}

describe("beats of a session", () => {
  test("[E85] come a minute after its last message, then after twice the time each, and at least every hour", async () => {
    const { place, minute, sent, said } = await aWriter();
    await place(0);

    const at: number[] = [];
    for (let minutes = 1; minutes <= 250; minutes++) {
      const before = sent.length;
      await minute();
      if (sent.length > before) at.push(minutes);
    }

    expect(at).toEqual([1, 3, 7, 15, 31, 63, 123, 183, 243]);
    expect(await said()).toEqual(at.map(() => ["beat", 1, false]));
  });

  test("[E85] begin anew with its next message", async () => {
    const { place, minute, sent } = await aWriter();
    await place(0);

    const at: number[] = [];
    for (let minutes = 1; minutes <= 14; minutes++) {
      const before = sent.length;
      await minute();
      if (sent.length > before) at.push(minutes);
      if (minutes === 8) await place(1);
    }

    expect(at).toEqual([1, 3, 7, 9, 11]);
  });

  test("[E85] wait for a line, and end with the session's age", async () => {
    const { place, minute, line, sent, ended } = await aWriter();
    line.isThere = false;
    await place(0);

    for (let minutes = 1; minutes <= 5; minutes++) await minute();
    const without = sent.length;
    line.isThere = true;
    await minute();
    const young = ended.length;
    for (let ms = 6 * MINUTE_MS; ms <= SESSION_AGE_MS; ms += MINUTE_MS) await minute();

    expect([without, young]).toEqual([0, 0]);
    expect(sent.length).toBeGreaterThan(0);
    expect(ended).toContain(A);
  });
});

describe("the word about a session that is over", () => {
  test("[E87] is a close behind what was queued before it, with as many as the relay has by then", async () => {
    const { progress, place, lanes, said } = await aWriter();
    await place(0);
    const onItsWay = Promise.withResolvers<void>();
    const message = lanes.run(A, () => onItsWay.promise.then(() => place(1)));

    progress.over(A, sidOf(1), 2);
    await lanes.run("elsewhere", () => Promise.resolve());
    const early = await said();
    onItsWay.resolve();
    await message;
    await lanes.run(A, () => Promise.resolve());

    expect(early).toEqual([]);
    expect(await said()).toEqual([["close", 2, true]]);
  });

  test("[E87] is a beat, a lower bound, where more were sealed than the relay confirmed", async () => {
    const { progress, place, lanes, said } = await aWriter();
    await place(0);

    progress.over(A, sidOf(1), 2);
    await lanes.run(A, () => Promise.resolve());

    expect(await said()).toEqual([["beat", 1, true]]);
  });

  test("[E87] is said once the line is there, and again where the relay's answer did not come", async () => {
    const { progress, place, line, lanes, store, said } = await aWriter();
    await place(0);
    line.isThere = false;
    progress.over(A, sidOf(1), 1);
    await lanes.run(A, () => Promise.resolve());
    const without = await said();

    line.isThere = true;
    line.answersOffline = true;
    progress.ready();
    await lanes.run(A, () => Promise.resolve());
    const unanswered = (await store.list("own-progress")).length;
    line.answersOffline = false;
    progress.ready();
    await lanes.run(A, () => Promise.resolve());
    progress.ready();
    await lanes.run(A, () => Promise.resolve());

    expect(without).toEqual([]);
    expect(unanswered).toBe(1);
    expect(await said()).toEqual([
      ["close", 1, true],
      ["close", 1, true],
    ]);
    expect(await store.list("own-progress")).toEqual([]);
  });

  test("[E85] of a run that ended without it is the next run's, as a beat in the log, and holds no key", async () => {
    const first = await aWriter();
    await first.place(0);
    await first.place(1);
    first.progress.close();
    const rows = await first.store.list("own-progress");
    const { progress, lanes, store, said } = await aWriter(first.store);

    await progress.start();
    progress.ready();
    await lanes.run(A, () => Promise.resolve());

    expect(rows).toHaveLength(1);
    expect(await said()).toEqual([["beat", 2, true]]);
    expect(await store.list("own-progress")).toEqual([]);
  });
});
