/**
 * Every question the page may ask the worker. Each returns a Result of plain data; nothing here names a key.
 * The page may cancel by AbortSignal where `port.ts` passes one on. SPEC §calls.
 */
import type { Result } from "#base/result.ts";
import type {
  AccountId,
  AgentId,
  ArtifactId,
  ConversationId,
  DeviceId,
  InviteId,
  MessageId,
  RelationId,
  StreamId,
} from "#protocol/ids.ts";
import type {
  AddressView,
  ChannelCommandInput,
  PlainAgentInput,
  PlainProtocol,
} from "./channel-views.ts";
import type { DeviceLinkView, HistoryPlanView, HistoryReach } from "./device-views.ts";
import type { BridgeFailure } from "./failure.ts";
import type { AttachedView, OpenedFile } from "./file-views.ts";
import type {
  AgentChangeInput,
  AgentInvitesView,
  AgentMakerView,
  AgentRelationChange,
  AgentRelationView,
  NewAgentInput,
  NewAgentView,
  OwnAgentView,
} from "./own-agent-views.ts";
import type {
  AccountView,
  ContactRequestView,
  ConversationView,
  DeviceView,
  InviteView,
  PasskeyInput,
  PinView,
  RecoveryView,
  SearchHitView,
  SecurityView,
  ThreadView,
  WaysView,
} from "./views.ts";

type Answer<Value> = Promise<Result<Value, BridgeFailure>>;

/** The page's whole vocabulary. */
export interface EngineCalls {
  // account
  loadAccount(): Answer<AccountView>;
  /** Makes keys, registers with the relay, opens the account. `password` null: to be set later. */
  createAccount(input: {
    readonly displayName: string;
    readonly handle: string | null;
    readonly password: string | null;
  }): Answer<AccountView>;
  signIn(input: { readonly handle: string; readonly password: string }): Answer<AccountView>;
  setPassword(input: { readonly current: string | null; readonly next: string }): Answer<null>;
  /** The account's password on a device that came in by another's link and never saw it: the lock fits from then on. */
  enterPassword(input: { readonly password: string }): Answer<null>;
  lock(): Answer<null>;
  /** Locks by itself after that many minutes without a touch; null for never. Needs a password. */
  setIdleLock(input: { readonly minutes: number | null }): Answer<null>;
  unlock(input: { readonly password: string }): Answer<AccountView>;
  /** Forgets everything on this device. */
  wipe(): Answer<null>;
  setDisplayName(input: { readonly displayName: string }): Answer<AccountView>;

  // recovery
  /** A fresh code and file each time; the worker keeps neither. The code before counts until this one is kept. */
  makeRecovery(): Answer<RecoveryView>;
  /** The code made last counts from now on, and no other. */
  keepRecovery(): Answer<null>;
  /** No recovery code counts from now on. */
  withdrawRecovery(): Answer<null>;
  /** The account of a recovery file on this device that has none. */
  restoreAccount(input: { readonly file: string; readonly code: string }): Answer<AccountView>;

  // passkeys
  listWays(): Answer<WaysView>;
  /** What a browser is told when it makes a passkey; `userHandle` comes back when the passkey is used. */
  describePasskey(): Answer<{
    readonly userHandle: Uint8Array<ArrayBuffer>;
    readonly excludeIds: readonly string[];
  }>;
  addPasskey(input: PasskeyInput): Answer<null>;
  removePasskey(input: { readonly id: string }): Answer<null>;
  unlockByPasskey(input: PasskeyInput): Answer<AccountView>;
  /** The account of a passkey on this device that has none. */
  signInByPasskey(
    input: PasskeyInput & { readonly userHandle: Uint8Array<ArrayBuffer> },
  ): Answer<AccountView>;

