/**
 * Older spellings of payloads, accepted on input only: `content_type` + `content` for `type` + `text`,
 * `quote_id` for `reply_to`, updates by `revision` + `updates`, cards of A2H 0.3. SPEC P193, P232.
 */
import { a2hToArtifact } from "./a2h-blocks.ts";

/** The payload in today's spelling; a payload already in it comes back with the same members. */
export function dialectToPayload(
  value: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const {
    preview: _preview,
    msg_subtype: _subtype,
    content_type,
    content,
    quote_id,
    quoteId,
    ...rest
  } = value;
  const payload: Record<string, unknown> = { ...rest };
  if (payload["type"] === undefined && typeof content_type === "string") {
    payload["type"] = content_type;
    if (payload["text"] === undefined && typeof content === "string") payload["text"] = content;
  }
  if (payload["type"] === "artifact") payload["artifact"] = a2hToArtifact(payload["artifact"]);
  if (payload["type"] === undefined && payload["a2h"] === "0.3")
    return { type: "artifact", artifact: a2hToArtifact(payload) };
  const quoted = quote_id ?? quoteId;
  if (payload["reply_to"] === undefined && typeof quoted === "string")
    payload["reply_to"] = { message_id: quoted, sender_id: "unknown", preview_text: "" };
  if (
    payload["type"] === "artifact_update" &&
    typeof payload["revision"] === "number" &&
    payload["based_on_revision"] === undefined
  ) {
    payload["based_on_revision"] = payload["revision"] - 1;
    payload["artifact"] ??= { payload: payload["updates"] };
  }
  return payload;
}
