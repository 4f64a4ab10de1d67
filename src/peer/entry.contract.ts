/** The message of an entry, for tests that make entries by hand. */
import type { MessageId, StreamId } from "#protocol/ids.ts";
import type { Payload } from "#protocol/payload.ts";
import type { Entry } from "./endpoint.ts";

export const aMessageContent = (
  messageId: MessageId,
  payload: Payload,
  streamId: StreamId | null = null,
): Extract<Entry["content"], { kind: "message" }> => ({
  kind: "message",
  messageId,
  payload,
  messageHash: "",
  plaintextHash: "",
  streamId,
  gap: false,
  suite: 2,
  mode: "session",
  reduced: false,
});
