/**
 * Frozen snapshots of what the worker knows, made for the screen. No view holds a key, a token or ciphertext.
 * Times are epoch ms of the relay's clock unless a name says otherwise. SPEC §views.
 */
import type { Attachment } from "#protocol/payload.ts";
import type { ChannelHeadView, TurnView } from "./channel-views.ts";
import type { Card } from "#protocol/artifact.ts";
import type {
  AccountId,
  AgentId,
  ArtifactId,
  ConversationId,
  DeviceId,
  MessageId,
  StreamId,
  UserId,
} from "#protocol/ids.ts";

/** The line to the relay, as the offline bar and the status dot show it. */
export type ConnectionView =
  | { readonly status: "offline"; readonly since: number }
  | {
      readonly status: "connecting";
      readonly since: number | null;
      readonly retryAt: number | null;
    }
  | { readonly status: "online" }
  | {
      readonly status: "refused";
      readonly reason: "session-invalidated" | "device-removed" | "blocked" | "unsupported-version";
    };

/** Which of the app's doors is open. */
export type AccountView =
  | { readonly status: "none" }
  | {
      readonly status: "locked";
      readonly displayName: string;
      readonly handle: string;
      /** Passkeys that open this lock too; base64 of the ids the browser knows them by. */
      readonly passkeyIds: readonly string[];
    }
  | {
      readonly status: "open";
      readonly userId: UserId;
      readonly deviceId: DeviceId;
      readonly handle: string;
      readonly displayName: string;
      readonly hasPassword: boolean;
      /** This device came in without the password: it may set a new one without the old. Until then it has no lock. */
      readonly mayReplacePassword: boolean;
      /** The password was entered on this device at least once: it can lock it. */
      readonly canLock: boolean;
      /** Minutes without a touch until this device locks itself; null for never. */
      readonly lockAfterMinutes: number | null;
      /** Our own invite link, fingerprint in the fragment. */
      readonly inviteUrl: string;
      readonly storagePersisted: boolean;
    };

/** How far a contact's keys are proven: the ring around the avatar. */
export type TrustView = "verified" | "unverified" | "changed";

/**
 * What about a contact must be decided before anything is sent: it took another key, it asks for less protection than
 * before, or the server shows a record of its keys that contradicts the known one.
 */
export type KeyChangeView = "identity" | "weaker" | "record";

export type PeerView = {
  readonly id: AccountId;
  readonly kind: "human" | "agent";
  /** As this person calls them. */
  readonly name: string;
  /** As they call themselves; only where `name` is one this person gave. */
  readonly ownName?: string;
  readonly trust: TrustView;
  /** Only where `trust` is `changed`. */
  readonly change?: KeyChangeView;
  /** Agents: whether a process of it is connected; people: only when they share it. */
  readonly presence: "online" | "away" | "offline" | "unknown";
  /** An agent without sessions: no forward secrecy, said in words. */
  readonly stateless: boolean;
};

/** What can be done beyond reading and writing; a control whose ability is not listed is not drawn. */
export type Ability =
  | "reply"
  | "react"
  | "recall"
  | "pin"
  | "mention"
  | "typing"
  | "receipts"
  | "verify"
  | "files"
  /** Leaving ends the relation for both; a plain agent is only forgotten here. */
  | "revoke";

