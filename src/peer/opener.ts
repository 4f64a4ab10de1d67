/**
 * One stored message from relay bytes to a verified payload, in the order of crypto SPEC §5. Everything it learns goes
 * into the draft; a failure leaves the draft as it was. What the relay said about the message must equal its head.
 * SPEC E35.
 */
import { base64ToBytes } from "#base/base64.ts";
import { equalBytes, utf8ToText, type Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { AccountState } from "#crypto/ledger/account-state.ts";
import { ledgerView, type ConversationState } from "#crypto/ledger/conversation-state.ts";
import type { Primitives } from "#crypto/primitives.ts";
import { openEnvelopeMessage } from "#crypto/envelope-read.ts";
import { senderView, type SenderView } from "#crypto/sender-view.ts";
import { openMessage } from "#crypto/session-read.ts";
import { peekEnvelope, type EnvelopeHead } from "#protocol/envelope.ts";
import type { AccountId, ConversationId, MessageId } from "#protocol/ids.ts";
import { parsePayload, type Payload } from "#protocol/payload.ts";
import { ENVELOPE_FORMAT } from "#protocol/version.ts";
import type { Draft } from "./draft.ts";
import type { PeerFailure } from "./failure.ts";
import type { Keyring } from "./keyring.ts";
import type { Ledgers } from "./ledgers.ts";
import type { OwnPrekeys } from "./prekey-keeper.ts";
import { causeOf, type OwnView, type ReceiverSessions } from "./receiver-sessions.ts";
import type { Store } from "./store.ts";

/** A message as the relay hands it over. */
export type SealedRow = {
  readonly conversationId: ConversationId;
  readonly seq: number;
  readonly messageId: MessageId;
  readonly senderId: AccountId;
  readonly envelopeVersion: string;
  /** Base64. */
  readonly envelope: string;
  readonly sessionOpen: string | null;
};

export type Opened = {
  readonly header: EnvelopeHead;
  readonly sender: AccountState;
  readonly payload: Payload;
  readonly messageHash: Bytes;
  readonly plaintextHash: Bytes;
  readonly gap: boolean;
  /** It is the message whose absence the one after it has shown. */
  readonly fillsGap: boolean;
  readonly mode: "session" | "envelope";
  /** The session was opened to the long-lived key: no forward secrecy. */
  readonly reduced: boolean;
};

export interface Opener {
  /**
   * Fails with `peer/cannot-read`, final for this message; any other failure is of the line or the store, and the
   * message may open later.
   */
  open(row: SealedRow, draft: Draft): Promise<Result<Opened, PeerFailure>>;
}

/** Log seq at which a member's removal stands, by conversation and account. */
export const REMOVALS_TABLE = "removals";

export const createOpener = (options: Needs): Opener => new VerifyingOpener(options);

type Needs = {
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly store: Store;
  readonly self: () => Promise<Result<OwnView, PeerFailure>>;
  readonly keyring: Keyring;
  readonly ledgers: Ledgers;
  readonly sessions: ReceiverSessions;
  readonly prekeys: OwnPrekeys;
};

class VerifyingOpener implements Opener {
  readonly #options: Needs;
  readonly #primitives: Needs["primitives"];
  readonly #clock: Needs["clock"];
  readonly #keyring: Needs["keyring"];
  readonly #ledgers: Needs["ledgers"];
  readonly #sessions: Needs["sessions"];

  constructor(options: Needs) {
    this.#options = options;
    this.#primitives = options.primitives;
    this.#clock = options.clock;
    this.#keyring = options.keyring;
    this.#ledgers = options.ledgers;
    this.#sessions = options.sessions;
  }

  async open(row: SealedRow, draft: Draft): Promise<Result<Opened, PeerFailure>> {
    if (row.envelopeVersion !== ENVELOPE_FORMAT) return unreadable("unknown-version");
    const envelope = base64ToBytes(row.envelope);
    const head = envelope === null ? null : peekEnvelope(envelope);
    if (envelope === null || head === null || !head.ok) return unreadable("malformed");
    if (!isAsSaid(row, head.value)) return unreadable("malformed");
    const opened = await this.#read(row, envelope, head.value, draft);
    if (opened.ok || opened.failure.kind !== "peer/cannot-read") return opened;
    if (opened.failure.because === "ledger-fork") await this.#ledgers.compare(row.conversationId);
    if (opened.failure.because !== "account-unknown") return opened;
    // The sender knows a newer state of its own account than we do.
    const refreshed = await this.#keyring.refresh(row.senderId);
    return refreshed.ok ? this.#read(row, envelope, head.value, draft) : refreshed;
  }

  async #conversationAt(head: EnvelopeHead): Promise<Result<ConversationState, PeerFailure>> {
    const state = await this.#ledgers.state(head.conversationId);
    if (!state.ok || state.value.seq >= head.ledgerSeq) return state;
    return this.#ledgers.refresh(head.conversationId);
  }

  async #senderOf(
    head: EnvelopeHead,
  ): Promise<Result<{ readonly account: AccountState; readonly view: SenderView }, PeerFailure>> {
    let account = await this.#keyring.account(head.senderId);
    if (!account.ok) return account;
    let view = senderView(this.#primitives, account.value, head.senderDeviceId);
    if (view === null && !account.value.devices.has(head.senderDeviceId)) {
      account = await this.#keyring.refresh(head.senderId);
      if (!account.ok) return account;
      view = senderView(this.#primitives, account.value, head.senderDeviceId);
    }
    return view === null ? unreadable("unknown-sender") : ok({ account: account.value, view });
  }

  async #isMember(state: ConversationState, row: SealedRow, draft: Draft): Promise<boolean> {
    if (state.members.has(row.senderId)) return true;
    if (!state.removed.has(row.senderId)) return false;
    const key = removalKey(row.conversationId, row.senderId);
    // A removal that is taken in together with what the relay put behind it is not on the disk yet.
    const drafted = draft.puts.findLast((put) => put.table === REMOVALS_TABLE && put.key === key);
    const place = drafted?.value ?? (await this.#options.store.get(REMOVALS_TABLE, key));
    return place === null || row.seq < Number(utf8ToText(place));
  }

  async #read(
    row: SealedRow,
    envelope: Bytes,
    head: EnvelopeHead,
    draft: Draft,
  ): Promise<Result<Opened, PeerFailure>> {
    const self = await this.#options.self();
    if (!self.ok) return self;
    const state = await this.#conversationAt(head);
    if (!state.ok) return state;
    const sender = await this.#senderOf(head);
    if (!sender.ok) return sender;
    if (!(await this.#isMember(state.value, row, draft))) return unreadable("not-member");
    const { view, account } = sender.value;
    const context = {
      sender: view,
      ledger: ledgerView(state.value),
      now: this.#clock.now(),
      seen: () => false,
      suiteFloor: self.value.suiteFloor,
    };
    if (!head.hasSessionWrap) {
      const opened = await openEnvelopeMessage(this.#primitives, envelope, {
        ...context,
        self: self.value,
        prekeyOf: this.#options.prekeys.of,
      });
      if (!opened.ok) return unreadable(causeOf(opened.failure));
      return finish(opened.value, account, {
        gap: false,
        fillsGap: false,
        mode: "envelope",
        reduced: false,
      });
    }
    const name = {
      conversationId: row.conversationId,
      deviceId: head.senderDeviceId,
      sid: head.sid,
    };
    const session = await this.#sessions.load(name, draft, {
      sender: view,
      conversation: state.value,
      self: self.value,
      sessionOpen: row.sessionOpen === null ? null : base64ToBytes(row.sessionOpen),
    });
    if (!session.ok) return session;
    const opened = await openMessage(this.#primitives, session.value, envelope, context);
    if (!opened.ok) return unreadable(causeOf(opened.failure));
    await this.#sessions.put(name, opened.value.session, draft);
    const { messageHash, gap } = opened.value;
    const after = opened.value.session.links.get(head.index + 1);
    return finish(opened.value, account, {
      gap,
      fillsGap: after !== undefined && equalBytes(after.previous, messageHash),
      mode: "session",
      reduced: opened.value.session.isReducedSecurity,
    });
  }
}

export const removalKey = (conversationId: ConversationId, accountId: AccountId): string =>
  `${conversationId}/${accountId}`;

const unreadable = (because: string) => err({ kind: "peer/cannot-read", because } as const);

const isAsSaid = (row: SealedRow, head: EnvelopeHead): boolean =>
  head.conversationId === row.conversationId &&
  head.messageId === row.messageId &&
  head.senderId === row.senderId;

function finish(
  opened: {
    readonly header: EnvelopeHead;
    readonly payload: Bytes;
    readonly messageHash: Bytes;
    readonly plaintextHash: Bytes;
  },
  sender: AccountState,
  how: Pick<Opened, "gap" | "fillsGap" | "mode" | "reduced">,
): Result<Opened, PeerFailure> {
  const payload = parsePayload(opened.payload);
  if (!payload.ok) return unreadable("bad-payload");
  const { header, messageHash, plaintextHash } = opened;
  return ok({ header, sender, payload: payload.value, messageHash, plaintextHash, ...how });
}
