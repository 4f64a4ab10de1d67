/**
 * The engine: what a page may ask, each question handed to one module. This file is a table of contents. SPEC §engine.
 */
import { err, ok, type Result } from "#base/result.ts";
import type { EngineCalls } from "#bridge/calls.ts";
import type { BridgeFailure } from "#bridge/failure.ts";
import type { CallOptions } from "#bridge/port.ts";
import * as account from "./account-calls.ts";
import { confirmOwnAgent, describeAgentMaker, withdrawOwnAgent } from "./agent-makers.ts";
import * as relations from "./agent-relations.ts";
import * as cards from "./cards.ts";
import { allowScope } from "./tool-consent.ts";
import * as contacts from "./contacts.ts";
import * as devices from "./devices.ts";
import type { EngineDeps } from "./deps.ts";
import { createIdleLock } from "./idle-lock.ts";
import type { RunningEngine } from "./election.ts";
import { toBridge, type EngineFailure } from "./failure.ts";
import { createLinkJoin, type LinkJoin } from "./link-join.ts";
import * as groups from "./groups.ts";
import { createHouse, sessionOf, type House, type Seat } from "./house.ts";
import * as messages from "./messages.ts";
import type { PageThreads } from "./page-threads.ts";
import * as ownAgents from "./own-agents.ts";
import * as pins from "./pins.ts";
import * as plain from "./plain/plain-calls.ts";
import { searchConversations } from "./search.ts";
import { setRemark } from "./remarks.ts";
import * as security from "./security.ts";
import type { Session } from "./session.ts";
import * as settings from "./settings.ts";
import * as ways from "./way-calls.ts";

/** How long a closing engine waits for messages under way. */
const DRAIN_MS = 1_000;

/** Creates an engine; it opens what this device holds and connects by itself. */
export function createEngine(deps: EngineDeps): RunningEngine {
  const house = createHouse(deps);
  const join = createLinkJoin(house);
  const idleLock = createIdleLock({
    clock: deps.clock,
    open() {
      const session = house.session();
      const afterMinutes = session?.account().record.lockAfterMinutes ?? null;
      return session === null || afterMinutes === null
        ? null
        : { store: session.store, afterMinutes };
    },
    lock: () => account.lock(house),
  });
  return {
    openPage() {
      const seat = house.openSeat();
      const withSession = createOpener(house, seat);
      const calls: EngineCalls = {
        ...accountCalls(house, seat),
        ...deviceCalls(withSession, join),
        ...wayCalls(withSession),
        ...contactCalls(withSession),
        ...conversationCalls(withSession, seat),
        ...messageCalls(withSession, house),
        ...fileCalls(withSession),
        ...cardCalls(withSession),
        ...plainCalls(withSession),
        ...ownAgentCalls(withSession),
        hint(input) {
          if (input.type === "touched") idleLock.touch();
          return hint(house, seat, input);
        },
      };
      return { calls, onEvent: seat.onEvent, close: seat.close };
    },
    async close() {
      idleLock.close();
      join.cancel();
      await house.atDoor(async () => {
        await house.end(DRAIN_MS);
        return ok(null);
      });
    },
  };
}

type Opener = <Value>(
  task: (session: Session, threads: PageThreads) => Promise<Result<Value, EngineFailure>>,
) => Promise<Result<Value, BridgeFailure>>;

/** Runs tasks that need an open account, once the device was looked at. */
const createOpener =
  (house: House, seat: Seat): Opener =>
  async (task) => {
    const started = await house.started();
    if (!started.ok) return toBridge(started);
    const session = sessionOf(house);
    if (!session.ok) return toBridge(session);
    const threads = seat.threads();
    if (threads === null) return toBridge(err({ kind: "engine/not-open" }));
    return toBridge(await task(session.value, threads));
  };

type AccountCallName =
  | "loadAccount"
  | "createAccount"
  | "signIn"
  | "setPassword"
  | "enterPassword"
  | "lock"
  | "setIdleLock"
  | "unlock"
  | "makeRecovery"
  | "keepRecovery"
  | "addPasskey"
  | "removePasskey"
  | "unlockByPasskey"
  | "signInByPasskey"
  | "restoreAccount"
  | "wipe"
  | "setDisplayName";

