/** The view types a screen needs, so that `ui` never names a layer below `stores`. */
import type {
  ArtifactView,
  ConversationView,
  MemberView,
  MessageView,
  StreamView,
} from "#bridge/views.ts";

export type {
  AccountView,
  AnswerView,
  ArtifactView,
  AttachmentView,
  BodyView,
  ConnectionView,
  ContactRequestView,
  ContactView,
  ConversationView,
  DeliveryView,
  DeviceView,
  GroupView,
  InviteView,
  MemberView,
  MessageView,
  PasskeyInput,
  PeerView,
  PinView,
  RecoveryView,
  ReplyView,
  SearchHitView,
  SecurityView,
  StreamView,
  ThreadView,
  TrustView,
  WaysView,
} from "#bridge/views.ts";
export type { AttachedView, OpenedFile, PictureView, TransferView } from "#bridge/file-views.ts";
export type {
  ActivityView,
  AddressView,
  ChannelCommandInput,
  ChannelHeadView,
  JsonView,
  NotePartView,
  PlainAgentInput,
  PlainProtocol,
  PlanView,
  PromptPartView,
  ToolPartView,
  TurnPartView,
  TurnView,
} from "#bridge/channel-views.ts";
export type {
  DeviceLinkView,
  HistoryPlanView,
  HistoryReach,
  HistoryView,
} from "#bridge/device-views.ts";
export type {
  AgentChangeInput,
  AgentInvitesView,
  AgentInviteView,
  AgentMakerView,
  AgentMode,
  AgentRelationChange,
  AgentRelationView,
  NewAgentInput,
  NewAgentView,
  OwnAgentView,
} from "#bridge/own-agent-views.ts";
export type { BridgeFailure } from "#bridge/failure.ts";
export type { EngineCalls } from "#bridge/calls.ts";
export type { EngineEvent } from "#bridge/events.ts";

export type AccountId = MemberView["id"];
export type ConversationId = ConversationView["id"];
export type MessageId = MessageView["id"];
export type StreamId = StreamView["streamId"];
export type ArtifactId = ArtifactView["artifactId"];
export type CardView = ArtifactView["card"];
