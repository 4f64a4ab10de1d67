/** Everything the worker may tell the page unasked. Events are facts; the page's stores fold them in. SPEC §events. */
import type { AccountId, AgentId, ConversationId, MessageId, StreamId } from "#protocol/ids.ts";
import type { ActivityView } from "./channel-views.ts";
import type { DeviceLinkView, HistoryView } from "./device-views.ts";
import type { TransferView } from "./file-views.ts";
import type {
  AccountView,
  ConnectionView,
  ContactRequestView,
  ConversationView,
  MessageView,
} from "./views.ts";

export type EngineEvent =
  | { readonly type: "account"; readonly account: AccountView }
  | { readonly type: "connection"; readonly connection: ConnectionView }
  | { readonly type: "conversation"; readonly conversation: ConversationView }
  | { readonly type: "conversation-removed"; readonly conversationId: ConversationId }
  /** Rows of an open thread that are new or changed; the page sorts by seq, queued rows last. */
  | {
      readonly type: "messages";
      readonly conversationId: ConversationId;
      readonly messages: readonly MessageView[];
    }
  | {
      readonly type: "messages-removed";
      readonly conversationId: ConversationId;
      readonly messageIds: readonly MessageId[];
    }
  /** Text that a live stream of an open thread gained; gathered per tick, appended at `offset` (UTF-16 units). */
  | {
      readonly type: "stream-text";
      readonly conversationId: ConversationId;
      readonly messageId: MessageId;
      readonly streamId: StreamId;
      readonly offset: number;
      readonly text: string;
    }
  | {
      readonly type: "typing";
      readonly conversationId: ConversationId;
      readonly accountIds: readonly AccountId[];
    }
  | {
      readonly type: "read-receipts";
      readonly conversationId: ConversationId;
      readonly readSeqById: Readonly<Record<string, number>>;
    }
  /** How far files are on their way, up or down. */
  | { readonly type: "transfer"; readonly transfer: TransferView }
  | {
      readonly type: "activity";
      readonly conversationId: ConversationId;
      readonly activity: ActivityView;
    }
  /** Null when there is none any more. */
  | { readonly type: "device-link"; readonly link: DeviceLinkView | null }
  | { readonly type: "history"; readonly history: HistoryView }
  /** Messages of another device stand in this conversation's log now: ask for its rows again. */
  | { readonly type: "history-taken"; readonly conversationId: ConversationId }
  /** Who is connected with an agent of this person changed: ask again. */
  | { readonly type: "agent-relations"; readonly agentId: AgentId }
  | { readonly type: "contact-requests"; readonly requests: readonly ContactRequestView[] }
  /** The relay's log is another one than we knew, or a gap could not be filled: rows may be missing. */
  | { readonly type: "history-reset"; readonly conversationId: ConversationId }
  /** Another tab's engine took over or restarted: ask for everything again. */
  | { readonly type: "engine-restarted" }
  /** Something failed that no call waits for. */
  | { readonly type: "failed"; readonly failure: string };