  // devices
  listDevices(): Answer<readonly DeviceView[]>;
  /** Another device of this account; this one is wiped instead. */
  revokeDevice(input: { readonly deviceId: DeviceId }): Answer<null>;
  /** Any device of this account; the name is sealed for its devices. */
  renameDevice(input: { readonly deviceId: DeviceId; readonly name: string }): Answer<null>;
  /** Makes a link for a further device; `device-link` events tell how it goes. An earlier one is over. */
  offerDeviceLink(): Answer<DeviceLinkView>;
  /** Says yes to the device that asked, and what history it gets; null for none. */
  admitDevice(input: { readonly history: { readonly days: HistoryReach } | null }): Answer<null>;
  /** Opens a link, or a code typed by hand, on a device without an account. */
  openDeviceLink(input: { readonly code: string }): Answer<null>;
  /** At either end. */
  cancelDeviceLink(): Answer<null>;
  /** Counts what {@link sendHistory} would send; sends nothing. */
  planHistory(input: { readonly days: HistoryReach }): Answer<HistoryPlanView>;
  /** Hands stored messages to another device of this account; `history` events tell how it goes. */
  sendHistory(input: { readonly deviceId: DeviceId; readonly days: HistoryReach }): Answer<null>;
  stopHistory(): Answer<null>;

  // agents of one's own
  listOwnAgents(): Answer<readonly OwnAgentView[]>;
  createOwnAgent(input: NewAgentInput): Answer<NewAgentView>;
  changeOwnAgent(input: {
    readonly agentId: AgentId;
    readonly change: AgentChangeInput;
  }): Answer<OwnAgentView>;
  /** The token before holds no longer. */
  renewAgentToken(input: { readonly agentId: AgentId }): Answer<{ readonly token: string }>;
  /** The secret before holds for another day. */
  renewWebhookSecret(input: { readonly agentId: AgentId }): Answer<{ readonly secret: string }>;
  deleteOwnAgent(input: { readonly agentId: AgentId }): Answer<null>;
  /** This device signs that the agent's key is the one with this fingerprint, which its person compared. */
  confirmOwnAgent(input: {
    readonly agentId: AgentId;
    readonly fingerprintText: string;
  }): Answer<null>;
  /** Takes that word back: nobody is named as the agent's maker until it is given again. */
  withdrawOwnAgent(input: { readonly agentId: AgentId }): Answer<null>;
  /** Any agent: of whom it is proven that they made it; null where nothing is. */
  describeAgentMaker(input: { readonly agentId: AgentId }): Answer<AgentMakerView | null>;
  /** Links need the agent's keys, which its program makes when it first starts. */
  listAgentInvites(input: { readonly agentId: AgentId }): Answer<AgentInvitesView>;
  /** `maxUses`, `days`: null for no end. */
  createAgentInvite(input: {
    readonly agentId: AgentId;
    readonly maxUses: number | null;
    readonly days: number | null;
    readonly asksApproval: boolean;
  }): Answer<AgentInvitesView>;
  /** Who is connected with an agent, those who wait first; `agent-relations` events tell when to ask again. */
  listAgentRelations(input: { readonly agentId: AgentId }): Answer<readonly AgentRelationView[]>;
  changeAgentRelation(input: {
    readonly relationId: RelationId;
    readonly change: AgentRelationChange;
  }): Answer<null>;
  removeAgentInvite(input: {
    readonly agentId: AgentId;
    readonly inviteId: InviteId;
  }): Answer<null>;

