/**
 * Streams that are live: their sealed deltas, in memory only, until the author ends them or a limit does.
 * What outlives a stream is in the log: its start, and its end. SPEC P194 to P200.
 */
import type { AccountId, ConversationId, DeviceId, StreamId } from "#protocol/ids.ts";
import {
  MAX_STREAM_BYTES,
  MAX_STREAM_DELTAS,
  STREAM_LIFETIME_MS,
  STREAM_SILENCE_MS,
} from "#protocol/limits.ts";
import type { StoredEntry } from "../log/log-store.ts";

export type LiveStream = {
  readonly streamId: StreamId;
  readonly conversationId: ConversationId;
  readonly authorId: AccountId;
  readonly authorDeviceId: DeviceId;
  readonly start: StoredEntry;
  readonly startedAt: number;
  heardAt: number;
  bytes: number;
  readonly deltas: string[];
};

export type StreamEnd = "STREAM_TIMEOUT" | "STREAM_ORPHANED" | "STREAM_LIMIT";

export type DeltaVerdict = "taken" | "repeated" | "gap" | "limit";

export interface Streams {
  start(stream: Omit<LiveStream, "bytes" | "deltas">): void;
  get(streamId: StreamId): LiveStream | null;
  take(stream: LiveStream, index: number, delta: string, now: number): DeltaVerdict;
  end(streamId: StreamId): void;
  /** Streams whose time is over, with the reason. */
  overdue(now: number): readonly { readonly stream: LiveStream; readonly code: StreamEnd }[];
  all(): readonly LiveStream[];
}

export function createStreams(): Streams {
  const streamById = new Map<StreamId, LiveStream>();
  return {
    start(stream) {
      streamById.set(stream.streamId, {
        ...stream,
        bytes: 0,
        deltas: [],
      });
    },
    get: (streamId) => streamById.get(streamId) ?? null,
    take(stream, index, delta, now) {
      if (index < stream.deltas.length) return "repeated";
      if (index > stream.deltas.length) return "gap";
      const bytes = stream.bytes + (delta.length * 3) / 4;
      if (stream.deltas.length >= MAX_STREAM_DELTAS || bytes > MAX_STREAM_BYTES) return "limit";
      stream.deltas.push(delta);
      stream.bytes = bytes;
      stream.heardAt = now;
      return "taken";
    },
    end: (streamId) => void streamById.delete(streamId),
    overdue(now) {
      const ended: { stream: LiveStream; code: StreamEnd }[] = [];
      for (const stream of streamById.values()) {
        if (now - stream.startedAt >= STREAM_LIFETIME_MS)
          ended.push({ stream, code: "STREAM_TIMEOUT" });
        else if (now - stream.heardAt >= STREAM_SILENCE_MS)
          ended.push({ stream, code: "STREAM_ORPHANED" });
      }
      return ended;
    },
    all: () => [...streamById.values()],
  };
}
