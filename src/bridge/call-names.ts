/** The names of all calls, once as values: the page's proxy is made of them and the worker answers no other. */
import type { CallName } from "./calls.ts";

// A record, so that a call added to the interface and forgotten here does not compile.
const NAMES: Readonly<Record<CallName, true>> = {
  loadAccount: true,
  createAccount: true,
  signIn: true,
  setPassword: true,
  lock: true,
  setIdleLock: true,
  unlock: true,
  wipe: true,
  setDisplayName: true,
  makeRecovery: true,
  restoreAccount: true,
  listDevices: true,
  revokeDevice: true,
  listOfferedInvites: true,
  openInvite: true,
  acceptInvite: true,
  listContactRequests: true,
  answerContactRequest: true,
  createGroup: true,
  addMember: true,
  removeMember: true,
  leaveGroup: true,
  revokeRelation: true,
  listConversations: true,
  openThread: true,
  loadBefore: true,
  loadAfter: true,
  closeThread: true,
  markRead: true,
  saveDraft: true,
  setMuted: true,
  setPinned: true,
  describeSecurity: true,
  setVerified: true,
  acceptKey: true,
  sendText: true,
  retrySend: true,
  discardFailed: true,
  recall: true,
  react: true,
  setTyping: true,
  stopStream: true,
  saveFormDraft: true,
  answerArtifact: true,
  decideApproval: true,
  checkAgentAddress: true,
  listAgentModels: true,
  addAgentByAddress: true,
  removeAgent: true,
  runOnChannel: true,
  watchActivity: true,
  unwatchActivity: true,
  search: true,
  hint: true,
};

/** Every call's name. */
export const CALL_NAMES = Object.keys(NAMES) as readonly CallName[];

/** Whether untrusted text names a call. */
export const isCallName = (name: unknown): name is CallName =>
  typeof name === "string" && Object.hasOwn(NAMES, name);
