/**
 * Requests for a decision, and the proof that a decision is one on exactly this request as it was shown, by a device
 * of a member, in time. Whoever acts on a decision also claims its nonce, so that it counts once. SPEC §approvals.
 */
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import type { Bytes } from "#base/bytes.ts";
import type { Primitives } from "#crypto/primitives.ts";
import { approvalDigest, verifyApproval } from "#crypto/approval.ts";
import type { AccountState } from "#crypto/ledger/account-state.ts";
import { currentDeviceKey } from "#crypto/ledger/account-state.ts";
import type { ConversationState } from "#crypto/ledger/conversation-state.ts";
import type { MessageEntry } from "../incoming/message-context.ts";
import {
  parseCard,
  type ApprovalCard,
  type Artifact,
  type ArtifactResponse,
} from "#protocol/artifact.ts";
import type { AgentId, MessageId } from "#protocol/ids.ts";
import type { ApprovalDecision } from "../incoming/agent-event.ts";
import { HasheeError } from "../agent-error.ts";
import type { ArtifactRecord } from "./artifact-record.ts";

/** What a person is asked to decide. */
export type ApprovalRequestInput = {
  readonly title: string;
  /** What will be done, as a short word of the agent's own: `deploy`, `pay`. */
  readonly action: string;
  readonly summary: string;
  /** Exactly what will be done; the decision is signed over it. */
  readonly request: unknown;
  readonly risk?: ApprovalCard["risk"];
  readonly details?: ApprovalCard["details"];
  readonly options?: ApprovalCard["options"];
  readonly editable?: readonly string[];
  /** 10 minutes by default, 24 hours at most. */
  readonly expiresInMs?: number;
  readonly responders?: readonly string[];
  /** Approved when `required` of the `approvers` have approved; one denial ends it. */
  readonly quorum?: { readonly required: number; readonly approvers: readonly string[] };
};

export const APPROVAL_DEFAULT_MS = 600_000;
export const APPROVAL_LONGEST_MS = 86_400_000;

const DEFAULT_OPTIONS: ApprovalCard["options"] = [
  { id: "deny", label: "Deny", decision: "deny" },
  { id: "approve", label: "Approve", decision: "approve" },
];

/** The card of a request, with a fresh nonce and the digest both sides act on. */
export function makeApprovalArtifact(
  p: Primitives,
  input: ApprovalRequestInput,
  now: number,
): Artifact & { readonly expires_at: string } {
  const lifetimeMs = input.expiresInMs ?? APPROVAL_DEFAULT_MS;
  const digest = approvalDigest(p, { action: input.action, request: input.request });
  if (digest === null || !(lifetimeMs > 0 && lifetimeMs <= APPROVAL_LONGEST_MS))
    throw new HasheeError("ARTIFACT_INVALID", {
      params: { path: digest === null ? "request" : "expires_at" },
    });
  const expiresAt = new Date(now + lifetimeMs).toISOString();
  const card: ApprovalCard = {
    action: input.action,
    summary: input.summary,
    details: [...(input.details ?? [])],
    request: input.request,
    risk: input.risk ?? "medium",
    options: [...(input.options ?? DEFAULT_OPTIONS)],
    expires_at: expiresAt,
    nonce: bytesToBase64(p.randomBytes(16)),
    digest,
    ...(input.editable === undefined ? {} : { editable: [...input.editable] }),
    ...(input.quorum === undefined
      ? {}
      : {
          quorum: { required: input.quorum.required, approvers: [...input.quorum.approvers] },
        }),
  };
  return {
    subtype: "approval",
    title: input.title,
    summary: input.summary.slice(0, 500),
    payload: card,
    expires_at: expiresAt,
    respond: input.quorum === undefined ? "once" : "once_per_member",
    ...(input.responders === undefined ? {} : { responders: [...input.responders] }),
  };
}

export type ProvenDecision = {
  readonly decision: Omit<ApprovalDecision, "quorum">;
  /** What to claim, so that a decision counts once: the request's nonce, and with a quorum its member. */
  readonly claim: string;
};

/** The proven decision, or null: some part does not hold. */
export async function proveDecision(
  p: Primitives,
  facts: {
    readonly agent: { readonly accountId: AgentId; readonly fingerprint: Bytes };
    /** Our own stored request. */
    readonly record: ArtifactRecord;
    readonly entry: MessageEntry;
    readonly response: ArtifactResponse;
    readonly approver: AccountState;
    readonly ledger: ConversationState;
    readonly now: number;
  },
): Promise<ProvenDecision | null> {
  const { record, entry, response } = facts;
  const card = parseCard(record.artifact.subtype, record.artifact.payload);
  const plaintextHash = base64ToBytes(record.requestHash ?? "");
  const approval = base64ToBytes(response.decision?.approval ?? "");
  const deviceId = entry.authorDeviceId;
  if (!card.ok || card.value.subtype !== "approval") return null;
  if (plaintextHash?.length !== 32 || approval === null || deviceId === null) return null;
  if (response.decision === undefined || !facts.ledger.members.has(entry.authorId)) return null;
  const { option_id: optionId, reason, edits } = response.decision;
  const verified = await verifyApproval(
    p,
    {
      conversationId: entry.conversationId,
      messageId: record.messageId as MessageId,
      plaintextHash,
      card: card.value.payload,
      agent: facts.agent,
    },
    approval,
    {
      choice: { optionId, reason, edits },
      approver: { accountId: entry.authorId, deviceId },
      signingKey: currentDeviceKey(facts.approver, deviceId),
      ledgerHeadAt: (seq) => facts.ledger.heads[seq],
      now: facts.now,
    },
  );
  if (!verified.ok) return null;
  return {
    claim:
      card.value.payload.quorum === undefined
        ? `nonce ${card.value.payload.nonce}`
        : `nonce ${card.value.payload.nonce} ${entry.authorId}`,
    decision: {
      approved: verified.value.decision === "approve",
      option_id: optionId,
      ...(reason === undefined ? {} : { reason }),
      ...(edits === undefined ? {} : { edits }),
    },
  };
}
