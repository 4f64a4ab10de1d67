/**
 * Others' streams while they run: deltas opened strictly in order, holes asked for, the closing message compared with
 * what was shown. Nothing here is stored; a stream is only a preview of the message that ends it. SPEC E50–E54.
 */
import { base64ToBytes } from "#base/base64.ts";
import type { Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import type { Primitives } from "#crypto/primitives.ts";
import {
  isStreamProven,
  openDelta,
  streamSealer,
  type StreamSealState,
} from "#crypto/stream-seal.ts";
import type { EndpointFrame } from "#protocol/endpoint-frame.ts";
import type { AccountId, ConversationId, MessageId, StreamId } from "#protocol/ids.ts";
import { MAX_STREAM_DELTAS, STREAM_SILENCE_MS } from "#protocol/limits.ts";
import type { RelayFrameOf } from "#protocol/relay-frame.ts";
import type { EndpointEvent } from "./endpoint.ts";

export type StreamStart = {
  readonly conversationId: ConversationId;
  readonly streamId: StreamId;
  readonly messageId: MessageId;
  readonly authorId: AccountId;
  readonly at: number;
  readonly key: Bytes;
  readonly startHash: Bytes;
};

export interface StreamReader {
  /** A stream's start was opened and told. */
  begin(start: StreamStart): void;
  delta(frame: RelayFrameOf<"stream.delta">): void;
  /** Compares the signed closing message with what was shown; the stream is over. */
  finish(
    streamId: StreamId,
    proof: { readonly count: number; readonly hash: string } | undefined,
    text: string,
  ): "same" | "altered" | "unseen";
  /** The stream ended without a message, or the line is gone for good. */
  drop(streamId: StreamId): void;
  /** Index of the next delta wanted, by stream: what a new line resumes from. */
  positions(): Readonly<Record<string, number>>;
  isReading(conversationId: ConversationId): boolean;
  close(): void;
}

type Delta = RelayFrameOf<"stream.delta">;
type Live = {
  readonly start: StreamStart;
  state: StreamSealState;
  text: string;
  /** Deltas beyond a hole, by index. */
  readonly ahead: Map<number, Delta>;
  askedFrom: number;
  stopSilence: () => void;
};

/** Deltas that may come before their start is opened. */
const MAX_EARLY_DELTAS = 256;
const MAX_EARLY_STREAMS = 64;

export const createStreamReader = (options: Needs): StreamReader => new LiveReader(options);

type Needs = {
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly emit: (event: EndpointEvent) => void;
  readonly send: (frame: EndpointFrame) => void;
};

class LiveReader implements StreamReader {
  readonly #options: Needs;
  readonly #primitives: Needs["primitives"];
  readonly #clock: Needs["clock"];
  readonly #emit: Needs["emit"];
  readonly #live = new Map<StreamId, Live>();
  readonly #early = new Map<StreamId, Delta[]>();

  constructor(options: Needs) {
    this.#options = options;
    this.#primitives = options.primitives;
    this.#clock = options.clock;
    this.#emit = options.emit;
  }

  drop(streamId: StreamId): void {
    this.#live.get(streamId)?.stopSilence();
    this.#live.delete(streamId);
    this.#early.delete(streamId);
  }

  begin(start: StreamStart): void {
    const { streamId, conversationId, key: streamKey, startHash } = start;
    if (this.#live.has(streamId)) return;
    const state = streamSealer(this.#primitives, {
      streamKey,
      conversationId,
      streamId,
      startHash,
    });
    const one: Live = {
      start,
      state,
      text: "",
      ahead: new Map(),
      askedFrom: -1,
      stopSilence: () => {},
    };
    this.#live.set(streamId, one);
    this.#listen(one);
    const { messageId, authorId, at } = start;
    this.#emit({ type: "stream-start", conversationId, streamId, messageId, authorId, at });
    for (const frame of this.#early.get(streamId) ?? [])
      if (this.#live.has(streamId)) this.#hear(one, frame);
    this.#early.delete(streamId);
  }

  delta(frame: RelayFrameOf<"stream.delta">): void {
    const one = this.#live.get(frame.stream_id);
    if (one !== undefined) return this.#hear(one, frame);
    const waiting = this.#early.get(frame.stream_id) ?? [];
    if (waiting.length >= MAX_EARLY_DELTAS) return;
    if (this.#early.size >= MAX_EARLY_STREAMS && waiting.length === 0) return;
    this.#early.set(frame.stream_id, [...waiting, frame]);
  }

  finish(
    streamId: StreamId,
    proof: { readonly count: number; readonly hash: string } | undefined,
    text: string,
  ): "same" | "altered" | "unseen" {
    const one = this.#live.get(streamId);
    this.drop(streamId);
    if (one === undefined) return "unseen";
    const hash = proof === undefined ? null : base64ToBytes(proof.hash);
    if (proof === undefined || hash === null) return one.text === text ? "same" : "altered";
    // Deltas that never came here leave a shorter text: nothing shown was false, unless it is no prefix.
    if (proof.count > one.state.count) return text.startsWith(one.text) ? "unseen" : "altered";
    const isProven = isStreamProven(one.state, { count: proof.count, hash });
    return isProven && one.text === text ? "same" : "altered";
  }

  isReading(conversationId: ConversationId): boolean {
    return [...this.#live.values()].some(({ start }) => start.conversationId === conversationId);
  }

  positions(): Readonly<Record<string, number>> {
    return Object.fromEntries(
      [...this.#live].map(([streamId, { state }]) => [streamId, state.count]),
    );
  }

  close(): void {
    for (const streamId of this.#live.keys()) this.drop(streamId);
  }

  #fail(one: Live, reason: string): void {
    const { streamId } = one.start;
    this.drop(streamId);
    this.#emit({
      type: "error",
      failure: { kind: "peer/stream-ended", streamId, reason },
      fatal: false,
    });
  }

  #listen(one: Live): void {
    one.stopSilence();
    one.stopSilence = this.#clock.after(STREAM_SILENCE_MS, () => this.#fail(one, "silent"));
  }

  /** Only the author's own deltas: the key is known to every member. */
  #hear(one: Live, frame: Delta): void {
    if (frame.sender_id === one.start.authorId) this.#read(one, frame);
  }

  #read(one: Live, frame: Delta): void {
    const bytes = base64ToBytes(frame.encrypted_payload);
    if (bytes === null) return this.#fail(one, "malformed");
    const opened = openDelta(this.#primitives, one.state, frame.index, bytes);
    if (opened.ok) return this.#show(one, opened.value.text, opened.value.state);
    if (opened.failure.kind === "crypto/stream-repeat") return;
    if (opened.failure.kind === "crypto/stream-gap")
      return this.#hold(one, frame, opened.failure.expectedIndex);
    this.#fail(one, opened.failure.kind);
  }

  #show(one: Live, text: string, state: StreamSealState): void {
    const { conversationId, streamId } = one.start;
    const offset = one.text.length;
    one.state = state;
    one.text += text;
    this.#listen(one);
    if (text !== "") this.#emit({ type: "stream-text", conversationId, streamId, offset, text });
    const next = one.ahead.get(state.count);
    if (next === undefined || !this.#live.has(streamId)) return;
    one.ahead.delete(state.count);
    this.#read(one, next);
  }

  #hold(one: Live, frame: Delta, expected: number): void {
    if (frame.index < MAX_STREAM_DELTAS) one.ahead.set(frame.index, frame);
    if (one.askedFrom === expected) return;
    one.askedFrom = expected;
    const { conversationId: conversation_id, streamId: stream_id } = one.start;
    this.#options.send({ type: "stream.pull", conversation_id, stream_id, from_index: expected });
  }
}