type WayCallName = "listWays" | "describePasskey" | "withdrawRecovery";
type DeviceCallName =
  | "listDevices"
  | "revokeDevice"
  | "renameDevice"
  | "offerDeviceLink"
  | "admitDevice"
  | "openDeviceLink"
  | "cancelDeviceLink"
  | "planHistory"
  | "sendHistory"
  | "stopHistory";
type ContactCallName =
  | "listOfferedInvites"
  | "openInvite"
  | "acceptInvite"
  | "listContactRequests"
  | "answerContactRequest"
  | "setRemark"
  | "createGroup"
  | "addMember"
  | "removeMember"
  | "leaveGroup"
  | "setGroupProfile"
  | "setRole"
  | "setMembersMayAdd"
  | "deleteGroup"
  | "rotateGroupKeys"
  | "forgetConversation"
  | "revokeRelation";
type MessageCallName =
  | "sendText"
  | "retrySend"
  | "discardFailed"
  | "recall"
  | "react"
  | "pinMessage"
  | "listPins"
  | "setTyping"
  | "stopStream";
type FileCallName = "attachFile" | "detachFile" | "listAttached" | "sendFiles" | "openFile";
type CardCallName = "saveFormDraft" | "answerArtifact" | "decideApproval" | "allowScope";
type PlainCallName =
  | "checkAgentAddress"
  | "listAgentModels"
  | "addAgentByAddress"
  | "removeAgent"
  | "runOnChannel"
  | "watchActivity"
  | "unwatchActivity";
type OwnAgentCallName =
  | "listOwnAgents"
  | "createOwnAgent"
  | "changeOwnAgent"
  | "renewAgentToken"
  | "renewWebhookSecret"
  | "deleteOwnAgent"
  | "confirmOwnAgent"
  | "withdrawOwnAgent"
  | "describeAgentMaker"
  | "listAgentInvites"
  | "createAgentInvite"
  | "listAgentRelations"
  | "changeAgentRelation"
  | "removeAgentInvite";
type ConversationCallName = Exclude<
  keyof EngineCalls,
  | AccountCallName
  | DeviceCallName
  | WayCallName
  | ContactCallName
  | MessageCallName
  | FileCallName
  | CardCallName
  | PlainCallName
  | OwnAgentCallName
  | "hint"
>;

const accountCalls = (house: House, seat: Seat): Pick<EngineCalls, AccountCallName> => ({
  loadAccount: async () => {
    const started = await house.started();
    const session = house.session();
    // A page that joins late has missed how the line stands.
    if (session !== null) seat.emit({ type: "connection", connection: session.connection() });
    for (const transfer of session?.files.messages.transfers() ?? [])
      seat.emit({ type: "transfer", transfer });
    const link = session?.handover.links.view() ?? null;
    if (link !== null) seat.emit({ type: "device-link", link });
    return toBridge(started.ok ? ok(house.view()) : started);
  },
  createAccount: async (input) => toBridge(await account.create(house, input)),
  signIn: async (input) => toBridge(await account.signIn(house, input)),
  setPassword: async (input) => toBridge(await account.setPassword(house, input)),
  enterPassword: async (input) => toBridge(await account.enterPassword(house, input)),
  lock: async () => toBridge(await account.lock(house)),
  setIdleLock: async (input) => toBridge(await account.setIdleLock(house, input)),
  unlock: async (input) => toBridge(await account.unlock(house, input)),
  makeRecovery: async () => toBridge(await ways.makeRecovery(house)),
  keepRecovery: async () => toBridge(await ways.keepRecovery(house)),
  addPasskey: async (input) => toBridge(await ways.addPasskey(house, input)),
  removePasskey: async (input) => toBridge(await ways.removePasskey(house, input)),
  unlockByPasskey: async (input) => toBridge(await ways.unlockByPasskey(house, input)),
  signInByPasskey: async (input) => toBridge(await ways.signInByPasskey(house, input)),
  restoreAccount: async (input) => toBridge(await account.restoreAccount(house, input)),
  wipe: async () => toBridge(await account.wipe(house)),
  setDisplayName: async (input) => toBridge(await account.setDisplayName(house, input)),
});

