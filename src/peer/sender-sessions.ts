/**
 * Own sending chains, one per conversation, in memory only: a chain that was ever on disk could be continued twice.
 * A new one starts after a restart, a ledger entry, a changed prekey, 64 messages or 24 h. A state that was stepped on
 * is overwritten at once. SPEC E33, E46.
 */
import { concat, equalBytes, type Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import { createKeyedQueue } from "#base/queue.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { Signer } from "#crypto/identity.ts";
import type { AccountState } from "#crypto/ledger/account-state.ts";
import type { LedgerPoint } from "#crypto/ledger/entry.ts";
import type { Writer } from "#crypto/message-seal.ts";
import type { Primitives } from "#crypto/primitives.ts";
import {
  eraseSenderSession,
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
import type { RecipientFinder, Recipients } from "./recipients.ts";
import type { Store } from "./store.ts";

export type Sealed = {
  readonly envelope: Bytes;
  /** Travels with the first message of a session. */
  readonly sessionOpen: Bytes | null;
  readonly messageHash: Bytes;
  readonly plaintextHash: Bytes;
  readonly header: MessageHeader;
  /** Some agent is reached by its card's long-lived key: no forward secrecy for it. */
  readonly reduced: boolean;
};

export type ToSeal = {
  readonly messageId: MessageId;
  readonly contentType: string;
  readonly payload: Bytes;
  readonly kind: MessageKind;
};

export interface SenderSessions {
  /** Random per process: no other process ever writes under this name. 16 bytes. */
  readonly writer: Bytes;
  /** Whether the conversation's next message would be of this session, if nothing ends it before. */
  holds(conversationId: ConversationId, sid: Bytes): boolean;
  /** Seals the next message. Fails with `peer/fork`, `peer/ledger-withheld`, `peer/no-prekey`, `peer/key-changed`, `peer/cannot-seal` … */
  seal(conversationId: ConversationId, message: ToSeal): Promise<Result<Sealed, PeerFailure>>;
  /** Ends the session: a message of it was refused, and the chain must not show a hole. */
  end(conversationId: ConversationId): void;
  /** Moves what follows from an ended session to the disk, unless there is a new one. */
  release(conversationId: ConversationId): Promise<void>;
}

export const createSenderSessions = (options: Needs): SenderSessions => new OwnChains(options);

/** Writer and session id of the last session of a conversation that was put away, 16 bytes each. */
const LAST_TABLE = "own-last-session";

type Needs = {
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly store: Store;
  readonly self: {
    readonly accountId: AccountId;
    readonly deviceId: DeviceId;
    readonly signer: Signer;
  };
  readonly ownFingerprint: () => Promise<Result<Bytes, PeerFailure>>;
  readonly keyring: Keyring;
  readonly ledgers: Ledgers;
  readonly finder: RecipientFinder;
  /** A session takes no further message; so many were sealed in it. May be said again with more. */
  readonly onOver?: (conversationId: ConversationId, sid: Bytes, count: number) => void;
};

/** Everything a seal needs that others decide: members, their keys, the ledger's head. */
type Prepared = Recipients & {
  readonly self: Writer;
  readonly account: AccountState;
  readonly ledger: LedgerPoint;
};

class OwnChains implements SenderSessions {
  readonly #options: Needs;
  readonly #primitives: Needs["primitives"];
  readonly #clock: Needs["clock"];
  readonly #keyring: Needs["keyring"];
  readonly #ledgers: Needs["ledgers"];
  readonly #finder: Needs["finder"];
  readonly writer: Bytes;
  readonly #sessions = new Map<ConversationId, SenderSession>();
  /** Two seals that read one state would stand at one place of the chain. */
  readonly #queue = createKeyedQueue();
  readonly #lastSids = new Map<ConversationId, Bytes>();

  constructor(options: Needs) {
    this.#options = options;
    this.#primitives = options.primitives;
    this.#clock = options.clock;
    this.#keyring = options.keyring;
    this.#ledgers = options.ledgers;
    this.#finder = options.finder;
    this.writer = this.#primitives.randomBytes(16);
  }

  seal(conversationId: ConversationId, message: ToSeal): Promise<Result<Sealed, PeerFailure>> {
    return this.#queue.run(conversationId, () => this.#seal(conversationId, message));
  }

  end(conversationId: ConversationId): void {
    const held = this.#sessions.get(conversationId);
    this.#sessions.delete(conversationId);
    if (held !== undefined) this.#tellOver(held);
    // Not under the hands of a seal that has just read it: zeros would be a key that everyone knows.
    if (held !== undefined)
      void this.#queue.run(conversationId, async () => eraseSenderSession(held));
  }

  release(conversationId: ConversationId): Promise<void> {
    return this.#queue.run(conversationId, async () => {
      const sid = this.#lastSids.get(conversationId);
      if (sid === undefined || this.#sessions.has(conversationId)) return;
      const put = { table: LAST_TABLE, key: conversationId, value: concat(this.writer, sid) };
      const saved = await this.#options.store.commit({ puts: [put] });
      if (saved.ok) this.#lastSids.delete(conversationId);
    });
  }

  holds(conversationId: ConversationId, sid: Bytes): boolean {
    const held = this.#sessions.get(conversationId);
    return held !== undefined && equalBytes(held.sid, sid);
  }

  #tellOver({ conversationId, sid, index, chain }: SenderSession): void {
    if (chain !== null) this.#options.onOver?.(conversationId, sid, index);
  }

  async #seal(
    conversationId: ConversationId,
    message: ToSeal,
  ): Promise<Result<Sealed, PeerFailure>> {
    const prepared = await this.#prepare(conversationId);
    if (!prepared.ok) return prepared;
    // One reading of the clock: a message may not be older than the session it opens.
    const now = this.#clock.now();
    const dated = { ...message, createdAt: now };
    if (prepared.value.account.mode === "envelope") {
      const { self, ledger, recipients } = prepared.value;
      const whole = { self, conversationId, ledger, recipients, ...dated };
      const sealed = await sealEnvelope(this.#primitives, whole);
      return sealed.ok
        ? ok({ ...sealed.value, sessionOpen: null, reduced: false })
        : err({ kind: "peer/cannot-seal", because: sealed.failure.kind });
    }
    const held = this.#sessions.get(conversationId);
    const opened = await this.#current(conversationId, held, prepared.value, now);
    if (!opened.ok) return err({ kind: "peer/cannot-seal", because: opened.failure.kind });
    const { session, sessionOpen } = opened.value;
    const sealed = await sealMessage(this.#primitives, session, dated);
    if (!sealed.ok) {
      if (session !== held) eraseSenderSession(session);
      return err({ kind: "peer/cannot-seal", because: sealed.failure.kind });
    }
    eraseSenderSession(session);
    if (held !== undefined) eraseSenderSession(held);
    const next = sealed.value.session;
    if (held !== undefined && !equalBytes(held.sid, next.sid)) this.#tellOver(held);
    // Ended in the meantime: what was sealed stands, and nothing follows it.
    if (this.#sessions.get(conversationId) === held) this.#sessions.set(conversationId, next);
    else {
      eraseSenderSession(next);
      this.#tellOver(next);
    }
    this.#lastSids.set(conversationId, sealed.value.header.sid);
    // A session ends when any key it was opened to changes, so these are its own.
    const reduced = prepared.value.recipients.some(({ delivery }) => "bootstrapKey" in delivery);
    return ok({ ...sealed.value, sessionOpen, reduced });
  }

  async #prepare(conversationId: ConversationId): Promise<Result<Prepared, PeerFailure>> {
    const state = await this.#ledgers.confirm(conversationId);
    if (!state.ok) return state;
    if (this.#ledgers.isForked(conversationId))
      return err({ kind: "peer/fork", conversationId } as const);
    if (!state.value.members.has(this.#options.self.accountId))
      return err({ kind: "peer/not-member" } as const);
    const account = await this.#keyring.account(this.#options.self.accountId);
    if (!account.ok) return account;
    const found = await this.#finder.find(state.value);
    if (!found.ok) return found;
    const fingerprint = await this.#options.ownFingerprint();
    if (!fingerprint.ok) return fingerprint;
    return ok({
      self: { ...this.#options.self, fingerprint: fingerprint.value },
      account: account.value,
      ledger: { seq: state.value.seq, head: state.value.head },
      ...found.value,
    });
  }

  /** An earlier run wrote under another name, and what it wrote does not go on. */
  async #lastSid(conversationId: ConversationId): Promise<Bytes | null> {
    const held = this.#lastSids.get(conversationId);
    if (held !== undefined) return held;
    const row = await this.#options.store.get(LAST_TABLE, conversationId);
    return row !== null && equalBytes(row.subarray(0, 16), this.writer) ? row.slice(16) : null;
  }

  async #current(
    conversationId: ConversationId,
    held: SenderSession | undefined,
    prepared: Prepared,
    now: number,
  ) {
    const limits = { now, ledgerSeq: prepared.ledger.seq, prekeyKids: prepared.kids };
    if (held !== undefined && !sessionEnded(held, limits))
      return ok({ session: held, sessionOpen: null });
    return openSenderSession(this.#primitives, {
      writer: this.writer,
      self: prepared.self,
      conversationId,
      account: { seq: prepared.account.seq, head: prepared.account.head },
      ledger: prepared.ledger,
      previousSid: await this.#lastSid(conversationId),
      recipients: prepared.recipients,
      now,
    });
  }
}
