/** From a stored entry to the frame that pushes it or shows it in a page of history. */
import { assert } from "#base/invariant.ts";
import type { Bytes } from "#base/bytes.ts";
import type { DurableFrame } from "#protocol/relay-frame.ts";
import { ENVELOPE_FORMAT } from "#protocol/version.ts";
import type { EntryKind, StoredEntry } from "./log-store.ts";

const MESSAGE_KINDS: ReadonlySet<EntryKind> = new Set([
  "message.new",
  "reaction.update",
  "stream.start",
  "stream.done",
]);

/** Bytes as the wire spells them; Buffer is many times faster than the portable encoder. */
export const base64Text = (bytes: Bytes): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");

/** `live` false: a page or a backlog, where a finished stream is a plain message. SPEC P62. */
export function entryToFrame(entry: StoredEntry, live: boolean): DurableFrame {
  const place = {
    conversation_id: entry.conversationId,
    conversation_seq: entry.seq,
    created_at: new Date(entry.at).toISOString(),
  };
  const envelope = {
    ...(entry.body === null ? {} : { encrypted_payload: base64Text(entry.body) }),
    ...(entry.sessionOpen === null ? {} : { session_open: base64Text(entry.sessionOpen) }),
  };
  if (!MESSAGE_KINDS.has(entry.kind)) {
    const author =
      entry.kind === "message.recalled" && entry.messageId !== null
        ? { client_message_id: entry.messageId, sender_device_id: entry.senderDeviceId }
        : {};
    // What has no column was built as a frame of this kind when it was appended.
    return { type: entry.kind, ...place, ...entry.meta, ...author, ...envelope } as DurableFrame;
  }
  assert(entry.messageId !== null && entry.senderId !== null, "a message has an id and an author");
  const type = entry.kind === "stream.done" && !live ? "message.new" : entry.kind;
  return {
    type,
    ...place,
    message_id: entry.messageId,
    client_message_id: entry.messageId,
    sender_id: entry.senderId,
    sender_type: entry.senderType,
    sender_device_id: entry.senderDeviceId,
    envelope_version: ENVELOPE_FORMAT,
    ...entry.meta,
    encrypted_payload: null,
    ...envelope,
    ...(entry.recalledAt === null ? {} : { recalled_at: new Date(entry.recalledAt).toISOString() }),
  } as DurableFrame;
}
