/**
 * An endpoint's surface: what a browser profile and an agent process both do. Messages go out durable, idempotent
 * and in order; what comes in was opened, verified, stored and told once. The engine and the SDK stand on this.
 */
import type { Bytes } from "#base/bytes.ts";
import type { Result } from "#base/result.ts";
import type {
  AccountId,
  AgentId,
  ConversationId,
  DeviceId,
  MessageId,
  StreamId,
} from "#protocol/ids.ts";
import type { KnownPayload, Payload } from "#protocol/payload.ts";
import type { AccountState } from "#crypto/ledger/account-state.ts";
import type { Role } from "#crypto/ledger/conversation-op.ts";
import type { ConversationState } from "#crypto/ledger/conversation-state.ts";
import type { PeerFailure } from "./failure.ts";
import type { KeyChange, KnownCard } from "./keyring.ts";
import type { Batch } from "./store.ts";

export type ConnectionStatus =
  | { readonly status: "idle" }
  | { readonly status: "connecting"; readonly tries: number }
  | { readonly status: "authenticating" }
  | { readonly status: "online"; readonly connectionId: string; readonly connections: number }
  | {
      readonly status: "waiting";
      readonly since: number;
      readonly retryAt: number;
      readonly because: string;
    }
  | { readonly status: "stopped"; readonly because: string; readonly fatal: boolean };

/** A message or other durable change, opened and verified. The same value is what the log keeps (as JSON bytes). */
export type Entry = {
  readonly conversationId: ConversationId;
  readonly seq: number;
  /** Relay's clock, epoch ms. */
  readonly at: number;
  readonly authorId: AccountId;
  readonly authorKind: "human" | "agent" | "system";
  readonly authorDeviceId: DeviceId | null;
  readonly content:
    | {
        readonly kind: "message";
        readonly messageId: MessageId;
        readonly payload: Payload;
        /** Hash of header and body, base64: what approvals and chains refer to. */
        readonly messageHash: string;
        /** H(P) of the opened record, base64: what an approval's request hash is made of. */
        readonly plaintextHash: string;
        readonly streamId: StreamId | null;
        /** A message before it in its writer's chain has not come. */
        readonly gap: boolean;
        readonly suite: number;
        readonly mode: "session" | "envelope";
        readonly reduced: boolean;
        /** Closes a stream: its text is what was shown, or is not, or the stream was not followed here. */
        readonly streamProof?: "same" | "altered" | "unseen";
        /** Profiles only: their author led the group where they said it, and does. Absent in own and older rows. */
        readonly isByLead?: boolean;
      }
    | { readonly kind: "recalled"; readonly messageId: MessageId; readonly by: "author" | "server" }
    | { readonly kind: "unreadable"; readonly messageId: MessageId; readonly failure: string }
    | {
        readonly kind: "stream-ended";
        readonly streamId: StreamId;
        readonly reason: "aborted" | "orphaned" | "timeout" | "limit" | "disabled" | "altered";
      }
    | {
        readonly kind: "ledger";
        readonly op: string;
        readonly actorId: AccountId;
        readonly subjectId: AccountId;
      }
    | {
        readonly kind: "relation";
        readonly status: "established" | "suspended" | "restored" | "revoked";
        readonly facts: Readonly<Record<string, string>>;
      }
    | {
        readonly kind: "other";
        readonly frameType: string;
        readonly facts: Readonly<Record<string, string>>;
      };
};

/** Messages that their author has signed to have sent, and that are not here. */
export type Missing = {
  readonly conversationId: ConversationId;
  /** Of the author's session they are part of: one word about it replaces the one before. */
  readonly sessionId: string;
  readonly authorId: AccountId;
  /** They were said before the entry that follows this seq. */
  readonly afterSeq: number;
  /** When it was noticed, epoch ms. */
  readonly at: number;
  readonly count: number;
};

