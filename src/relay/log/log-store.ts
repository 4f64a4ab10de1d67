/**
 * The ordered log: per conversation one dense sequence of entries, with members, cursors, ledger and session opens.
 * Every implementation passes log-store.contract.ts. It sees envelopes as bytes and never looks inside. SPEC S13.
 */
import type { Bytes } from "#base/bytes.ts";
import type { Result } from "#base/result.ts";
import type {
  AccountId,
  ConversationId,
  DeviceId,
  MessageId,
  StreamId,
  UserId,
} from "#protocol/ids.ts";
import type { DurableFrame } from "#protocol/relay-frame.ts";
import type { RelayFailure } from "../failure.ts";

export type EntryKind = DurableFrame["type"];
export type MemberType = "human" | "agent";
export type Role = "owner" | "admin" | "member";

/** An entry before it has a place. */
export type NewEntry = {
  readonly conversationId: ConversationId;
  readonly kind: EntryKind;
  readonly messageId: MessageId | null;
  readonly senderId: AccountId | null;
  readonly senderType: MemberType | "system";
  readonly senderDeviceId: DeviceId | null;
  /** Members of the frame that have no column; never anything that was sealed. */
  readonly meta: Readonly<Record<string, unknown>>;
  /** The envelope. */
  readonly body: Bytes | null;
  readonly sessionOpen: { readonly sid: Bytes; readonly bytes: Bytes } | null;
  readonly countsUnread: boolean;
};

/** An entry in its place; `body` is null when there was none or it was recalled. */
export type StoredEntry = Omit<NewEntry, "sessionOpen"> & {
  readonly seq: number;
  readonly at: number;
  readonly recalledAt: number | null;
  /** Present with the first entry of a session only. */
  readonly sessionOpen: Bytes | null;
};

/** What of a node an entry hangs on: it is refused once that is gone. */
export type Origin = {
  readonly nodeId: string;
  /** The agent's socket it came over; null for whoever has no place that could be taken. */
  readonly agentSocket: string | null;
};

export type AppendRequest = {
  readonly now: number;
  /** Absent: the relay is alone. */
  readonly origin?: Origin;
  readonly entry: NewEntry & { readonly senderId: AccountId; readonly senderDeviceId: DeviceId };
  readonly artifact: {
    readonly key: string;
    readonly basedOnRevision: number | null;
    readonly expiresAt: number | null;
  } | null;
  readonly stream: { readonly streamId: StreamId; readonly step: "start" | "end" } | null;
};

export type Appended = { readonly seq: number; readonly at: number; readonly duplicate: boolean };

export type RecallRequest = {
  readonly now: number;
  /** Absent: the relay is alone. */
  readonly origin?: Origin;
  readonly conversationId: ConversationId;
  readonly messageId: MessageId;
  readonly senderId: AccountId;
  readonly senderType: MemberType;
  readonly senderDeviceId: DeviceId;
  readonly windowMs: number;
  /** The signed recall, when there is one. */
  readonly signed: {
    readonly messageId: MessageId;
    readonly body: Bytes;
    readonly sessionOpen: NewEntry["sessionOpen"];
  } | null;
};

export type LogMember = {
  readonly id: AccountId;
  readonly type: MemberType;
  readonly role: Role;
  readonly ownerId: UserId | null;
  readonly joinedSeq: number;
  /** Last seq the account still sees; null while it is in. */
  readonly leftSeq: number | null;
};

/** How far an endpoint is in one conversation it may read. */
export type InboxRow = {
  readonly conversationId: ConversationId;
  readonly cursor: number;
  /** Last seq visible to this account. */
  readonly lastSeq: number;
  readonly joinedSeq: number;
};

export type CursorMove = {
  readonly endpointId: DeviceId;
  readonly accountId: AccountId;
  readonly conversationId: ConversationId;
  readonly seq: number;
};

/** An account's furthest delivered seq that grew. */
export type Delivered = {
  readonly accountId: AccountId;
  readonly conversationId: ConversationId;
  readonly seq: number;
};

export type PageRequest = {
  readonly conversationId: ConversationId;
  /** Exclusive bounds; the page is the lowest seqs above `after`, or the highest below `before`. */
  readonly after: number | null;
  readonly before: number | null;
  readonly maxEntries: number;
  readonly maxBytes: number;
};

