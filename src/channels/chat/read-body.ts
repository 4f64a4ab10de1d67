/** Bodies of answers: server-sent events one by one, or the whole text up to a limit. */
import { createParser } from "eventsource-parser";
import { MAX_INCOMING_CHARACTERS } from "../line.ts";
import type { StreamReader } from "./stream-fetch.ts";

/** Text of a refusal beyond this says nothing more. */
const MAX_REFUSAL_CHARACTERS = 65_536;

export type EventsEnd = "ended" | "broke" | "too-large" | "enough";

/**
 * Gives the `data` of each event, across any cuts of the bytes, until `take` says that it has enough.
 *
 * `broke`: the connection went; `too-large`: one event over the limit for frames.
 */
export async function readEvents(
  reader: StreamReader,
  take: (data: string) => "more" | "enough",
): Promise<EventsEnd> {
  const decoder = new TextDecoder();
  let end: EventsEnd | null = null;
  const parser = createParser({
    maxBufferSize: MAX_INCOMING_CHARACTERS,
    onEvent: ({ data }) => {
      if (end === null && take(data) === "enough") end = "enough";
    },
    onError(error) {
      if (error.type === "max-buffer-size-exceeded") end = "too-large";
    },
  });
  const isOver = (): boolean => end !== null;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        // A server may hang up without the blank line after its last event.
        parser.feed("\n\n");
        return end ?? "ended";
      }
      if (value !== undefined) parser.feed(decoder.decode(value, { stream: true }));
      if (isOver()) return end ?? "ended";
    }
  } catch {
    return "broke";
  } finally {
    void reader.cancel().catch(() => {});
  }
}

/** The whole text, or what came of it until the limit or the end of the line; null when the line went. */
export async function readText(
  reader: StreamReader,
  maxCharacters = MAX_REFUSAL_CHARACTERS,
): Promise<string | null> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    while (text.length < maxCharacters) {
      const { done, value } = await reader.read();
      if (done) return text;
      text += decoder.decode(value, { stream: true });
    }
    return text.slice(0, maxCharacters);
  } catch {
    return null;
  } finally {
    void reader.cancel().catch(() => {});
  }
}