/** What an endpoint tells; every durable event is told after it is stored. */
export type EndpointEvent =
  | { readonly type: "status"; readonly status: ConnectionStatus }
  /** `live` false: it was behind (backlog, pulled page). */
  | {
      readonly type: "entry";
      readonly entry: Entry;
      readonly live: boolean;
      /** A process that claimed it died: shown again, never silently run again. */
      readonly interrupted?: boolean;
    }
  /** An entry that was told before: what was missing before it has come. */
  | { readonly type: "mended"; readonly entry: Entry }
  | { readonly type: "outgoing"; readonly message: OutgoingMessage }
  /** Everything of `userId`'s peers up to seq. */
  | {
      readonly type: "receipt";
      readonly conversationId: ConversationId;
      readonly seq: number;
      readonly status: "delivered" | "read";
      readonly accountId: AccountId;
    }
  | {
      readonly type: "typing";
      readonly conversationId: ConversationId;
      readonly accountId: AccountId;
      readonly typing: boolean;
    }
  | {
      readonly type: "presence";
      readonly accountId: AccountId;
      readonly state: "online" | "away" | "offline";
    }
  | {
      readonly type: "stream-start";
      readonly conversationId: ConversationId;
      readonly streamId: StreamId;
      readonly messageId: MessageId;
      readonly authorId: AccountId;
      readonly at: number;
    }
  | {
      readonly type: "stream-text";
      readonly conversationId: ConversationId;
      readonly streamId: StreamId;
      readonly offset: number;
      readonly text: string;
    }
  /** A person asks the agent to stop. */
  | {
      readonly type: "stream-stop-requested";
      readonly conversationId: ConversationId;
      readonly streamId: StreamId;
      readonly by: AccountId;
    }
  | {
      readonly type: "ledger";
      readonly conversationId: ConversationId;
      readonly state: ConversationState;
    }
  /** Count 0: all of them have come after all. */
  | { readonly type: "missing"; readonly missing: Missing }
  | { readonly type: "fork"; readonly conversationId: ConversationId }
  /** The relay shows less of a conversation's ledger than before, or all of it again. */
  | {
      readonly type: "ledger-withheld";
      readonly conversationId: ConversationId;
      readonly isWithheld: boolean;
    }
  | {
      readonly type: "identity-changed";
      readonly accountId: AccountId;
      readonly change: KeyChange;
    }
  /** To an agent: a person decided what it may do. The relay says so, once, to whoever is connected. */
  | {
      readonly type: "scopes-granted";
      readonly accountId: AccountId;
      readonly relationId: string;
      /** Everything the agent asks for. */
      readonly isAll: boolean;
      readonly scopes: readonly string[];
      readonly manifestVersion: number | null;
    }
  | { readonly type: "contact-requested" }
  /** To a person's device: who is connected with an agent of theirs changed. */
  | { readonly type: "agent-relations-changed"; readonly agentId: AgentId }
  /** To a person's device: one of theirs gave a contact another name. */
  | { readonly type: "contact-remarked"; readonly accountId: AccountId }
  /** To a person's device: another one of theirs has history for it. */
  | { readonly type: "history-waiting" }
  | { readonly type: "contact-accepted"; readonly conversationId: ConversationId }
  | { readonly type: "reset"; readonly conversationId: ConversationId | null }
  | { readonly type: "evicted" }
  | { readonly type: "session-invalidated"; readonly reason: string }
  | { readonly type: "error"; readonly failure: PeerFailure; readonly fatal: boolean };

/** An own message on its way; kept in the store until acked. */
export type OutgoingMessage = {
  readonly conversationId: ConversationId;
  readonly messageId: MessageId;
  readonly payload: KnownPayload;
  readonly queuedAt: number;
  readonly state:
    | { readonly status: "queued" }
    | { readonly status: "sending" }
    | {
        readonly status: "acked";
        readonly seq: number;
        readonly at: number;
        readonly duplicate: boolean;
      }
    | { readonly status: "failed"; readonly failure: PeerFailure };
};

export type SendOptions = {
  readonly messageId?: MessageId;
  /** `control` neither counts as unread nor pushes. Default by payload type. */
  readonly contentType?: "encrypted" | "control";
  readonly guard?: {
    readonly artifactId: string;
    readonly basedOnRevision?: number;
    readonly expiresAt?: number;
  };
  /** More writes for the transaction that queues the message (a cleared draft, say). */
  readonly alongside?: Batch;
};

/** One streamed answer being written. Text is gathered and sealed on the delta clock. */
export interface StreamWriter {
  readonly streamId: StreamId;
  readonly messageId: MessageId;
  /** Aborts when a person asked to stop, the conversation ended or the endpoint closes. */
  readonly signal: AbortSignal;
  delta(text: string): Promise<Result<null, PeerFailure>>;
  /** Seals and signs the whole text; resolves with the relay's ack. */
  done(extra?: Partial<KnownPayload>): Promise<Result<OutgoingMessage, PeerFailure>>;
  abort(reason?: string): Promise<Result<null, PeerFailure>>;
}

