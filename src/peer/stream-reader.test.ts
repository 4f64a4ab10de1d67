import { describe, expect, test } from "vitest";
import { bytesToBase64 } from "#base/base64.ts";
import { createFakeClock } from "#base/fake-clock.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { createPrimitives } from "#crypto/primitives.ts";
import { sealDelta, streamSealer } from "#crypto/stream-seal.ts";
import type { EndpointFrame } from "#protocol/endpoint-frame.ts";
import type { AccountId, ConversationId, MessageId, StreamId } from "#protocol/ids.ts";
import type { RelayFrameOf } from "#protocol/relay-frame.ts";
import type { EndpointEvent } from "./endpoint.ts";
import { must } from "./endpoint-world.contract.ts";
import { createStreamReader } from "./stream-reader.ts";

const id = (last: string) => `01900000-0000-7000-8000-0000000000${last}`;
const CONVERSATION = id("0a") as ConversationId;
const STREAM = id("0b") as StreamId;
const AUTHOR = id("0c") as AccountId;

async function aStream(texts: readonly string[]) {
  const random = createSeededRandom(3);
  const primitives = await createPrimitives({ random });
  const clock = createFakeClock();
  const events: EndpointEvent[] = [];
  const sent: EndpointFrame[] = [];
  const reader = createStreamReader({
    primitives,
    clock,
    emit: (event) => events.push(event),
    send: (frame) => sent.push(frame),
  });
  const key = random(32);
  const startHash = random(32);
  let state = streamSealer(primitives, {
    streamKey: key,
    conversationId: CONVERSATION,
    streamId: STREAM,
    startHash,
  });
  const deltas = texts.map((text): RelayFrameOf<"stream.delta"> => {
    const sealed = must(sealDelta(primitives, state, text));
    ({ state } = sealed);
    return {
      type: "stream.delta",
      conversation_id: CONVERSATION,
      stream_id: STREAM,
      sender_id: AUTHOR,
      index: sealed.index,
      encrypted_payload: bytesToBase64(sealed.delta),
    };
  });
  const begin = () =>
    reader.begin({
      conversationId: CONVERSATION,
      streamId: STREAM,
      messageId: id("0d") as MessageId,
      authorId: AUTHOR,
      at: 0,
      key,
      startHash,
    });
  const proof = { count: state.count, hash: bytesToBase64(state.runningHash) };
  const shown = () => events.flatMap((event) => (event.type === "stream-text" ? event.text : []));
  const hear = (...indexes: readonly number[]) => {
    for (const index of indexes) {
      const delta = deltas[index];
      if (delta !== undefined) reader.delta(delta);
    }
  };
  return { reader, clock, events, sent, begin, hear, deltas, proof, shown };
}

describe("following a stream", () => {
  test("[E51] deltas are shown in order, and a hole is asked for once", async () => {
    const { begin, hear, sent, shown } = await aStream(["a", "b", "c", "d"]);
    begin();

    hear(0, 2, 3);
    expect(shown()).toEqual(["a"]);
    expect(sent).toEqual([
      { type: "stream.pull", conversation_id: CONVERSATION, stream_id: STREAM, from_index: 1 },
    ]);
    hear(1, 2, 3);

    expect(shown()).toEqual(["a", "b", "c", "d"]);
  });

  test("[E51] deltas that overtake their start wait for it", async () => {
    const { begin, hear, shown, events } = await aStream(["a", "b"]);

    hear(0, 1);
    begin();

    expect(shown()).toEqual(["a", "b"]);
    expect(events[0]?.type).toBe("stream-start");
  });

  test("[E52] a text that differs from what was shown is called altered", async () => {
    const { begin, hear, reader, proof } = await aStream(["pay ", "10"]);
    begin();
    hear(0, 1);

    expect(reader.finish(STREAM, proof, "pay 1000")).toBe("altered");
  });

  test("[E52] another running hash under the same text is called altered", async () => {
    const { begin, hear, reader, proof } = await aStream(["pay ", "10"]);
    begin();
    hear(0, 1);

    const other = { ...proof, hash: bytesToBase64(new Uint8Array(32)) };
    expect(reader.finish(STREAM, other, "pay 10")).toBe("altered");
  });

  test("[E52] a stream that was not followed to its end proves nothing", async () => {
    const { begin, hear, reader, proof } = await aStream(["pay ", "10"]);
    begin();
    hear(0);

    expect(reader.finish(STREAM, proof, "pay 10")).toBe("unseen");
    expect(reader.finish(STREAM, proof, "pay 10")).toBe("unseen");
  });

  test("[E52] a text that does not begin with what was shown is altered, followed to its end or not", async () => {
    const { begin, hear, reader, proof } = await aStream(["pay ", "10"]);
    begin();
    hear(0);

    expect(reader.finish(STREAM, proof, "take 10")).toBe("altered");
  });

  test("[E53] a stream silent for 30 s is dropped and said to be over", async () => {
    const { begin, hear, clock, events, shown } = await aStream(["a", "b"]);
    begin();
    hear(0);

    await clock.advance(31_000);
    hear(1);

    expect(events.at(-1)).toEqual({
      type: "error",
      failure: { kind: "peer/stream-ended", streamId: STREAM, reason: "silent" },
      fatal: false,
    });
    expect(shown()).toEqual(["a"]);
  });

  test("[E53] each piece starts the 30 s of silence anew", async () => {
    const { begin, hear, clock, events, shown } = await aStream(["a", "b", "c"]);
    begin();
    for (const index of [0, 1]) {
      await clock.advance(20_000);
      hear(index);
    }
    await clock.advance(29_999);
    hear(2);

    expect(shown()).toEqual(["a", "b", "c"]);
    expect(events.filter(({ type }) => type === "error")).toEqual([]);
  });

  test("[E54] another member who knows the key cannot write into the stream", async () => {
    const { begin, reader, deltas, shown } = await aStream(["forged"]);
    begin();

    for (const delta of deltas) reader.delta({ ...delta, sender_id: id("ee") as AccountId });

    expect(shown()).toEqual([]);
  });

  test("[E54] another member cannot write its beginning before it is opened here either", async () => {
    const forged = (await aStream(["forged"])).deltas;
    const { begin, reader, hear, shown } = await aStream(["hers"]);

    for (const delta of forged) reader.delta({ ...delta, sender_id: id("ee") as AccountId });
    begin();
    hear(0);

    expect(shown()).toEqual(["hers"]);
  });

  test("[E54] other bytes at a place already read end the stream", async () => {
    const { begin, hear, reader, deltas, events } = await aStream(["a", "b"]);
    begin();
    hear(0);

    const [first, second] = deltas;
    if (first && second) reader.delta({ ...second, index: 0 });

    expect(events.at(-1)).toMatchObject({
      type: "error",
      failure: { kind: "peer/stream-ended", reason: "crypto/stream-forked" },
    });
  });
});
