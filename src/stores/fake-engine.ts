/**
 * A worker made of plain functions over memory, for tests of stores and for looking at screens.
 * It answers every call, remembers what it heard, and tells what the test makes it tell.
 */
import { createEmitter } from "#base/emitter.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { CallName } from "#bridge/calls.ts";
import type { Engine } from "./engine.ts";
import { anOwnAgent } from "./sample-views.ts";
import type {
  AccountView,
  AttachedView,
  BridgeFailure,
  ContactRequestView,
  ConversationId,
  ConversationView,
  DeviceView,
  EngineCalls,
  EngineEvent,
  InviteView,
  MessageId,
  MessageView,
  AgentMakerView,
  AgentRelationView,
  OwnAgentView,
  SearchHitView,
  SecurityView,
  ThreadView,
  WaysView,
} from "./views.ts";

/** What the fake knows; a test writes into it freely. */
export type FakeWorld = {
  account: AccountView;
  conversations: ConversationView[];
  messages: MessageView[];
  requests: ContactRequestView[];
  offers: InviteView[];
  inviteByUrl: Record<string, InviteView>;
  devices: DeviceView[];
  ownAgents: OwnAgentView[];
  agentRelations: readonly AgentRelationView[];
  agentMaker: AgentMakerView | null;
  ways: WaysView;
  security: SecurityView | null;
  hits: SearchHitView[];
  /** Files that wait beside every draft. */
  attached: AttachedView[];
  windowRows: number;
  firstUnreadId: MessageId | null;
};

export interface FakeEngine extends Engine {
  readonly world: FakeWorld;
  /** Every call in the order it came. */
  readonly heard: readonly { readonly name: CallName; readonly input: unknown }[];
  emit(event: EngineEvent): void;
  /** Makes the next call of this name fail. */
  refuseNext(name: CallName, failure: BridgeFailure): void;
}

/** Creates a fake worker over a world of its own. */
export function createFakeEngine(part: Partial<FakeWorld> = {}): FakeEngine {
  const world: FakeWorld = { ...EMPTY_WORLD, conversations: [], messages: [], ...part };
  const events = createEmitter<EngineEvent>();
  const heard: { name: CallName; input: unknown }[] = [];
  const refusals = new Map<CallName, BridgeFailure>();

  const answer = async <Value>(
    name: CallName,
    input: unknown,
    make: () => Value,
  ): Promise<Result<Value, BridgeFailure>> => {
    heard.push({ name, input });
    const failure = refusals.get(name);
    refusals.delete(name);
    return failure === undefined ? ok(make()) : err(failure);
  };
  const done =
    (name: CallName) =>
    (input?: unknown): Promise<Result<null, BridgeFailure>> =>
      answer(name, input, () => null);

  return {
    world,
    heard,
    calls: {
      ...accountCalls(world, answer, done),
      ...contactCalls(world, answer, done),
      ...ownAgentCalls(world, answer, done),
      ...threadCalls(world, answer),
      ...messageCalls(world, answer, done),
    },
    onEvent: (listener) => events.on(listener),
    emit: (event) => events.emit(event),
    refuseNext: (name, failure) => void refusals.set(name, failure),
  };
}

const A_LINK = {
  status: "offered",
  url: "https://parley.example/link#0000000000000000000000000000",
  code: "0000-0000-0000-0000-0000-0000-0000",
  expiresAt: 300_000,
} as const;

const EMPTY_WORLD: FakeWorld = {
  account: { status: "none" },
  conversations: [],
  messages: [],
  requests: [],
  offers: [],
  inviteByUrl: {},
  devices: [],
  ownAgents: [],
  agentRelations: [],
  agentMaker: null,
  ways: { recoveryMadeAt: null, passkeys: [], canAddPasskey: true },
  security: null,
  hits: [],
  attached: [],
  windowRows: 50,
  firstUnreadId: null,
};

type Answer = <Value>(
  name: CallName,
  input: unknown,
  make: () => Value,
) => Promise<Result<Value, BridgeFailure>>;
type Done = (name: CallName) => (input?: unknown) => Promise<Result<null, BridgeFailure>>;

