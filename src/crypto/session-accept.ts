// Joining someone's session by its open. Any process that holds the prekey can, now or later. SPEC §5.1, C18.
import { type Bytes, equalBytes, wipe } from "#base/bytes.ts";
import { ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import { parseSessionOpen, type SessionOpenHead, type SuiteId } from "#protocol/envelope.ts";
import type { EnvelopeRecipient } from "#protocol/recipients.ts";
import type { CryptoFailure, ReadFault } from "./failure.ts";
import type { LedgerView } from "./ledger/conversation-state.ts";
import { cannotRead, checkLedger, isBy, notEnvelope } from "./message-open.ts";
import type { OurPrekey } from "./prekeys.ts";
import type { Primitives } from "./primitives.ts";
import { rootChainKey } from "./ratchet/chain-key.ts";
import { isReader, type Reader, type ReceiverSession } from "./receiver-session.ts";
import { isBootstrapKid } from "./recipient.ts";
import type { SenderView } from "./sender-view.ts";
import { isOpenListTrue, openSeed, verifySessionOpen } from "./session-open.ts";

/**
 * Joins a session by its open.
 *
 * Fails with `crypto/cannot-read`: among its causes `ledger-unknown` and `account-unknown` (fetch, then try again)
 * and `unknown-prekey`; a `ledger-fork` here is signed by the sender.
 * Source: SPEC C14, C18, C20, C22.
 */
export async function acceptSession(
  primitives: Primitives,
  options: {
    readonly sessionOpen: Bytes;
    readonly self: Reader;
    readonly sender: SenderView;
    readonly ledger: LedgerView;
    readonly suiteFloor: SuiteId;
    readonly prekeyOf: (kid: Bytes) => OurPrekey | undefined;
    readonly bootstrap?: Secret<Bytes>;
  },
): Promise<Result<ReceiverSession, CryptoFailure>> {
  const parsed = parseSessionOpen(options.sessionOpen);
  if (!parsed.ok) return notEnvelope(parsed.failure);
  const open = parsed.value;
  const { head } = open;
  const { self, sender } = options;
  const isKnown = isBy(sender, head) && equalBytes(head.senderFingerprint, sender.fingerprint);
  if (!isKnown) return cannotRead("unknown-sender");
  // Signed before anything is believed: a fork seen below is then the sender's own word.
  const isSigned = await verifySessionOpen(primitives, open, sender.signingKey);
  if (!isSigned) return cannotRead("signature");
  if (!isOpenListTrue(primitives, open)) return cannotRead("recipients-mismatch");
  const fault = checkOpen(options, head);
  if (fault !== null) return cannotRead(fault);

  const own = head.recipients.findIndex((recipient) => isReader(self, recipient));
  const ourItem = head.recipients[own];
  const wrap = open.wraps[own];
  if (ourItem === undefined || wrap === undefined) return cannotRead("not-addressed");
  const key = findKey(primitives, options, head.suite, ourItem);
  if (key === null) return cannotRead("unknown-prekey");

  const openHash = primitives.sha256(open.headerBytes);
  const recipient = { ...ourItem, ...key, fingerprint: self.fingerprint };
  const seed = await openSeed(primitives, head.suite, openHash, recipient, wrap);
  if (!seed.ok) return cannotRead(seed.failure);
  const chainKey = new Secret(rootChainKey(primitives, openHash, seed.value));
  wipe(seed.value);
  return ok({
    sid: head.sid,
    writer: head.writer,
    conversationId: head.conversationId,
    suite: head.suite,
    senderId: head.senderId,
    senderDeviceId: head.senderDeviceId,
    openHash,
    previousSid: head.previousSid,
    ledgerSeq: head.ledgerSeq,
    ledgerHead: head.ledgerHead,
    createdAt: head.createdAt,
    recipientList: open.recipientList,
    recipientsHash: head.recipientsHash,
    isReducedSecurity: head.recipients.some(({ kid }) => isBootstrapKid(kid)),
    chain: { next: 0, key: chainKey, skipped: [] },
    links: new Map(),
    count: null,
  });
}

function checkOpen(
  options: {
    readonly sender: SenderView;
    readonly ledger: LedgerView;
    readonly suiteFloor: SuiteId;
  },
  head: SessionOpenHead,
): ReadFault | null {
  const accountHead = options.sender.accountHeadAt(head.accountSeq);
  if (accountHead === undefined) return "account-unknown";
  if (!equalBytes(accountHead, head.accountHead)) return "account-fork";
  const ledgerFault = checkLedger(options.ledger, head.ledgerSeq, head.ledgerHead);
  if (ledgerFault !== null) return ledgerFault;
  if (head.suite < options.suiteFloor) return "below-floor";
  const accounts = [head.senderId, ...head.recipients.map(({ accountId }) => accountId)];
  const areMembers = accounts.every((id) => options.ledger.isMember(id, head.ledgerSeq));
  return areMembers ? null : "not-member";
}

function findKey(
  primitives: Primitives,
  options: {
    readonly prekeyOf: (kid: Bytes) => OurPrekey | undefined;
    readonly bootstrap?: Secret<Bytes>;
  },
  suite: SuiteId,
  { kid, accountId, deviceId }: EnvelopeRecipient,
): { readonly privateKey: Bytes; readonly certificateHash: Bytes } | null {
  if (isBootstrapKid(kid)) {
    if (options.bootstrap === undefined || suite !== 1) return null;
    return { privateKey: options.bootstrap.reveal(), certificateHash: new Uint8Array(32) };
  }
  const ours = options.prekeyOf(kid);
  if (ours === undefined) return null;
  const { prekey, certificate, privateKey } = ours;
  const isOwn = prekey.owner === accountId && prekey.device === deviceId && prekey.suite === suite;
  return isOwn
    ? { privateKey: privateKey.reveal(), certificateHash: primitives.sha256(certificate) }
    : null;
}
