/**
 * Ids as they travel: canonical lower-case UUID text, branded by meaning so that none stands in for another.
 * In hashes and signatures the same id is its 16 raw bytes. SPEC P1.
 */
import { bytesToHex, hexToBytes, type Bytes } from "#base/bytes.ts";
import type { Brand } from "#base/brand.ts";
import type { RandomBytes } from "#base/random.ts";

export type UserId = Brand<string, "UserId">;
export type AgentId = Brand<string, "AgentId">;
/** Whoever can be a member: a person or an agent. */
export type AccountId = UserId | AgentId;
/** One browser profile; for an agent, all its processes together: then it equals the agent's id. */
export type DeviceId = Brand<string, "DeviceId">;
export type ConversationId = Brand<string, "ConversationId">;
export type MessageId = Brand<string, "MessageId">;
export type StreamId = Brand<string, "StreamId">;
export type ArtifactId = Brand<string, "ArtifactId">;
export type AttachmentId = Brand<string, "AttachmentId">;
export type RelationId = Brand<string, "RelationId">;
export type InviteId = Brand<string, "InviteId">;
/** One delivery to a webhook, the same at every try. */
export type DeliveryId = Brand<string, "DeliveryId">;

type AnyId =
  | AccountId
  | DeviceId
  | ConversationId
  | MessageId
  | StreamId
  | ArtifactId
  | AttachmentId
  | RelationId
  | InviteId
  | DeliveryId;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether text is a canonical lower-case UUID of any version. */
export const isUuid = (text: unknown): text is string =>
  typeof text === "string" && UUID.test(text);

/** The id, or null when the text is not a canonical UUID. The caller names the meaning: `parseId<MessageId>(text)`. */
export const parseId = <Id extends AnyId>(text: unknown): Id | null =>
  isUuid(text) ? (text as Id) : null;

/**
 * A fresh UUIDv7: 48 bits of time, 74 of chance.
 *
 * Shapes: `now` epoch ms.
 * Source: RFC 9562 §5.7.
 */
export function makeId<Id extends AnyId>(now: number, random: RandomBytes): Id {
  const bytes = random(16);
  let time = now;
  for (let i = 5; i >= 0; i--) {
    bytes[i] = time % 256;
    time = Math.floor(time / 256);
  }
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytesToUuid<Id>(bytes);
}

/** The 16 bytes of an id; the id was made or parsed here, so it is a UUID. */
export const uuidToBytes = (id: AnyId): Bytes =>
  hexToBytes(id.replaceAll("-", "")) ?? new Uint8Array(16);

/** The id of 16 bytes. */
export function bytesToUuid<Id extends AnyId>(bytes: Uint8Array): Id {
  const hex = bytesToHex(bytes.subarray(0, 16));
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}` as Id;
}
