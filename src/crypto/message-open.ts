// The steps of receiving that every message shares, in the SPEC's order. SPEC §7.
import { type Bytes, concat, equalBytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { Envelope, EnvelopeFailure, EnvelopeHead, SuiteId } from "#protocol/envelope.ts";
import type { CryptoFailure, ReadFault } from "./failure.ts";
import type { LedgerView } from "./ledger/conversation-state.ts";
import type { Primitives } from "./primitives.ts";
import { messageSigned, openBody } from "./seal.ts";
import type { SenderView } from "./sender-view.ts";
import { recipientsHash } from "./wrap.ts";

/** What every reader of a message brings along. */
export type ReadContext = {
  readonly sender: SenderView;
  readonly ledger: LedgerView;
  /** Epoch ms. */
  readonly now: number;
  readonly suiteFloor: SuiteId;
  /** Whether `(device, sid, index)` or `(device, message id)` was taken before. */
  readonly seen: (header: EnvelopeHead) => boolean;
};

/** A message that is proven. `messageHash` = H(header || body), `plaintextHash` = H(P), for approvals. */
export type OpenedMessage = {
  readonly header: EnvelopeHead;
  readonly contentType: string;
  readonly payload: Bytes;
  readonly messageHash: Bytes;
  readonly plaintextHash: Bytes;
};

/** The one outward face of a failure to read. Source: SPEC C27. */
export const cannotRead = (cause: ReadFault) =>
  err({ kind: "crypto/cannot-read", cause } satisfies CryptoFailure);

/** Why bytes that are no envelope cannot be read. */
export const notEnvelope = ({ kind }: EnvelopeFailure) =>
  cannotRead(kind === "protocol/unknown-envelope-version" ? "unknown-version" : "malformed");

/** Whether a message or open is by the device that the view is of. */
export const isBy = (
  sender: SenderView,
  head: Pick<EnvelopeHead, "senderId" | "senderDeviceId">,
): boolean => head.senderId === sender.accountId && head.senderDeviceId === sender.deviceId;

/** Null when a place of the conversation's ledger is the one known here. Source: SPEC C22. */
export function checkLedger(ledger: LedgerView, seq: number, head: Bytes): ReadFault | null {
  const known = ledger.headAt(seq);
  if (known === undefined) return "ledger-unknown";
  return equalBytes(known, head) ? null : "ledger-fork";
}

/** Null when the transported list is the one committed to and holds members only. Source: SPEC C11, C23. */
export function checkRecipients(
  primitives: Primitives,
  { head, recipientList }: Envelope,
  ledger: LedgerView,
): ReadFault | null {
  if (!equalBytes(recipientsHash(primitives, recipientList), head.recipientsHash)) {
    return "recipients-mismatch";
  }
  const accounts = [head.senderId, ...head.recipients.map(({ accountId }) => accountId)];
  return accounts.every((id) => ledger.isMember(id, head.ledgerSeq)) ? null : "not-member";
}

/** Steps 7 to 9: the commitment, the body with its padding, and last the signature. */
export async function openContent(
  primitives: Primitives,
  { head, headerBytes, body }: Envelope,
  contentKey: Bytes,
  signingKey: Bytes,
): Promise<Result<OpenedMessage, ReadFault>> {
  const { suite, commitment } = head;
  const opened = openBody(primitives, suite, contentKey, commitment, headerBytes, body);
  if (!opened.ok) return opened;
  const { signature, plaintext, contentType, payload } = opened.value;
  const plaintextHash = primitives.sha256(plaintext);
  const signed = messageSigned(primitives.sha256(headerBytes), plaintextHash);
  if (!(await primitives.ed25519Verify(signingKey, signed, signature))) return err("signature");
  const messageHash = primitives.sha256(concat(headerBytes, body));
  return ok({ header: head, contentType, payload, messageHash, plaintextHash });
}
