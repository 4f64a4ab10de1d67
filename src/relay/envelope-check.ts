/** Whether an envelope says of itself what its frame and its sender's login say. Nothing is opened. SPEC P116. */
import type { Bytes } from "#base/bytes.ts";
import { equalBytes } from "#base/bytes.ts";
import { ok, type Result } from "#base/result.ts";
import { peekEnvelope, peekSessionOpen } from "#protocol/envelope.ts";
import type { AccountId, ConversationId, DeviceId, MessageId } from "#protocol/ids.ts";
import { MAX_ENVELOPE_BYTES } from "#protocol/limits.ts";
import { ENVELOPE_FORMAT } from "#protocol/version.ts";
import { refuse, type RelayFailure } from "./failure.ts";

export type Sealed = {
  readonly body: Bytes;
  readonly sessionOpen: { readonly sid: Bytes; readonly bytes: Bytes } | null;
};

/** Formats that are named but have no codec here; their messages are kept unread. */
const RESERVED_FORMATS = new Set([
  "hashee-envelope-v1",
  "hashee-envelope-v1.1",
  "hashee-envelope-v1.2",
]);

/** The bytes of canonical base64, or null. Buffer decodes what nobody would write, so the text is compared. */
export function decodeBase64(text: string): Bytes | null {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? new Uint8Array(bytes) : null;
}

/**
 * The envelope's bytes, and the session open's.
 *
 * Fails with `TOO_LARGE`, `ENVELOPE_INVALID` (not an envelope), `ENVELOPE_MISMATCH` (another conversation, message,
 * sender, device or session than the frame's).
 */
export function checkEnvelope(
  sealed: {
    readonly payload: string;
    readonly sessionOpen: string | undefined;
    readonly format: string;
  },
  expected: {
    readonly conversationId: ConversationId;
    readonly messageId: MessageId;
    readonly senderId: AccountId;
    readonly deviceId: DeviceId;
  },
): Result<Sealed, RelayFailure> {
  const body = decodeBase64(sealed.payload);
  if (body === null) return refuse("ENVELOPE_INVALID");
  if (body.length > MAX_ENVELOPE_BYTES) return refuse("TOO_LARGE", { limit: MAX_ENVELOPE_BYTES });
  if (RESERVED_FORMATS.has(sealed.format)) return ok({ body, sessionOpen: null });
  const peeked = sealed.format === ENVELOPE_FORMAT ? peekEnvelope(body) : null;
  if (peeked === null || !peeked.ok) return refuse("ENVELOPE_INVALID");
  const head = peeked.value;
  const agrees =
    head.conversationId === expected.conversationId &&
    head.messageId === expected.messageId &&
    head.senderId === expected.senderId &&
    head.senderDeviceId === expected.deviceId;
  if (!agrees) return refuse("ENVELOPE_MISMATCH");
  if (sealed.sessionOpen === undefined) return ok({ body, sessionOpen: null });

  const bytes = decodeBase64(sealed.sessionOpen);
  const open = bytes === null ? null : peekSessionOpen(bytes);
  if (bytes === null || open === null || !open.ok)
    return refuse("ENVELOPE_INVALID", { path: "session_open" });
  const opens =
    open.value.conversationId === expected.conversationId &&
    open.value.senderId === expected.senderId &&
    open.value.senderDeviceId === expected.deviceId &&
    equalBytes(open.value.sid, head.sid);
  return opens
    ? ok({ body, sessionOpen: { sid: head.sid, bytes } })
    : refuse("ENVELOPE_MISMATCH", { path: "session_open" });
}
