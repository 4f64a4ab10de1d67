/** What the relay posts to a webhook agent: proven by its signature, then read as the frame it stands for. */
import * as v from "valibot";
import { base64ToBytes } from "#base/base64.ts";
import { concat, equalBytes, hexToBytes, utf8, utf8ToText, type Bytes } from "#base/bytes.ts";
import type { Primitives } from "#crypto/primitives.ts";
import { parseDurableFrame, parseRelayFrame } from "#protocol/frame.ts";
import { parseJson, parseShape } from "#protocol/parse.ts";
import type { DurableFrame, RelayFrame } from "#protocol/relay-frame.ts";

/** Older or newer than this, and it may be a recording. */
const MAX_CLOCK_DIFFERENCE_MS = 300_000;
const MIN_SECRET_BYTES = 32;

export type DeliveryHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The HMAC key of a webhook secret: base64 of at least 32 bytes; null for anything else. */
export function webhookKey(secret: string): Bytes | null {
  const key = base64ToBytes(secret);
  return key === null || key.length < MIN_SECRET_BYTES ? null : key;
}

/** `hex(HMAC_SHA256(key, timestamp + "." + delivery id + "." + body))`, over the body's bytes as they came. */
export const signDelivery = (
  primitives: Primitives,
  key: Bytes,
  timestamp: string,
  deliveryId: string,
  body: Bytes,
): Bytes => primitives.hmacSha256(key, concat(utf8(`${timestamp}.${deliveryId}.`), body));

/** The delivery's id, or null for one that is not the relay's, not fresh, or another agent's. */
export function proveDelivery(
  primitives: Primitives,
  how: { readonly key: Bytes; readonly agentId: string; readonly now: number },
  headers: DeliveryHeaders,
  body: Bytes,
): string | null {
  const [signature, timestamp, deliveryId, agentId] = [
    "x-hashee-signature",
    "x-hashee-timestamp",
    "x-hashee-delivery-id",
    "x-hashee-agent-id",
  ].map((name) => (typeof headers[name] === "string" ? headers[name] : ""));
  if (!signature || !timestamp || !deliveryId || !/^\d{1,12}$/.test(timestamp)) return null;
  if (agentId !== how.agentId || deliveryId.length > 64) return null;
  const given = hexToBytes(signature);
  const expected = signDelivery(primitives, how.key, timestamp, deliveryId, body);
  if (given === null || !equalBytes(given, expected)) return null;
  const differenceMs = Math.abs(how.now - Number(timestamp) * 1_000);
  return differenceMs <= MAX_CLOCK_DIFFERENCE_MS ? deliveryId : null;
}

const Body = v.looseObject({
  type: v.string(),
  version: v.literal("v1"),
  wire_envelope: v.optional(v.string()),
  payload: v.optional(v.unknown()),
  metadata: v.looseObject({
    conversation_id: v.string(),
    sender_id: v.optional(v.string()),
    created_at: v.string(),
  }),
});

/** What a body stands for: an entry of a log, or a notice that no log holds. */
export type Delivered =
  | { readonly kind: "entry"; readonly frame: DurableFrame }
  | { readonly kind: "notice"; readonly frame: RelayFrame };

/** What was delivered; null for a body of another shape, "ignored" for a kind that stands for nothing here. */
export function frameOfDelivery(body: Bytes): Delivered | "ignored" | null {
  const text = utf8ToText(body);
  const json = text === null ? null : parseJson(text);
  const shape = json?.ok === true ? parseShape(Body, json.value) : null;
  if (shape?.ok !== true) return null;
  const { type, wire_envelope, payload, metadata } = shape.value;
  if (type === "agent.capability_changed") {
    const notice = parseRelayFrame(JSON.stringify({ ...Object(payload), type }));
    return notice.ok && notice.value.type === type ? { kind: "notice", frame: notice.value } : null;
  }
  const isMessage = type === "message.new" || type === "artifact_response";
  if (!isMessage && !type.startsWith("relation.")) return "ignored";
  const frame = parseDurableFrame(
    isMessage
      ? {
          sender_type: "human",
          content_type: "encrypted",
          ...metadata,
          type: "message.new",
          encrypted_payload: wire_envelope,
        }
      : { ...metadata, type, payload },
  );
  return frame.ok ? { kind: "entry", frame: frame.value } : null;
}
