// Signed statements outside messages: a session's end, how far each session has come, a key nobody has. SPEC §5.3.
import { type Bytes, concat } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import {
  enc,
  parseEnc,
  readUnsigned,
  splitFixed,
  splitItems,
  u32,
  u64,
} from "#protocol/encoding.ts";
import {
  bytesToUuid,
  type ConversationId,
  type DeviceId,
  type MessageId,
  uuidToBytes,
} from "#protocol/ids.ts";
import type { CryptoFailure } from "./failure.ts";
import type { Signer } from "./identity.ts";
import { LABEL } from "./labels.ts";
import { MAX_BEAT_SESSIONS } from "./limits.ts";
import type { Primitives } from "./primitives.ts";
import { signRecord, splitSigned, verifyRecord } from "./signed-record.ts";

/** How many messages a session has, and the hash of the last. Shapes: `sid` 16, `lastHash` 32 bytes. */
export type SessionProgress = {
  readonly sid: Bytes;
  readonly count: number;
  readonly lastHash: Bytes;
};

/** A session is over. */
export type Close = SessionProgress & {
  readonly conversationId: ConversationId;
  readonly createdAt: number;
};

/** A writer's heartbeat: all its sessions of a conversation. Shapes: `writer` 16 bytes. */
export type Beat = {
  readonly conversationId: ConversationId;
  readonly writer: Bytes;
  readonly sessions: readonly SessionProgress[];
  readonly createdAt: number;
};

/** A device could not read a message: it does not hold the key. Shapes: `kid` 16 bytes. */
export type Notice = {
  readonly conversationId: ConversationId;
  readonly messageId: MessageId;
  readonly deviceId: DeviceId;
  readonly kid: Bytes;
};

/** A signed close. Source: SPEC C17. */
export const makeClose = (primitives: Primitives, close: Close, signer: Signer): Promise<Bytes> =>
  signRecord(
    primitives,
    LABEL.controlSignature,
    enc(
      LABEL.close,
      uuidToBytes(close.conversationId),
      close.sid,
      u32(close.count),
      close.lastHash,
      u64(close.createdAt),
    ),
    signer,
  );

/** A close signed by this device's key. Fails with `crypto/control-refused`. */
export const verifyClose = (
  primitives: Primitives,
  bytes: Bytes,
  signingKey: Bytes,
): Promise<Result<Close, CryptoFailure>> =>
  verifyControl(primitives, bytes, signingKey, (record) => {
    const fields = parseEnc(LABEL.close, record, [16, 16, 4, 32, 8]);
    const count = fields && readUnsigned(fields[2]);
    const createdAt = fields && readUnsigned(fields[4]);
    if (fields === null || count === null || createdAt === null) return null;
    const [conversation, sid, , lastHash] = fields;
    return { conversationId: bytesToUuid(conversation), sid, count, lastHash, createdAt };
  });

/** A signed heartbeat. Source: SPEC C31. */
export const makeBeat = (primitives: Primitives, beat: Beat, signer: Signer): Promise<Bytes> =>
  signRecord(
    primitives,
    LABEL.controlSignature,
    enc(
      LABEL.beat,
      uuidToBytes(beat.conversationId),
      beat.writer,
      concat(...beat.sessions.map(({ sid, count, lastHash }) => concat(sid, u32(count), lastHash))),
      u64(beat.createdAt),
    ),
    signer,
  );

/** A heartbeat signed by this device's key. Fails with `crypto/control-refused`. */
export const verifyBeat = (
  primitives: Primitives,
  bytes: Bytes,
  signingKey: Bytes,
): Promise<Result<Beat, CryptoFailure>> =>
  verifyControl(primitives, bytes, signingKey, (record) => {
    const list = { max: MAX_BEAT_SESSIONS * PROGRESS_SIZE_BYTES, multipleOf: PROGRESS_SIZE_BYTES };
    const fields = parseEnc(LABEL.beat, record, [16, 16, list, 8]);
    const createdAt = fields && readUnsigned(fields[3]);
    const items = fields && splitItems(fields[2], PROGRESS_SIZE_BYTES);
    if (fields === null || items === null || createdAt === null) return null;
    const sessions = items.map(parseProgress);
    return { conversationId: bytesToUuid(fields[0]), writer: fields[1], sessions, createdAt };
  });

/** A signed notice. Source: SPEC C28. */
export const makeNotice = (
  primitives: Primitives,
  notice: Notice,
  signer: Signer,
): Promise<Bytes> =>
  signRecord(
    primitives,
    LABEL.controlSignature,
    enc(
      LABEL.notice,
      uuidToBytes(notice.conversationId),
      uuidToBytes(notice.messageId),
      uuidToBytes(notice.deviceId),
      notice.kid,
    ),
    signer,
  );

/** A notice signed by this device's key. Fails with `crypto/control-refused`. */
export const verifyNotice = (
  primitives: Primitives,
  bytes: Bytes,
  signingKey: Bytes,
): Promise<Result<Notice, CryptoFailure>> =>
  verifyControl(primitives, bytes, signingKey, (record) => {
    const fields = parseEnc(LABEL.notice, record, [16, 16, 16, 16]);
    if (fields === null) return null;
    const [conversation, message, device, kid] = fields;
    return {
      conversationId: bytesToUuid(conversation),
      messageId: bytesToUuid(message),
      deviceId: bytesToUuid(device),
      kid,
    };
  });

const PROGRESS_SIZE_BYTES = 52;

function parseProgress(item: Bytes): SessionProgress {
  const [sid, count, lastHash] = splitFixed(item, [16, 4, 32]) ?? [item, item, item];
  return { sid, count: readUnsigned(count) ?? 0, lastHash };
}

async function verifyControl<Control>(
  primitives: Primitives,
  bytes: Bytes,
  signingKey: Bytes,
  parse: (record: Bytes) => Control | null,
): Promise<Result<Control, CryptoFailure>> {
  const signed = splitSigned(bytes);
  const control = parse(signed.record);
  const isSigned =
    control !== null &&
    (await verifyRecord(primitives, LABEL.controlSignature, signed, signingKey));
  return isSigned ? ok(control) : err({ kind: "crypto/control-refused" });
}
