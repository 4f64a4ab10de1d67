import { describe, expect, test } from "vitest";
import { base64ToBytes } from "#base/base64.ts";
import { utf8, type Bytes } from "#base/bytes.ts";
import { createFakeClock } from "#base/fake-clock.ts";
import { err, ok } from "#base/result.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { createPrimitives } from "#crypto/primitives.ts";
import { openDelta, streamSealer } from "#crypto/stream-seal.ts";
import type { EndpointFrame } from "#protocol/endpoint-frame.ts";
import type { MessageHeader } from "#protocol/envelope.ts";
import type { ConversationId, MessageId, StreamId, UserId } from "#protocol/ids.ts";
import { must } from "./endpoint-world.contract.ts";
import type { PeerFailure } from "./failure.ts";
import type { Outbox } from "./outbox.ts";
import type { ToSend } from "./outbox-record.ts";
import type { RelayChannel } from "./relay-channel.ts";
import type { SenderSessions } from "./sender-sessions.ts";
import { createStreamWriters, type StreamWriters } from "./stream-writer.ts";

const CONVERSATION = "01900000-0000-7000-8000-00000000000a" as ConversationId;

const START_HASH = utf8("0123456789abcdef0123456789abcdef");

/** A writer whose relay takes everything; what left is in `sent`, with its time. `whileStarting` runs before the start is placed. */
async function aWriter(
  whileStarting: (writers: StreamWriters, streamId: StreamId) => void = () => {},
  line: { isThere: boolean; refusal?: PeerFailure } = { isThere: true },
) {
  const random = createSeededRandom(9);
  const primitives = await createPrimitives({ random });
  const clock = createFakeClock();
  const startedAt = clock.now();
  const sent: { readonly frame: EndpointFrame; readonly atMs: number }[] = [];
  const queued: ToSend[] = [];
  const opened = { key: "" };
  const record = (frame: EndpointFrame) => sent.push({ frame, atMs: clock.now() - startedAt });
  const channel: RelayChannel = {
    on: () => () => {},
    isReady: () => line.isThere,
    send(frame) {
      record(frame);
      return true;
    },
    async request(frame) {
      record(frame);
      if (line.refusal !== undefined) return err(line.refusal);
      return ok({
        type: "message.ack",
        conversation_id: CONVERSATION,
        client_message_id: CONVERSATION as string as MessageId,
        message_id: CONVERSATION as string as MessageId,
        conversation_seq: 1,
        created_at: "2026-01-01T00:00:00.000Z",
      });
    },
  };
  const sessions: Pick<SenderSessions, "seal" | "end"> = {
    async seal() {
      const bytes: Bytes = START_HASH;
      const header = { hasSessionWrap: true, suite: 2 } as MessageHeader;
      return ok({
        envelope: bytes,
        sessionOpen: null,
        messageHash: bytes,
        plaintextHash: bytes,
        header,
        reduced: false,
      });
    },
    end: () => {},
  };
  const outbox: Pick<Outbox, "between" | "queue" | "settled"> = {
    between: (_conversationId, task) => task(),
    async queue(message) {
      queued.push(message);
      return ok({ ...message, queuedAt: 0, state: { status: "queued" } });
    },
    async settled(messageId) {
      const message = queued.find((one) => one.messageId === messageId);
      if (message === undefined) throw new Error("unknown message");
      return {
        ...message,
        queuedAt: 0,
        state: { status: "acked", seq: 2, at: 0, duplicate: false },
      };
    },
  };
  const writers: StreamWriters = createStreamWriters({
    primitives,
    clock,
    random,
    channel,
    outbox: outbox as Outbox,
    sessions,
    async placeStart({ payload }) {
      if (payload.type === "stream") opened.key = payload.key;
      if (payload.type === "stream") whileStarting(writers, payload.stream_id as StreamId);
    },
    emit: () => {},
  });
  const stream = must(await writers.open(CONVERSATION));
  const aborts = () =>
    sent.flatMap(({ frame }) => (frame.type === "stream.abort" ? [frame.reason] : []));
  const deltas = () =>
    sent.flatMap(({ frame, atMs }) => (frame.type === "stream.delta" ? { frame, atMs } : []));
  /** What a reader makes of the deltas. */
  const texts = () => {
    let state = streamSealer(primitives, {
      streamKey: base64ToBytes(opened.key) ?? new Uint8Array(),
      conversationId: CONVERSATION,
      streamId: stream.streamId,
      startHash: START_HASH,
    });
    return deltas().map(({ frame }) => {
      const bytes = base64ToBytes(frame.encrypted_payload) ?? new Uint8Array();
      const delta = must(openDelta(primitives, state, frame.index, bytes));
      ({ state } = delta);
      return delta.text;
    });
  };
  return { clock, stream, deltas, aborts, texts, queued, writers, line };
}

