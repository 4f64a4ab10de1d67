/** Cards and answers with every field filled, for tests: name only what matters to the claim. */
import type { AnswerView, ArtifactView, CardView } from "#stores/views.ts";

export const NOW = Date.UTC(2026, 10, 21, 12);

export const anArtifact = (card: CardView, part: Partial<ArtifactView> = {}): ArtifactView => ({
  artifactId: "00000000-0000-7000-8000-00000000a001" as ArtifactView["artifactId"],
  title: "Deploy",
  summary: "",
  revision: 0,
  card,
  expiresAt: null,
  expired: false,
  canRespond: true,
  answer: null,
  answers: [],
  draftValues: null,
  approval: null,
  vote: null,
  refersTo: null,
  tool: null,
  ...part,
});

/** An approval's state, pending unless said otherwise. */
export const anApprovalState = (
  part: Partial<NonNullable<ArtifactView["approval"]>> = {},
): NonNullable<ArtifactView["approval"]> => ({
  rows: [],
  blockedBecause: null,
  outcome: "pending",
  approvedCount: 0,
  ...part,
});

export const anAnswer = (part: Partial<AnswerView> = {}): AnswerView => ({
  by: "00000000-0000-7000-8000-000000000001" as AnswerView["by"],
  byName: "Grace",
  at: NOW,
  actionId: "submit",
  values: {},
  decision: null,
  reason: "",
  delivery: null,
  late: false,
  ...part,
});

export type ApprovalCard = Extract<CardView, { subtype: "approval" }>;

export const anApproval = (part: Partial<ApprovalCard["payload"]> = {}): ApprovalCard => ({
  subtype: "approval",
  payload: {
    action: "deploy",
    summary: "Replaces the running version.",
    details: [],
    request: {},
    risk: "high",
    options: [
      { id: "yes", label: "Deploy", decision: "approve" },
      { id: "no", label: "Deny", decision: "deny" },
    ],
    expires_at: "2099-01-01T00:00:00Z",
    nonce: "",
    digest: "",
    ...part,
  },
});
