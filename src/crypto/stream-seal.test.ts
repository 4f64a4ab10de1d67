import { beforeAll, describe, expect, test } from "vitest";
import { fc } from "#base/properties.contract.ts";
import type { Bytes } from "#base/bytes.ts";
import { concat } from "#base/bytes.ts";
import { enc } from "#protocol/encoding.ts";
import { type ConversationId, makeId, type StreamId } from "#protocol/ids.ts";
import {
  isStreamProven,
  openDelta,
  sealDelta,
  startStream,
  type StreamSealState,
  streamSealer,
} from "./stream-seal.ts";
import { createWorld, must, START, type World } from "./vectors/people.ts";

let world: World;
let start: StreamSealState;

beforeAll(async () => {
  world = await createWorld(5);
  start = aStream();
});

const aStream = () =>
  streamSealer(world.primitives, {
    ...startStream(world.primitives),
    conversationId: makeId<ConversationId>(START, world.random),
    streamId: makeId<StreamId>(START, world.random),
    startHash: world.random(32),
  });

const seal = (state: StreamSealState, text: string) =>
  must(sealDelta(world.primitives, state, text));
const open = (state: StreamSealState, index: number, delta: Bytes) =>
  openDelta(world.primitives, state, index, delta);
const failure = (kind: string, more = {}) => ({ ok: false, failure: { kind, ...more } });

