// Who may say what in a conversation, judged by the state before the entry. SPEC §6.2, the table of authority.
import { equalBytes } from "#base/bytes.ts";
import { unreachable } from "#base/invariant.ts";
import type { AccountId } from "#protocol/ids.ts";
import type { ConversationOp } from "./conversation-op.ts";
import type { ConversationState, Member } from "./conversation-state.ts";

/** Whether a member may make this statement. */
export function mayAuthor(
  state: ConversationState,
  actorId: AccountId,
  actor: Member,
  op: ConversationOp,
): boolean {
  const isOwner = actor.role === "owner";
  switch (op.type) {
    case "create":
      return false;
    case "add":
      // Handing out a role is the owner's; an owner is made by `role`, so there is never a second one.
      return op.role === "member"
        ? actor.role !== "member" || (state.membersMayAdd && actor.kind === "human")
        : isOwner && op.role === "admin";
    case "remove":
      return mayRemove(state, actorId, actor, op.accountId);
    case "role":
      return isOwner && op.accountId !== actorId;
    case "close":
      return isOwner && op.accountId === actorId;
    case "invite-policy":
      return actor.role !== "member" && op.accountId === state.ownerId && state.type === "group";
    case "accept-card":
      return isOwner || actor.kind === "human";
    case "device-add":
    case "device-revoke":
    case "mode":
      return op.accountId === actorId;
    case "standing-grant":
      return actor.kind === "human" && state.members.get(op.accountId)?.kind === "agent";
    case "revoke":
      return state.grants.some(
        (grant) =>
          grant.by === actorId &&
          grant.agentId === op.accountId &&
          equalBytes(grant.grantId, op.grantId),
      );
    default:
      return unreachable(op);
  }
}

/** Anyone may leave; owner and admins may remove others, but nobody the owner. */
function mayRemove(
  state: ConversationState,
  actorId: AccountId,
  actor: Member,
  subjectId: AccountId,
): boolean {
  if (subjectId === actorId) return true;
  return actor.role !== "member" && state.members.get(subjectId)?.role !== "owner";
}
