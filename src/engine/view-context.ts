/** What views of a conversation's rows need to know, taken from an open session at this moment. */
import type { AccountId, ConversationId } from "#protocol/ids.ts";
import { conversationWith } from "./contacts.ts";
import { contactLink } from "./invite-link.ts";
import { approvalBlock, approvalRows } from "./approvals.ts";
import { sendingOf } from "./conversations/conversation-view.ts";
import { toolAsk } from "./tool-consent.ts";
import type { Session } from "./session.ts";
import type { ViewContext } from "./thread/context.ts";

/** Key of a form's unsent values. */
export const formDraftKey = (conversationId: ConversationId, artifactId: string): string =>
  `${conversationId}/${artifactId}`;

export function viewContext(session: Session, id: ConversationId): ViewContext {
  const { book, people, peopleContext, selfId, deps, formDrafts } = session;
  const conversation = book.get(id);
  const carrier = session.carrierOf(id);
  return {
    selfId,
    now: deps.clock.now(),
    nameOf: people.nameOf,
    ownNameOf: people.ownNameOf,
    memberById: new Map((conversation?.members ?? []).map((member) => [member.id, member])),
    marksById: conversation?.marksById ?? {},
    isFileHere: session.files.isHere,
    canSend: conversation !== null && sendingOf(conversation, peopleContext).allowed,
    canRecall: carrier.canRecall,
    turnOf: carrier.turnOf,
    draftOf: (artifactId) => formDrafts.get(formDraftKey(id, artifactId)) ?? null,
    contactOf: (contact) => {
      const accountId = contact.id as AccountId;
      const isStranger = contact.kind === "group" || people.get(accountId) === null;
      return {
        kind: contact.kind,
        id: accountId,
        name: isStranger ? contact.display_name : people.ownNameOf(accountId),
        handle: contact.handle ?? null,
        inviteUrl: contactLink(contact, deps.origin),
        conversationId: conversationWith(session, accountId),
      };
    },
    toolOf: (card, call) => toolAsk(session, id, card, call),
    approvalOf: (card, authorId) => ({
      rows: approvalRows(card, session.locale()),
      blockedBecause: approvalBlock(deps.primitives, card, {
        trust: people.trustOf(authorId),
        isForked: conversation?.isForked ?? false,
      }),
    }),
  };
}
