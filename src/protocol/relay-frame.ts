/**
 * What the relay says to an endpoint, one schema per frame.
 * A durable frame stands in its conversation's log: it has `conversation_seq` and is repeated until acknowledged.
 * SPEC §3.
 */
import * as v from "valibot";
import type {
  AccountId,
  AgentId,
  ConversationId,
  DeviceId,
  MessageId,
  RelationId,
  StreamId,
  UserId,
} from "./ids.ts";
import {
  base64OfSchema,
  base64Schema,
  countSchema,
  idSchema,
  seqSchema,
  timestampSchema,
  tokenSchema,
} from "./parse.ts";
import { ENVELOPE_FORMAT } from "./version.ts";

const conversation_id = idSchema<ConversationId>();
const message_id = idSchema<MessageId>();
const stream_id = idSchema<StreamId>();
const account_id = idSchema<AccountId>();
const user_id = idSchema<UserId>();
const agent_id = idSchema<AgentId>();
const text = v.string();

/** Place in the log, by the relay's clock. */
const place = {
  conversation_id,
  conversation_seq: seqSchema,
  created_at: timestampSchema,
} as const;

/** A stored message. `encrypted_payload` is null once recalled. */
const row = {
  ...place,
  message_id,
  client_message_id: message_id,
  sender_id: account_id,
  sender_type: v.picklist(["human", "agent", "system"]),
  sender_device_id: v.optional(idSchema<DeviceId>()),
  /** Ours: `encrypted` or `control`. Others may name a payload type; `payload.type` decides. */
  content_type: text,
  envelope_version: v.optional(text, ENVELOPE_FORMAT),
  encrypted_payload: v.nullable(base64Schema),
  session_open: v.optional(base64Schema),
  stream_id: v.optional(stream_id),
  recalled_at: v.optional(timestampSchema),
} as const;

const relationPayload = v.object({
  relation_id: idSchema<RelationId>(),
  user_id,
  agent_id: v.optional(agent_id),
  peer_user_id: v.optional(user_id),
  conversation_id,
  by: account_id,
  reason: v.optional(text),
});

const frame = <const Type extends string, const Members extends v.ObjectEntries>(
  type: Type,
  members: Members,
) => v.object({ type: v.literal(type), req: v.optional(tokenSchema), ...members });

/** Schemas of durable frames, by type. `stream.abort` and `control` have an ephemeral form beside. */
export const DURABLE_FRAMES = {
  "message.new": frame("message.new", row),
  "reaction.update": frame("reaction.update", row),
  "stream.start": frame("stream.start", { ...row, stream_id }),
  /** Live only; in history and after a reconnect the same entry is a `message.new`. */
  "stream.done": frame("stream.done", { ...row, stream_id, delta_count: countSchema }),
  "stream.error": frame("stream.error", {
    ...place,
    stream_id,
    code: text,
    message: text,
    i18n_key: text,
  }),
  "message.recalled": frame("message.recalled", {
    ...place,
    message_id,
    recalled_by: account_id,
    recalled_at: timestampSchema,
    client_message_id: v.optional(message_id),
    sender_device_id: v.optional(idSchema<DeviceId>()),
    encrypted_payload: v.optional(base64Schema),
    session_open: v.optional(base64Schema),
  }),
  "message.pinned": frame("message.pinned", {
    ...place,
    message_id,
    pinned: v.boolean(),
    pinned_by: account_id,
    pinned_at: timestampSchema,
  }),
  "relation.established": frame("relation.established", {
    ...place,
    payload: v.object({
      relation_id: idSchema<RelationId>(),
      conversation_id,
      user_id,
      agent_id: v.optional(agent_id),
      peer_user_id: v.optional(user_id),
      display_name: text,
      avatar_url: v.nullable(text),
      language: v.nullable(text),
      referral_source: v.nullable(text),
      public_key: text,
      identity_key: base64OfSchema(32),
      granted_scopes: v.array(text),
    }),
  }),
  "relation.suspended": frame("relation.suspended", { ...place, payload: relationPayload }),
  "relation.restored": frame("relation.restored", { ...place, payload: relationPayload }),
  "relation.revoked": frame("relation.revoked", { ...place, payload: relationPayload }),
  "artifact.expired": frame("artifact.expired", {
    ...place,
    key: text,
    expired_at: timestampSchema,
  }),
  "group.updated": frame("group.updated", {
    ...place,
    change: v.picklist(["member_added", "member_removed", "role", "settings", "closed"]),
    subject_id: v.optional(account_id),
    by: account_id,
  }),
  "ledger.appended": frame("ledger.appended", {
    ...place,
    ledger_seq: countSchema,
    prev_hash: base64OfSchema(32),
    entry: base64Schema,
  }),
  "system.group_key_rotated": frame("system.group_key_rotated", {
    ...place,
    group_key_version: countSchema,
    rotated_by: account_id,
  }),
} as const;

const streamAbort = {
  conversation_id,
  stream_id,
  reason: v.optional(text),
  client_message_id: v.optional(message_id),
  encrypted_payload: v.optional(base64Schema),
} as const;

const control = {
  conversation_id,
  sender_id: account_id,
  sender_device_id: idSchema<DeviceId>(),
  record: base64Schema,
} as const;