const deviceCalls = (open: Opener, join: LinkJoin): Pick<EngineCalls, DeviceCallName> => ({
  listDevices: () => open(devices.listDevices),
  revokeDevice: (input) => open((session) => devices.revokeDevice(session, input)),
  renameDevice: (input) => open((session) => devices.renameDevice(session, input)),
  offerDeviceLink: () => open((session) => session.handover.links.offer()),
  admitDevice: ({ history }) =>
    open((session) =>
      session.handover.links.admit((deviceId) => {
        if (history !== null) void session.handover.history.send(deviceId, history.days);
      }),
    ),
  openDeviceLink: async (input) => toBridge(await join.open(input)),
  async cancelDeviceLink() {
    join.cancel();
    await open(async (session) => ok(await session.handover.links.cancel()));
    return ok(null);
  },
  planHistory: ({ days }) => open(async (session) => ok(await session.handover.history.plan(days))),
  sendHistory: ({ deviceId, days }) =>
    open((session) => session.handover.history.send(deviceId, days)),
  stopHistory: () =>
    open(async (session) => {
      session.handover.history.stop();
      return ok(null);
    }),
});

const wayCalls = (open: Opener): Pick<EngineCalls, WayCallName> => ({
  listWays: () => open(ways.listWays),
  describePasskey: () => open(ways.describePasskey),
  withdrawRecovery: () => open(ways.withdrawRecovery),
});

const contactCalls = (open: Opener): Pick<EngineCalls, ContactCallName> => ({
  listOfferedInvites: () => open(contacts.listOfferedInvites),
  openInvite: (input) => open((session) => contacts.openInvite(session, input)),
  acceptInvite: (input) => open((session) => contacts.acceptInvite(session, input)),
  listContactRequests: () => open(contacts.listContactRequests),
  answerContactRequest: (input) => open((session) => contacts.answerContactRequest(session, input)),
  setRemark: (input) => open((session) => setRemark(session, input)),
  createGroup: (input) => open((session) => groups.createGroup(session, input)),
  addMember: (input) => open((session) => groups.addMember(session, input)),
  removeMember: (input) => open((session) => groups.removeMember(session, input)),
  leaveGroup: (input) => open((session) => groups.leaveGroup(session, input)),
  setGroupProfile: (input) => open((session) => groups.setGroupProfile(session, input)),
  setRole: (input) => open((session) => groups.setRole(session, input)),
  setMembersMayAdd: (input) => open((session) => groups.setMembersMayAdd(session, input)),
  deleteGroup: (input) => open((session) => groups.deleteGroup(session, input)),
  rotateGroupKeys: (input) => open((session) => groups.rotateGroupKeys(session, input)),
  forgetConversation: (input) => open((session) => contacts.forgetConversation(session, input)),
  revokeRelation: (input) => open((session) => contacts.revokeRelation(session, input)),
});

const conversationCalls = (open: Opener, seat: Seat): Pick<EngineCalls, ConversationCallName> => ({
  listConversations: () => open(async ({ book }) => ok(book.list().map(book.view))),
  openThread: ({ conversationId, aroundMessageId }) =>
    open((_, threads) => threads.open(conversationId, aroundMessageId)),
  loadBefore: ({ conversationId }) => open((_, threads) => threads.before(conversationId)),
  loadAfter: ({ conversationId }) => open((_, threads) => threads.after(conversationId)),
  closeThread: ({ conversationId }) =>
    open(async (_, threads) => ok(threads.closeThread(conversationId))),
  markRead: (input) =>
    open((session, threads) => settings.markRead(session, threads, seat.isVisible(), input)),
  saveDraft: (input) => open((session) => messages.saveDraft(session, input)),
  setMuted: (input) => open((session) => settings.setMuted(session, input)),
  setPinned: (input) => open((session) => settings.setPinned(session, input)),
  describeSecurity: ({ conversationId }) =>
    open((session) => session.carrierOf(conversationId).describeSecurity()),
  setVerified: (input) => open((session) => security.setVerified(session, input)),
  acceptKey: (input) => open((session) => security.acceptKey(session, input)),
  search: (input, options?: CallOptions) =>
    open(async (session) => ok(await searchConversations(session, input, options?.signal ?? null))),
});

const messageCalls = (open: Opener, { sinks }: House): Pick<EngineCalls, MessageCallName> => ({
  sendText: (input) => open((session) => messages.sendText(session, input)),
  retrySend: (input) => open((session) => messages.retrySend(session, input)),
  discardFailed: (input) => open((session) => messages.discardFailed(session, input)),
  recall: (input) => open((session) => messages.recall(session, input)),
  react: (input) => open((session) => messages.react(session, input)),
  pinMessage: (input) => open((session) => pins.pinMessage(session, input)),
  listPins: (input) => open((session) => pins.listPins(session, input)),
  setTyping: (input) => open(async (session) => ok(messages.setTyping(session, input))),
  stopStream: (input) => open(async (session) => messages.stopStream(session, sinks, input)),
});

