/** From a verified entry of the log to the documented message and event objects. */
import type { ConversationState } from "#crypto/ledger/conversation-state.ts";
import type { Entry } from "#peer/endpoint.ts";
import type { Payload, Ref } from "#protocol/payload.ts";
import { ENVELOPE_FORMAT } from "#protocol/version.ts";
import type { FileRef } from "../files/agent-files.ts";

/** What a message handler gets: opened, its signature checked, its payload parsed. */
export type AgentMessage = {
  readonly message_id: string;
  readonly conversation_id: string;
  readonly conversation_type: "h2h" | "h2a" | "group";
  readonly sender_id: string;
  readonly sender_type: "human" | "agent" | "system";
  /** Empty while the relay has not said how the sender wants to be called. */
  readonly sender_display_name: string;
  readonly payload: Payload;
  readonly mentions?: readonly string[];
  readonly mention_all?: boolean;
  readonly reply_to?: Ref;
  readonly hop_count: number;
  /** ISO 8601, the relay's clock. */
  readonly created_at: string;
  readonly client_message_id: string;
  readonly group_metadata?: {
    readonly group_id: string;
    readonly group_key_version: number;
    readonly members: readonly string[];
  };
  /** Files, each with what `streamAttachment` needs. */
  readonly attachments?: readonly FileRef[];
  readonly envelope_version: string;
  readonly conversation_seq: number;
  /** False where two processes may get the same message: several of them without a shared dedupe store. */
  readonly exactly_once: boolean;
  /** A process claimed the message and died before its handler ended; the work may be half done. */
  readonly interrupted?: true;
  /** Always true: what does not verify under the key the ledger names never reaches a handler. */
  readonly verified_sender: true;
};

/** Conversation and delivery, as far as the entry itself does not know them. */
export type MessageSurroundings = {
  readonly ledger: ConversationState | null;
  readonly displayName: string;
  readonly exactlyOnce: boolean;
  readonly interrupted: boolean;
};

export type MessageEntry = Entry & { readonly content: { readonly kind: "message" } };

export const isMessageEntry = (entry: Entry): entry is MessageEntry =>
  entry.content.kind === "message";

/** The documented object of one message. */
export function messageOf(entry: MessageEntry, around: MessageSurroundings): AgentMessage {
  const { payload, messageId } = entry.content;
  const lifted = liftedOf(payload, entry.conversationId);
  return {
    message_id: messageId,
    conversation_id: entry.conversationId,
    conversation_type: around.ledger?.type ?? "h2a",
    sender_id: entry.authorId,
    sender_type: entry.authorKind,
    sender_display_name: around.displayName,
    payload,
    ...lifted,
    hop_count: lifted.hop_count ?? 0,
    created_at: new Date(entry.at).toISOString(),
    client_message_id: messageId,
    ...groupOf(around.ledger),
    envelope_version: ENVELOPE_FORMAT,
    conversation_seq: entry.seq,
    exactly_once: around.exactlyOnce,
    ...(around.interrupted ? { interrupted: true } : {}),
    verified_sender: true,
  };
}

const LIFTED = ["mentions", "mention_all", "reply_to", "hop_count", "attachments"] as const;
type Lifted = Partial<Pick<AgentMessage, (typeof LIFTED)[number]>>;

function liftedOf(payload: Payload, conversation_id: string): Lifted {
  if (payload.type === "unknown") return {};
  const members: Record<string, unknown> = {};
  for (const name of LIFTED) {
    const value = (payload as Record<string, unknown>)[name];
    if (value !== undefined) members[name] = value;
  }
  if ("attachments" in payload && payload.attachments !== undefined)
    members["attachments"] = payload.attachments.map((file) => ({ ...file, conversation_id }));
  return members as Lifted;
}

const groupOf = (ledger: ConversationState | null): Pick<AgentMessage, "group_metadata"> =>
  ledger?.type === "group"
    ? {
        group_metadata: {
          group_id: ledger.conversationId,
          group_key_version: ledger.seq,
          members: [...ledger.members.keys()],
        },
      }
    : {};
