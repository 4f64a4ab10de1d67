/** A message that waits to be sent: as it is queued, as it stands on disk, as it goes out. */
import * as v from "valibot";
import { bytesToBase64 } from "#base/base64.ts";
import type { Bytes } from "#base/bytes.ts";
import type { EndpointFrame } from "#protocol/endpoint-frame.ts";
import type { AccountId, ConversationId, DeviceId, MessageId, StreamId } from "#protocol/ids.ts";
import { idSchema } from "#protocol/parse.ts";
import { checkPayload, type KnownPayload } from "#protocol/payload.ts";
import type { Entry, OutgoingMessage } from "./endpoint.ts";
import type { PeerFailure } from "./failure.ts";
import { BytesText, encodeRecord, parseRecord } from "./json-record.ts";
import type { Batch } from "./store.ts";

export type ToSend = {
  readonly conversationId: ConversationId;
  readonly messageId: MessageId;
  readonly payload: KnownPayload;
  readonly contentType: "encrypted" | "control";
  readonly guard: Guard | null;
  /** The message closes this stream. */
  readonly stream: { readonly streamId: StreamId; readonly count: number } | null;
  readonly alongside?: Batch | undefined;
};
export type Guard = {
  readonly key: string;
  readonly basedOnRevision: number | null;
  readonly expiresAt: number | null;
};

/** A sealed message with what its log entry will say. */
export const SealedRecord = v.object({
  envelope: BytesText,
  sessionOpen: v.nullable(BytesText),
  messageHash: BytesText,
  plaintextHash: BytesText,
  suite: v.number(),
  mode: v.picklist(["session", "envelope"]),
  reduced: v.optional(v.boolean(), false),
  sealedAt: v.number(),
  /** Other bytes of the same message left before: which of them the relay holds is open. */
  isAnew: v.optional(v.boolean(), false),
});
export type SealedRecord = v.InferOutput<typeof SealedRecord>;
const OutboxRecord = v.object({
  order: v.string(),
  conversationId: idSchema<ConversationId>(),
  messageId: idSchema<MessageId>(),
  payload: v.unknown(),
  contentType: v.picklist(["encrypted", "control"]),
  guard: v.nullable(
    v.object({
      key: v.string(),
      basedOnRevision: v.nullable(v.number()),
      expiresAt: v.nullable(v.number()),
    }),
  ),
  stream: v.nullable(v.object({ streamId: idSchema<StreamId>(), count: v.number() })),
  queuedAt: v.number(),
  sealed: v.nullable(SealedRecord),
  failure: v.nullable(v.looseObject({ kind: v.string() })),
});

/** A message while it waits; only the outbox changes it. */
export type Item = {
  readonly order: string;
  message: ToSend;
  readonly queuedAt: number;
  sealed: SealedRecord | null;
  state: OutgoingMessage["state"];
  isDiscarded: boolean;
};

/** The item as everyone else sees it. */
export const shown = ({ message, queuedAt, state }: Item): OutgoingMessage => ({
  conversationId: message.conversationId,
  messageId: message.messageId,
  payload: message.payload,
  queuedAt,
  state,
});

/** The item as it stands on disk. */
export function rowOf(item: Item): Bytes {
  const { alongside: _written, ...message } = item.message;
  const failure = item.state.status === "failed" ? item.state.failure : null;
  const { order, queuedAt, sealed } = item;
  return encodeRecord({ ...message, order, queuedAt, sealed, failure });
}

/** An item that an earlier run left; null for one of another version. */
export function itemOf(row: { readonly key: string; readonly value: Bytes }): Item | null {
  const record = parseRecord(OutboxRecord, row.value);
  if (record === null) return null;
  const payload = checkPayload(record.payload);
  if (!payload.ok || payload.value.type === "unknown") return null;
  const { conversationId, messageId, contentType, guard, stream, queuedAt, sealed } = record;
  const message = { conversationId, messageId, payload: payload.value, contentType, guard, stream };
  const failure = record.failure as PeerFailure | null;
  const state =
    failure === null ? ({ status: "queued" } as const) : ({ status: "failed", failure } as const);
  return { order: row.key, message, queuedAt, sealed, state, isDiscarded: false };
}

/** The log entry of a message that the relay has stored at `place`. */
export const entryOf = (
  { message, sealed }: Item,
  self: {
    readonly accountId: AccountId;
    readonly deviceId: DeviceId;
    readonly kind: "human" | "agent";
  },
  place: { readonly seq: number; readonly at: number },
): Entry => ({
  conversationId: message.conversationId,
  seq: place.seq,
  at: place.at,
  authorId: self.accountId,
  authorKind: self.kind,
  authorDeviceId: self.deviceId,
  content: {
    kind: "message",
    messageId: message.messageId,
    payload: message.payload,
    messageHash: textOf(sealed?.messageHash),
    plaintextHash: textOf(sealed?.plaintextHash),
    streamId: message.stream?.streamId ?? null,
    gap: false,
    suite: sealed?.suite ?? 0,
    mode: sealed?.mode ?? "session",
    reduced: sealed?.reduced ?? false,
  },
});

const textOf = (bytes: Bytes | undefined): string =>
  bytes === undefined ? "" : bytesToBase64(bytes);

/** The frame of a sealed message. */
export function frameOf(
  message: ToSend,
  sealed: SealedRecord,
): Exclude<EndpointFrame, { type: "auth" }> {
  const { guard, stream } = message;
  const members = {
    conversation_id: message.conversationId,
    client_message_id: message.messageId,
    encrypted_payload: bytesToBase64(sealed.envelope),
    content_type: message.contentType,
    ...(sealed.sessionOpen === null ? {} : { session_open: bytesToBase64(sealed.sessionOpen) }),
    ...(guard === null ? {} : { artifact_guard: guardOf(guard) }),
  };
  if (stream !== null) {
    return {
      type: "stream.done",
      ...members,
      stream_id: stream.streamId,
      delta_count: stream.count,
    };
  }
  return message.payload.type === "reaction"
    ? { type: "reaction.set", ...members }
    : { type: "message.send", ...members };
}

const guardOf = ({ key, basedOnRevision, expiresAt }: Guard) => ({
  key,
  ...(basedOnRevision === null ? {} : { based_on_revision: basedOnRevision }),
  ...(expiresAt === null ? {} : { expires_at: new Date(expiresAt).toISOString() }),
});
