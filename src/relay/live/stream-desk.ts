/** What sockets say about live streams: deltas in and out, repeats, stop requests, ends by time or limit. */
import type { Clock } from "#base/clock.ts";
import { MAX_FRAME_BYTES } from "#protocol/limits.ts";
import type { EndpointFrameOf } from "#protocol/endpoint-frame.ts";
import type { AccountId, ConversationId, StreamId, UserId } from "#protocol/ids.ts";
import type { RelayFrame, RelayFrameOf } from "#protocol/relay-frame.ts";
import type { BusMessage, EphemeralBus } from "../bus/bus.ts";
import { errorFrame } from "../error-frame.ts";
import { refuse, refuseFor, type RelayFailure } from "../failure.ts";
import { entryToFrame } from "../log/entry-frame.ts";
import type { LogStore, StoredEntry } from "../log/log-store.ts";
import type { Metrics } from "../metrics.ts";
import type { Audience } from "./audience.ts";
import type { Connection, Principal } from "./connection.ts";
import type { Rates } from "./rates.ts";
import type { Sockets } from "./sockets.ts";
import { createStreams, type LiveStream, type StreamEnd } from "./streams.ts";
import type { Buckets } from "./token-bucket.ts";

/** The author hears how far it got after so many deltas. */
const ACK_EVERY = 16;

type Needs = {
  readonly log: LogStore;
  readonly audience: Audience;
  readonly bus: EphemeralBus;
  readonly buckets: Buckets;
  readonly rates: Rates;
  readonly clock: Clock;
  readonly sockets: Sockets;
  readonly metrics: Metrics;
  /** What other nodes know of streams; null: there are none. */
  readonly elsewhere: () => StreamsElsewhere | null;
};

export type StreamsElsewhere = {
  /** This node's name. */
  readonly nodeId: string;
  /** Whether it has begun and not ended, at whatever node. */
  isStreaming(conversationId: ConversationId, streamId: StreamId): Promise<boolean>;
  /** Makes a live stream this node's; whether it still is live. */
  takeStream(conversationId: ConversationId, streamId: StreamId): Promise<boolean>;
};

type Asked = Extract<
  BusMessage,
  { kind: "stream-pull" | "streams-resume" | "stream-stop" | "stream-moved" }
>;

export class StreamDesk {
  readonly #needs: Needs;
  readonly #streams = createStreams();

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** An entry of another node: an end there ends a stream here. */
  followOthers(entry: StoredEntry): void {
    const streamId = entry.meta.stream_id as StreamId | undefined;
    if (streamId !== undefined && entry.kind !== "stream.start") this.#streams.end(streamId);
  }