export type ConversationView = {
  readonly id: ConversationId;
  readonly kind: "h2h" | "h2a" | "group";
  readonly title: string;
  /** The one other member; null in groups. */
  readonly peer: PeerView | null;
  readonly members: readonly MemberView[];
  readonly relation: "pending" | "established" | "suspended" | "revoked";
  readonly unreadCount: number;
  readonly mentioned: boolean;
  readonly muted: boolean;
  readonly pinned: boolean;
  /** The newest row in words; null while nothing was said. */
  readonly preview: {
    readonly authorId: AccountId | null;
    readonly text: string;
    readonly at: number;
    /** Of a picture, video or sound, `text` is empty where its author gave it no words. */
    readonly kind:
      | "text"
      | "image"
      | "video"
      | "audio"
      | "contact"
      | "card"
      | "recalled"
      | "unreadable"
      | "draft";
  } | null;
  readonly typing: readonly AccountId[];
  readonly draft: string;
  readonly updatedAt: number;
  /** Whether sending is possible now, and why not. */
  readonly sending:
    | { readonly allowed: true }
    | {
        readonly allowed: false;
        readonly because:
          | "ended"
          | "suspended"
          | "pending"
          | "fork"
          /** The server shows less of who belongs to the conversation than before. */
          | "ledger-withheld"
          | "key-changed"
          | "removed"
          /** This device was removed from the account. */
          | "device-removed";
      };
  /** Suggestions of the agent's card for an empty conversation. */
  readonly suggestions: readonly string[];
  readonly can: readonly Ability[];
  /** Messages pinned here, oldest first. */
  readonly pinnedIds: readonly MessageId[];
  /** What this person may change of a group, by the ledger; null elsewhere and for who is no member. */
  readonly group: GroupView | null;
  /** The line to a plain agent server, which is not end-to-end encrypted; null for everybody else. */
  readonly channel: ChannelHeadView | null;
};

/** What a group shows of itself, and the rights of this person in it. */
export type GroupView = {
  readonly role: "owner" | "admin" | "member";
  /** In its people's words; empty for none. */
  readonly description: string;
  /** To be opened as a file of that message; `isHere`: without asking anybody. */
  readonly picture: {
    readonly messageId: MessageId;
    readonly attachmentId: string;
    readonly isHere: boolean;
  } | null;
  readonly membersMayAdd: boolean;
  readonly mayAdd: boolean;
};

export type MemberView = PeerView & {
  readonly role: "owner" | "admin" | "member";
  readonly isSelf: boolean;
};

/** Where an own message is on its way. */
export type DeliveryView =
  | { readonly status: "queued" }
  | { readonly status: "sending" }
  | { readonly status: "sent" }
  | { readonly status: "delivered" }
  | { readonly status: "read" }
  | { readonly status: "failed"; readonly failure: string };

/** One row of a thread. */
export type MessageView = {
  readonly id: MessageId;
  readonly conversationId: ConversationId;
  /** Null until the relay gave it one (queued and sending rows sort last, by `at`). */
  readonly seq: number | null;
  readonly authorId: AccountId;
  readonly authorName: string;
  readonly authorKind: "human" | "agent" | "system";
  readonly isSelf: boolean;
  readonly at: number;
  readonly body: BodyView;
  readonly replyTo: ReplyView | null;
  /** By id, the own name of whoever a `@<U:id>` mentions: the words stay as everybody reads them. */
  readonly mentionNameById: Readonly<Record<string, string>>;
  readonly mentionsMe: boolean;
  readonly attachments: readonly AttachmentView[];
  readonly reactions: readonly {
    readonly emoji: string;
    readonly by: readonly AccountId[];
    readonly mine: boolean;
  }[];
  /** Null for messages of others. */
  readonly delivery: DeliveryView | null;
  readonly canRecallUntil: number | null;
  /** Its author sent something before it that never came: the relay lost or withheld it. */
  readonly hasGapBefore: boolean;
};

export type ReplyView = {
  readonly messageId: MessageId;
  readonly authorName: string;
  readonly text: string;
  /** True when the original is not here and the text is only the author's word for it. */
  readonly isQuotedByAuthor: boolean;
};

export type AttachmentView = Pick<
  Attachment,
  "attachment_id" | "mime" | "size" | "filename" | "width" | "height" | "duration_s"
> & {
  /** Its bytes lie on this device: showing it asks nobody. */
  readonly isHere: boolean;
};

