/** Views with every field filled, for tests: name only what matters to the claim. */
import type {
  ConversationId,
  ConversationView,
  MemberView,
  MessageId,
  MessageView,
  OwnAgentView,
  StreamId,
} from "./views.ts";

export const CONVERSATION = "00000000-0000-7000-8000-00000000c001" as ConversationId;
export const SELF = memberId(1);
export const AGENT = memberId(2);

export function memberId(n: number): MemberView["id"] {
  return `00000000-0000-7000-8000-${n.toString(16).padStart(12, "0")}` as MemberView["id"];
}

export const aMember = (part: Partial<MemberView> = {}): MemberView => ({
  id: AGENT,
  kind: "agent",
  name: "Guide",
  trust: "unverified",
  presence: "online",
  stateless: false,
  role: "member",
  isSelf: false,
  ...part,
});

export const anOwnAgent = (part: Partial<OwnAgentView> = {}): OwnAgentView => ({
  id: "00000000-0000-7000-8000-00000000a001" as OwnAgentView["id"],
  name: "Scribe",
  description: "",
  mode: "websocket",
  webhookUrl: null,
  healthCheckUrl: null,
  suggestions: [],
  standing: "active",
  isOnline: true,
  hasKeys: true,
  fingerprintText: "0123 4567",
  confirmation: "none",
  ...part,
});

export const aConversation = (part: Partial<ConversationView> = {}): ConversationView => ({
  id: CONVERSATION,
  kind: "h2a",
  title: "Guide",
  peer: aMember(),
  members: [aMember({ id: SELF, kind: "human", name: "Ada", isSelf: true }), aMember()],
  relation: "established",
  unreadCount: 0,
  mentioned: false,
  muted: false,
  pinned: false,
  preview: null,
  typing: [],
  draft: "",
  updatedAt: Date.UTC(2026, 0, 1),
  sending: { allowed: true },
  suggestions: [],
  can: ["reply", "react", "recall", "mention", "typing", "receipts", "verify", "files", "revoke"],
  channel: null,
  pinnedIds: [],
  group: null,
  ...part,
});

export const aMessage = (n: number, part: Partial<MessageView> = {}): MessageView => ({
  id: `m-${n.toString().padStart(5, "0")}` as MessageId,
  conversationId: CONVERSATION,
  seq: n,
  authorId: AGENT,
  authorName: "Guide",
  authorKind: "agent",
  isSelf: false,
  at: Date.UTC(2026, 0, 1) + n * 1_000,
  body: { kind: "text", text: `Line ${n}`, markdown: false },
  replyTo: null,
  mentionNameById: {},
  mentionsMe: false,
  attachments: [],
  reactions: [],
  delivery: null,
  canRecallUntil: null,
  hasGapBefore: false,
  ...part,
});

export const aStream = (n: number, text: string): MessageView =>
  aMessage(n, {
    body: {
      kind: "stream",
      stream: {
        streamId: `s-${n}` as StreamId,
        text,
        status: "live",
        reason: null,
        markdown: true,
        startedAt: Date.UTC(2026, 0, 1),
      },
    },
  });
