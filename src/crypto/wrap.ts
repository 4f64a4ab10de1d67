// A content key for its readers: once for a whole session, or once for each stateless recipient. SPEC §4.2.
import { type Bytes, concat, wipe } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import { enc, u32, u8 } from "#protocol/encoding.ts";
import { type MessageHeader, SUITE_SIZES, type SuiteId } from "#protocol/envelope.ts";
import { uuidToBytes } from "#protocol/ids.ts";
import { type EnvelopeRecipient, recipientsRecord } from "#protocol/recipients.ts";
import type { CryptoFailure } from "./failure.ts";
import { hpkeOpen, hpkeSeal } from "./hpke.ts";
import { LABEL } from "./labels.ts";
import type { Primitives } from "./primitives.ts";

const NONCE_SIZE_BYTES = 24;

/** Hash of a recipient list as heads carry it. Source: SPEC C11. */
export const recipientsHash = (primitives: Primitives, recipientList: Bytes): Bytes =>
  primitives.sha256(recipientsRecord(LABEL.recipients, recipientList));

/** The fields of a message that its wraps are bound to. */
export type WrapContext = Pick<
  MessageHeader,
  "suite" | "conversationId" | "messageId" | "senderId" | "senderDeviceId"
> & { readonly senderFingerprint: Bytes };

/** One wrap for all recipients of a session: nonce 24, sealed key 48. Source: SPEC C9. */
export function sealSessionWrap(
  primitives: Primitives,
  messageKey: Bytes,
  place: { readonly sid: Bytes; readonly index: number },
  headerHash: Bytes,
  contentKey: Bytes,
): Bytes {
  const key = sessionWrapKey(primitives, messageKey, place);
  const nonce = primitives.randomBytes(NONCE_SIZE_BYTES);
  const sealed = primitives.xchachaSeal(key, nonce, headerHash, contentKey);
  wipe(key);
  return concat(nonce, sealed);
}

/** The content key of a session wrap, or null. */
export function openSessionWrap(
  primitives: Primitives,
  messageKey: Bytes,
  place: { readonly sid: Bytes; readonly index: number },
  headerHash: Bytes,
  wrap: Bytes,
): Bytes | null {
  const key = sessionWrapKey(primitives, messageKey, place);
  const nonce = wrap.slice(0, NONCE_SIZE_BYTES);
  const contentKey = primitives.xchachaOpen(key, nonce, headerHash, wrap.slice(NONCE_SIZE_BYTES));
  wipe(key);
  return contentKey;
}

/** A wrap of its own for one stateless recipient. Source: SPEC C10. */
export async function sealEnvelopeWrap(
  primitives: Primitives,
  context: WrapContext,
  recipient: EnvelopeRecipient & { readonly fingerprint: Bytes; readonly publicKey: Bytes },
  headerHash: Bytes,
  contentKey: Bytes,
): Promise<Result<Bytes, CryptoFailure>> {
  const info = envelopeInfo(context, recipient);
  const sealed = await hpkeSeal(
    primitives,
    context.suite,
    recipient.publicKey,
    info,
    headerHash,
    contentKey,
  );
  return sealed.ok ? ok(concat(sealed.value.enc, sealed.value.ciphertext)) : err(sealed.failure);
}

/** The content key of an envelope wrap, or null. */
export function openEnvelopeWrap(
  primitives: Primitives,
  context: WrapContext,
  recipient: EnvelopeRecipient & { readonly fingerprint: Bytes; readonly privateKey: Bytes },
  headerHash: Bytes,
  wrap: Bytes,
): Promise<Bytes | null> {
  const [encapsulation, ciphertext] = splitWrap(context.suite, wrap);
  const info = envelopeInfo(context, recipient);
  const { privateKey } = recipient;
  return hpkeOpen(
    primitives,
    context.suite,
    privateKey,
    encapsulation,
    info,
    headerHash,
    ciphertext,
  );
}

/** Cuts `enc || ct` at the suite's width. */
export function splitWrap(suite: SuiteId, wrap: Bytes): readonly [Bytes, Bytes] {
  const at = SUITE_SIZES[suite].encapsulationSizeBytes;
  return [wrap.slice(0, at), wrap.slice(at)];
}

const sessionWrapKey = (
  primitives: Primitives,
  messageKey: Bytes,
  { sid, index }: { readonly sid: Bytes; readonly index: number },
): Bytes => primitives.hkdfExpand(messageKey, enc(LABEL.sessionWrapKey, sid, u32(index)), 32);

const envelopeInfo = (
  context: WrapContext,
  recipient: EnvelopeRecipient & { readonly fingerprint: Bytes },
): Bytes =>
  enc(
    LABEL.envelopeWrap,
    u8(context.suite),
    uuidToBytes(context.conversationId),
    uuidToBytes(context.messageId),
    uuidToBytes(context.senderId),
    uuidToBytes(context.senderDeviceId),
    context.senderFingerprint,
    uuidToBytes(recipient.accountId),
    uuidToBytes(recipient.deviceId),
    recipient.fingerprint,
    recipient.kid,
  );
