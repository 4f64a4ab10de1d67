// A reader's end of someone's session, as a value, and what it knows of the writer's progress. SPEC §5, C16, C31.
import { type Bytes, equalBytes } from "#base/bytes.ts";
import type { SuiteId } from "#protocol/envelope.ts";
import type { AccountId, ConversationId, DeviceId } from "#protocol/ids.ts";
import type { EnvelopeRecipient } from "#protocol/recipients.ts";
import { MAX_OPEN_SESSIONS } from "./limits.ts";
import { eraseChain, expireSkippedKeys, type ReceiverChain } from "./ratchet/receiver-chain.ts";

/** A message of a session that was read: its hash and the one it names as the message before. */
export type MessageLink = { readonly hash: Bytes; readonly previous: Bytes };

/** A reader's session. Its stored form is made by `receiver-session-record.ts`. */
export type ReceiverSession = {
  readonly sid: Bytes;
  readonly writer: Bytes;
  readonly conversationId: ConversationId;
  readonly suite: SuiteId;
  readonly senderId: AccountId;
  readonly senderDeviceId: DeviceId;
  readonly openHash: Bytes;
  readonly previousSid: Bytes | null;
  readonly ledgerSeq: number;
  readonly ledgerHead: Bytes;
  readonly createdAt: number;
  readonly recipientList: Bytes;
  readonly recipientsHash: Bytes;
  /** Whether some recipient was reached by its card's long-lived key. */
  readonly isReducedSecurity: boolean;
  readonly chain: ReceiverChain;
  readonly links: ReadonlyMap<number, MessageLink>;
  /** How many messages there are, once the writer has said so. */
  readonly count: number | null;
};

/** Who reads: a device, and the fingerprint of its account's identity key. */
export type Reader = {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  readonly fingerprint: Bytes;
};

/** Indexes below the newest known message that have not been read. Source: SPEC C31. */
export function missingIndexes(session: ReceiverSession): readonly number[] {
  const end = Math.max(session.count ?? 0, session.chain.next);
  return Array.from({ length: end }, (_, index) => index).filter(
    (index) => !session.links.has(index),
  );
}

/**
 * The session once its writer has said how many messages it has; null when what was read says otherwise.
 *
 * Source: SPEC C17, C31.
 */
export function endSession(
  session: ReceiverSession,
  end: { readonly sid: Bytes; readonly count: number; readonly lastHash: Bytes },
): ReceiverSession | null {
  return equalBytes(end.sid, session.sid) && isProgressTrue(session, end)
    ? { ...session, count: end.count }
    : null;
}

/** Whether what a writer says of a session's progress agrees with what was read of it. Source: SPEC C31. */
export function isProgressTrue(
  session: ReceiverSession,
  progress: { readonly count: number; readonly lastHash: Bytes },
): boolean {
  const last = hashBefore(session, progress.count);
  return (
    progress.count >= session.chain.next && (last === null || equalBytes(last, progress.lastHash))
  );
}

/** Sessions of one writer's device and conversation that must be dropped, the oldest first. Source: SPEC C16. */
export const sessionsToClose = (sessions: readonly ReceiverSession[]): readonly ReceiverSession[] =>
  sessions
    .toSorted((a, b) => a.createdAt - b.createdAt)
    .slice(0, Math.max(0, sessions.length - MAX_OPEN_SESSIONS));

/** The session without keys of messages that did not come in time. Source: SPEC C16. */
export const expireSkipped = (session: ReceiverSession, now: number): ReceiverSession => ({
  ...session,
  chain: expireSkippedKeys(session.chain, now),
});

/** Overwrites the secrets of a session that has been replaced or dropped. */
export const eraseReceiverSession = ({ chain }: ReceiverSession): void => eraseChain(chain);

/** Whether a list's item is this reader. */
export const isReader = (self: Reader, recipient: EnvelopeRecipient): boolean =>
  recipient.accountId === self.accountId && recipient.deviceId === self.deviceId;

/** Hash that message `index` must name; null when the message before it was not read. */
export const hashBefore = (session: ReceiverSession, index: number): Bytes | null =>
  index === 0 ? session.openHash : (session.links.get(index - 1)?.hash ?? null);