/** What a row shows. `part-for` in ui switches over it. */
export type BodyView =
  | { readonly kind: "text"; readonly text: string; readonly markdown: boolean }
  | { readonly kind: "stream"; readonly stream: StreamView }
  | { readonly kind: "card"; readonly artifact: ArtifactView }
  /** What a plain agent server did and said for one question. */
  | { readonly kind: "turn"; readonly turn: TurnView }
  | {
      readonly kind: "media";
      readonly media: "image" | "video" | "audio" | "file";
      readonly alt: string;
    }
  /** A preview by the message's author; nothing of it was fetched. */
  | {
      readonly kind: "link";
      readonly url: string;
      readonly title: string;
      readonly description: string;
    }
  | { readonly kind: "contact"; readonly contact: ContactView }
  | {
      readonly kind: "system";
      readonly event: string;
      readonly text: string;
      readonly params: Readonly<Record<string, string>>;
    }
  | { readonly kind: "recalled"; readonly by: "author" | "server" }
  | { readonly kind: "unreadable"; readonly failure: string }
  /** So many messages that the row's author has signed to have sent before it are not here (yet). */
  | { readonly kind: "missing"; readonly count: number }
  | { readonly kind: "unsupported"; readonly originalType: string };

/** Somebody whom a message names. */
export type ContactView = {
  readonly kind: "user" | "agent" | "group";
  readonly id: AccountId;
  /** Our own name for an account we know, else the author's word. */
  readonly name: string;
  readonly handle: string | null;
  /** A whole invite link of this server with a fingerprint; null where there is no way to start. */
  readonly inviteUrl: string | null;
  /** Where we talk already. */
  readonly conversationId: ConversationId | null;
};

/** A live or ended stream. After a proven end the row's body becomes `text`. */
export type StreamView = {
  readonly streamId: StreamId;
  readonly text: string;
  readonly status: "live" | "aborted" | "cut-short" | "stopping";
  /** Why it ended short: agent's abort, orphaned line, a limit. Null while live. */
  readonly reason: "aborted" | "orphaned" | "timeout" | "limit" | "altered" | "stopped" | null;
  readonly markdown: boolean;
  readonly startedAt: number;
};

export type ArtifactView = {
  readonly artifactId: ArtifactId;
  readonly title: string;
  readonly summary: string;
  readonly revision: number;
  readonly card: Card;
  readonly expiresAt: number | null;
  readonly expired: boolean;
  /** Whether this person may answer now. */
  readonly canRespond: boolean;
  readonly answer: AnswerView | null;
  readonly answers: readonly AnswerView[];
  /** A form's unsent values, kept over reloads. */
  readonly draftValues: Readonly<Record<string, unknown>> | null;
  /** Approvals: exactly what is drawn and signed; null when the digest does not match. */
  readonly approval: {
    readonly rows: readonly {
      readonly label: string;
      readonly value: string;
      readonly warning: string;
    }[];
    readonly blockedBecause: null | "digest-mismatch" | "key-changed" | "fork" | "unverified";
    /** What the decisions that count come to; pending where a quorum is not reached yet. */
    readonly outcome: "pending" | "approved" | "denied";
    readonly approvedCount: number;
  } | null;
  /** Votes: the options with their counts, and the one this person chose. */
  readonly vote: {
    readonly options: readonly {
      readonly id: string;
      readonly label: string;
      readonly votes: number;
    }[];
    readonly ownOptionId: string | null;
  } | null;
  /** A tool that this device is asked to run; null where it is not asked, or cannot be any more. */
  readonly tool: ToolAskView | null;
  /** The card that a shown answer was given to; null where it is not here. */
  readonly refersTo: { readonly title: string; readonly card: Card } | null;
};

/** What stands between an agent's wish and a tool of this device. */
export type ToolAskView = {
  /** By the manifest that the agent signed for; high where it names no such scope. */
  readonly sensitivity: "low" | "medium" | "high";
  /** Whether the person allowed the scope here within a day, so that a medium tool runs unasked. */
  readonly isAllowed: boolean;
  /** Epoch ms; nobody deciding until then counts as no. */
  readonly decideUntil: number;
};

export type AnswerView = {
  readonly by: AccountId;
  readonly byName: string;
  readonly at: number;
  readonly actionId: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly decision: "approve" | "deny" | null;
  readonly reason: string;
  readonly delivery: DeliveryView | null;
  readonly late: boolean;
};

