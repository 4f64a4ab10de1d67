/** What sockets say about live streams: deltas in and out, repeats, stop requests, ends by time or limit. */
import type { Clock } from "#base/clock.ts";
import type { EndpointFrameOf } from "#protocol/endpoint-frame.ts";
import { encodeFrame } from "#protocol/frame.ts";
import type { StreamId, UserId } from "#protocol/ids.ts";
import type { RelayFrame, RelayFrameOf } from "#protocol/relay-frame.ts";
import type { EphemeralBus } from "../bus/bus.ts";
import { errorFrame } from "../error-frame.ts";
import { refuse, refuseFor } from "../failure.ts";
import { entryToFrame } from "../log/entry-frame.ts";
import type { LogStore, StoredEntry } from "../log/log-store.ts";
import type { Audience } from "./audience.ts";
import type { Connection, Principal } from "./connection.ts";
import type { Rates } from "./rates.ts";
import type { Roster } from "./roster.ts";
import { createStreams, type LiveStream, type StreamEnd } from "./streams.ts";
import type { Buckets } from "./token-bucket.ts";

/** The author hears how far it got after so many deltas. */
const ACK_EVERY = 16;

export function createStreamDesk(needs: {
  readonly log: LogStore;
  readonly audience: Audience;
  readonly bus: EphemeralBus;
  readonly buckets: Buckets;
  readonly rates: Rates;
  readonly clock: Clock;
  readonly roster: Roster;
  readonly send: (connection: Connection, frame: RelayFrame) => void;
}) {
  const { log, audience, bus, clock, send } = needs;
  const streams = createStreams();

  const deltaFrame = (stream: LiveStream, index: number): RelayFrameOf<"stream.delta"> => ({
    type: "stream.delta",
    conversation_id: stream.conversationId,
    stream_id: stream.streamId,
    index,
    sender_id: stream.authorId,
    encrypted_payload: stream.deltas[index] ?? "",
  });

  const tellProgress = (connection: Connection, stream: LiveStream): void =>
    send(connection, {
      type: "stream.ack",
      stream_id: stream.streamId,
      next_index: stream.deltas.length,
    });

  const fail = (stream: LiveStream, code: StreamEnd): void => {
    streams.end(stream.streamId);
    const { conversationId, streamId } = stream;
    void log.failStream({ now: clock.now(), conversationId, streamId, code });
  };

  const isBy = (stream: LiveStream, principal: Principal): boolean =>
    stream.authorDeviceId === principal.endpointId;

  return {
    /** Hears every entry: a start opens a stream's buffer, an end drops it. */
    follow(entry: StoredEntry, writer: string | null) {
      const streamId = entry.meta.stream_id as StreamId | undefined;
      if (streamId === undefined) return;
      if (entry.kind !== "stream.start") {
        streams.end(streamId);
        return;
      }
      if (entry.senderId === null || entry.senderDeviceId === null) return;
      streams.start({
        streamId,
        conversationId: entry.conversationId,
        authorId: entry.senderId,
        authorDeviceId: entry.senderDeviceId,
        start: entry,
        startedAt: entry.at,
        connectionId: writer ?? "",
      });
    },

    /** After a start, first or repeated: from where the author goes on. */
    welcomeAuthor(connection: Connection, principal: Principal, streamId: StreamId) {
      const stream = streams.get(streamId);
      if (stream === null || !isBy(stream, principal)) return;
      stream.connectionId = connection.id;
      tellProgress(connection, stream);
    },

    isAuthor(principal: Principal, streamId: StreamId): boolean {
      const stream = streams.get(streamId);
      // An unknown stream's end goes to the log, which knows whether it is a repeat.
      return stream === null ? principal.type === "agent" : isBy(stream, principal);
    },

    async delta(
      connection: Connection,
      principal: Principal,
      frame: EndpointFrameOf<"stream.delta">,
    ) {
      const ids = { req: frame.req, stream_id: frame.stream_id };
      const stream = streams.get(frame.stream_id);
      if (
        stream === null ||
        !isBy(stream, principal) ||
        stream.conversationId !== frame.conversation_id
      ) {
        send(connection, errorFrame(refuse("STREAM_UNKNOWN").failure, ids));
        return;
      }
      const waitMs = needs.buckets.take(`delta ${stream.streamId}`, needs.rates.deltas);
      if (waitMs > 0) {
        send(connection, errorFrame(refuseFor("RATE_LIMITED", waitMs).failure, ids));
        tellProgress(connection, stream);
        return;
      }
      stream.connectionId = connection.id;
      const verdict = streams.take(stream, frame.index, frame.encrypted_payload, clock.now());
      if (verdict === "limit") {
        send(connection, errorFrame(refuse("STREAM_LIMIT").failure, ids));
        fail(stream, "STREAM_LIMIT");
        return;
      }
      if (verdict === "gap") {
        const failure = refuse("STREAM_GAP", { next_index: stream.deltas.length }).failure;
        send(connection, errorFrame(failure, ids));
      }
      if (verdict !== "taken" || stream.deltas.length % ACK_EVERY === 0)
        tellProgress(connection, stream);
      if (verdict !== "taken") return;
      // Agents get the finished message; only people watch text arrive.
      const others = (await audience.othersOf(stream.conversationId, stream.authorId)) ?? [];
      const to = others.filter((other) => other.type === "human").map((other) => other.id);
      bus.publish({
        to,
        frame: deltaFrame(stream, frame.index),
        except: connection.id,
        droppable: true,
      });
    },

    async pull(
      connection: Connection,
      principal: Principal,
      frame: EndpointFrameOf<"stream.pull">,
    ) {
      const stream = streams.get(frame.stream_id);
      const members =
        stream === null
          ? null
          : await audience.othersOf(stream.conversationId, principal.accountId);
      if (stream === null || members === null) {
        const failure = refuse("STREAM_UNKNOWN").failure;
        send(connection, errorFrame(failure, { req: frame.req, stream_id: frame.stream_id }));
        return;
      }
      for (let i = frame.from_index; i < stream.deltas.length; i++)
        send(connection, deltaFrame(stream, i));
    },

    /** A reader asks the author to stop; the author decides. */
    async requestStop(
      connection: Connection,
      principal: Principal,
      frame: EndpointFrameOf<"stream.abort">,
    ) {
      const { conversation_id, stream_id, reason } = frame;
      const stream = streams.get(stream_id);
      const others = await audience.othersOf(conversation_id, principal.accountId);
      if (
        stream?.conversationId !== conversation_id ||
        others === null ||
        principal.type !== "human"
      ) {
        send(
          connection,
          errorFrame(refuse("STREAM_UNKNOWN").failure, { req: frame.req, stream_id }),
        );
        return;
      }
      const request: RelayFrame = {
        type: "stream.abort",
        conversation_id,
        stream_id,
        requested_by: principal.accountId as UserId,
        ...(reason === undefined ? {} : { reason }),
      };
      bus.publish({ to: [stream.authorId], frame: request, except: null, droppable: false });
    },

    /** A returning reader gets every live stream again: its start and the deltas it lacks. */
    async resume(connection: Connection, nextIndexes: Readonly<Record<string, number>>) {
      const { principal } = connection;
      if (principal?.type !== "human") return;
      for (const stream of [...streams.all()]) {
        const others = await audience.othersOf(stream.conversationId, principal.accountId);
        if (others === null || connection.phase !== "live") continue;
        connection.link.send(encodeFrame(entryToFrame(stream.start, true)));
        const from = nextIndexes[stream.streamId] ?? 0;
        for (let i = from; i < stream.deltas.length; i++) send(connection, deltaFrame(stream, i));
      }
    },

    tick(now: number) {
      for (const { stream, code } of streams.overdue(now)) fail(stream, code);
    },
  };
}
