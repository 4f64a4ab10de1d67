/**
 * Own sending chains, one per conversation, in memory only: a chain that was ever on disk could be continued twice.
 * A new one starts after a restart, a ledger entry, a changed prekey, 64 messages or 24 h. SPEC E33.
 */
import type { Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { Signer } from "#crypto/identity.ts";
import type { Primitives } from "#crypto/primitives.ts";
import {
  openSenderSession,
  sealEnvelope,
  sealMessage,
  sessionEnded,
  type SenderSession,
} from "#crypto/sender-session.ts";
import type { MessageHeader, MessageKind } from "#protocol/envelope.ts";
import type { AccountId, ConversationId, DeviceId, MessageId } from "#protocol/ids.ts";
import type { PeerFailure } from "./failure.ts";
import type { Keyring } from "./keyring.ts";
import type { Ledgers } from "./ledgers.ts";
import type { RecipientFinder } from "./recipients.ts";

export type Sealed = {
  readonly envelope: Bytes;
  /** Travels with the first message of a session. */
  readonly sessionOpen: Bytes | null;
  readonly messageHash: Bytes;
  readonly plaintextHash: Bytes;
  readonly header: MessageHeader;
};

export type ToSeal = {
  readonly messageId: MessageId;
  readonly contentType: string;
  readonly payload: Bytes;
  readonly kind: MessageKind;
};

export interface SenderSessions {
  /** Seals the next message. Fails with `peer/fork`, `peer/no-prekey`, `peer/key-changed`, `peer/cannot-seal` … */
  seal(conversationId: ConversationId, message: ToSeal): Promise<Result<Sealed, PeerFailure>>;
  /** Ends the session: a message of it was refused, and the chain must not show a hole. */
  end(conversationId: ConversationId): void;
}

export function createSenderSessions(options: {
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly self: {
    readonly accountId: AccountId;
    readonly deviceId: DeviceId;
    readonly signer: Signer;
  };
  readonly ownFingerprint: () => Promise<Result<Bytes, PeerFailure>>;
  readonly keyring: Keyring;
  readonly ledgers: Ledgers;
  readonly finder: RecipientFinder;
}): SenderSessions {
  const { primitives, clock, keyring, ledgers, finder } = options;
  /** Random per process: no other process ever writes under this name. */
  const writer = primitives.randomBytes(16);
  const sessions = new Map<ConversationId, SenderSession>();
  const lastSids = new Map<ConversationId, Bytes>();

  const prepare = async (conversationId: ConversationId) => {
    const state = await ledgers.state(conversationId);
    if (!state.ok) return state;
    if (ledgers.isForked(conversationId))
      return err({ kind: "peer/fork", conversationId } as const);
    if (!state.value.members.has(options.self.accountId))
      return err({ kind: "peer/not-member" } as const);
    const account = await keyring.account(options.self.accountId);
    if (!account.ok) return account;
    const found = await finder.find(state.value);
    if (!found.ok) return found;
    const fingerprint = await options.ownFingerprint();
    if (!fingerprint.ok) return fingerprint;
    return ok({
      self: { ...options.self, fingerprint: fingerprint.value },
      account: account.value,
      ledger: { seq: state.value.seq, head: state.value.head },
      ...found.value,
    });
  };
  type Prepared = Extract<Awaited<ReturnType<typeof prepare>>, { ok: true }>["value"];

  const current = async (conversationId: ConversationId, prepared: Prepared) => {
    const now = clock.now();
    const held = sessions.get(conversationId);
    const limits = { now, ledgerSeq: prepared.ledger.seq, prekeyKids: prepared.kids };
    if (held !== undefined && !sessionEnded(held, limits))
      return ok({ session: held, sessionOpen: null });
    return openSenderSession(primitives, {
      writer,
      self: prepared.self,
      conversationId,
      account: { seq: prepared.account.seq, head: prepared.account.head },
      ledger: prepared.ledger,
      previousSid: lastSids.get(conversationId) ?? null,
      recipients: prepared.recipients,
      now,
    });
  };

  return {
    async seal(conversationId, message) {
      const prepared = await prepare(conversationId);
      if (!prepared.ok) return prepared;
      const dated = { ...message, createdAt: clock.now() };
      if (prepared.value.account.mode === "envelope") {
        const { self, ledger, recipients } = prepared.value;
        const whole = { self, conversationId, ledger, recipients, ...dated };
        const sealed = await sealEnvelope(primitives, whole);
        return sealed.ok
          ? ok({ ...sealed.value, sessionOpen: null })
          : err({ kind: "peer/cannot-seal", because: sealed.failure.kind });
      }
      const opened = await current(conversationId, prepared.value);
      if (!opened.ok) return err({ kind: "peer/cannot-seal", because: opened.failure.kind });
      const sealed = await sealMessage(primitives, opened.value.session, dated);
      if (!sealed.ok) return err({ kind: "peer/cannot-seal", because: sealed.failure.kind });
      sessions.set(conversationId, sealed.value.session);
      lastSids.set(conversationId, sealed.value.header.sid);
      return ok({ ...sealed.value, sessionOpen: opened.value.sessionOpen });
    },
    end: (conversationId) => sessions.delete(conversationId),
  };
}
