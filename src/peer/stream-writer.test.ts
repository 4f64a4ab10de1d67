import { describe, expect, test } from "vitest";
import { base64ToBytes } from "#base/base64.ts";
import { utf8, type Bytes } from "#base/bytes.ts";
import { createFakeClock } from "#base/fake-clock.ts";
import { ok } from "#base/result.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { createPrimitives } from "#crypto/primitives.ts";
import { openDelta, streamSealer } from "#crypto/stream-seal.ts";
import type { EndpointFrame } from "#protocol/endpoint-frame.ts";
import type { MessageHeader } from "#protocol/envelope.ts";
import type { ConversationId, MessageId, StreamId, UserId } from "#protocol/ids.ts";
import { must } from "./endpoint-world.contract.ts";
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
    isReady: () => true,
    send(frame) {
      record(frame);
      return true;
    },
    async request(frame) {
      record(frame);
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
  return { clock, stream, deltas, texts, queued, writers };
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
});