  /** Hears every entry of this node: a start opens a stream's buffer, an end drops it. */
  follow(entry: StoredEntry): void {
    const streamId = entry.meta.stream_id as StreamId | undefined;
    if (streamId === undefined) return;
    if (entry.kind !== "stream.start") {
      const code = entry.meta.code as StreamEnd | undefined;
      this.#needs.metrics.count("stream_ends_total", { reason: code ?? entry.kind });
      this.#streams.end(streamId);
    } else if (entry.senderId !== null && entry.senderDeviceId !== null) {
      this.#streams.start({
        streamId,
        conversationId: entry.conversationId,
        authorId: entry.senderId,
        authorDeviceId: entry.senderDeviceId,
        start: entry,
        startedAt: entry.at,
        heardAt: this.#needs.clock.now(),
      });
    }
  }

  /** After a start, first or repeated: from where the author goes on. */
  async welcomeAuthor(
    connection: Connection,
    principal: Principal,
    started: {
      readonly conversationId: ConversationId;
      readonly streamId: StreamId;
      readonly seq: number;
    },
  ): Promise<void> {
    const { streamId } = started;
    if (this.#streams.get(streamId) === null) await this.#takeOver(started);
    const stream = this.#streams.get(streamId);
    if (stream !== null && isBy(stream, principal)) this.#tellProgress(connection, stream);
  }

  /** A stream that began at another node goes on here, from its first delta: its author repeats them. */
  async #takeOver({
    conversationId,
    streamId,
    seq,
  }: {
    readonly conversationId: ConversationId;
    readonly streamId: StreamId;
    readonly seq: number;
  }): Promise<void> {
    const { log, bus } = this.#needs;
    const elsewhere = this.#needs.elsewhere();
    if (elsewhere === null) return;
    const bounds = { after: seq - 1, before: seq + 1, maxEntries: 1, maxBytes: MAX_FRAME_BYTES };
    const [start] = await log.page({ conversationId, ...bounds });
    if (start === undefined || !(await elsewhere.takeStream(conversationId, streamId))) return;
    bus.publish({ kind: "stream-moved", stream: streamId });
    this.follow(start);
  }

  /** What another node's sockets want of streams that are here. */
  async hear(message: Asked): Promise<void> {
    const { bus, sockets, audience } = this.#needs;
    if (message.kind === "stream-stop") {
      const stream = this.#streams.get(message.stream);
      if (stream?.conversationId === message.conversation)
        this.#passOnStop(stream, message.account, message.reason ?? undefined);
      return;
    }
    if (message.kind === "stream-moved") {
      this.#streams.end(message.stream);
      return;
    }
    // Sockets of this node were answered at once.
    if (sockets.find(message.connection) !== null) return;
    const reply = (frame: RelayFrame): void =>
      bus.publish({ kind: "reply", connection: message.connection, frame });
    for (const stream of this.#streams.all()) {
      if (message.kind === "stream-pull" && stream.streamId !== message.stream) continue;
      const others = await audience.othersOf(stream.conversationId, message.account);
      if (others === null) continue;
      const from =
        message.kind === "stream-pull" ? message.from : (message.have[stream.streamId] ?? 0);
      if (message.kind === "streams-resume") reply(entryToFrame(stream.start, true));
      for (let i = from; i < stream.deltas.length; i++) reply(deltaFrame(stream, i));
    }
  }

  /** This node was given up: its streams have ended. */
  dropAll(): void {
    for (const { streamId } of this.#streams.all()) this.#streams.end(streamId);
  }

  /** Whether an abort of this sender is the end, not a request. */
  isAuthor(principal: Principal, streamId: StreamId): boolean {
    const stream = this.#streams.get(streamId);
    // An unknown stream's end goes to the log, which knows whether it is a repeat.
    return stream === null ? principal.type === "agent" : isBy(stream, principal);
  }

  async delta(
    connection: Connection,
    principal: Principal,
    frame: EndpointFrameOf<"stream.delta">,
  ): Promise<void> {
    const { buckets, rates, clock } = this.#needs;
    const stream = this.#streams.get(frame.stream_id);
    if (
      stream === null ||
      !isBy(stream, principal) ||
      stream.conversationId !== frame.conversation_id
    ) {
      this.#answer(connection, refuse("STREAM_UNKNOWN").failure, frame);
      return;
    }
    const waitMs = buckets.take(`delta ${stream.streamId}`, rates.deltas);
    if (waitMs > 0) {
      this.#needs.metrics.count("rate_limited_total", { rule: "deltas" });
      this.#answer(connection, refuseFor("RATE_LIMITED", waitMs).failure, frame);
      this.#tellProgress(connection, stream);
      return;
    }
    const verdict = this.#streams.take(stream, frame.index, frame.encrypted_payload, clock.now());
    if (verdict === "limit") {
      this.#answer(connection, refuse("STREAM_LIMIT").failure, frame);
      this.#fail(stream, "STREAM_LIMIT");
      return;
    }
    if (verdict === "gap") {
      this.#answer(
        connection,
        refuse("STREAM_GAP", { next_index: stream.deltas.length }).failure,
        frame,
      );
    }
    if (verdict !== "taken" || stream.deltas.length % ACK_EVERY === 0) {
      this.#tellProgress(connection, stream);
    }
    if (verdict === "taken") await this.#show(connection, stream, frame.index);
  }

  /** Repeats deltas to a member who missed some. */
  async pull(
    connection: Connection,
    principal: Principal,
    frame: EndpointFrameOf<"stream.pull">,
  ): Promise<void> {
    const { audience, sockets } = this.#needs;
    const stream = this.#streams.get(frame.stream_id);
    const others =
      stream === null ? null : await audience.othersOf(stream.conversationId, principal.accountId);
    const elsewhere = this.#needs.elsewhere();
    if (
      stream === null &&
      elsewhere !== null &&
      (await audience.othersOf(frame.conversation_id, principal.accountId)) !== null &&
      (await elsewhere.isStreaming(frame.conversation_id, frame.stream_id))
    ) {
      this.#needs.bus.publish({
        kind: "stream-pull",
        connection: connection.id,
        account: principal.accountId,
        stream: frame.stream_id,
        from: frame.from_index,
      });
      return;
    }
    if (stream === null || others === null) {
      this.#answer(connection, refuse("STREAM_UNKNOWN").failure, frame);
      return;
    }
    for (let i = frame.from_index; i < stream.deltas.length; i++) {
      sockets.send(connection, deltaFrame(stream, i));
    }
  }

  /** A reader asks the author to stop; the author decides. */
  async requestStop(
    connection: Connection,
    principal: Principal,
    frame: EndpointFrameOf<"stream.abort">,
  ): Promise<void> {
    const { audience, bus } = this.#needs;
    const { conversation_id, stream_id, reason } = frame;
    const elsewhere = this.#needs.elsewhere();
    const stream = this.#streams.get(stream_id);
    const others = await audience.othersOf(conversation_id, principal.accountId);
    if (others === null || principal.type !== "human") {
      this.#answer(connection, refuse("STREAM_UNKNOWN").failure, frame);
    } else if (stream?.conversationId === conversation_id) {
      this.#passOnStop(stream, principal.accountId, reason);
    } else if ((await elsewhere?.isStreaming(conversation_id, stream_id)) === true) {
      bus.publish({
        kind: "stream-stop",
        account: principal.accountId,
        conversation: conversation_id,
        stream: stream_id,
        reason: reason ?? null,
      });
    } else {
      this.#answer(connection, refuse("STREAM_UNKNOWN").failure, frame);
    }
  }

  #passOnStop(stream: LiveStream, by: AccountId, reason: string | undefined): void {
    const request: RelayFrameOf<"stream.abort"> = {
      type: "stream.abort",
      conversation_id: stream.conversationId,
      stream_id: stream.streamId,
      requested_by: by as UserId,
      ...(reason === undefined ? {} : { reason }),
    };
    this.#needs.bus.publish({
      kind: "frame",
      to: [stream.authorId],
      frame: request,
      except: null,
      droppable: false,
    });
  }

  /** A returning reader gets every live stream again: its start and the deltas it lacks. */
  async resume(
    connection: Connection,
    nextIndexes: Readonly<Record<string, number>>,
  ): Promise<void> {
    const { audience, sockets, bus } = this.#needs;
    const { principal } = connection;
    if (principal?.type !== "human") return;
    if (this.#needs.elsewhere() !== null)
      bus.publish({
        kind: "streams-resume",
        connection: connection.id,
        account: principal.accountId,
        have: { ...nextIndexes },
      });
    for (const stream of this.#streams.all()) {
      const others = await audience.othersOf(stream.conversationId, principal.accountId);
      if (others === null) continue;
      sockets.send(connection, entryToFrame(stream.start, true));
      for (let i = nextIndexes[stream.streamId] ?? 0; i < stream.deltas.length; i++) {
        sockets.send(connection, deltaFrame(stream, i));
      }
    }
  }

  liveCount(): number {
    return this.#streams.all().length;
  }

  /** Ends streams whose time is over or whose author fell silent. */
  tick(now: number): void {
    for (const { stream, code } of this.#streams.overdue(now)) this.#fail(stream, code);
  }

  // Agents get the finished message; only people watch text arrive.
  async #show(connection: Connection, stream: LiveStream, index: number): Promise<void> {
    const { audience, bus } = this.#needs;
    const frame = deltaFrame(stream, index);
    const others = (await audience.othersOf(stream.conversationId, stream.authorId)) ?? [];
    const to = others.filter((other) => other.type === "human").map((other) => other.id);
    bus.publish({ kind: "frame", to, frame, except: connection.id, droppable: true });
  }

  #fail(stream: LiveStream, code: StreamEnd): void {
    const { log, clock } = this.#needs;
    const { conversationId, streamId } = stream;
    this.#streams.end(streamId);
    // Refused only when the author ended it in the same moment; then its end stands.
    const elsewhere = this.#needs.elsewhere();
    const own = elsewhere === null ? {} : { nodeId: elsewhere.nodeId };
    void log.failStream({ now: clock.now(), conversationId, streamId, code, ...own });
  }

  #tellProgress(connection: Connection, stream: LiveStream): void {
    const next_index = stream.deltas.length;
    this.#needs.sockets.send(connection, {
      type: "stream.ack",
      stream_id: stream.streamId,
      next_index,
    });
  }

  #answer(
    connection: Connection,
    failure: RelayFailure,
    { req, stream_id }: { readonly req?: string | undefined; readonly stream_id: StreamId },
  ): void {
    this.#needs.sockets.send(connection, errorFrame(failure, { req, stream_id }));
  }
}

const isBy = (stream: LiveStream, principal: Principal): boolean =>
  stream.authorDeviceId === principal.endpointId;

const deltaFrame = (stream: LiveStream, index: number): RelayFrameOf<"stream.delta"> => ({
  type: "stream.delta",
  conversation_id: stream.conversationId,
  stream_id: stream.streamId,
  index,
  sender_id: stream.authorId,
  encrypted_payload: stream.deltas[index] ?? "",
});
