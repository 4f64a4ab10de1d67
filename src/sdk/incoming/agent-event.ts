/** What an event handler hears: everything that is not a message but concerns the agent. */
import type { FileRef } from "../files/agent-files.ts";
import type { Artifact, ArtifactResponse } from "#protocol/artifact.ts";
import type { Entry } from "#peer/endpoint.ts";

type Placed = {
  readonly conversation_id: string;
  readonly conversation_seq: number;
  readonly created_at: string;
};

export type RelationEvent = Placed & {
  readonly type:
    | "relation.established"
    | "relation.suspended"
    | "relation.restored"
    | "relation.revoked";
  /** `user_id`, `relation_id`, `display_name`, `language` …, as far as the relay told. */
  readonly payload: Readonly<Record<string, string>>;
};

/** An answer to a card, after every check: fields, expiry, who may answer, and for approvals the signature. */
export type ArtifactResponseEvent = Placed & {
  readonly type: "artifact_response";
  readonly message_id: string;
  readonly sender_id: string;
  readonly response_id: string;
  readonly ref_artifact: string;
  readonly ref_revision: number;
  readonly ref_action: string;
  readonly values: ArtifactResponse["values"];
  readonly artifact: Artifact;
  /** Approvals only: what the person decided, signed by their device over what they saw. */
  readonly decision?: ApprovalDecision;
};

export type ApprovalDecision = {
  /** The request is granted: with a quorum, only from the approval on that completes it. */
  readonly approved: boolean;
  readonly option_id: string;
  readonly reason?: string;
  readonly edits?: Readonly<Record<string, unknown>>;
  /** How far the members asked have come, this decision included. */
  readonly quorum?: {
    readonly outcome: "pending" | "approved" | "denied";
    readonly required: number;
    readonly approved: number;
  };
};

export type RecallEvent = Placed & {
  readonly type: "message.recalled";
  readonly message_id: string;
  readonly by: "author" | "server";
};

export type ReactionEvent = Placed & {
  readonly type: "reaction";
  readonly sender_id: string;
  readonly message_id: string;
  readonly emoji: string;
  readonly op: "add" | "remove";
};

/** What a group shows of itself, told when its owner or an admin sets it; each word says all of it. */
export type GroupProfileEvent = Placed & {
  readonly type: "group.profile";
  readonly sender_id: string;
  readonly message_id: string;
  readonly name: string;
  readonly description: string | null;
  /** For {@link HasheeAgent.streamAttachment}. */
  readonly avatar: FileRef | null;
};

/** A person decided what the agent may do. Told once, to the processes that are connected; no conversation holds it. */
export type CapabilityEvent = {
  readonly type: "agent.capability_changed";
  readonly user_id: string;
  readonly relation_id: string;
  /** Everything that the manifest asks for was granted. */
  readonly accepted: boolean;
  readonly granted_scopes: readonly string[];
  readonly capability_manifest_version: number | null;
};

export type AgentEvent =
  | RelationEvent
  | ArtifactResponseEvent
  | RecallEvent
  | ReactionEvent
  | GroupProfileEvent
  | CapabilityEvent;

/** The event of an entry that needs no more than itself; null for messages, answers and what agents need not know. */
export function eventOf(entry: Entry): AgentEvent | null {
  const placed: Placed = {
    conversation_id: entry.conversationId,
    conversation_seq: entry.seq,
    created_at: new Date(entry.at).toISOString(),
  };
  switch (entry.content.kind) {
    case "relation":
      return {
        ...placed,
        type: `relation.${entry.content.status}`,
        payload: entry.content.facts,
      };
    case "recalled":
      return {
        ...placed,
        type: "message.recalled",
        message_id: entry.content.messageId,
        by: entry.content.by,
      };
    case "message":
      return ofPayload(placed, entry, entry.content);
    case "unreadable":
    case "stream-ended":
    case "ledger":
    case "other":
      return null;
  }
}

function ofPayload(
  placed: Placed,
  { conversationId, authorId: sender_id }: Entry,
  { payload, messageId, isByLead }: Extract<Entry["content"], { readonly kind: "message" }>,
): AgentEvent | null {
  if (payload.type === "reaction") {
    const { message_id, emoji, op } = payload;
    return { ...placed, type: "reaction", sender_id, message_id, emoji, op };
  }
  // Who does not lead the group by its ledger says nothing about it.
  if (payload.type !== "profile" || isByLead !== true) return null;
  const { name, description = null, avatar } = payload;
  return {
    ...placed,
    type: "group.profile",
    sender_id,
    message_id: messageId,
    name,
    description,
    avatar: avatar === undefined ? null : { ...avatar, conversation_id: conversationId },
  };
}
