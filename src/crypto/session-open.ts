// First contact: a session's seed sealed to every recipient's prekey, signed by its writer. SPEC §5.1.
import { type Bytes, concat, equalBytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import { enc } from "#protocol/encoding.ts";
import {
  encodeOpenHeader,
  ENVELOPE_LABELS,
  type OpenHeader,
  type SessionOpen,
  type SuiteId,
} from "#protocol/envelope.ts";
import { uuidToBytes } from "#protocol/ids.ts";
import {
  compareRecipients,
  encodeRecipients,
  type EnvelopeRecipient,
} from "#protocol/recipients.ts";
import type { CryptoFailure } from "./failure.ts";
import { hpkeOpen, hpkeSeal } from "./hpke.ts";
import type { Signer } from "./identity.ts";
import { LABEL } from "./labels.ts";
import type { Primitives } from "./primitives.ts";
import type { SealTarget } from "./recipient.ts";
import { recipientsHash, splitWrap } from "./wrap.ts";

/** An open as it travels, with what the chain and the messages need of it. */
export type SealedOpen = {
  readonly sessionOpen: Bytes;
  readonly openHash: Bytes;
  readonly recipientList: Bytes;
  readonly recipientsHash: Bytes;
};

/**
 * Seals a seed to every target.
 *
 * Shapes: `seed` 32 bytes; targets all of the head's suite, each device once.
 * Fails with `crypto/bad-public-key`.
 */
export async function sealSessionOpen(
  primitives: Primitives,
  head: Omit<OpenHeader, "recipientsHash">,
  targets: readonly SealTarget[],
  seed: Bytes,
  signer: Signer,
): Promise<Result<SealedOpen, CryptoFailure>> {
  const sorted = targets.toSorted(compareRecipients);
  const recipientList = encodeRecipients(sorted);
  const listHash = recipientsHash(primitives, recipientList);
  const headerBytes = encodeOpenHeader({ ...head, recipientsHash: listHash });
  const openHash = primitives.sha256(headerBytes);

  const items: Bytes[] = [];
  for (const target of sorted) {
    const info = openInfo(openHash, target, target.certificateHash);
    const { publicKey } = target;
    const sealed = await hpkeSeal(primitives, head.suite, publicKey, info, openHash, seed);
    if (!sealed.ok) return sealed;
    items.push(concat(target.kid, sealed.value.enc, sealed.value.ciphertext));
  }
  const wraps = concat(...items);
  const signature = await signer.sign(openSigned(primitives, openHash, wraps));
  const sessionOpen = enc(
    ENVELOPE_LABELS.sessionOpen,
    headerBytes,
    recipientList,
    wraps,
    signature,
  );
  return ok({ sessionOpen, openHash, recipientList, recipientsHash: listHash });
}

/** Whether an open is signed by this key. */
export const verifySessionOpen = (
  primitives: Primitives,
  open: SessionOpen,
  signingKey: Bytes,
): Promise<boolean> =>
  primitives.ed25519Verify(
    signingKey,
    openSigned(primitives, primitives.sha256(open.headerBytes), open.wrapsBytes),
    open.signature,
  );

/** Whether an open's list is the one its head commits to. */
export const isOpenListTrue = (primitives: Primitives, open: SessionOpen): boolean =>
  equalBytes(recipientsHash(primitives, open.recipientList), open.head.recipientsHash);

/** The seed in one recipient's wrap; fails with `tag`. */
export async function openSeed(
  primitives: Primitives,
  suite: SuiteId,
  openHash: Bytes,
  recipient: EnvelopeRecipient & {
    readonly fingerprint: Bytes;
    readonly certificateHash: Bytes;
    readonly privateKey: Bytes;
  },
  wrap: Bytes,
): Promise<Result<Bytes, "tag">> {
  const info = openInfo(openHash, recipient, recipient.certificateHash);
  const [encapsulation, ciphertext] = splitWrap(suite, wrap);
  const { privateKey } = recipient;
  const seed = await hpkeOpen(
    primitives,
    suite,
    privateKey,
    encapsulation,
    info,
    openHash,
    ciphertext,
  );
  return seed === null ? err("tag") : ok(seed);
}

const openSigned = (primitives: Primitives, openHash: Bytes, wraps: Bytes): Bytes =>
  enc(LABEL.openSignature, openHash, primitives.sha256(wraps));

const openInfo = (
  openHash: Bytes,
  recipient: EnvelopeRecipient & { readonly fingerprint: Bytes },
  certificateHash: Bytes,
): Bytes =>
  enc(
    LABEL.openInfo,
    openHash,
    uuidToBytes(recipient.accountId),
    uuidToBytes(recipient.deviceId),
    recipient.fingerprint,
    recipient.kid,
    certificateHash,
  );
