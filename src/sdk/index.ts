/** The whole public surface of the agent SDK. */
import "./refuse-old-node.ts";
export { createAgent, HasheeAgent } from "./agent.ts";
export { HasheeError } from "./agent-error.ts";
export { restRequest } from "./rest-request.ts";
export { webhookHandler, type WebhookReceiver } from "./webhook/webhook-handler.ts";

export type {
  AgentOptions,
  ConnectionMode,
  CryptoChoice,
  DecryptFailure,
  GeneratedKeys,
} from "./options.ts";
export type { AgentMessage } from "./incoming/message-context.ts";
export type {
  AgentEvent,
  ApprovalDecision,
  ArtifactResponseEvent,
  CapabilityEvent,
  GroupProfileEvent,
  ReactionEvent,
  RecallEvent,
  RelationEvent,
} from "./incoming/agent-event.ts";
export type { FileRef, FileUpload, UploadReceipt } from "./files/agent-files.ts";
export type { EventHandler, MessageHandler } from "./incoming/handlers.ts";
export type { AgentStatus, StatusHandler } from "./line/connection-status.ts";
export type { ErrorHandler } from "./line/error-board.ts";
export type { ReplyStream, SendReceipt, StreamExtra } from "./outgoing/reply-stream.ts";
export type {
  ArtifactChange,
  ArtifactReceipt,
  ArtifactUpdateInput,
} from "./artifacts/artifact-sender.ts";
export type { MediaInput } from "./artifacts/media.ts";
export { shownAnswer } from "./artifacts/shown-answer.ts";
export type { ToolCallInput, ToolCallResult } from "./artifacts/tool-call.ts";
export type { VoteInput, VoteResult } from "./artifacts/vote.ts";
export type { ApprovalRequestInput } from "./artifacts/approvals.ts";
export type { Metrics, Sample } from "./metrics.ts";
export type {
  AgentProfile,
  ConversationsPage,
  ConversationSummary,
  HistoryPage,
  UnreadableMessage,
} from "./reading/reading.ts";
export type { RestCall } from "./rest-call.ts";
export type { AgentNotes } from "./local/agent-notes.ts";
export type { Claim, DedupeStore } from "./local/dedupe-store.ts";

export type { KnownPayload, Payload, TextPayload } from "#protocol/payload.ts";
export type {
  ApprovalCard,
  Artifact,
  FormCard,
  InfoCard,
  ProgressCard,
  ReplyCard,
  ResponseCard,
} from "#protocol/artifact.ts";
export type { MediaCard } from "#protocol/media-card.ts";
export type { VoteCard } from "#protocol/vote-card.ts";