  // contacts
  /** The relay's demo agents, offered on first run; empty where none are offered. */
  listOfferedInvites(): Answer<readonly InviteView[]>;
  /** `url`: a whole invite link, or its path with the fragment. */
  openInvite(input: { readonly url: string }): Answer<InviteView>;
  /** Agents: opens a conversation. People: sends a request; the conversation comes with its acceptance (null until then). */
  acceptInvite(input: { readonly url: string }): Answer<ConversationId | null>;
  listContactRequests(): Answer<readonly ContactRequestView[]>;
  answerContactRequest(input: {
    readonly requestId: string;
    readonly accept: boolean;
  }): Answer<ConversationId | null>;
  /** Gives a contact a name of this person's own, for all devices of theirs and nobody else; empty takes it back. */
  setRemark(input: { readonly accountId: AccountId; readonly name: string }): Answer<null>;
  createGroup(input: {
    readonly title: string;
    readonly memberIds: readonly AccountId[];
  }): Answer<ConversationId>;
  addMember(input: {
    readonly conversationId: ConversationId;
    readonly accountId: AccountId;
  }): Answer<null>;
  removeMember(input: {
    readonly conversationId: ConversationId;
    readonly accountId: AccountId;
  }): Answer<null>;
  leaveGroup(input: { readonly conversationId: ConversationId }): Answer<null>;
  /** Owner and admins. What is left out stays; a picture is a small one, null takes it away. */
  setGroupProfile(input: {
    readonly conversationId: ConversationId;
    readonly title?: string;
    readonly description?: string;
    readonly picture?: Blob | null;
  }): Answer<null>;
  /** Making somebody the owner hands the group over; who was it is an admin then. */
  setRole(input: {
    readonly conversationId: ConversationId;
    readonly accountId: AccountId;
    readonly role: "owner" | "admin" | "member";
  }): Answer<null>;
  setMembersMayAdd(input: {
    readonly conversationId: ConversationId;
    readonly membersMayAdd: boolean;
  }): Answer<null>;
  /** Ends the group for everyone, for good. */
  deleteGroup(input: { readonly conversationId: ConversationId }): Answer<null>;
  /** Every member's next message opens a session of fresh keys. */
  rotateGroupKeys(input: { readonly conversationId: ConversationId }): Answer<null>;
  /** Takes an ended conversation off the list and its history off this device. */
  forgetConversation(input: { readonly conversationId: ConversationId }): Answer<null>;
  revokeRelation(input: { readonly conversationId: ConversationId }): Answer<null>;

  // conversations
  listConversations(): Answer<readonly ConversationView[]>;
  /** The newest window, or one around a message; the worker then sends this thread's changes until it is closed. */
  openThread(input: {
    readonly conversationId: ConversationId;
    readonly aroundMessageId: MessageId | null;
  }): Answer<ThreadView>;
  loadBefore(input: {
    readonly conversationId: ConversationId;
    readonly beforeId: MessageId;
  }): Answer<ThreadView>;
  loadAfter(input: {
    readonly conversationId: ConversationId;
    readonly afterId: MessageId;
  }): Answer<ThreadView>;
  closeThread(input: { readonly conversationId: ConversationId }): Answer<null>;
  markRead(input: {
    readonly conversationId: ConversationId;
    readonly upToId: MessageId;
  }): Answer<null>;
  saveDraft(input: {
    readonly conversationId: ConversationId;
    readonly text: string;
    readonly replyToId: MessageId | null;
  }): Answer<null>;
  setMuted(input: {
    readonly conversationId: ConversationId;
    readonly muted: boolean;
  }): Answer<null>;
  setPinned(input: {
    readonly conversationId: ConversationId;
    readonly pinned: boolean;
  }): Answer<null>;
  describeSecurity(input: { readonly conversationId: ConversationId }): Answer<SecurityView>;
  /** A word for a key, or taken back; `fingerprintText` is that of the key whose number the person was shown. */
  setVerified(
    input:
      | {
          readonly accountId: AccountId;
          readonly verified: true;
          readonly fingerprintText: string;
        }
      | { readonly accountId: AccountId; readonly verified: false },
  ): Answer<null>;
  /** Goes on with a changed key without comparing it; the contact is unverified then. */
  acceptKey(input: { readonly accountId: AccountId }): Answer<null>;

  // messages
  /** Queued durably before it answers; leaves when the line is there. Mentions are `@<U:id>` placeholders in the text. */
  sendText(input: {
    readonly conversationId: ConversationId;
    readonly text: string;
    readonly mentions: readonly AccountId[];
    readonly replyToId: MessageId | null;
  }): Answer<MessageId>;
  retrySend(input: {
    readonly conversationId: ConversationId;
    readonly messageId: MessageId;
  }): Answer<null>;
  discardFailed(input: {
    readonly conversationId: ConversationId;
    readonly messageId: MessageId;
  }): Answer<null>;
  recall(input: {
    readonly conversationId: ConversationId;
    readonly messageId: MessageId;
  }): Answer<null>;
  react(input: {
    readonly conversationId: ConversationId;
    readonly messageId: MessageId;
    readonly emoji: string;
    readonly op: "add" | "remove";
  }): Answer<null>;
  pinMessage(input: {
    readonly conversationId: ConversationId;
    readonly messageId: MessageId;
    readonly pinned: boolean;
  }): Answer<null>;
  /** Pinned messages that are here and were not taken back. */
  listPins(input: { readonly conversationId: ConversationId }): Answer<readonly PinView[]>;
  setTyping(input: {
    readonly conversationId: ConversationId;
    readonly typing: boolean;
  }): Answer<null>;
  stopStream(input: {
    readonly conversationId: ConversationId;
    readonly streamId: StreamId;
  }): Answer<null>;