/** Schemas of every frame, by type. */
export const RELAY_FRAMES = {
  ...DURABLE_FRAMES,
  /** With a seq: the stream ended. With `requested_by`: a reader asks the author to stop. */
  "stream.abort": frame("stream.abort", {
    ...streamAbort,
    requested_by: v.optional(user_id),
    conversation_seq: v.optional(seqSchema),
    created_at: v.optional(timestampSchema),
  }),
  control: frame("control", {
    ...control,
    conversation_seq: v.optional(seqSchema),
    created_at: v.optional(timestampSchema),
  }),
  "auth.ok": frame("auth.ok", {
    protocol: v.optional(text),
    user_id: v.optional(user_id),
    agent_id: v.optional(agent_id),
    device_id: v.optional(idSchema<DeviceId>()),
    connection_id: v.optional(tokenSchema),
    log_epoch: v.optional(tokenSchema),
    server_time: v.optional(timestampSchema),
    expires_at: v.optional(timestampSchema),
    fence: v.optional(countSchema),
    limits: v.optional(
      v.object({
        max_frame_bytes: countSchema,
        max_unacked: countSchema,
        max_in_flight: countSchema,
      }),
    ),
  }),
  "auth.error": frame("auth.error", { reason: text, message: text, i18n_key: text }),
  "auth.expiring": frame("auth.expiring", { expires_in_seconds: countSchema }),
  pong: frame("pong", { t: v.optional(v.number()) }),
  "resume.ok": frame("resume.ok", {
    status: v.picklist(["continued", "reset"]),
    log_epoch: tokenSchema,
    /** Only conversations that are behind or were reset. */
    conversations: v.array(
      v.object({
        conversation_id,
        status: v.picklist(["continued", "reset"]),
        cursor: countSchema,
        last_seq: countSchema,
        /** Whether the backlog follows by itself; else it is fetched in pages. */
        pushed: v.boolean(),
      }),
    ),
  }),
  "message.ack": frame("message.ack", {
    conversation_id,
    client_message_id: message_id,
    message_id,
    conversation_seq: seqSchema,
    created_at: timestampSchema,
    duplicate: v.optional(v.boolean()),
  }),
  "message.read": frame("message.read", { conversation_id, user_id, seq: seqSchema }),
  "message.status_updated": frame("message.status_updated", {
    conversation_id,
    /** Everything up to here. */
    seq: seqSchema,
    status: v.picklist(["delivered", "read"]),
    user_id: account_id,
  }),
  "stream.delta": frame("stream.delta", {
    conversation_id,
    stream_id,
    index: countSchema,
    sender_id: account_id,
    encrypted_payload: base64Schema,
  }),
  "stream.ack": frame("stream.ack", { stream_id, next_index: countSchema }),
  typing: frame("typing", {
    conversation_id,
    sender_id: account_id,
    sender_type: v.picklist(["human", "agent"]),
    state: v.picklist(["start", "stop"]),
    expires_in_ms: countSchema,
  }),
  presence: frame("presence", {
    peer_id: account_id,
    peer_type: v.picklist(["human", "agent"]),
    state: v.picklist(["online", "away", "offline"]),
    at: timestampSchema,
  }),
  "agent.governance": frame("agent.governance", {
    agent_id,
    status: text,
    reason: v.optional(text),
  }),
  /** To the agent's creator: somebody came, was let in, paused or is gone. */
  "agent.relations_changed": frame("agent.relations_changed", { agent_id }),
  /** To people: the agent has another manifest. To the agent: a person decided about their scopes. */
  "agent.capability_changed": frame("agent.capability_changed", {
    agent_id: v.optional(agent_id),
    capability_manifest_version: v.optional(countSchema),
    capability_manifest_hash: v.optional(text),
    /** It asks for more than before; what was granted stays until the person decides. */
    breaking: v.optional(v.boolean()),
    user_id: v.optional(user_id),
    relation_id: v.optional(idSchema<RelationId>()),
    accepted: v.optional(v.boolean()),
    granted_scopes: v.optional(v.array(text)),
  }),
  "agent.assignment": frame("agent.assignment", { fence: countSchema, connections: countSchema }),
  "contact.requested": frame("contact.requested", { request_id: tokenSchema, user_id }),
  "contact.accepted": frame("contact.accepted", {
    request_id: tokenSchema,
    user_id,
    conversation_id,
  }),
  /** To a person's sockets: a device of theirs gave a contact another name. */
  "contact.remarked": frame("contact.remarked", { contact_id: account_id }),
  "keys.updated": frame("keys.updated", {
    user_id: v.optional(user_id),
    agent_id: v.optional(agent_id),
    reason: v.picklist(["device_added", "device_removed", "prekey", "identity"]),
  }),
  /** To a person's sockets: this device of theirs has history waiting. */
  "history.waiting": frame("history.waiting", { device_id: idSchema<DeviceId>() }),
  "session.invalidated": frame("session.invalidated", {
    reason: v.picklist(["logout", "device_removed", "password_changed", "refresh_reuse"]),
  }),
  error: frame("error", {
    code: text,
    message: text,
    i18n_key: text,
    params: v.record(v.string(), v.unknown()),
    client_message_id: v.optional(message_id),
    stream_id: v.optional(stream_id),
    retry_after_ms: v.optional(countSchema),
  }),
} as const;

type Schemas = typeof RELAY_FRAMES;

/** Relay → endpoint. */
export type RelayFrame = { [Type in keyof Schemas]: v.InferOutput<Schemas[Type]> }[keyof Schemas];

/** The relay frame of one type. */
export type RelayFrameOf<Type extends keyof Schemas> = v.InferOutput<Schemas[Type]>;

type Placed<Frame> = Frame & { conversation_seq: number; created_at: string };

/** An entry of a conversation's log, as pushed and as read from history. */
export type DurableFrame =
  | { [Type in keyof typeof DURABLE_FRAMES]: RelayFrameOf<Type> }[keyof typeof DURABLE_FRAMES]
  | Placed<RelayFrameOf<"stream.abort">>
  | Placed<RelayFrameOf<"control">>;

/** The durable frames that carry a stored message. */
export type MessageFrame = Extract<DurableFrame, { encrypted_payload: string | null }>;