export interface Endpoint {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  on(listener: (event: EndpointEvent) => void): () => void;
  status(): ConnectionStatus;
  /** Connects and keeps connected until {@link close}. */
  start(): void;
  /** Stops accepting, drains the outbox at most `drainMs`, closes the line with 1000. */
  close(drainMs: number): Promise<void>;
  /** The network is back or the page is visible: one try at once. */
  nudge(): void;

  /** Resolves once the message is stored durably in the outbox. Then it leaves when it can, in order. */
  send(
    conversationId: ConversationId,
    payload: KnownPayload,
    options?: SendOptions,
  ): Promise<Result<OutgoingMessage, PeerFailure>>;
  /** Resolves when the relay acked it or it failed for good. */
  settled(messageId: MessageId): Promise<OutgoingMessage>;
  retry(messageId: MessageId): Promise<Result<null, PeerFailure>>;
  discard(messageId: MessageId): Promise<Result<null, PeerFailure>>;
  outgoing(): readonly OutgoingMessage[];
  recall(conversationId: ConversationId, messageId: MessageId): Promise<Result<null, PeerFailure>>;

  openStream(conversationId: ConversationId): Promise<Result<StreamWriter, PeerFailure>>;
  requestStop(conversationId: ConversationId, streamId: StreamId): void;
  /** Asks an agent or person to see "typing"; renewed by the caller. */
  typing(conversationId: ConversationId, typing: boolean): void;
  markRead(conversationId: ConversationId, seq: number): void;
  /** Only with `acknowledge: "by-caller"`: everything up to `seq` is dealt with. */
  acknowledge(conversationId: ConversationId, seq: number): void;

  /** Makes and posts the ledger of a new conversation, then tells the relay through `post`. */
  foundConversation(input: {
    readonly conversationId: ConversationId;
    readonly type: "h2h" | "h2a" | "group";
    readonly members: readonly {
      readonly accountId: AccountId;
      readonly kind: "human" | "agent";
    }[];
    readonly post: (ledger: readonly Bytes[]) => Promise<Result<null, PeerFailure>>;
  }): Promise<Result<ConversationState, PeerFailure>>;
  changeMembers(
    conversationId: ConversationId,
    change:
      | { readonly type: "add"; readonly accountId: AccountId; readonly kind: "human" | "agent" }
      | { readonly type: "remove"; readonly accountId: AccountId }
      /** Making somebody the owner hands the conversation over; who was it is an admin then. */
      | { readonly type: "role"; readonly accountId: AccountId; readonly role: Role }
      | { readonly type: "invite-policy"; readonly membersMayAdd: boolean }
      /** Ends the conversation for everyone, for good. */
      | { readonly type: "close" },
  ): Promise<Result<ConversationState, PeerFailure>>;
  /** What the verified ledger says; null while unknown. */
  ledger(conversationId: ConversationId): Promise<ConversationState | null>;
  /** Asks the relay, once for each line, whether it shows the ledger as far as we know it. */
  confirmLedger(conversationId: ConversationId): Promise<Result<null, PeerFailure>>;
  account(accountId: AccountId): Promise<Result<AccountState, PeerFailure>>;
  /** Asks the relay how its ledger went on. Fails with `peer/key-changed` when it shows another than ours. */
  refreshAccount(accountId: AccountId): Promise<Result<AccountState, PeerFailure>>;
  /** Pins on first sight; a link's fingerprint must match. */
  pin(accountId: AccountId, fingerprint: Bytes | null): Promise<Result<AccountState, PeerFailure>>;
  /** Compares an account with what its person knew of it elsewhere, now or at first sight. */
  expectAccount(accountId: AccountId, known: KnownCard): Promise<Result<AccountState, PeerFailure>>;

  /** What is known to be missing in a conversation now. */
  missing(conversationId: ConversationId): Promise<readonly Missing[]>;

  /**
   * Keeps messages that another device of the person opened and handed over, where this one holds none; how many.
   * What this device has read itself stays, and so does what was taken back.
   */
  takeHistory(
    conversationId: ConversationId,
    entries: readonly Entry[],
  ): Promise<Result<number, PeerFailure>>;

  /** Reads a page of the relay's log that this endpoint has not stored, opens and stores it. */
  pullBefore(
    conversationId: ConversationId,
    beforeSeq: number,
    limit: number,
  ): Promise<Result<{ readonly count: number; readonly hasMore: boolean }, PeerFailure>>;
}
