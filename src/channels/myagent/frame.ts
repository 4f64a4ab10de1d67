/**
 * The envelope of a MyAgent server's frames. `seq` is an order of making, not of arrival: it has gaps and runs
 * backwards. `step_id: null` is the same as none. Replayed frames name the frame they repeat.
 */
import * as v from "valibot";
import { isJsonObject, parseForeignJson, type JsonObject } from "../json.ts";
import type { Json } from "#peer/channel.ts";

export type ServerFrame = {
  readonly event: string;
  readonly sessionId: string | null;
  readonly stepId: string | null;
  readonly content: Json;
  readonly metadata: JsonObject;
  readonly seq: number;
  readonly eventId: string | null;
  /** The first frame this one repeats; null on live frames. */
  readonly originalEventId: string | null;
  /** The server's own clock without a zone: comparable with its other times only. */
  readonly serverTime: string;
};

/** Text or nothing, whatever else was sent. */
const text = v.fallback(v.nullable(v.string()), null);

const Frame = v.object({
  event: v.string(),
  session_id: v.optional(text, null),
  step_id: v.optional(text, null),
  event_id: v.optional(text, null),
  timestamp: v.optional(text, null),
  seq: v.optional(v.fallback(v.number(), 0), 0),
});

/** A frame off the wire, or null when it is none; unknown members stay out. */
export function parseServerFrame(wire: string): ServerFrame | null {
  const value = parseForeignJson(wire);
  const checked = v.safeParse(Frame, value);
  if (!checked.success || !isJsonObject(value)) return null;
  const { output } = checked;
  const metadata = isJsonObject(value["metadata"]) ? value["metadata"] : {};
  const original = metadata["orig_event_id"];
  return {
    event: output.event,
    sessionId: output.session_id,
    stepId: output.step_id,
    content: value["content"] ?? null,
    metadata,
    seq: output.seq,
    eventId: output.event_id,
    originalEventId: typeof original === "string" ? original : null,
    serverTime: output.timestamp ?? "",
  };
}

/** What makes a frame the same frame, over any number of replays. */
export const identityOf = (frame: ServerFrame): string | null =>
  frame.originalEventId ?? frame.eventId;
