// A writer's session: opened to a fixed list of devices, then one message after another, never resumed.
// State is a value: sealing gives the next one and leaves the one passed in as it was. SPEC §5, C15, C17.
import { type Bytes, bytesToHex, equalBytes, utf8, wipe } from "#base/bytes.ts";
import { assert } from "#base/invariant.ts";
import { err, ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import type { OpenHeader, SuiteId } from "#protocol/envelope.ts";
import type { ConversationId } from "#protocol/ids.ts";
import { encodeRecipients, MAX_RECIPIENTS } from "#protocol/recipients.ts";
import type { CryptoFailure } from "./failure.ts";
import type { LedgerPoint } from "./ledger/entry.ts";
import { SESSION_AGE_MS, SESSION_MESSAGES } from "./limits.ts";
import { type NewMessage, type SealedMessage, sealParts, type Writer } from "./message-seal.ts";
import type { Primitives } from "./primitives.ts";
import { rootChainKey } from "./ratchet/chain-key.ts";
import { advanceSender, type SenderChain } from "./ratchet/sender-chain.ts";
import { type Recipient, type SealTarget, suiteOf, targetOf } from "./recipient.ts";
import { sealSessionOpen } from "./session-open.ts";

/** A writer's session. Lives in memory only: what is stored could be run twice. */
export type SenderSession = {
  readonly sid: Bytes;
  readonly writer: Bytes;
  readonly self: Writer;
  readonly conversationId: ConversationId;
  readonly suite: SuiteId;
  readonly ledger: LedgerPoint;
  readonly createdAt: number;
  /** The whole recipient list; its session part is the open's. */
  readonly list: Bytes;
  readonly envelopeTargets: readonly SealTarget[];
  readonly kids: readonly Bytes[];
  readonly maxMessages: number;
  readonly index: number;
  /** Null when every recipient is stateless: then the session only counts. */
  readonly chain: SenderChain | null;
  /** Hash that the next message names: of the one before, of the open, or zeros. */
  readonly previous: Bytes;
};

/** What a new session is opened with. `account` and `ledger` are the newest places known of both. */
export type NewSession = {
  readonly writer: Bytes;
  readonly self: Writer;
  readonly conversationId: ConversationId;
  readonly account: LedgerPoint;
  readonly ledger: LedgerPoint;
  readonly previousSid: Bytes | null;
  readonly recipients: readonly Recipient[];
  readonly now: number;
};

/**
 * Opens a session to the recipients and gives the record that must travel with its first message.
 *
 * Shapes: `writer` 16 random bytes of this process or tab; `sessionOpen` null when every recipient is stateless.
 * Fails with `crypto/no-recipients`, `crypto/too-many-recipients`, `crypto/mixed-suites`, `crypto/bad-public-key`.
 * Source: SPEC C10, C15, C20, C43.
 */
export async function openSenderSession(
  primitives: Primitives,
  options: NewSession,
): Promise<
  Result<{ readonly session: SenderSession; readonly sessionOpen: Bytes | null }, CryptoFailure>
> {
  const chosen = chooseTargets(primitives, options.recipients);
  if (!chosen.ok) return chosen;
  const { suite, targets } = chosen.value;
  const session: SenderSession = {
    sid: primitives.randomBytes(16),
    writer: options.writer,
    self: options.self,
    conversationId: options.conversationId,
    suite,
    ledger: options.ledger,
    createdAt: options.now,
    list: encodeRecipients(targets),
    envelopeTargets: targets.filter(({ mode }) => mode === "envelope"),
    kids: targets.map(({ kid }) => kid),
    maxMessages: maxMessagesOf(options.recipients),
    index: 0,
    chain: null,
    previous: new Uint8Array(32),
  };
  const sessionTargets = targets.filter(({ mode }) => mode === "session");
  if (sessionTargets.length === 0) return ok({ session, sessionOpen: null });

  const seed = primitives.randomBytes(32);
  const head = openHeadOf(session, options);
  const opened = await sealSessionOpen(primitives, head, sessionTargets, seed, options.self.signer);
  if (!opened.ok) return opened;
  const { openHash, sessionOpen } = opened.value;
  const key = new Secret(rootChainKey(primitives, openHash, seed));
  wipe(seed);
  return ok({ session: { ...session, chain: { index: 0, key }, previous: openHash }, sessionOpen });
}

/**
 * Seals the session's next message and gives the session after it.
 *
 * Fails with `crypto/session-over` past its messages or age, `crypto/payload-too-large`, `crypto/bad-public-key`.
 * On failure the session passed in is still the right one to keep; after success erase it.
 * Source: SPEC C6, C15, C17.
 */
export async function sealMessage(
  primitives: Primitives,
  session: SenderSession,
  message: NewMessage,
): Promise<Result<SealedMessage & { readonly session: SenderSession }, CryptoFailure>> {
  const { index, createdAt } = session;
  const isOver =
    index >= session.maxMessages ||
    message.createdAt < createdAt ||
    message.createdAt > createdAt + SESSION_AGE_MS;
  if (isOver) return err({ kind: "crypto/session-over" });

  const step = session.chain && advanceSender(primitives, session.chain);
  const sealed = await sealParts(
    primitives,
    session.self,
    {
      suite: session.suite,
      conversationId: session.conversationId,
      sid: session.sid,
      index,
      ledgerSeq: session.ledger.seq,
      ledgerHead: session.ledger.head,
      previous: session.previous,
    },
    {
      messageKey: step?.messageKey ?? null,
      list: session.list,
      envelopeTargets: session.envelopeTargets,
    },
    message,
  );
  if (step !== null) wipe(step.messageKey);
  if (!sealed.ok) return sealed;
  const chain = step?.chain ?? null;
  const previous = sealed.value.messageHash;
  return ok({ ...sealed.value, session: { ...session, index: index + 1, chain, previous } });
}

/**
 * Seals one message without any session, as a writer does that keeps no state.
 *
 * Fails with `crypto/no-prekey` for a recipient reached by a card's key alone, else as {@link openSenderSession}.
 * Source: SPEC C32.
 */
export async function sealEnvelope(
  primitives: Primitives,
  options: NewMessage & {
    readonly self: Writer;
    readonly conversationId: ConversationId;
    readonly ledger: LedgerPoint;
    readonly recipients: readonly Recipient[];
  },
): Promise<Result<SealedMessage, CryptoFailure>> {
  const { self, conversationId, ledger, recipients, ...message } = options;
  if (recipients.some(({ delivery }) => "bootstrapKey" in delivery)) {
    return err({ kind: "crypto/no-prekey" });
  }
  const chosen = chooseTargets(primitives, recipients, "envelope");
  if (!chosen.ok) return chosen;
  const { suite, targets } = chosen.value;
  const place = {
    suite,
    conversationId,
    sid: primitives.randomBytes(16),
    index: 0,
    ledgerSeq: ledger.seq,
    ledgerHead: ledger.head,
    previous: new Uint8Array(32),
  };
  const list = encodeRecipients(targets);
  const readers = { messageKey: null, list, envelopeTargets: targets };
  return sealParts(primitives, self, place, readers, message);
}

/**
 * Whether the next message needs a new session.
 *
 * Shapes: `prekeyKids` are the key ids one would choose now for all recipients, in any order.
 * Source: SPEC C17, C20.
 */
export function sessionEnded(
  session: SenderSession,
  current: {
    readonly now: number;
    readonly ledgerSeq: number;
    readonly prekeyKids: readonly Bytes[];
  },
): boolean {
  const { createdAt, kids } = session;
  const isSameKids =
    kids.length === current.prekeyKids.length &&
    equalBytes(sortedKids(kids), sortedKids(current.prekeyKids));
  return (
    session.index >= session.maxMessages ||
    current.now < createdAt ||
    current.now > createdAt + SESSION_AGE_MS ||
    current.ledgerSeq !== session.ledger.seq ||
    !isSameKids
  );
}

/** Overwrites the secret of a session that has been replaced or is over. */
export function eraseSenderSession({ chain }: SenderSession): void {
  if (chain !== null) wipe(chain.key.reveal());
}

const openHeadOf = (
  session: SenderSession,
  { self, account, previousSid }: NewSession,
): Omit<OpenHeader, "recipientsHash"> => ({
  suite: session.suite,
  conversationId: session.conversationId,
  sid: session.sid,
  writer: session.writer,
  senderId: self.accountId,
  senderDeviceId: self.deviceId,
  senderFingerprint: self.fingerprint,
  accountSeq: account.seq,
  accountHead: account.head,
  ledgerSeq: session.ledger.seq,
  ledgerHead: session.ledger.head,
  previousSid,
  createdAt: session.createdAt,
});

function chooseTargets(
  primitives: Primitives,
  recipients: readonly Recipient[],
  mode?: "envelope",
): Result<{ readonly suite: SuiteId; readonly targets: readonly SealTarget[] }, CryptoFailure> {
  const count = recipients.length;
  if (count === 0) return err({ kind: "crypto/no-recipients" });
  if (count > MAX_RECIPIENTS) return err({ kind: "crypto/too-many-recipients", count });
  const devices = new Set(recipients.map(({ accountId, deviceId }) => accountId + deviceId));
  assert(devices.size === count, "each device is addressed once");
  const targets = recipients.map((recipient) =>
    targetOf(primitives, recipient, mode ?? recipient.delivery.mode),
  );
  const suite = suiteOf(targets);
  return suite === null ? err({ kind: "crypto/mixed-suites" }) : ok({ suite, targets });
}

const maxMessagesOf = (recipients: readonly Recipient[]): number =>
  recipients.reduce(
    (least, { delivery }) =>
      "prekey" in delivery ? Math.min(least, delivery.prekey.maxSession) : least,
    SESSION_MESSAGES,
  );

const sortedKids = (kids: readonly Bytes[]): Bytes => utf8(kids.map(bytesToHex).toSorted().join());
