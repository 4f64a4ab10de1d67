/**
 * Which writes may go on beside each other where a database lets several write at once. A command that is not named
 * here runs alone: nothing else is written meanwhile, on this node or another, so it may check and act as it likes.
 * One that is named here runs beside all others but those with one of its keys and those that run alone; it must not
 * read, to decide, what such a neighbour writes. SPEC R52.
 */
import type { CommandArgs, CommandName } from "./commands.ts";

/** Keys of what a command is about; null: everything. */
export type Scope = readonly string[] | null;

type ScopeOf<Name extends CommandName> = (args: CommandArgs<Name>) => readonly string[];

const conversation = (id: string): readonly string[] => [`conversation ${id}`];
const agent = (id: string): readonly string[] => [`agent ${id}`];
/** Rows of its own, or changes that come to the same in any order. */
const nothing = (): readonly string[] => [];

const SCOPES: { readonly [Name in CommandName]?: ScopeOf<Name> } = {
  appendMessage: ({ entry }) => conversation(entry.conversationId),
  recallMessage: ({ conversationId }) => conversation(conversationId),
  failStream: ({ conversationId }) => conversation(conversationId),
  pinMessage: ({ conversationId }) => conversation(conversationId),
  quarantine: ({ conversationId }) => conversation(conversationId),
  createConversation: ({ conversationId }) => conversation(conversationId),
  appendLedger: ({ conversationId }) => conversation(conversationId),
  changeGroup: ({ conversationId }) => conversation(conversationId),
  markRead: ({ conversationId }) => conversation(conversationId),
  flagConversation: ({ conversationId }) => conversation(conversationId),
  moveStream: ({ conversationId }) => conversation(conversationId),
  // What a socket has, and who is where, is decided within one agent and one account; nodes end alone.
  openAgentSocket: ({ agentId }) => agent(agentId),
  closeAgentSocket: ({ agentId }) => agent(agentId),
  holdConversations: ({ agentId }) => agent(agentId),
  freeConversation: ({ agentId }) => agent(agentId),
  arrive: ({ account }) => [`online ${account}`],
  depart: ({ account }) => [`online ${account}`],
  putPrekeys: ({ ownerId }) => [`prekeys ${ownerId}`],
  login: ({ handle }) => [`handle ${handle}`],
  startSession: ({ session }) => [`sessions ${session.userId}`],
  // Cursors and delivered marks only grow, each by a statement that sees to it.
  advanceCursors: nothing,
  confirmUpload: nothing,
  dropUpload: nothing,
  endSession: nothing,
  keepAnswer: nothing,
  probe: nothing,
  putTicket: nothing,
  fillTicket: nothing,
  takeTicket: nothing,
};

export function scopeOf<Name extends CommandName>(name: Name, args: CommandArgs<Name>): Scope {
  const scope = SCOPES[name] as ScopeOf<Name> | undefined;
  return scope === undefined ? null : scope(args);
}
