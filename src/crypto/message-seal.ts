// One message from its fields to its envelope: fresh content key, wraps, signature, body. SPEC §4, C6.
import { type Bytes, concat, wipe } from "#base/bytes.ts";
import { ok, type Result } from "#base/result.ts";
import { enc } from "#protocol/encoding.ts";
import {
  encodeMessageHeader,
  ENVELOPE_LABELS,
  type MessageHeader,
  type MessageKind,
} from "#protocol/envelope.ts";
import type { AccountId, DeviceId, MessageId } from "#protocol/ids.ts";
import { compareRecipients } from "#protocol/recipients.ts";
import type { CryptoFailure } from "./failure.ts";
import type { Signer } from "./identity.ts";
import type { Primitives } from "./primitives.ts";
import type { SealTarget } from "./recipient.ts";
import { contentCommitment, messageSigned, padPlaintext, sealBody } from "./seal.ts";
import { recipientsHash, sealEnvelopeWrap, sealSessionWrap, type WrapContext } from "./wrap.ts";

/** Who writes: a device with its signing key, and the fingerprint of its account's identity key. */
export type Writer = {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  readonly signer: Signer;
  readonly fingerprint: Bytes;
};

/** What is to be sent. `createdAt` epoch ms. */
export type NewMessage = {
  readonly messageId: MessageId;
  readonly contentType: string;
  readonly payload: Bytes;
  readonly kind: MessageKind;
  readonly createdAt: number;
};

/** A message ready to travel. `messageHash` = H(header || body), `plaintextHash` = H(P), for approvals. */
export type SealedMessage = {
  readonly envelope: Bytes;
  readonly header: MessageHeader;
  readonly messageHash: Bytes;
  readonly plaintextHash: Bytes;
};

/** Where a message stands, beside its own fields. */
export type MessagePlace = Pick<
  MessageHeader,
  "suite" | "conversationId" | "sid" | "index" | "ledgerSeq" | "ledgerHead" | "previous"
>;

/** Everything that decides who can read it. `messageKey` null: no session; `list`: the whole recipient list. */
export type MessageReaders = {
  readonly messageKey: Bytes | null;
  readonly list: Bytes;
  readonly envelopeTargets: readonly SealTarget[];
};

/**
 * Seals one message under a fresh content key.
 *
 * Fails with `crypto/payload-too-large`, `crypto/bad-public-key`.
 * Source: SPEC C6, C9, C10, C12.
 */
export async function sealParts(
  primitives: Primitives,
  writer: Writer,
  place: MessagePlace,
  readers: MessageReaders,
  message: NewMessage,
): Promise<Result<SealedMessage, CryptoFailure>> {
  const padded = padPlaintext(message.contentType, message.payload);
  if (!padded.ok) return padded;
  const contentKey = primitives.randomBytes(32);
  const header: MessageHeader = {
    ...place,
    hasSessionWrap: readers.messageKey !== null,
    hasEnvelopeWraps: readers.envelopeTargets.length > 0,
    messageId: message.messageId,
    senderId: writer.accountId,
    senderDeviceId: writer.deviceId,
    kind: message.kind,
    createdAt: message.createdAt,
    commitment: contentCommitment(primitives, place.suite, contentKey),
    recipientsHash: recipientsHash(primitives, readers.list),
  };
  const headerBytes = encodeMessageHeader(header);
  const headerHash = primitives.sha256(headerBytes);

  const sessionWrap =
    readers.messageKey === null
      ? new Uint8Array()
      : sealSessionWrap(primitives, readers.messageKey, place, headerHash, contentKey);
  const context = { ...header, senderFingerprint: writer.fingerprint };
  const wraps = await sealWraps(primitives, context, readers, headerHash, contentKey);
  if (!wraps.ok) return wraps;

  const plaintextHash = primitives.sha256(padded.value);
  const signature = await writer.signer.sign(messageSigned(headerHash, plaintextHash));
  const body = sealBody(primitives, place.suite, contentKey, headerBytes, signature, padded.value);
  wipe(contentKey);
  // A message for a session alone leaves its list out: the open has it.
  const list = header.hasEnvelopeWraps ? readers.list : new Uint8Array();
  const envelope = enc(ENVELOPE_LABELS.envelope, headerBytes, list, sessionWrap, wraps.value, body);
  const messageHash = primitives.sha256(concat(headerBytes, body));
  return ok({ envelope, header, messageHash, plaintextHash });
}

async function sealWraps(
  primitives: Primitives,
  context: WrapContext,
  { envelopeTargets }: MessageReaders,
  headerHash: Bytes,
  contentKey: Bytes,
): Promise<Result<Bytes, CryptoFailure>> {
  const wraps: Bytes[] = [];
  for (const target of envelopeTargets.toSorted(compareRecipients)) {
    const wrap = await sealEnvelopeWrap(primitives, context, target, headerHash, contentKey);
    if (!wrap.ok) return wrap;
    wraps.push(wrap.value);
  }
  return ok(concat(...wraps));
}