export type NewConversation = {
  readonly now: number;
  readonly conversationId: ConversationId;
  readonly type: "h2h" | "h2a" | "group";
  readonly members: readonly Pick<LogMember, "id" | "type" | "role" | "ownerId">[];
  readonly ledger: readonly Bytes[];
  readonly entries: readonly NewEntry[];
};

export type LedgerAppend = {
  readonly now: number;
  readonly ledgerSeq: number;
  readonly prevHash: Bytes;
  readonly entry: Bytes;
};

export type StoredLedgerEntry = {
  readonly ledgerSeq: number;
  readonly prevHash: Bytes;
  readonly entry: Bytes;
};

export interface LogStore {
  /** Name of this log; a client that knows another must start over. */
  readonly epoch: string;
  /** Tells every committed entry, in seq order within a conversation; `writer` is the tag its append brought. */
  onAppended(listener: (entry: StoredEntry, writer: string | null) => void): () => void;

  /** Resolves when the entry is on disk. A repeat by the same device gives the first answer again. */
  append(request: AppendRequest, writer: string | null): Promise<Result<Appended, RelayFailure>>;
  /** Erases a message's envelope and appends the recall. */
  recall(request: RecallRequest, writer: string | null): Promise<Result<Appended, RelayFailure>>;
  /** Appends what the relay itself has to say: a stream's failure. Refused when the stream has ended. */
  failStream(failure: {
    readonly now: number;
    readonly conversationId: ConversationId;
    readonly streamId: StreamId;
    readonly code: "STREAM_TIMEOUT" | "STREAM_ORPHANED" | "STREAM_LIMIT";
    /** Refused when the stream went on at another node; absent: this one is alone. */
    readonly nodeId?: string;
  }): Promise<Result<null, RelayFailure>>;
  /** Ends every stream that was live when the log was last used. */
  orphanStreams(now: number): Promise<Result<null, RelayFailure>>;
  /** Appends `artifact.expired` for everything past its time. */
  expireArtifacts(now: number): Promise<Result<null, RelayFailure>>;
  hasExpiredArtifacts(now: number): Promise<boolean>;

  createConversation(conversation: NewConversation): Promise<Result<null, RelayFailure>>;
  members(conversationId: ConversationId): Promise<readonly LogMember[]>;
  /** Compare-and-set; announces itself as `ledger.appended`. */
  appendLedger(
    conversationId: ConversationId,
    append: LedgerAppend,
    by: { readonly accountId: AccountId; readonly deviceId: DeviceId },
  ): Promise<Result<null, RelayFailure>>;
  ledgerAfter(
    conversationId: ConversationId,
    afterSeq: number,
  ): Promise<readonly StoredLedgerEntry[]>;
  sessionOpen(conversationId: ConversationId, sid: Bytes): Promise<Bytes | null>;

  /** Whether the conversation is in quarantine: its entries cannot be read as they were written. */
  isDamaged(conversationId: ConversationId): boolean;
  /** How many conversations are in quarantine. */
  damagedCount(): number;
  /** Empty for a damaged conversation. */
  page(request: PageRequest): Promise<readonly StoredEntry[]>;
  seqOf(conversationId: ConversationId, messageId: MessageId): Promise<number | null>;
  /** Every conversation of the account: for who comes anew. */
  inbox(accountId: AccountId, endpointId: DeviceId): Promise<readonly InboxRow[]>;
  /** Those of {@link inbox} whose cursor is behind. */
  behind(accountId: AccountId, endpointId: DeviceId): Promise<readonly InboxRow[]>;
  /** One of {@link inbox}; null for a conversation that the account was never in. */
  placeIn(
    conversationId: ConversationId,
    accountId: AccountId,
    endpointId: DeviceId,
  ): Promise<InboxRow | null>;
  /** Moves cursors forward, never back, never past the log's end. */
  advanceCursors(moves: readonly CursorMove[]): Promise<Result<readonly Delivered[], RelayFailure>>;
  /** Moves a read mark forward; gives the mark and whether it moved. */
  markRead(
    conversationId: ConversationId,
    accountId: AccountId,
    seq: number,
  ): Promise<Result<{ readonly readSeq: number; readonly moved: boolean }, RelayFailure>>;
}