function accountCalls(world: FakeWorld, answer: Answer, done: Done) {
  const open = (displayName: string, handle: string, hasPassword: boolean): AccountView => {
    world.account = {
      status: "open",
      userId: "00000000-0000-7000-8000-000000000001",
      deviceId: "00000000-0000-7000-8000-0000000000d1",
      handle,
      displayName,
      hasPassword,
      mayReplacePassword: false,
      canLock: hasPassword,
      inviteUrl: `https://parley.example/p/${handle}#fp=q83vEjRWeJAq83vEjRWeJA`,
      lockAfterMinutes: null,
      storagePersisted: true,
    } as AccountView;
    return world.account;
  };
  const nameOf = () => ("displayName" in world.account ? world.account.displayName : "Ada");
  return {
    loadAccount: () => answer("loadAccount", undefined, () => world.account),
    createAccount: (input) =>
      answer("createAccount", input, () =>
        open(input.displayName, input.handle ?? "ada", input.password !== null),
      ),
    signIn: (input) => answer("signIn", input, () => open("Ada", input.handle, true)),
    setPassword: done("setPassword"),
    enterPassword: done("enterPassword"),
    lock: done("lock"),
    unlock: (input) => answer("unlock", input, () => open(nameOf(), "ada", true)),
    makeRecovery: () =>
      answer("makeRecovery", undefined, () => ({
        code: "0000-0000-0000-0000-0000-0000-0000",
        file: "{}",
        fileName: "recovery.json",
      })),
    keepRecovery: done("keepRecovery"),
    withdrawRecovery: done("withdrawRecovery"),
    listWays: () => answer("listWays", undefined, () => world.ways),
    describePasskey: () =>
      answer("describePasskey", undefined, () => ({
        userHandle: new Uint8Array(16),
        excludeIds: world.ways.passkeys.map(({ id }) => id),
      })),
    addPasskey: done("addPasskey"),
    removePasskey: done("removePasskey"),
    unlockByPasskey: (input) => answer("unlockByPasskey", input, () => open(nameOf(), "ada", true)),
    signInByPasskey: (input) => answer("signInByPasskey", input, () => open("Ada", "ada", true)),
    restoreAccount: (input) => answer("restoreAccount", input, () => open("Ada", "ada", true)),
    setIdleLock: done("setIdleLock"),
    wipe: done("wipe"),
    setDisplayName: (input) =>
      answer("setDisplayName", input, () => open(input.displayName, "ada", true)),
    listDevices: () => answer("listDevices", undefined, () => world.devices),
    revokeDevice: done("revokeDevice"),
    renameDevice: done("renameDevice"),
    setRemark: done("setRemark"),
    offerDeviceLink: () => answer("offerDeviceLink", undefined, () => A_LINK),
    admitDevice: done("admitDevice"),
    openDeviceLink: done("openDeviceLink"),
    cancelDeviceLink: done("cancelDeviceLink"),
    planHistory: (input) =>
      answer("planHistory", input, () => ({
        conversationCount: 2,
        messageCount: input.days ?? 1_000,
        sizeBytes: 4_096,
      })),
    sendHistory: done("sendHistory"),
    stopHistory: done("stopHistory"),
    hint: done("hint"),
  } satisfies Partial<EngineCalls>;
}

function contactCalls(world: FakeWorld, answer: Answer, done: Done) {
  const firstConversation = (): ConversationId | null => world.conversations[0]?.id ?? null;
  return {
    listOfferedInvites: () => answer("listOfferedInvites", undefined, () => world.offers),
    async openInvite(input) {
      const invite = world.inviteByUrl[input.url];
      const answered = await answer("openInvite", input, () => invite);
      if (!answered.ok) return answered;
      return invite === undefined ? err({ kind: "engine/unknown-invite" }) : ok(invite);
    },
    acceptInvite: (input) => answer("acceptInvite", input, firstConversation),
    listContactRequests: () => answer("listContactRequests", undefined, () => world.requests),
    answerContactRequest: (input) => answer("answerContactRequest", input, firstConversation),
    createGroup: (input) =>
      answer("createGroup", input, () => firstConversation() ?? ("" as ConversationId)),
    addMember: done("addMember"),
    removeMember: done("removeMember"),
    leaveGroup: done("leaveGroup"),
    pinMessage: done("pinMessage"),
    listPins: (input) => answer("listPins", input, () => []),
    setGroupProfile: done("setGroupProfile"),
    setRole: done("setRole"),
    setMembersMayAdd: done("setMembersMayAdd"),
    deleteGroup: done("deleteGroup"),
    rotateGroupKeys: done("rotateGroupKeys"),
    forgetConversation: done("forgetConversation"),
    revokeRelation: done("revokeRelation"),
    listConversations: () => answer("listConversations", undefined, () => world.conversations),
    async describeSecurity(input) {
      const { security } = world;
      const answered = await answer("describeSecurity", input, () => security);
      if (!answered.ok) return answered;
      return security === null ? err({ kind: "engine/unknown-conversation" }) : ok(security);
    },
    setVerified: done("setVerified"),
    acceptKey: done("acceptKey"),
    setMuted: done("setMuted"),
    setPinned: done("setPinned"),
  } satisfies Partial<EngineCalls>;
}