const fileCalls = (open: Opener): Pick<EngineCalls, FileCallName> => ({
  attachFile: (input, options?: CallOptions) =>
    open((session) => messages.attachFile(session, input, options?.signal ?? null)),
  detachFile: ({ fileId }) => open((session) => session.files.detach(fileId)),
  listAttached: ({ conversationId }) =>
    open(async (session) => ok(session.files.attached(conversationId))),
  sendFiles: (input) => open((session) => messages.sendFiles(session, input)),
  openFile: (input, options?: CallOptions) =>
    open((session) => session.files.open(input, options?.signal ?? null)),
});

const cardCalls = (open: Opener): Pick<EngineCalls, CardCallName> => ({
  saveFormDraft: (input) => open((session) => cards.saveFormDraft(session, input)),
  answerArtifact: (input) => open((session) => cards.answerArtifact(session, input)),
  decideApproval: (input) => open((session) => cards.decideApproval(session, input)),
  allowScope: (input) => open((session) => allowScope(session, input)),
});

const plainCalls = (open: Opener): Pick<EngineCalls, PlainCallName> => ({
  checkAgentAddress: (input) => open((session) => plain.checkAgentAddress(session, input)),
  listAgentModels: (input, options?: CallOptions) =>
    open((session) =>
      plain.listAgentModels(session, input, options?.signal ?? new AbortController().signal),
    ),
  addAgentByAddress: (input) => open((session) => session.plain.add(input)),
  removeAgent: ({ conversationId }) => open((session) => session.plain.remove(conversationId)),
  runOnChannel: ({ conversationId, command }) =>
    open(async (session) => session.plain.run(conversationId, command)),
  watchActivity: ({ conversationId }) =>
    open(async (session) => session.plain.watchActivity(conversationId)),
  unwatchActivity: ({ conversationId }) =>
    open(async (session) => session.plain.unwatchActivity(conversationId)),
});

const ownAgentCalls = (open: Opener): Pick<EngineCalls, OwnAgentCallName> => ({
  listOwnAgents: () => open(ownAgents.listOwnAgents),
  createOwnAgent: (input) => open((session) => ownAgents.createOwnAgent(session, input)),
  changeOwnAgent: (input) => open((session) => ownAgents.changeOwnAgent(session, input)),
  renewAgentToken: (input) => open((session) => ownAgents.renewAgentToken(session, input)),
  renewWebhookSecret: (input) => open((session) => ownAgents.renewWebhookSecret(session, input)),
  deleteOwnAgent: (input) => open((session) => ownAgents.deleteOwnAgent(session, input)),
  confirmOwnAgent: (input) => open((session) => confirmOwnAgent(session, input)),
  withdrawOwnAgent: (input) => open((session) => withdrawOwnAgent(session, input)),
  describeAgentMaker: (input) => open((session) => describeAgentMaker(session, input)),
  listAgentInvites: (input) => open((session) => ownAgents.listAgentInvites(session, input)),
  createAgentInvite: (input) => open((session) => ownAgents.createAgentInvite(session, input)),
  listAgentRelations: (input) => open((session) => relations.listAgentRelations(session, input)),
  changeAgentRelation: (input) => open((session) => relations.changeAgentRelation(session, input)),
  removeAgentInvite: (input) => open((session) => ownAgents.removeAgentInvite(session, input)),
});

async function hint(
  house: House,
  seat: Seat,
  input: Parameters<EngineCalls["hint"]>[0],
): Promise<Result<null, BridgeFailure>> {
  if (input.type === "hidden" || input.type === "visible")
    seat.setVisible(input.type === "visible");
  await house.started();
  const session = house.session();
  if (session === null) return ok(null);
  if (input.type === "locale") {
    session.setLocale(input.locale);
    house.redrawAll();
  } else if (input.type === "visible" || input.type === "network-online") {
    session.endpoint.nudge();
    session.plain.nudge();
  } else if (input.type === "network-offline") {
    session.noteOffline();
  }
  return ok(null);
}
