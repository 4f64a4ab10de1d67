/**
 * A form's secret, sealed to the agent that asks for it and to nobody else: the message around it opens for every
 * member and for the person's own other devices, the secret does not. SPEC C46.
 */
import { concat, utf8, utf8ToText, wipe, type Bytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { Secret } from "#base/secret.ts";
import { enc, parseEnc } from "#protocol/encoding.ts";
import { uuidToBytes, type AccountId, type ConversationId } from "#protocol/ids.ts";

import type { CryptoFailure } from "./failure.ts";
import { HPKE_SIZES, hpkeOpen, hpkeSeal } from "./hpke.ts";
import { LABEL } from "./labels.ts";
import type { Primitives } from "./primitives.ts";

/** Sizes of secrets are hidden up to this many bytes, and in steps of it above. */
const BUCKET_BYTES = 256;
const MAX_SECRET_BYTES = 64 * 1_024;
const SUITE = 0x01;

/** What a secret is bound to. Shapes: `agentFingerprint` 32 bytes; ids of card, field and answer as in the payload. */
export type SecretPlace = {
  readonly conversationId: ConversationId;
  readonly senderId: AccountId;
  readonly agentId: AccountId;
  readonly agentFingerprint: Bytes;
  readonly artifactId: string;
  readonly fieldId: string;
  readonly responseId: string;
};

/**
 * Seals a secret to the long-lived key of an agent's card.
 *
 * Shapes: `cardKey` X25519, 32 bytes; the result 32 bytes of encapsulation, then the ciphertext.
 * Fails with `crypto/bad-public-key`.
 * Source: SPEC C46.
 */
export async function sealSecret(
  p: Primitives,
  place: SecretPlace,
  cardKey: Bytes,
  text: string,
): Promise<Result<Bytes, CryptoFailure>> {
  const bytes = utf8(text);
  const bareSize = enc(LABEL.formSecretPlaintext, bytes, new Uint8Array()).length;
  const pad = new Uint8Array(Math.ceil(bareSize / BUCKET_BYTES) * BUCKET_BYTES - bareSize);
  const plain = enc(LABEL.formSecretPlaintext, bytes, pad);
  const sealed = await hpkeSeal(p, SUITE, cardKey, infoOf(place), new Uint8Array(), plain);
  wipe(bytes, plain);
  return sealed.ok ? ok(concat(sealed.value.enc, sealed.value.ciphertext)) : err(sealed.failure);
}

/** The secret, or null when it was not sealed to this key for this place. Source: SPEC C46. */
export async function openSecret(
  p: Primitives,
  place: SecretPlace,
  cardPrivateKey: Secret<Bytes>,
  sealed: Bytes,
): Promise<string | null> {
  const { encSizeBytes } = HPKE_SIZES[SUITE];
  if (sealed.length <= encSizeBytes || sealed.length > 2 * MAX_SECRET_BYTES) return null;
  const plain = await hpkeOpen(
    p,
    SUITE,
    cardPrivateKey.reveal(),
    sealed.slice(0, encSizeBytes),
    infoOf(place),
    new Uint8Array(),
    sealed.slice(encSizeBytes),
  );
  if (plain === null || plain.length % BUCKET_BYTES !== 0) return null;
  const sizes = [{ max: MAX_SECRET_BYTES }, { max: BUCKET_BYTES }] as const;
  const parts = parseEnc(LABEL.formSecretPlaintext, plain, sizes);
  return parts?.[1].every((byte) => byte === 0) === true ? utf8ToText(parts[0]) : null;
}

const infoOf = (place: SecretPlace): Bytes =>
  enc(
    LABEL.formSecret,
    uuidToBytes(place.conversationId),
    uuidToBytes(place.senderId),
    uuidToBytes(place.agentId),
    place.agentFingerprint,
    utf8(place.artifactId),
    utf8(place.fieldId),
    utf8(place.responseId),
  );
