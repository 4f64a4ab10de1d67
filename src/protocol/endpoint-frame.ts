/**
 * What an endpoint says to the relay, one schema per frame. Every frame may carry `req`, echoed in its answer.
 * SPEC §3.
 */
import * as v from "valibot";
import type { AgentId, ConversationId, MessageId, StreamId } from "./ids.ts";
import { MAX_RESUME_CURSORS } from "./limits.ts";
import {
  base64Schema,
  countSchema,
  idSchema,
  seqSchema,
  timestampSchema,
  tokenSchema,
} from "./parse.ts";
import { ENVELOPE_FORMAT } from "./version.ts";

const conversation_id = idSchema<ConversationId>();
const client_message_id = idSchema<MessageId>();
const stream_id = idSchema<StreamId>();

/** First 16 bytes (hex) of SHA-256(`conversation_id` NUL `artifact_id`), and the revision an update builds on. */
export const artifactGuardSchema = v.object({
  key: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  based_on_revision: v.optional(countSchema),
  expires_at: v.optional(timestampSchema),
});

/** What every stored message brings, over socket and REST alike. */
export const messageMembers = {
  conversation_id,
  client_message_id,
  encrypted_payload: base64Schema,
  envelope_version: v.optional(tokenSchema, ENVELOPE_FORMAT),
  content_type: v.optional(v.picklist(["encrypted", "control"]), "encrypted"),
  session_open: v.optional(base64Schema),
  artifact_guard: v.optional(artifactGuardSchema),
  push: v.optional(v.picklist(["normal", "high", "none"]), "normal"),
} as const;

const frame = <const Type extends string, const Members extends v.ObjectEntries>(
  type: Type,
  members: Members,
) => v.object({ type: v.literal(type), req: v.optional(tokenSchema), ...members });

const cursors = v.pipe(
  v.record(v.string(), countSchema),
  v.check((record) => Object.keys(record).length <= MAX_RESUME_CURSORS),
);

/** Schema by frame type. */
export const ENDPOINT_FRAMES = {
  auth: frame("auth", {
    token: v.pipe(v.string(), v.minLength(1), v.maxLength(4_096)),
    agent_id: v.optional(idSchema<AgentId>()),
    protocol: v.optional(tokenSchema),
    features: v.optional(v.array(tokenSchema)),
    /** The same process reconnecting replaces its own dead socket. */
    connection_hint: v.optional(tokenSchema),
  }),
  "auth.renew": frame("auth.renew", { access_token: v.pipe(v.string(), v.maxLength(4_096)) }),
  ping: frame("ping", { t: v.optional(v.number()) }),
  resume: frame("resume", {
    log_epoch: v.nullable(tokenSchema),
    /** Last seq stored here, by conversation; null: use the cursors the relay holds. */
    cursors: v.nullable(cursors),
    /** Index of the next delta wanted, by stream. */
    streams: v.optional(v.record(v.string(), countSchema)),
  }),
  "message.send": frame("message.send", messageMembers),
  "message.ack": frame("message.ack", { conversation_id, seq: seqSchema }),
  "message.read": frame("message.read", { conversation_id, seq: seqSchema }),
  "message.recall": frame("message.recall", {
    conversation_id,
    message_id: idSchema<MessageId>(),
    client_message_id: v.optional(client_message_id),
    encrypted_payload: v.optional(base64Schema),
    session_open: v.optional(base64Schema),
  }),
  "typing.start": frame("typing.start", { conversation_id }),
  "typing.stop": frame("typing.stop", { conversation_id }),
  "stream.start": frame("stream.start", { ...messageMembers, stream_id }),
  "stream.delta": frame("stream.delta", {
    conversation_id,
    stream_id,
    index: countSchema,
    encrypted_payload: base64Schema,
  }),
  "stream.done": frame("stream.done", { ...messageMembers, stream_id, delta_count: countSchema }),
  /** By the author: the end. By a human reader: a request to stop, passed to the agent. */
  "stream.abort": frame("stream.abort", {
    conversation_id,
    stream_id,
    reason: v.optional(tokenSchema),
    client_message_id: v.optional(client_message_id),
    encrypted_payload: v.optional(base64Schema),
  }),
  "stream.pull": frame("stream.pull", { conversation_id, stream_id, from_index: countSchema }),
  "control.send": frame("control.send", {
    conversation_id,
    record: base64Schema,
    durable: v.boolean(),
  }),
  "reaction.set": frame("reaction.set", messageMembers),
  "presence.set": frame("presence.set", { state: v.picklist(["active", "away"]) }),
} as const;

type Schemas = typeof ENDPOINT_FRAMES;

/** Endpoint → relay, as sent: members with a default may be left out. */
export type EndpointFrame = { [Type in keyof Schemas]: v.InferInput<Schemas[Type]> }[keyof Schemas];

/** Endpoint → relay, as the relay reads it: defaults filled in. */
export type ParsedEndpointFrame = {
  [Type in keyof Schemas]: v.InferOutput<Schemas[Type]>;
}[keyof Schemas];

/** The parsed endpoint frame of one type. */
export type EndpointFrameOf<Type extends keyof Schemas> = v.InferOutput<Schemas[Type]>;

export type ArtifactGuard = v.InferOutput<typeof artifactGuardSchema>;
