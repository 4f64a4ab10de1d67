// The sealed unit as anyone without keys sees it: a fixed public head, who it is addressed to, and sizes.
// No plaintext field exists here; crypto seals and opens, the relay only peeks. Layouts: crypto/SPEC.md §4 and §5.
import { type Bytes, compareBytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import { isBucket, MAX_PLAINTEXT_SIZE_BYTES } from "./buckets.ts";
import {
  copyOf,
  enc,
  parseEnc,
  readUnsigned,
  splitItems,
  u32,
  u64,
  u8,
  viewEnc,
} from "./encoding.ts";
import {
  type AccountId,
  bytesToUuid,
  type ConversationId,
  type DeviceId,
  type MessageId,
  uuidToBytes,
} from "./ids.ts";
import {
  type DeliveryMode,
  type EnvelopeRecipient,
  MAX_RECIPIENTS,
  parseRecipients,
  RECIPIENT_SIZE_BYTES,
} from "./recipients.ts";

/** The four labels a blind reader must know; all others stay in crypto. */
export const ENVELOPE_LABELS = {
  header: "msg",
  envelope: "env",
  openHeader: "open",
  sessionOpen: "open-env",
} as const;

/** Version byte of both heads. */
export const ENVELOPE_VERSION = 1;
/** Size of every message head. */
export const HEADER_SIZE_BYTES = 312;
/** Size of every session-open head. */
export const OPEN_HEADER_SIZE_BYTES = 327;
/** Nonce 24, content key 32, tag 16: one wrap serves all recipients of a session. */
export const SESSION_WRAP_SIZE_BYTES = 72;
/** Nonce 24, signature 64 and tag 16 around the padded plaintext. */
const BODY_OVERHEAD_SIZE_BYTES = 104;
const MAX_BODY_SIZE_BYTES = MAX_PLAINTEXT_SIZE_BYTES + BODY_OVERHEAD_SIZE_BYTES;
const MAX_WRAP_SIZE_BYTES = 1184;

/** 1 = X25519, 2 = X-Wing; the higher the stronger. */
export type SuiteId = 1 | 2;
/** What a message is to the machinery; its meaning is in the payload. */
export type MessageKind = "content" | "stream-start" | "stream-done" | "control";

/** Sizes a suite fixes. */
export const SUITE_SIZES: Readonly<
  Record<SuiteId, { readonly publicKeySizeBytes: number; readonly encapsulationSizeBytes: number }>
> = {
  1: { publicKeySizeBytes: 32, encapsulationSizeBytes: 32 },
  2: { publicKeySizeBytes: 1216, encapsulationSizeBytes: 1120 },
};

/** One wrap of a 32-byte secret: encapsulation, secret, tag. */
export const wrapSizeBytes = (suite: SuiteId): number =>
  SUITE_SIZES[suite].encapsulationSizeBytes + 48;

/** The signed public fields of a message. `sid` 16, `ledgerHead`, `previous`, `commitment`, `recipientsHash` 32 bytes. */
export type MessageHeader = {
  readonly suite: SuiteId;
  readonly hasSessionWrap: boolean;
  readonly hasEnvelopeWraps: boolean;
  readonly conversationId: ConversationId;
  readonly messageId: MessageId;
  readonly senderId: AccountId;
  readonly senderDeviceId: DeviceId;
  readonly sid: Bytes;
  readonly index: number;
  readonly ledgerSeq: number;
  readonly ledgerHead: Bytes;
  readonly previous: Bytes;
  readonly kind: MessageKind;
  readonly createdAt: number;
  readonly commitment: Bytes;
  readonly recipientsHash: Bytes;
};

/** What a relay may know of a message without a key. */
export type EnvelopeHead = MessageHeader & {
  readonly recipients: readonly EnvelopeRecipient[];
  readonly sizeBytes: number;
  readonly plaintextSizeBytes: number;
};

/** An envelope taken apart, each part as it travelled. */
export type Envelope = {
  readonly head: EnvelopeHead;
  readonly headerBytes: Bytes;
  readonly recipientList: Bytes;
  readonly sessionWrap: Bytes;
  readonly envelopeWraps: readonly Bytes[];
  readonly body: Bytes;
};

/** The signed public fields of a session's opening. `previousSid` is null for a writer's first session. */
export type OpenHeader = {
  readonly suite: SuiteId;
  readonly conversationId: ConversationId;
  readonly sid: Bytes;
  readonly writer: Bytes;
  readonly senderId: AccountId;
  readonly senderDeviceId: DeviceId;
  readonly senderFingerprint: Bytes;
  readonly accountSeq: number;
  readonly accountHead: Bytes;
  readonly ledgerSeq: number;
  readonly ledgerHead: Bytes;
  readonly previousSid: Bytes | null;
  readonly createdAt: number;
  readonly recipientsHash: Bytes;
};

/** What a relay may know of a session's opening without a key. */
export type SessionOpenHead = OpenHeader & {
  readonly recipients: readonly EnvelopeRecipient[];
  readonly sizeBytes: number;
};

/** A session's opening taken apart; `wraps` are the ciphertexts in list order, without their key id. */
export type SessionOpen = {
  readonly head: SessionOpenHead;
  readonly headerBytes: Bytes;
  readonly recipientList: Bytes;
  readonly wrapsBytes: Bytes;
  readonly wraps: readonly Bytes[];
  readonly signature: Bytes;
};

/** Why bytes are no envelope: bytes we would never write, or a version of later. */
export type EnvelopeFailure =
  | { readonly kind: "protocol/malformed-envelope" }
  | { readonly kind: "protocol/unknown-envelope-version"; readonly version: number };

/** The public head of a message. Fails as {@link parseEnvelope} does. */
export function peekEnvelope(bytes: Uint8Array): Result<EnvelopeHead, EnvelopeFailure> {
  const viewed = viewEnvelope(bytes);
  return viewed.ok ? ok(viewed.value.head) : viewed;
}

/** The public head of a session's opening. Fails as {@link parseSessionOpen} does. */
export function peekSessionOpen(bytes: Uint8Array): Result<SessionOpenHead, EnvelopeFailure> {
  const parsed = parseSessionOpen(bytes);
  return parsed.ok ? ok(parsed.value.head) : parsed;
}

/**
 * A message taken apart; every width, flag and count agrees with the head.
 *
 * Fails with `protocol/unknown-envelope-version`, else `protocol/malformed-envelope`.
 * Source: crypto SPEC C2, C7, C11.
 */
export function parseEnvelope(bytes: Uint8Array): Result<Envelope, EnvelopeFailure> {
  const viewed = viewEnvelope(bytes);
  if (!viewed.ok) return viewed;
  const { head, envelopeWraps, ...parts } = viewed.value;
  return ok({
    head,
    envelopeWraps,
    headerBytes: copyOf(parts.headerBytes),
    recipientList: copyOf(parts.recipientList),
    sessionWrap: copyOf(parts.sessionWrap),
    body: copyOf(parts.body),
  });
}

type EnvelopeView = {
  readonly [Part in keyof Envelope]: Envelope[Part] extends Bytes ? Uint8Array : Envelope[Part];
};

/** The parts before they are copied: what only looks at the head pays for no more. */
function viewEnvelope(bytes: Uint8Array): Result<EnvelopeView, EnvelopeFailure> {
  const fields = viewEnc(ENVELOPE_LABELS.envelope, bytes, [
    HEADER_SIZE_BYTES,
    { max: MAX_RECIPIENTS * RECIPIENT_SIZE_BYTES, multipleOf: RECIPIENT_SIZE_BYTES },
    { max: SESSION_WRAP_SIZE_BYTES, multipleOf: SESSION_WRAP_SIZE_BYTES },
    { max: MAX_RECIPIENTS * MAX_WRAP_SIZE_BYTES },
    { min: BODY_OVERHEAD_SIZE_BYTES, max: MAX_BODY_SIZE_BYTES },
  ]);
  if (fields === null) return malformed;
  const [headerBytes, recipientList, sessionWrap, wrapsBytes, body] = fields;

  const header = parseMessageHeader(headerBytes);
  if (!header.ok) return header;
  const { suite, hasSessionWrap, hasEnvelopeWraps } = header.value;

  const recipients = parseRecipients(recipientList);
  const envelopeWraps = splitItems(wrapsBytes, wrapSizeBytes(suite));
  const plaintextSizeBytes = body.length - BODY_OVERHEAD_SIZE_BYTES;
  const agrees =
    recipients !== null &&
    envelopeWraps !== null &&
    isBucket(plaintextSizeBytes) &&
    hasSessionWrap === sessionWrap.length > 0 &&
    envelopeWraps.length === countOf(recipients, "envelope") &&
    hasEnvelopeWraps === envelopeWraps.length > 0 &&
    // A message for the session alone names its list by hash; otherwise the list says who is in the session.
    (hasEnvelopeWraps
      ? hasSessionWrap === countOf(recipients, "session") > 0
      : recipients.length === 0);
  if (!agrees) return malformed;

  const head = { ...header.value, recipients, sizeBytes: bytes.length, plaintextSizeBytes };
  return ok({ head, headerBytes, recipientList, sessionWrap, envelopeWraps, body });
}

/**
 * A session's opening taken apart; one wrap for each recipient, in the list's order.
 *
 * Fails with `protocol/unknown-envelope-version`, else `protocol/malformed-envelope`.
 * Source: crypto SPEC C2, C11, C43.
 */
export function parseSessionOpen(bytes: Uint8Array): Result<SessionOpen, EnvelopeFailure> {
  const fields = parseEnc(ENVELOPE_LABELS.sessionOpen, bytes, [
    OPEN_HEADER_SIZE_BYTES,
    {
      min: RECIPIENT_SIZE_BYTES,
      max: MAX_RECIPIENTS * RECIPIENT_SIZE_BYTES,
      multipleOf: RECIPIENT_SIZE_BYTES,
    },
    { max: MAX_RECIPIENTS * (16 + MAX_WRAP_SIZE_BYTES) },
    64,
  ]);
  if (fields === null) return malformed;
  const [headerBytes, recipientList, wrapsBytes, signature] = fields;

  const header = parseOpenHeader(headerBytes);
  if (!header.ok) return header;
  const recipients = parseRecipients(recipientList);
  const items = splitItems(wrapsBytes, 16 + wrapSizeBytes(header.value.suite));
  if (recipients === null || items === null || items.length !== recipients.length) return malformed;
  const agrees = recipients.every(
    ({ kid, mode }, i) => mode === "session" && sameBytes(kid, items[i]?.subarray(0, 16)),
  );
  if (!agrees) return malformed;

  const head = { ...header.value, recipients, sizeBytes: bytes.length };
  const wraps = items.map((item) => item.slice(16));
  return ok({ head, headerBytes, recipientList, wrapsBytes, wraps, signature });
}

/** The bytes of a message head that are hashed, authenticated and sent. Always {@link HEADER_SIZE_BYTES}. */
export function encodeMessageHeader(header: MessageHeader): Bytes {
  return enc(
    ENVELOPE_LABELS.header,
    u8(ENVELOPE_VERSION),
    u8(header.suite),
    u8((header.hasSessionWrap ? 1 : 0) | (header.hasEnvelopeWraps ? 2 : 0)),
    uuidToBytes(header.conversationId),
    uuidToBytes(header.messageId),
    uuidToBytes(header.senderId),
    uuidToBytes(header.senderDeviceId),
    header.sid,
    u32(header.index),
    u64(header.ledgerSeq),
    header.ledgerHead,
    header.previous,
    u8(KINDS.indexOf(header.kind)),
    u64(header.createdAt),
    header.commitment,
    header.recipientsHash,
  );
}

/** The bytes of a session's head. Always {@link OPEN_HEADER_SIZE_BYTES}. */
export function encodeOpenHeader(header: OpenHeader): Bytes {
  return enc(
    ENVELOPE_LABELS.openHeader,
    u8(ENVELOPE_VERSION),
    u8(header.suite),
    uuidToBytes(header.conversationId),
    header.sid,
    header.writer,
    uuidToBytes(header.senderId),
    uuidToBytes(header.senderDeviceId),
    header.senderFingerprint,
    u64(header.accountSeq),
    header.accountHead,
    u64(header.ledgerSeq),
    header.ledgerHead,
    header.previousSid ?? new Uint8Array(16),
    u64(header.createdAt),
    header.recipientsHash,
  );
}

const KINDS: readonly MessageKind[] = ["content", "stream-start", "stream-done", "control"];

const malformed = err({ kind: "protocol/malformed-envelope" } as const);

function parseMessageHeader(bytes: Uint8Array): Result<MessageHeader, EnvelopeFailure> {
  const fields = viewEnc(
    ENVELOPE_LABELS.header,
    bytes,
    [1, 1, 1, 16, 16, 16, 16, 16, 4, 8, 32, 32, 1, 8, 32, 32],
  );
  if (fields === null) return malformed;
  const version = byteOf(fields[0]);
  if (version !== ENVELOPE_VERSION) return unknownVersion(version);

  const suite = byteOf(fields[1]);
  const mode = byteOf(fields[2]);
  const index = readUnsigned(fields[8]);
  const ledgerSeq = readUnsigned(fields[9]);
  const kind = KINDS[byteOf(fields[12])];
  const createdAt = readUnsigned(fields[13]);
  if (suite !== 1 && suite !== 2) return malformed;
  if (mode < 1 || mode > 3 || kind === undefined) return malformed;
  if (index === null || ledgerSeq === null || createdAt === null) return malformed;
  return ok({
    suite,
    hasSessionWrap: (mode & 1) !== 0,
    hasEnvelopeWraps: (mode & 2) !== 0,
    conversationId: bytesToUuid(fields[3]),
    messageId: bytesToUuid(fields[4]),
    senderId: bytesToUuid<AccountId>(fields[5]),
    senderDeviceId: bytesToUuid(fields[6]),
    sid: copyOf(fields[7]),
    index,
    ledgerSeq,
    ledgerHead: copyOf(fields[10]),
    previous: copyOf(fields[11]),
    kind,
    createdAt,
    commitment: copyOf(fields[14]),
    recipientsHash: copyOf(fields[15]),
  });
}

function parseOpenHeader(bytes: Bytes): Result<OpenHeader, EnvelopeFailure> {
  const fields = parseEnc(
    ENVELOPE_LABELS.openHeader,
    bytes,
    [1, 1, 16, 16, 16, 16, 16, 32, 8, 32, 8, 32, 16, 8, 32],
  );
  if (fields === null) return malformed;
  const version = byteOf(fields[0]);
  if (version !== ENVELOPE_VERSION) return unknownVersion(version);

  const suite = byteOf(fields[1]);
  const accountSeq = readUnsigned(fields[8]);
  const ledgerSeq = readUnsigned(fields[10]);
  const createdAt = readUnsigned(fields[13]);
  if (suite !== 1 && suite !== 2) return malformed;
  if (accountSeq === null || ledgerSeq === null || createdAt === null) return malformed;
  return ok({
    suite,
    conversationId: bytesToUuid(fields[2]),
    sid: fields[3],
    writer: fields[4],
    senderId: bytesToUuid<AccountId>(fields[5]),
    senderDeviceId: bytesToUuid(fields[6]),
    senderFingerprint: fields[7],
    accountSeq,
    accountHead: fields[9],
    ledgerSeq,
    ledgerHead: fields[11],
    previousSid: fields[12].every((byte) => byte === 0) ? null : fields[12],
    createdAt,
    recipientsHash: fields[14],
  });
}

const unknownVersion = (version: number) =>
  err({ kind: "protocol/unknown-envelope-version", version } as const);

const countOf = (recipients: readonly EnvelopeRecipient[], mode: DeliveryMode): number =>
  recipients.filter((recipient) => recipient.mode === mode).length;

const byteOf = (field: Uint8Array): number => field[0] ?? 0;

const sameBytes = (a: Bytes, b: Bytes | undefined): boolean =>
  b !== undefined && compareBytes(a, b) === 0;
