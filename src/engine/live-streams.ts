/** Streams that run now and what they said so far, for pages that open their thread in the middle. */
import type { ConversationId, StreamId } from "#protocol/ids.ts";
import type { Entry } from "#peer/endpoint.ts";
import type { ThreadEvent } from "./thread/thread.ts";

type Start = Extract<ThreadEvent, { readonly type: "stream-start" }>;
type Text = Extract<ThreadEvent, { readonly type: "stream-text" }>;

export interface LiveStreams {
  hear(id: ConversationId, event: Start | Text): void;
  /** The log holds a stream's end. */
  end(entry: Entry): void;
  /** Where the stream was, or null. */
  lose(streamId: StreamId): ConversationId | null;
  /** The streams of a conversation, as the events that make them. */
  in(id: ConversationId): readonly ThreadEvent[];
}

/** Creates an empty record. */
export function createLiveStreams(): LiveStreams {
  const live = new Map<
    StreamId,
    { readonly id: ConversationId; readonly start: Start; text: string }
  >();
  const lose = (streamId: StreamId): ConversationId | null => {
    const id = live.get(streamId)?.id ?? null;
    live.delete(streamId);
    return id;
  };
  return {
    hear(id, event) {
      const known = live.get(event.streamId);
      if (event.type === "stream-start") {
        if (known === undefined) live.set(event.streamId, { id, start: event, text: "" });
      } else if (known !== undefined && event.offset <= known.text.length) {
        known.text = known.text.slice(0, event.offset) + event.text;
      }
    },
    end({ content }) {
      if (content.kind === "stream-ended") lose(content.streamId);
      if (
        content.kind === "message" &&
        content.payload.type !== "stream" &&
        content.streamId !== null
      )
        lose(content.streamId);
    },
    lose,
    in: (id) =>
      [...live.values()].flatMap((one): readonly ThreadEvent[] => {
        if (one.id !== id) return [];
        const { streamId } = one.start;
        return [one.start, { type: "stream-text", streamId, offset: 0, text: one.text }];
      }),
  };
}
