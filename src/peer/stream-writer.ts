/**
 * Own streamed answers. Text is gathered and sealed on the delta clock, so that sizes and times say little; the whole
 * text goes out durably at the end. A stream that cannot run, or is lost, becomes that one message. SPEC E55–E59.
 */
import { bytesToBase64 } from "#base/base64.ts";
import type { Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import type { RandomBytes } from "#base/random.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { Primitives } from "#crypto/primitives.ts";
import { sealDelta, startStream, streamSealer, type StreamSealState } from "#crypto/stream-seal.ts";
import type { EndpointFrame } from "#protocol/endpoint-frame.ts";
import {
  makeId,
  type AccountId,
  type ConversationId,
  type MessageId,
  type StreamId,
} from "#protocol/ids.ts";
import { MAX_TEXT_UNITS } from "#protocol/limits.ts";
import { encodePayload, type KnownPayload } from "#protocol/payload.ts";
import type { RelayFrameOf } from "#protocol/relay-frame.ts";
import type { EndpointEvent, OutgoingMessage, StreamWriter } from "./endpoint.ts";
import { isPassing, type PeerFailure } from "./failure.ts";
import type { Outbox } from "./outbox.ts";
import type { RelayChannel } from "./relay-channel.ts";
import type { Sealed, SenderSessions } from "./sender-sessions.ts";

export interface StreamWriters {
  open(conversationId: ConversationId): Promise<Result<StreamWriter, PeerFailure>>;
  /** A reader asks for an end. */
  stopRequested(frame: RelayFrameOf<"stream.abort">): void;
  /** The relay ended a stream. */
  ended(streamId: StreamId): void;
  /** The relay says where it stands. */
  acked(streamId: StreamId, nextIndex: number): void;
  /** The relay refused a delta. */
  refused(streamId: StreamId, code: string, retryAfterMs: number): void;
  /** A new line: live streams are started again and go on where the relay stands. */
  resume(): void;
  isWriting(conversationId: ConversationId): boolean;
  close(): void;
}

/** Deltas leave on this clock, not with the tokens. */
const DELTA_CLOCK_MS = { least: 80, spread: 40 };

type Live = {
  readonly conversationId: ConversationId;
  readonly streamId: StreamId;
  readonly startFrame: Extract<EndpointFrame, { type: "stream.start" }>;
  readonly controller: AbortController;
  /** Deltas as sent, base64, for repeats. */
  readonly sent: string[];
  state: StreamSealState;
  /** Whether the relay passes deltas on; false: the text is only gathered. */
  isLive: boolean;
  /** The relay stands where we do: deltas may follow. */
  isLevel: boolean;
  /** Deltas are not taken before then. */
  notBefore: number;
  isOver: boolean;
  text: string;
  pending: string;
  stopTimer: (() => void) | null;
};

export const createStreamWriters = (options: Needs): StreamWriters => new LiveWriters(options);

type Needs = {
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly channel: RelayChannel;
  readonly outbox: Outbox;
  readonly sessions: Pick<SenderSessions, "seal" | "end">;
  /** Puts the stored start into the log. */
  readonly placeStart: (
    message: {
      readonly conversationId: ConversationId;
      readonly messageId: MessageId;
      readonly payload: KnownPayload;
    },
    sealed: Sealed,
    place: { readonly seq: number; readonly at: number },
  ) => Promise<void>;
  readonly emit: (event: EndpointEvent) => void;
};

class LiveWriters implements StreamWriters {
  readonly #options: Needs;
  readonly #primitives: Needs["primitives"];
  readonly #clock: Needs["clock"];
  readonly #random: Needs["random"];
  readonly #channel: Needs["channel"];
  readonly #outbox: Needs["outbox"];
  readonly #sessions: Needs["sessions"];
  readonly #live = new Map<StreamId, Live>();
  /** Streams whose start is on its way: who reads it may ask to stop before it is stored here. */
  readonly #starting = new Map<StreamId, Pick<Live, "conversationId" | "controller">>();

  constructor(options: Needs) {
    this.#options = options;
    this.#primitives = options.primitives;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#channel = options.channel;
    this.#outbox = options.outbox;
    this.#sessions = options.sessions;
  }

  async open(conversationId: ConversationId): Promise<Result<StreamWriter, PeerFailure>> {
    const streamId = makeId<StreamId>(this.#clock.now(), this.#random);
    const { streamKey } = startStream(this.#primitives);
    const controller = new AbortController();
    this.#starting.set(streamId, { conversationId, controller });
    const started = await this.#outbox
      .between(conversationId, () =>
        this.#channel.isReady()
          ? this.#start(conversationId, streamId, streamKey)
          : Promise.resolve(offline),
      )
      .finally(() => this.#starting.delete(streamId));
    const mayGather =
      !started.ok && (isPassing(started.failure) || isStreamRefusal(started.failure));
    if (!started.ok && !mayGather) return started;
    const startHash = started.ok ? started.value.sealed.messageHash : new Uint8Array(32);
    const one: Live = {
      conversationId,
      streamId,
      startFrame: started.ok ? started.value.frame : NO_FRAME,
      controller,
      sent: [],
      state: streamSealer(this.#primitives, { streamKey, conversationId, streamId, startHash }),
      isLive: started.ok,
      isLevel: started.ok,
      notBefore: 0,
      isOver: false,
      text: "",
      pending: "",
      stopTimer: null,
    };
    this.#live.set(streamId, one);
    return ok(this.#writerOf(one));
  }

  stopRequested(frame: RelayFrameOf<"stream.abort">): void {
    const streamId = frame.stream_id;
    const one = this.#live.get(streamId) ?? this.#starting.get(streamId);
    if (one === undefined || frame.requested_by === undefined) return;
    one.controller.abort();
    const { conversationId } = one;
    const by: AccountId = frame.requested_by;
    this.#options.emit({ type: "stream-stop-requested", conversationId, streamId, by });
  }

  ended(streamId: StreamId): void {
    const one = this.#live.get(streamId);
    if (one !== undefined) one.isLive = false;
  }

  acked(streamId: StreamId, nextIndex: number): void {
    const one = this.#live.get(streamId);
    if (one !== undefined) this.#repeatFrom(one, nextIndex);
  }

  refused(streamId: StreamId, code: string, retryAfterMs: number): void {
    const one = this.#live.get(streamId);
    if (one === undefined) return;
    if (code !== "STREAM_GAP" && code !== "RATE_LIMITED") one.isLive = false;
    one.isLevel = false;
    one.notBefore = this.#clock.now() + retryAfterMs;
  }

  resume(): void {
    for (const one of this.#live.values()) if (one.isLive) void this.#restart(one);
  }

  isWriting(conversationId: ConversationId): boolean {
    const all = [...this.#live.values(), ...this.#starting.values()];
    return all.some((one) => one.conversationId === conversationId);
  }

  close(): void {
    for (const one of this.#live.values()) {
      one.controller.abort();
      this.#end(one);
    }
  }

  async #start(
    conversationId: ConversationId,
    streamId: StreamId,
    key: Bytes,
  ): Promise<Result<{ readonly sealed: Sealed; readonly frame: Live["startFrame"] }, PeerFailure>> {
    const messageId = makeId<MessageId>(this.#clock.now(), this.#random);
    const payload = { type: "stream", stream_id: streamId, key: bytesToBase64(key) } as const;
    const bytes = encodePayload(payload);
    if (!bytes.ok) return err({ kind: "peer/bad-payload", path: "" });
    const sealed = await this.#sessions.seal(conversationId, {
      messageId,
      contentType: payload.type,
      payload: bytes.value,
      kind: "stream-start",
    });
    if (!sealed.ok) return sealed;
    const frame = {
      type: "stream.start",
      conversation_id: conversationId,
      client_message_id: messageId,
      stream_id: streamId,
      encrypted_payload: bytesToBase64(sealed.value.envelope),
      content_type: "control",
      ...openOf(sealed.value),
    } as const;
    const answer = await this.#channel.request(frame);
    if (!answer.ok) {
      this.#sessions.end(conversationId);
      return answer;
    }
    if (answer.value.type === "message.ack") {
      const { conversation_seq: seq, created_at } = answer.value;
      const message = { conversationId, messageId, payload };
      await this.#options.placeStart(message, sealed.value, { seq, at: Date.parse(created_at) });
    }
    return ok({ sealed: sealed.value, frame });
  }

  #flush(one: Live): void {
    one.stopTimer = null;
    if (!one.isLive || one.pending === "") return;
    const text = takeWhole(one);
    if (text === "") return;
    const sealed = sealDelta(this.#primitives, one.state, text);
    if (!sealed.ok) return this.#giveUp(one, "limit");
    one.state = sealed.value.state;
    const payload = bytesToBase64(sealed.value.delta);
    one.sent.push(payload);
    if (one.isLevel) this.#sendDelta(one, sealed.value.index, payload);
  }

  #sendDelta(one: Live, index: number, encrypted_payload: string): void {
    const { conversationId: conversation_id, streamId: stream_id } = one;
    this.#channel.send({
      type: "stream.delta",
      conversation_id,
      stream_id,
      index,
      encrypted_payload,
    });
  }

  #schedule(one: Live): void {
    if (!one.isLive || one.stopTimer !== null) return;
    const delayMs =
      DELTA_CLOCK_MS.least + ((this.#random(1)[0] ?? 0) * DELTA_CLOCK_MS.spread) / 255;
    one.stopTimer = this.#clock.after(delayMs, () => this.#flush(one));
  }

  #giveUp(one: Live, reason: string): void {
    one.isLive = false;
    const { conversationId: conversation_id, streamId: stream_id } = one;
    this.#channel.send({ type: "stream.abort", conversation_id, stream_id, reason });
  }

  #end(one: Live): void {
    one.isOver = true;
    one.stopTimer?.();
    one.stopTimer = null;
    this.#live.delete(one.streamId);
  }

  /** Starts the stream again on a new line; the relay then says from where it goes on. */
  async #restart(one: Live): Promise<void> {
    one.isLevel = false;
    const answer = await this.#channel.request(one.startFrame);
    if (answer.ok) {
      if (answer.value.type === "stream.ack") this.#repeatFrom(one, answer.value.next_index);
    } else if (!isPassing(answer.failure)) one.isLive = false;
  }

  #repeatFrom(one: Live, next: number): void {
    if (one.isOver || one.isLevel) return;
    const delayMs = one.notBefore - this.#clock.now();
    if (delayMs > 0) {
      this.#clock.after(delayMs, () => this.#repeatFrom(one, next));
      return;
    }
    one.isLevel = true;
    for (let index = next; index < one.sent.length; index++)
      this.#sendDelta(one, index, one.sent[index] ?? "");
    if (one.pending !== "") this.#schedule(one);
  }

  async #finish(
    one: Live,
    messageId: MessageId,
    extra: Partial<KnownPayload>,
  ): Promise<Result<OutgoingMessage, PeerFailure>> {
    if (one.isOver) return ended(one);
    one.stopTimer?.();
    this.#flush(one);
    this.#end(one);
    const isStreamed = one.isLive && one.isLevel && one.pending === "";
    const { count, runningHash } = one.state;
    const stream = { stream_id: one.streamId, count, hash: bytesToBase64(runningHash) };
    const payload = {
      type: "text",
      text: one.text,
      ...extra,
      ...(isStreamed ? { stream } : {}),
    } as KnownPayload;
    const queued = await this.#outbox.queue({
      conversationId: one.conversationId,
      messageId,
      payload,
      contentType: "encrypted",
      guard: null,
      stream: isStreamed ? { streamId: one.streamId, count } : null,
    });
    if (!queued.ok) return queued;
    const message = await this.#outbox.settled(messageId);
    return message.state.status === "failed" ? err(message.state.failure) : ok(message);
  }

  #writerOf(one: Live): StreamWriter {
    const messageId = makeId<MessageId>(this.#clock.now(), this.#random);
    return {
      streamId: one.streamId,
      messageId,
      signal: one.controller.signal,
      delta: (text) => this.#gather(one, text),
      done: (extra = {}) => this.#finish(one, messageId, extra),
      abort: (reason) => this.#abort(one, reason),
    };
  }

  async #gather(one: Live, text: string): Promise<Result<null, PeerFailure>> {
    if (one.isOver) return ended(one);
    if (one.text.length + text.length > MAX_TEXT_UNITS) {
      return err({ kind: "peer/too-large", limit: MAX_TEXT_UNITS });
    }
    one.text += text;
    one.pending += text;
    this.#schedule(one);
    return ok(null);
  }

  async #abort(one: Live, reason: string | undefined): Promise<Result<null, PeerFailure>> {
    if (one.isOver) return ended(one);
    this.#end(one);
    if (!one.isLive) return ok(null);
    const { conversationId: conversation_id, streamId: stream_id } = one;
    const answer = await this.#channel.request({
      type: "stream.abort",
      conversation_id,
      stream_id,
      ...(reason === undefined ? {} : { reason: reason.slice(0, 64) }),
    });
    return answer.ok ? ok(null) : answer;
  }
}

const offline = err({ kind: "peer/offline" } as const);
const NO_FRAME = { type: "stream.start" } as Live["startFrame"];

const ended = (one: Live) =>
  err({ kind: "peer/stream-ended", streamId: one.streamId, reason: "over" } as const);

const openOf = ({ sessionOpen }: Sealed) =>
  sessionOpen === null ? {} : { session_open: bytesToBase64(sessionOpen) };

const isStreamRefusal = (failure: PeerFailure): boolean =>
  failure.kind === "peer/refused" && failure.code.startsWith("STREAM_");

/** Pending text up to its last whole code point: a lone half of a pair waits for the other. */
function takeWhole(one: Live): string {
  const last = one.pending.charCodeAt(one.pending.length - 1);
  const isHalf = last >= 0xd800 && last <= 0xdbff;
  const text = isHalf ? one.pending.slice(0, -1) : one.pending;
  one.pending = isHalf ? one.pending.slice(-1) : "";
  return text.toWellFormed();
}