  // files
  /** Reads a file into this device's sealed store, beside the draft; it stays there over reloads. The page makes the id. */
  attachFile(input: {
    readonly conversationId: ConversationId;
    readonly fileId: string;
    readonly name: string;
    readonly bytes: Blob;
  }): Answer<AttachedView>;
  /** Forgets it; what is being read is read no further. */
  detachFile(input: {
    readonly conversationId: ConversationId;
    readonly fileId: string;
  }): Answer<null>;
  /** What waits beside the draft, in the order it was attached. */
  listAttached(input: { readonly conversationId: ConversationId }): Answer<readonly AttachedView[]>;
  /** Queues a message with files durably; they are sealed and go up first, then the message leaves. Mentions as {@link sendText}. */
  sendFiles(input: {
    readonly conversationId: ConversationId;
    readonly text: string;
    readonly mentions: readonly AccountId[];
    readonly replyToId: MessageId | null;
    readonly fileIds: readonly string[];
  }): Answer<MessageId>;
  /** The plaintext of a message's file, once all of it was checked. */
  openFile(input: {
    readonly conversationId: ConversationId;
    readonly messageId: MessageId;
    readonly attachmentId: string;
  }): Answer<OpenedFile>;

  // cards
  saveFormDraft(input: {
    readonly conversationId: ConversationId;
    readonly artifactId: ArtifactId;
    readonly values: Readonly<Record<string, unknown>>;
  }): Answer<null>;
  answerArtifact(input: {
    readonly conversationId: ConversationId;
    readonly artifactId: ArtifactId;
    readonly actionId: string;
    readonly values: Readonly<Record<string, unknown>>;
  }): Answer<null>;
  /** Remembers for a day that tools of this scope may run unasked here, where the scope is no grave one. */
  allowScope(input: {
    readonly conversationId: ConversationId;
    readonly scope: string;
  }): Answer<null>;
  decideApproval(input: {
    readonly conversationId: ConversationId;
    readonly artifactId: ArtifactId;
    readonly optionId: string;
    readonly reason: string;
    /** The person was told that the agent's keys were not compared, and decides all the same. */
    readonly despiteUnverified: boolean;
  }): Answer<null>;

  // plain agent servers
  /** Asks nothing of the network. */
  checkAgentAddress(input: {
    readonly protocol: PlainProtocol;
    readonly url: string;
  }): Answer<AddressView>;
  /** Names a chat server offers; empty where it has no list. */
  listAgentModels(input: {
    readonly protocol: PlainProtocol;
    readonly url: string;
    readonly apiKey: string | null;
  }): Answer<readonly string[]>;
  addAgentByAddress(input: PlainAgentInput): Answer<ConversationId>;
  /** Forgets the agent, its key and everything said with it. */
  removeAgent(input: { readonly conversationId: ConversationId }): Answer<null>;
  runOnChannel(input: {
    readonly conversationId: ConversationId;
    readonly command: ChannelCommandInput;
  }): Answer<null>;

  /** Opens the server's activity feed, where it has one; `activity` events tell until {@link unwatchActivity}. */
  watchActivity(input: { readonly conversationId: ConversationId }): Answer<null>;
  unwatchActivity(input: { readonly conversationId: ConversationId }): Answer<null>;

  // search
  search(input: {
    readonly query: string;
    readonly conversationId: ConversationId | null;
    readonly limit: number;
  }): Answer<readonly SearchHitView[]>;

  // environment
  /** The page's hints: visible again, network back, language of approval views. */
  hint(
    input:
      | {
          readonly type:
            | "visible"
            | "hidden"
            | "network-online"
            | "network-offline"
            /** A key, a pointer or a finger; told now and then while it goes on. */
            | "touched";
        }
      | { readonly type: "locale"; readonly locale: string },
  ): Answer<null>;
}

export type CallName = keyof EngineCalls;
