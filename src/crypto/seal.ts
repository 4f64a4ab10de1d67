// What is inside an envelope: a padded, signed plaintext under a fresh content key that the header commits to.
// SPEC §4.1 and §4.3; the steps stand in the order of the SPEC.
import { type Bytes, concat, equalBytes, utf8, utf8ToText, wipe } from "#base/bytes.ts";
import { assert } from "#base/invariant.ts";
import { err, ok, type Result } from "#base/result.ts";
import { bucketFor } from "#protocol/buckets.ts";
import { enc, parseEnc, u8 } from "#protocol/encoding.ts";
import type { SuiteId } from "#protocol/envelope.ts";
import { MAX_PAYLOAD_BYTES } from "#protocol/limits.ts";
import type { CryptoFailure, ReadFault } from "./failure.ts";
import { LABEL } from "./labels.ts";
import { MAX_CONTENT_TYPE_BYTES } from "./limits.ts";
import type { Primitives } from "./primitives.ts";

/** Bytes of a plaintext record beside its content type, payload and padding. */
export const PLAINTEXT_OVERHEAD_BYTES = 27;

const NONCE_SIZE_BYTES = 24;
const SIGNATURE_SIZE_BYTES = 64;

/** `kc`: the header's commitment to a content key, without which one body could open under two keys. */
export const contentCommitment = (primitives: Primitives, suite: SuiteId, contentKey: Bytes) =>
  primitives.hkdfExpand(contentKey, enc(LABEL.contentCommitment, u8(suite)), 32);

/** `P`: content type and payload, padded with zeros to the smallest bucket. */
export function padPlaintext(
  contentType: string,
  payload: Bytes,
): Result<Bytes, CryptoFailure & { readonly kind: "crypto/payload-too-large" }> {
  const type = utf8(contentType);
  assert(
    contentType.isWellFormed() && type.length <= MAX_CONTENT_TYPE_BYTES,
    "a content type is a short well-formed text",
  );
  if (payload.length > MAX_PAYLOAD_BYTES) {
    return err({
      kind: "crypto/payload-too-large",
      sizeBytes: payload.length,
      maxSizeBytes: MAX_PAYLOAD_BYTES,
    });
  }
  const bareSizeBytes = PLAINTEXT_OVERHEAD_BYTES + type.length + payload.length;
  const bucket = bucketFor(bareSizeBytes);
  assert(bucket !== null, "the largest bucket holds the largest payload");
  return ok(enc(LABEL.plaintext, type, payload, new Uint8Array(bucket - bareSizeBytes)));
}

/** Content type and payload of a padded plaintext, or null if its padding is not the one form allowed. */
export function parsePlaintext(
  plaintext: Bytes,
): { readonly contentType: string; readonly payload: Bytes } | null {
  const fields = parseEnc(LABEL.plaintext, plaintext, [
    { max: MAX_CONTENT_TYPE_BYTES },
    { max: MAX_PAYLOAD_BYTES },
    { max: plaintext.length },
  ]);
  if (fields === null) return null;
  const [type, payload, pad] = fields;
  const contentType = utf8ToText(type);
  const isSmallest = bucketFor(plaintext.length - pad.length) === plaintext.length;
  if (contentType === null || !isSmallest || pad.some((byte) => byte !== 0)) return null;
  return { contentType, payload };
}

/** What a message's signature covers. Shapes: both hashes 32 bytes. */
export const messageSigned = (headerHash: Bytes, plaintextHash: Bytes): Bytes =>
  enc(LABEL.messageSignature, headerHash, plaintextHash);

/** `body`: the signature and the plaintext under the content key, bound to the header. */
export function sealBody(
  primitives: Primitives,
  suite: SuiteId,
  contentKey: Bytes,
  headerBytes: Bytes,
  signature: Bytes,
  plaintext: Bytes,
): Bytes {
  const key = bodyKey(primitives, suite, contentKey);
  const nonce = primitives.randomBytes(NONCE_SIZE_BYTES);
  const sealed = primitives.xchachaSeal(key, nonce, headerBytes, concat(signature, plaintext));
  wipe(key);
  return concat(nonce, sealed);
}

/** A body opened but not yet believed. */
export type OpenedBody = {
  readonly signature: Bytes;
  readonly plaintext: Bytes;
  readonly contentType: string;
  readonly payload: Bytes;
};

/** Steps 7 and 8 of receiving: the commitment, the tag, the bucket and the padding, in this order. */
export function openBody(
  primitives: Primitives,
  suite: SuiteId,
  contentKey: Bytes,
  commitment: Bytes,
  headerBytes: Bytes,
  body: Bytes,
): Result<OpenedBody, ReadFault> {
  if (!equalBytes(contentCommitment(primitives, suite, contentKey), commitment)) {
    return err("commitment");
  }
  const key = bodyKey(primitives, suite, contentKey);
  const nonce = body.slice(0, NONCE_SIZE_BYTES);
  const opened = primitives.xchachaOpen(key, nonce, headerBytes, body.slice(NONCE_SIZE_BYTES));
  wipe(key);
  if (opened === null) return err("tag");
  const plaintext = opened.slice(SIGNATURE_SIZE_BYTES);
  const parsed = parsePlaintext(plaintext);
  if (parsed === null) return err("padding");
  return ok({ signature: opened.slice(0, SIGNATURE_SIZE_BYTES), plaintext, ...parsed });
}

const bodyKey = (primitives: Primitives, suite: SuiteId, contentKey: Bytes): Bytes =>
  primitives.hkdfExpand(contentKey, enc(LABEL.bodyKey, u8(suite)), 32);
