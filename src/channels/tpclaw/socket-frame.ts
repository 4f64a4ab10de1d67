/** Frames of the TPCLAW socket, read leniently: nothing but `type` is agreed, and errors have no agreed member. */
import { displayOf, isJsonObject, parseForeignJson, textOf, type JsonObject } from "../json.ts";
import { isFeedFrame } from "./feed-frame.ts";

export type SocketFrame =
  /** A whole reply, whatever its `done` says. */
  | { readonly type: "message"; readonly agentId: string; readonly text: string }
  | {
      readonly type: "stream";
      readonly agentId: string;
      readonly text: string;
      readonly isLast: boolean;
    }
  | { readonly type: "error"; readonly agentId: string; readonly words: string }
  | { readonly type: "unauthorized"; readonly words: string }
  | { readonly type: "pong" }
  /** An event of the activity feed: this server reports here and may take no chat. */
  | { readonly type: "feed" }
  | { readonly type: "unknown"; readonly name: string };

/** A frame off the wire, or null when it is no JSON object. */
export function parseSocketFrame(wire: string): SocketFrame | null {
  const value = parseForeignJson(wire);
  if (!isJsonObject(value)) return null;
  const agentId = textOf(value["agentId"]);
  const text = displayOf(value["content"]);
  switch (value["type"]) {
    case "message":
    // A dialect of the same day's manual.
    case "response":
      return { type: "message", agentId, text };
    case "stream":
      return { type: "stream", agentId, text, isLast: value["done"] === true };
    case "error":
      return isFeedFrame(value)
        ? { type: "feed" }
        : { type: "error", agentId, words: wordsOf(value) };
    case "pong":
      return { type: "pong" };
    case undefined:
      return "error" in value
        ? { type: "unauthorized", words: wordsOf(value) }
        : { type: "unknown", name: "" };
    default:
      return isFeedFrame(value)
        ? { type: "feed" }
        : { type: "unknown", name: textOf(value["type"]).slice(0, 60) };
  }
}

/** Text of an error: `message`, `error` (text or object with `message`) or `content`, whichever is there. */
function wordsOf(frame: JsonObject): string {
  const { message, error, content } = frame;
  const inner = isJsonObject(error) ? error["message"] : error;
  return textOf(message) || textOf(inner) || displayOf(content);
}
