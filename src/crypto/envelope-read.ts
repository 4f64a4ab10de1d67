// Reading a message that has a wrap of its own for this device: no session, no chain, no proof of order. SPEC §7.2.
import { type Bytes, wipe } from "#base/bytes.ts";
import { ok, type Result } from "#base/result.ts";
import { type Envelope, parseEnvelope } from "#protocol/envelope.ts";
import type { DeliveryMode } from "#protocol/recipients.ts";
import type { CryptoFailure, ReadFault } from "./failure.ts";
import { CLOCK_SKEW_MS, ENVELOPE_WINDOW_MS } from "./limits.ts";
import {
  cannotRead,
  checkLedger,
  checkRecipients,
  isBy,
  notEnvelope,
  openContent,
  type OpenedMessage,
  type ReadContext,
} from "./message-open.ts";
import type { OurPrekey } from "./prekeys.ts";
import type { Primitives } from "./primitives.ts";
import { isReader, type Reader } from "./receiver-session.ts";
import { openEnvelopeWrap } from "./wrap.ts";

/**
 * Opens a message by this device's own wrap.
 *
 * Shapes: `self.mode` is how our card says we are written to. `isExecutable` is false for a message so old or so
 * far ahead that it may be shown but never acted on.
 * Fails with `crypto/cannot-read`; a `ledger-fork` here is not signed yet: fetch the ledger before believing it.
 * Source: SPEC C8, C10, C11, C12, C24, C25, C27, C32.
 */
export async function openEnvelopeMessage(
  primitives: Primitives,
  envelope: Bytes,
  context: ReadContext & {
    readonly self: Reader & { readonly mode: DeliveryMode };
    readonly prekeyOf: (kid: Bytes) => OurPrekey | undefined;
  },
): Promise<Result<OpenedMessage & { readonly isExecutable: boolean }, CryptoFailure>> {
  const parsed = parseEnvelope(envelope);
  if (!parsed.ok) return notEnvelope(parsed.failure);
  const { head, headerBytes, envelopeWraps } = parsed.value;
  const { self, sender } = context;
  const fault = checkMessage(primitives, parsed.value, context);
  if (fault !== null) return cannotRead(fault);

  const wrapped = head.recipients.filter(({ mode }) => mode === "envelope");
  const own = wrapped.findIndex((recipient) => isReader(self, recipient));
  const ourItem = wrapped[own];
  const wrap = envelopeWraps[own];
  if (ourItem === undefined || wrap === undefined) return cannotRead("not-addressed");
  if (context.seen(head)) return cannotRead("replay");
  const ours = context.prekeyOf(ourItem.kid);
  const isOurs =
    ours?.prekey.owner === self.accountId &&
    ours.prekey.device === self.deviceId &&
    ours.prekey.suite === head.suite;
  if (ours === undefined || !isOurs) return cannotRead("unknown-prekey");

  const headerHash = primitives.sha256(headerBytes);
  const wrapContext = { ...head, senderFingerprint: sender.fingerprint };
  const recipient = {
    ...ourItem,
    fingerprint: self.fingerprint,
    privateKey: ours.privateKey.reveal(),
  };
  const contentKey = await openEnvelopeWrap(primitives, wrapContext, recipient, headerHash, wrap);
  if (contentKey === null) return cannotRead("tag");
  const opened = await openContent(primitives, parsed.value, contentKey, sender.signingKey);
  wipe(contentKey);
  if (!opened.ok) return cannotRead(opened.failure);
  return ok({ ...opened.value, isExecutable: isTimely(head.createdAt, context.now) });
}

/** Steps 2 to 4, without touching a key. */
function checkMessage(
  primitives: Primitives,
  envelope: Envelope,
  context: ReadContext & { readonly self: { readonly mode: DeliveryMode } },
): ReadFault | null {
  const { head } = envelope;
  const { sender, ledger, self, suiteFloor } = context;
  if (!isBy(sender, head)) return "unknown-sender";
  const ledgerFault = checkLedger(ledger, head.ledgerSeq, head.ledgerHead);
  if (ledgerFault !== null) return ledgerFault;
  // Two devices that both keep sessions never fall back to a wrap without forward secrecy.
  const isFallback = self.mode === "session" && sender.mode === "session";
  if (head.suite < suiteFloor || isFallback) return "below-floor";
  if (!head.hasEnvelopeWraps) return "unknown-session";
  return checkRecipients(primitives, envelope, ledger);
}

const isTimely = (createdAt: number, now: number): boolean =>
  now - createdAt <= ENVELOPE_WINDOW_MS && createdAt - now <= CLOCK_SKEW_MS;