/** A window of a thread, rows ascending. `hasBefore` says that older rows can be asked for. */
export type ThreadView = {
  readonly conversationId: ConversationId;
  readonly messages: readonly MessageView[];
  readonly hasBefore: boolean;
  /** Older messages were not sealed for this device and are not here. */
  readonly isCut: boolean;
  readonly hasAfter: boolean;
  /** First unread row when the thread was opened, for the "new" line. */
  readonly firstUnreadId: MessageId | null;
  /** How far others read, for the receipts of groups: seq by account. */
  readonly readSeqById: Readonly<Record<string, number>>;
};

/** Who can read a conversation and since when: the header's lock sheet. */
export type SecurityView = {
  readonly conversationId: ConversationId;
  readonly encryption: "session" | "envelope" | "none";
  readonly suite: "x-wing" | "x25519" | "none";
  readonly reduced: boolean;
  readonly since: number;
  readonly ledgerSeq: number;
  readonly readers: readonly {
    readonly id: AccountId;
    readonly name: string;
    readonly kind: "human" | "agent";
    readonly isSelf: boolean;
    readonly deviceCount: number;
    /** An agent that keeps no sessions: what is sealed to it has no forward secrecy. */
    readonly isStateless: boolean;
    readonly trust: TrustView;
    readonly change?: KeyChangeView;
    readonly fingerprintText: string;
    readonly safetyNumber: readonly string[];
    /** What a QR code of the safety number holds, 65 bytes; empty where there is no number. */
    readonly safetyCode: readonly number[];
    /** The devices that count, each with the fingerprint of its own key; empty for agents, which share one key. */
    readonly devices: readonly { readonly id: DeviceId; readonly fingerprintText: string }[];
  }[];
};

/** Ways into the account beside its password. */
export type WaysView = {
  /** When the recovery code that counts was made; null for none. */
  readonly recoveryMadeAt: number | null;
  readonly passkeys: readonly {
    readonly id: string;
    readonly addedAt: number;
    /** It opens this device's lock; others only bring the account to a new browser. */
    readonly opensThisDevice: boolean;
  }[];
  /** Whether this device knows what a passkey is to open. */
  readonly canAddPasskey: boolean;
};

/** What a browser gives for a passkey. `prfOutput` is 32 bytes; whoever hands it over forgets it. */
export type PasskeyInput = {
  readonly credentialId: Uint8Array<ArrayBuffer>;
  readonly prfOutput: Uint8Array<ArrayBuffer>;
};

/** A recovery code, to be shown once, and the file that it opens. */
export type RecoveryView = {
  readonly code: string;
  readonly file: string;
  readonly fileName: string;
};

/** One of the person's own devices. */
export type DeviceView = {
  readonly id: DeviceId;
  /** Null where it has none that opens. */
  readonly name: string | null;
  readonly isThis: boolean;
  /** Null while the relay does not know the device. */
  readonly addedAt: number | null;
  readonly lastActiveAt: number | null;
  /** Of the device's own key. */
  readonly fingerprintText: string;
};

/** What an invite link leads to, before it is accepted. */
export type InviteView =
  | {
      readonly kind: "agent";
      readonly code: string;
      readonly agentId: AgentId;
      readonly name: string;
      readonly description: string;
      readonly fingerprintText: string;
      readonly stateless: boolean;
      readonly alreadyIn: ConversationId | null;
    }
  | {
      readonly kind: "human";
      readonly handle: string;
      readonly userId: UserId;
      readonly name: string;
      readonly fingerprintText: string;
      readonly alreadyIn: ConversationId | null;
      readonly requested: boolean;
    };

export type ContactRequestView = {
  readonly requestId: string;
  readonly userId: UserId;
  readonly name: string;
  readonly handle: string;
  readonly at: number;
  readonly direction: "in" | "out";
};

/** A pinned message in a line. */
export type PinView = {
  readonly messageId: MessageId;
  readonly authorName: string;
  readonly text: string;
};

export type SearchHitView = {
  readonly conversationId: ConversationId;
  readonly messageId: MessageId;
  /** Of the conversation. */
  readonly title: string;
  readonly authorName: string;
  readonly isSelf: boolean;
  /** The words around what was found; mentions in it are still ids. */
  readonly snippet: string;
  readonly at: number;
};
