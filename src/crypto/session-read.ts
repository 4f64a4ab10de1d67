// Reading one message of a session. The session is a value: nothing changes before the message is proven, and a
// failure leaves the one passed in as it was. SPEC §7.
import { type Bytes, equalBytes, wipe } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import { type Envelope, type EnvelopeHead, parseEnvelope } from "#protocol/envelope.ts";
import { encodeRecipients } from "#protocol/recipients.ts";
import type { CryptoFailure, ReadFault } from "./failure.ts";
import type { LedgerView } from "./ledger/conversation-state.ts";
import { SESSION_AGE_MS, SESSION_GRACE_MS, SESSION_MESSAGES } from "./limits.ts";
import {
  cannotRead,
  checkRecipients,
  isBy,
  notEnvelope,
  openContent,
  type OpenedMessage,
  type ReadContext,
} from "./message-open.ts";
import type { Primitives } from "./primitives.ts";
import { eraseChain, takeMessageKey } from "./ratchet/receiver-chain.ts";
import { hashBefore, type ReceiverSession } from "./receiver-session.ts";
import { openSessionWrap } from "./wrap.ts";

/**
 * Opens a message of a session and gives the session after it.
 *
 * `gap`: the message before it is missing or is not the one it names.
 * Fails with `crypto/cannot-read`; the session passed in is then still the right one to keep.
 * Source: SPEC C8, C9, C11, C12, C16, C17, C25, C27, C31.
 */
export async function openMessage(
  primitives: Primitives,
  session: ReceiverSession,
  envelope: Bytes,
  context: ReadContext,
): Promise<
  Result<
    OpenedMessage & { readonly gap: boolean; readonly session: ReceiverSession },
    CryptoFailure
  >
> {
  const parsed = parseEnvelope(envelope);
  if (!parsed.ok) return notEnvelope(parsed.failure);
  const { head, headerBytes, sessionWrap } = parsed.value;
  const fault = checkMessage(primitives, session, parsed.value, context);
  if (fault !== null) return cannotRead(fault);

  const taken = takeMessageKey(primitives, session.chain, head.index, context.now);
  if (!taken.ok) return cannotRead(taken.failure);
  const { messageKey, chain } = taken.value;
  const headerHash = primitives.sha256(headerBytes);
  const contentKey = openSessionWrap(primitives, messageKey, head, headerHash, sessionWrap);
  wipe(messageKey);
  const opened =
    contentKey === null
      ? err("tag" as const)
      : await openContent(primitives, parsed.value, contentKey, context.sender.signingKey);
  if (contentKey !== null) wipe(contentKey);
  if (!opened.ok) {
    eraseChain(chain);
    return cannotRead(opened.failure);
  }

  const gap = !equalBytes(hashBefore(session, head.index) ?? new Uint8Array(), head.previous);
  const link = { hash: opened.value.messageHash, previous: head.previous };
  const links = new Map(session.links).set(head.index, link);
  return ok({ ...opened.value, gap, session: { ...session, chain, links } });
}

/** Steps 2 to 5, without touching a key. */
function checkMessage(
  primitives: Primitives,
  session: ReceiverSession,
  envelope: Envelope,
  { sender, ledger, suiteFloor, seen }: ReadContext,
): ReadFault | null {
  const { head } = envelope;
  const isOfSession =
    equalBytes(head.sid, session.sid) &&
    head.conversationId === session.conversationId &&
    head.senderId === session.senderId &&
    head.senderDeviceId === session.senderDeviceId;
  if (!isOfSession) return "unknown-session";
  if (!isBy(sender, head)) return "unknown-sender";
  const isSameLedger =
    head.ledgerSeq === session.ledgerSeq && equalBytes(head.ledgerHead, session.ledgerHead);
  if (!isSameLedger) return "ledger-mismatch";
  if (head.suite < suiteFloor) return "below-floor";
  if (head.suite !== session.suite || !head.hasSessionWrap) return "unknown-session";
  const listFault = checkSessionList(primitives, session, envelope, ledger);
  if (listFault !== null) return listFault;
  return checkBounds(session, head) ?? (seen(head) ? "replay" : null);
}

function checkBounds(session: ReceiverSession, head: EnvelopeHead): ReadFault | null {
  if (head.index >= Math.min(SESSION_MESSAGES, session.count ?? SESSION_MESSAGES)) {
    return "out-of-range";
  }
  const age = head.createdAt - session.createdAt;
  return age < 0 || age > SESSION_AGE_MS + SESSION_GRACE_MS ? "out-of-time" : null;
}

/** Without envelope wraps the session's own list is meant; otherwise the list must hold it whole. */
function checkSessionList(
  primitives: Primitives,
  session: ReceiverSession,
  envelope: Envelope,
  ledger: LedgerView,
): ReadFault | null {
  const { head } = envelope;
  if (!head.hasEnvelopeWraps) {
    const isOpenList = equalBytes(head.recipientsHash, session.recipientsHash);
    return isOpenList ? null : "recipients-mismatch";
  }
  const sessionPart = head.recipients.filter(({ mode }) => mode === "session");
  if (!equalBytes(encodeRecipients(sessionPart), session.recipientList)) {
    return "recipients-mismatch";
  }
  return checkRecipients(primitives, envelope, ledger);
}