describe("writing a stream", () => {
  test("[E55] deltas leave on the clock, 80 to 120 ms apart, however fast the words come", async () => {
    const { clock, stream, deltas } = await aWriter();

    for (let i = 0; i < 100; i++) {
      await stream.delta(`word ${i} `);
      await clock.advance(10);
    }

    const times = deltas().map(({ atMs }) => atMs);
    const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
    expect(times.length).toBeGreaterThanOrEqual(8);
    expect(gaps.every((gap) => gap >= 80 && gap <= 130)).toBe(true);
  });

  test("[E55] a delta's size is a bucket, whatever its text", async () => {
    const { clock, stream, deltas } = await aWriter();

    for (const text of ["a", "a few words", "x".repeat(300)]) {
      await stream.delta(text);
      await clock.advance(200);
    }

    const sizes = deltas().map(
      ({ frame }) => (base64ToBytes(frame.encrypted_payload) ?? []).length - 16,
    );
    expect(sizes).toEqual([256, 256, 512]);
  });

  test("[E55] a character cut in two by its source leaves whole", async () => {
    const { clock, stream, queued, texts } = await aWriter();
    const [high = "", low = ""] = "🐉".split("");

    await stream.delta(`a${high}`);
    await clock.advance(200);
    await stream.delta(`${low}b`);
    must(await stream.done());

    expect(queued[0]?.payload).toMatchObject({ text: "a🐉b", stream: { count: 2 } });
    expect(texts()).toEqual(["a", "🐉b"]);
  });

  test("[E58] what is repeated begins where the relay stands, with the same bytes", async () => {
    const { clock, stream, deltas, writers } = await aWriter();
    for (const text of ["one ", "two ", "three"]) {
      await stream.delta(text);
      await clock.advance(200);
    }
    const first = deltas().map(({ frame }) => frame);

    writers.refused(stream.streamId, "STREAM_GAP", 0);
    writers.acked(stream.streamId, 1);
    writers.acked(stream.streamId, 0);

    const all = deltas().map(({ frame }) => frame);
    expect(first.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(all.slice(3)).toEqual(first.slice(1));
  });

  test("[E56] a wish to stop that comes before the start is stored is not lost", async () => {
    const reader = "01900000-0000-7000-8000-00000000000b" as UserId;

    const { stream } = await aWriter((writers, streamId) =>
      writers.stopRequested({
        type: "stream.abort",
        conversation_id: CONVERSATION,
        stream_id: streamId,
        requested_by: reader,
      }),
    );

    expect(stream.signal.aborted).toBe(true);
  });

  test("[E59] a stream the relay does not know any more ends as a whole message", async () => {
    const { clock, stream, queued, writers } = await aWriter();
    await stream.delta("one ");
    await clock.advance(200);

    writers.refused(stream.streamId, "STREAM_UNKNOWN", 0);
    await stream.delta("two");
    must(await stream.done());

    expect(queued[0]).toMatchObject({ payload: { type: "text", text: "one two" }, stream: null });
    expect(queued[0]?.payload).not.toHaveProperty("stream");
  });

  test.each([
    ["for want of a line", { isThere: false }],
    ["because the line broke", { isThere: true, refusal: { kind: "peer/offline" } }],
    [
      "by the relay's bound of streams",
      { isThere: true, refusal: { kind: "peer/refused", code: "STREAM_LIMIT" } },
    ],
  ] as const)("[E59] a stream that does not begin %s becomes one message", async (_why, line) => {
    const { clock, stream, deltas, queued } = await aWriter(undefined, line);

    await stream.delta("one ");
    await clock.advance(200);
    await stream.delta("two");
    must(await stream.done());

    expect(deltas()).toEqual([]);
    expect(queued).toMatchObject([{ payload: { type: "text", text: "one two" }, stream: null }]);
  });

  test("[E59] a refusal that is none of streams is told, and nothing is gathered", async () => {
    const line: { isThere: boolean; refusal?: PeerFailure } = { isThere: true };
    const { writers } = await aWriter(undefined, line);
    line.refusal = { kind: "peer/not-member" };

    expect(await writers.open(CONVERSATION)).toEqual(err({ kind: "peer/not-member" }));
  });

  test("[E59] a stream of which the relay lacks a piece at its end ends as a whole message", async () => {
    const { clock, stream, queued, writers } = await aWriter();
    await stream.delta("one ");
    await clock.advance(200);

    writers.refused(stream.streamId, "STREAM_GAP", 0);
    must(await stream.done());

    expect(queued).toMatchObject([{ payload: { type: "text", text: "one " }, stream: null }]);
    expect(queued[0]?.payload).not.toHaveProperty("stream");
  });

  test("[E56] a wish changes nothing but the signal: the writer goes on or ends as it decides", async () => {
    const { clock, stream, writers, queued, texts } = await aWriter();
    const wish = { type: "stream.abort", conversation_id: CONVERSATION } as const;
    const requested_by = "01900000-0000-7000-8000-00000000000b" as UserId;

    // An end that nobody asked for is the author's own word.
    writers.stopRequested({ ...wish, stream_id: stream.streamId });
    const before = stream.signal.aborted;
    writers.stopRequested({ ...wish, stream_id: stream.streamId, requested_by });
    await stream.delta("all the same");
    await clock.advance(200);
    must(await stream.done());

    expect([before, stream.signal.aborted]).toEqual([false, true]);
    expect(texts()).toEqual(["all the same"]);
    expect(queued).toMatchObject([{ payload: { text: "all the same" } }]);
  });

  test("[E57] an aborted stream sends no further piece and no message, and says so once", async () => {
    const { clock, stream, deltas, aborts, queued } = await aWriter();
    await stream.delta("one ");
    await clock.advance(200);
    await stream.delta("held back");

    must(await stream.abort("r".repeat(100)));
    await clock.advance(1_000);
    const after = [await stream.delta("more"), await stream.done(), await stream.abort()];

    const over = { kind: "peer/stream-ended", streamId: stream.streamId, reason: "over" };
    expect(after).toEqual([err(over), err(over), err(over)]);
    expect(deltas()).toHaveLength(1);
    expect(aborts()).toEqual(["r".repeat(64)]);
    expect(queued).toEqual([]);
  });

  test("[E57] a stream that never began is aborted without a word", async () => {
    const { stream, aborts, queued } = await aWriter(undefined, { isThere: false });
    await stream.delta("one");

    must(await stream.abort());

    expect([aborts(), queued]).toEqual([[], []]);
  });
});