describe("a stream's deltas", () => {
  test("[C33] open in order to the text that was sealed, whatever it is", () => {
    const texts = fc.array(fc.string({ unit: "binary", maxLength: 300 }), { maxLength: 8 });
    fc.assert(
      fc.property(texts, (pieces) => {
        let [writer, reader] = [start, start];
        for (const [at, piece] of pieces.entries()) {
          const sealed = seal(writer, piece);
          expect(sealed.index).toBe(at);
          const opened = must(open(reader, at, sealed.delta));
          expect(opened).toMatchObject({ text: piece, op: "append" });
          [writer, reader] = [sealed.state, opened.state];
        }
        expect(isStreamProven(reader, { count: pieces.length, hash: writer.runningHash })).toBe(
          true,
        );
      }),
    );
  });

  test("[C33] have sizes that are multiples of 256 bytes and a tag", () => {
    const sizes = ["", "x".repeat(222), "x".repeat(223), "é".repeat(400)].map(
      (text) => seal(start, text).delta.length - 16,
    );
    expect(sizes).toEqual([256, 256, 512, 1024]);
  });

  test("[C33] that are missing are asked for, that repeat are known, that differ end the stream", () => {
    const one = seal(start, "a");
    const two = seal(one.state, "b");
    const three = seal(two.state, "c");
    expect(open(start, 1, two.delta)).toEqual(failure("crypto/stream-gap", { expectedIndex: 0 }));
    const after = must(open(start, 0, one.delta)).state;
    expect(open(after, 0, one.delta)).toEqual(failure("crypto/stream-repeat"));
    expect(open(after, 0, two.delta)).toEqual(failure("crypto/stream-forked"));
    const later = must(open(after, 1, two.delta)).state;
    expect(open(later, 0, one.delta)).toEqual(failure("crypto/stream-repeat"));
    expect(open(later, 0, three.delta)).toEqual(failure("crypto/stream-forked"));
    expect(must(open(later, 2, three.delta)).text).toBe("c");
  });

  test("[C33] refuse every changed byte and every other place, and the stream goes on", () => {
    const one = seal(start, "a");
    const two = seal(one.state, "b");
    const refused = failure("crypto/cannot-read", { cause: "tag" });
    for (let at = 0; at < one.delta.length; at++) {
      const bad = one.delta.map((byte, i) => (i === at ? byte ^ 16 : byte));
      expect(open(start, 0, bad)).toEqual(refused);
    }
    expect(open(start, 0, two.delta)).toEqual(refused);
    expect(open(aStream(), 0, one.delta)).toEqual(refused);
    const elsewhere = { ...start, conversationId: aStream().conversationId };
    expect(open(elsewhere, 0, one.delta)).toEqual(refused);
    expect(open({ ...start, runningHash: world.random(32) }, 0, one.delta)).toEqual(refused);
    const malformed = failure("crypto/cannot-read", { cause: "malformed" });
    expect(open(start, 0, new Uint8Array(271))).toEqual(malformed);
    expect(open(start, 0, new Uint8Array(600_000))).toEqual(malformed);
    expect(must(open(start, 0, one.delta)).text).toBe("a");
  });

  test("[C2][C33] refuse a plaintext in any other form than the padded one", () => {
    const sealed = (plaintext: Bytes) => {
      const { state } = seal(start, "");
      // The same key, place and associated data as the product's, around a plaintext of ours.
      const forged = sealWith(start, plaintext);
      expect(state.count).toBe(1);
      return open(start, 0, forged);
    };
    const padded = (op: number, text: Bytes, pad: Bytes) =>
      enc("delta-pt", new Uint8Array([op]), text, pad);
    const text = new Uint8Array([97]);
    const refused = failure("crypto/cannot-read", { cause: "padding" });
    expect(must(sealed(padded(0, text, new Uint8Array(221)))).text).toBe("a");
    expect(sealed(padded(1, text, new Uint8Array(221)))).toEqual(refused);
    expect(sealed(padded(0, text, new Uint8Array(221).fill(1)))).toEqual(refused);
    expect(sealed(padded(0, new Uint8Array([255]), new Uint8Array(221)))).toEqual(refused);
    expect(sealed(padded(0, text, new Uint8Array(222)))).toEqual(refused);
    expect(sealed(new Uint8Array(256))).toEqual(refused);
  });

  function sealWith(state: StreamSealState, plaintext: Bytes): Bytes {
    const { primitives } = world;
    const honest = primitives.xchachaSeal;
    let forged: Bytes = new Uint8Array();
    const spying = {
      ...primitives,
      xchachaSeal: (key: Bytes, nonce: Bytes, aad: Bytes, plain: Bytes) => {
        const size = plaintext.length;
        const length = new Uint8Array([0, 0, size >> 8, size & 255]);
        forged = honest(key, nonce, concat(aad.slice(0, -4), length), plaintext);
        return honest(key, nonce, aad, plain);
      },
    };
    must(sealDelta(spying, state, ""));
    return forged;
  }

  test("[C33] end at 4,096 pieces and at the text one payload holds, for writer and reader", () => {
    const limit = failure("crypto/stream-limit");
    const many = { ...start, count: 4096 };
    expect(sealDelta(world.primitives, many, "x")).toEqual(limit);
    expect(open(many, 4096, seal(start, "x").delta)).toEqual(limit);
    const nearly = { ...start, textSizeBytes: 491_519 };
    expect(seal(nearly, "x").state.textSizeBytes).toBe(491_520);
    expect(sealDelta(world.primitives, nearly, '"')).toEqual(limit);
    expect(open(nearly, 0, seal(start, "xy").delta)).toEqual(limit);
    expect(() => sealDelta(world.primitives, start, "\ud800")).toThrow();
  });
});

test("[C34] a closing message proves exactly the deltas that were read", () => {
  const one = seal(start, "a").state;
  const two = seal(one, "b").state;
  expect(isStreamProven(two, { count: 2, hash: two.runningHash })).toBe(true);
  expect(isStreamProven(two, { count: 1, hash: two.runningHash })).toBe(false);
  expect(isStreamProven(two, { count: 2, hash: one.runningHash })).toBe(false);
});

test("[C5] every stream has a key of its own, which is never printed", () => {
  const other = aStream();
  expect(other.key.reveal()).not.toEqual(start.key.reveal());
  expect(JSON.stringify({ key: start.key })).toBe('{"key":"«secret»"}');
});