function ownAgentCalls(world: FakeWorld, answer: Answer, done: Done) {
  const invites = { fingerprintText: "0123 4567", invites: [] };
  const first = (): OwnAgentView => world.ownAgents[0] ?? anOwnAgent();
  return {
    listOwnAgents: () => answer("listOwnAgents", undefined, () => world.ownAgents),
    createOwnAgent: (input) =>
      answer("createOwnAgent", input, () => ({
        agent: anOwnAgent({ name: input.name, mode: input.mode }),
        token: `hsk_${"0".repeat(40)}`,
        webhookSecret: null,
        baseUrl: "https://parley.example",
      })),
    changeOwnAgent: (input) => answer("changeOwnAgent", input, first),
    renewAgentToken: (input) =>
      answer("renewAgentToken", input, () => ({ token: `hsk_${"1".repeat(40)}` })),
    renewWebhookSecret: (input) =>
      answer("renewWebhookSecret", input, () => ({ secret: "c2VjcmV0" })),
    deleteOwnAgent: done("deleteOwnAgent"),
    confirmOwnAgent: done("confirmOwnAgent"),
    withdrawOwnAgent: done("withdrawOwnAgent"),
    describeAgentMaker: (input) => answer("describeAgentMaker", input, () => world.agentMaker),
    listAgentInvites: (input) => answer("listAgentInvites", input, () => invites),
    createAgentInvite: (input) => answer("createAgentInvite", input, () => invites),
    removeAgentInvite: done("removeAgentInvite"),
    listAgentRelations: (input) => answer("listAgentRelations", input, () => world.agentRelations),
    changeAgentRelation: done("changeAgentRelation"),
  } satisfies Partial<EngineCalls>;
}

function threadCalls(world: FakeWorld, answer: Answer) {
  const rowsOf = (id: ConversationId) =>
    world.messages.filter((message) => message.conversationId === id);
  const windowAt = (conversationId: ConversationId, from: number, to: number): ThreadView => {
    const rows = rowsOf(conversationId);
    const start = Math.max(0, from);
    return {
      conversationId,
      messages: rows.slice(start, to),
      hasBefore: start > 0,
      isCut: false,
      hasAfter: to < rows.length,
      firstUnreadId: world.firstUnreadId,
      readSeqById: {},
    };
  };
  const indexOf = (id: ConversationId, messageId: MessageId): number =>
    rowsOf(id).findIndex((message) => message.id === messageId);
  return {
    openThread: (input) =>
      answer("openThread", input, () => {
        const { conversationId, aroundMessageId } = input;
        const count = rowsOf(conversationId).length;
        if (aroundMessageId === null)
          return windowAt(conversationId, count - world.windowRows, count);
        const at = indexOf(conversationId, aroundMessageId);
        const half = Math.floor(world.windowRows / 2);
        return windowAt(conversationId, at - half, Math.min(count, at + half));
      }),
    loadBefore: (input) =>
      answer("loadBefore", input, () => {
        const at = indexOf(input.conversationId, input.beforeId);
        return windowAt(input.conversationId, at - world.windowRows, at);
      }),
    loadAfter: (input) =>
      answer("loadAfter", input, () => {
        const at = indexOf(input.conversationId, input.afterId) + 1;
        const end = Math.min(rowsOf(input.conversationId).length, at + world.windowRows);
        return windowAt(input.conversationId, at, end);
      }),
  } satisfies Partial<EngineCalls>;
}

function messageCalls(world: FakeWorld, answer: Answer, done: Done) {
  let sent = 0;
  return {
    closeThread: done("closeThread"),
    markRead: done("markRead"),
    saveDraft: done("saveDraft"),
    sendText: (input) => answer("sendText", input, () => `sent-${++sent}` as MessageId),
    retrySend: done("retrySend"),
    discardFailed: done("discardFailed"),
    recall: done("recall"),
    react: done("react"),
    setTyping: done("setTyping"),
    stopStream: done("stopStream"),
    attachFile: (input) =>
      answer("attachFile", input, () => ({
        fileId: input.fileId,
        name: input.name,
        sizeBytes: input.bytes.size,
        picture: null,
      })),
    detachFile: done("detachFile"),
    listAttached: (input) => answer("listAttached", input, () => world.attached),
    sendFiles: (input) => answer("sendFiles", input, () => `sent-${++sent}` as MessageId),
    openFile: (input) =>
      answer("openFile", input, () => ({ bytes: new Blob(["x"]), name: "x", picture: null })),
    saveFormDraft: done("saveFormDraft"),
    answerArtifact: done("answerArtifact"),
    decideApproval: done("decideApproval"),
    allowScope: done("allowScope"),
    checkAgentAddress: (input) =>
      answer("checkAgentAddress", input, () => ({
        url: input.url,
        isLoopback: true,
        isReadableOnTheWay: false,
        isPrivateNetwork: true,
      })),
    listAgentModels: (input) => answer("listAgentModels", input, () => []),
    addAgentByAddress: (input) =>
      answer("addAgentByAddress", input, () => "added" as ConversationId),
    removeAgent: done("removeAgent"),
    runOnChannel: done("runOnChannel"),
    watchActivity: done("watchActivity"),
    unwatchActivity: done("unwatchActivity"),
    search: (input) => answer("search", input, () => world.hits),
  } satisfies Partial<EngineCalls>;
}
