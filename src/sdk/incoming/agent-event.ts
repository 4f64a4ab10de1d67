/** What an event handler hears: everything that is not a message but concerns the agent. */
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
      return entry.content.payload.type === "reaction"
        ? {
            ...placed,
            type: "reaction",
            sender_id: entry.authorId,
            message_id: entry.content.payload.message_id,
            emoji: entry.content.payload.emoji,
            op: entry.content.payload.op,
          }
        : null;
    case "unreadable":
    case "stream-ended":
    case "ledger":
    case "other":
      return null;
  }
}
