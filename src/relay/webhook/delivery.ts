/** One entry as a webhook receives it: what is said of it, how it is signed, and when it is tried again. SPEC P233 to P239. */
import { createHash, createHmac } from "node:crypto";
import { utf8, type Bytes } from "#base/bytes.ts";
import type { RandomBytes } from "#base/random.ts";
import { bytesToUuid, type AgentId, type ConversationId, type UserId } from "#protocol/ids.ts";
import { entryToFrame } from "../log/entry-frame.ts";
import type { EntryKind, StoredEntry } from "../log/log-store.ts";

/** Kinds a program without a socket is told of. */
const DELIVERED: ReadonlySet<EntryKind> = new Set([
  "message.new",
  "stream.done",
  "relation.established",
  "relation.suspended",
  "relation.restored",
  "relation.revoked",
]);

/** Whether the entry is news to this agent: its own words are not, nor what it did to a relation. */
export const isNews = (entry: StoredEntry, agentId: AgentId): boolean =>
  DELIVERED.has(entry.kind) &&
  entry.senderId !== agentId &&
  doerOf(entry) !== agentId &&
  entry.recalledAt === null;

/** Who paused, restored or ended a relation: entries of the relay's own name nobody as their sender. */
const doerOf = ({ meta: { payload } }: StoredEntry): unknown =>
  typeof payload === "object" && payload !== null && "by" in payload ? payload.by : null;

/** The body, without which the signature says nothing: its bytes are signed as they are sent. */
export function deliveryBody(entry: StoredEntry): Bytes {
  const { type, ...members } = entryToFrame(entry, false);
  const { encrypted_payload, payload, ...metadata } = members as Record<string, unknown>;
  const content =
    typeof encrypted_payload === "string" ? { wire_envelope: encrypted_payload } : { payload };
  return utf8(JSON.stringify({ type, version: "v1", ...content, metadata }));
}

/** A person's decision about an agent's scopes: the one thing it is told that no conversation holds. */
export type Notice = {
  readonly type: "agent.capability_changed";
  readonly conversationId: ConversationId;
  readonly senderId: UserId;
  readonly payload: Readonly<Record<string, unknown>>;
};

/** The body of a notice: as an entry's, without a place in the log. */
export const noticeBody = (notice: Notice, at: number): Bytes =>
  utf8(
    JSON.stringify({
      type: notice.type,
      version: "v1",
      payload: notice.payload,
      metadata: {
        conversation_id: notice.conversationId,
        sender_id: notice.senderId,
        created_at: new Date(at).toISOString(),
      },
    }),
  );

/** The same id for the same entry at every try, over restarts too. Shape: UUIDv7 of the entry's time. */
export function deliveryIdOf(agentId: AgentId, { conversationId, seq, at }: StoredEntry): string {
  const bytes = new Uint8Array(
    createHash("sha256").update(`${agentId}\0${conversationId}\0${seq}`).digest(),
  ).slice(0, 16);
  new DataView(bytes.buffer).setUint32(0, Math.floor(at / 65_536));
  new DataView(bytes.buffer).setUint16(4, at % 65_536);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytesToUuid(bytes);
}

/** `X-Hashee-Signature` is hex HMAC-SHA256 over time, id and body, parted by dots. Source: SPEC P233. */
export function deliveryHeaders(parts: {
  readonly key: Uint8Array;
  readonly agentId: AgentId;
  readonly deliveryId: string;
  readonly now: number;
  readonly body: Uint8Array;
}): Readonly<Record<string, string>> {
  const { key, agentId, deliveryId, now, body } = parts;
  const timestamp = String(Math.floor(now / 1_000));
  return {
    "Content-Type": "application/json",
    "X-Hashee-Signature": createHmac("sha256", key)
      .update(`${timestamp}.${deliveryId}.`)
      .update(body)
      .digest("hex"),
    "X-Hashee-Timestamp": timestamp,
    "X-Hashee-Delivery-Id": deliveryId,
    "X-Hashee-Agent-Id": agentId,
  };
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const RETRIES_MS = [
  5 * SECOND,
  30 * SECOND,
  2 * MINUTE,
  10 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  4 * HOUR,
  8 * HOUR,
];

/**
 * Milliseconds until try number `tries` (1: the first repeat), a fifth more or less, at least what the receiver asked
 * for up to an hour; null when the entry is given up. Source: SPEC P237.
 */
export function retryDelayMs(
  tries: number,
  askedMs: number | null,
  random: RandomBytes,
): number | null {
  const base = RETRIES_MS[tries - 1];
  if (base === undefined) return null;
  const factor = 0.8 + (random(1)[0] ?? 0) / 637.5;
  return Math.max(Math.round(base * factor), Math.min(askedMs ?? 0, HOUR));
}
