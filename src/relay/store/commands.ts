/** Every write the relay knows, by name: the whole list of how its tables change. */
import * as agent from "../directory/agent-commands.ts";
import * as account from "../directory/account-commands.ts";
import * as device from "../directory/device-commands.ts";
import * as password from "../directory/password-commands.ts";
import * as way from "../directory/way-commands.ts";
import * as relation from "../directory/relation-commands.ts";
import * as node from "../nodes/node-commands.ts";
import * as ticket from "../nodes/ticket-commands.ts";
import * as push from "../push/push-commands.ts";
import * as upload from "../blobs/upload-commands.ts";
import { keepAnswer } from "./keep-answer.ts";
import { probe } from "./probe.ts";
import * as append from "../log/append-commands.ts";
import * as pin from "../log/pin-commands.ts";
import * as conversation from "../log/conversation-commands.ts";

export const COMMANDS = {
  probe,
  keepAnswer,
  appendMessage: append.appendMessage,
  recallMessage: append.recallMessage,
  failStream: append.failStream,
  orphanStreams: append.orphanStreams,
  pinMessage: pin.pinMessage,
  quarantine: append.quarantine,
  expireArtifacts: append.expireArtifacts,
  createConversation: conversation.createConversation,
  appendLedger: conversation.appendLedger,
  changeGroup: conversation.changeGroup,
  rotateGroup: conversation.rotateGroup,
  advanceCursors: conversation.advanceCursors,
  markRead: conversation.markRead,
  flagConversation: conversation.flagConversation,
  registerUser: account.registerUser,
  addDevice: account.addDevice,
  removeDevice: account.removeDevice,
  renameDevice: device.renameDevice,
  login: password.login,
  startSession: account.startSession,
  refreshSession: account.refreshSession,
  endSession: account.endSession,
  changePassword: password.changePassword,
  deleteAccount: password.deleteAccount,
  putBackup: account.putBackup,
  putWay: way.putWay,
  dropWay: way.dropWay,
  updateProfile: account.updateProfile,
  putPrekeys: account.putPrekeys,
  appendAccountLedger: account.appendAccountLedger,
  createAgent: agent.createAgent,
  registerAgentKeys: agent.registerAgentKeys,
  changeAgentToken: agent.changeAgentToken,
  changeAgent: agent.changeAgent,
  deleteAgent: agent.deleteAgent,
  endRelations: agent.endRelations,
  cosignCard: agent.cosignCard,
  setManifest: agent.setManifest,
  setWebhookSecret: agent.setWebhookSecret,
  governAgent: agent.governAgent,
  limitAgent: agent.limitAgent,
  createInvite: relation.createInvite,
  deleteInvite: relation.deleteInvite,
  offerAgent: relation.offerAgent,
  withdrawAgent: relation.withdrawAgent,
  acceptInvite: relation.acceptInvite,
  requestContact: relation.requestContact,
  acceptContact: relation.acceptContact,
  dropContactRequest: relation.dropContactRequest,
  approveRelation: relation.approveRelation,
  grantScopes: relation.grantScopes,
  changeRelation: relation.changeRelation,
  block: relation.block,
  unblock: relation.unblock,
  putRemark: relation.putRemark,
  subscribe: push.subscribe,
  unsubscribe: push.unsubscribe,
  checkKey: node.checkKey,
  joinNodes: node.joinNodes,
  beat: node.beat,
  endNode: node.endNode,
  openAgentSocket: node.openAgentSocket,
  closeAgentSocket: node.closeAgentSocket,
  holdConversations: node.holdConversations,
  freeConversation: node.freeConversation,
  arrive: node.arrive,
  depart: node.depart,
  takeChore: node.takeChore,
  dropChore: node.dropChore,
  putTicket: ticket.putTicket,
  fillTicket: ticket.fillTicket,
  takeTicket: ticket.takeTicket,
  moveStream: append.moveStreamTo,
  startUpload: upload.startUpload,
  confirmUpload: upload.confirmUpload,
  dropUpload: upload.dropUpload,
} as const;

export type Commands = typeof COMMANDS;
export type CommandName = keyof Commands;
export type CommandArgs<Name extends CommandName> = Parameters<Commands[Name]>[1];
/** What the command answers, a {@link RelayFailure} included. */
export type CommandResult<Name extends CommandName> = ReturnType<Commands[Name]>;
