/** Decisions on an agent's requests: what is drawn is what is signed, and nothing is signed that should not be. */
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { ArtifactView, TrustView } from "#bridge/views.ts";
import { approvalDigest, signApproval } from "#crypto/approval.ts";
import { approvalView, type ApprovalLocale } from "#crypto/approval-view.ts";
import { fingerprint } from "#crypto/identity.ts";
import type { Primitives } from "#crypto/primitives.ts";
import type { ApprovalCard } from "#protocol/artifact.ts";
import { makeId, type ConversationId, type MessageId } from "#protocol/ids.ts";
import type { ArtifactResponsePayload } from "#protocol/payload.ts";
import type { EngineFailure } from "./failure.ts";
import type { Session } from "./session.ts";
import type { Row } from "./thread/row.ts";

type Approval = NonNullable<ArtifactView["approval"]>;

/** The list that is drawn and signed. */
export const approvalRows = (card: ApprovalCard, locale: ApprovalLocale): Approval["rows"] =>
  approvalView(card, locale);

/** Why a request may not be decided here and now; null when it may. */
export function approvalBlock(
  primitives: Primitives,
  card: ApprovalCard,
  agent: { readonly trust: TrustView; readonly isForked: boolean },
): Approval["blockedBecause"] {
  if (approvalDigest(primitives, card) !== card.digest) return "digest-mismatch";
  if (agent.isForked) return "fork";
  if (agent.trust === "changed") return "key-changed";
  return agent.trust === "verified" ? null : "unverified";
}

/**
 * The signed answer to a request.
 *
 * Fails with `engine/approval-blocked`, `engine/reason-required`, and crypto's kinds (expired, unknown option).
 */
export async function makeDecision(
  session: Session,
  conversationId: ConversationId,
  request: { readonly row: Row; readonly card: ApprovalCard; readonly artifactId: string },
  choice: {
    readonly optionId: string;
    readonly reason: string;
    readonly despiteUnverified: boolean;
  },
): Promise<Result<ArtifactResponsePayload, EngineFailure>> {
  const { deps, endpoint, people, book, selfId } = session;
  const { row, card, artifactId } = request;
  const block = approvalBlock(deps.primitives, card, {
    trust: people.trustOf(row.authorId),
    isForked: book.get(conversationId)?.isForked ?? true,
  });
  const option = card.options.find(({ id }) => id === choice.optionId);
  // To say no to somebody unproven does no harm; to say yes needs the person's own word.
  const isWaived = choice.despiteUnverified || option?.decision === "deny";
  if (block !== null && !(block === "unverified" && isWaived))
    return err({ kind: "engine/approval-blocked", because: block });
  if (option?.requires_reason === true && choice.reason.trim() === "")
    return err({ kind: "engine/reason-required" });
  const agent = await endpoint.account(row.authorId);
  if (!agent.ok) return agent;
  const ledger = await endpoint.ledger(conversationId);
  const plaintextHash = row.body.kind === "payload" ? base64ToBytes(row.body.plaintextHash) : null;
  if (ledger === null || plaintextHash === null) return err({ kind: "engine/unknown-artifact" });
  const reason = choice.reason.trim() === "" ? {} : { reason: choice.reason };
  const now = deps.clock.now();
  const signed = await signApproval(
    deps.primitives,
    {
      conversationId,
      messageId: row.id satisfies MessageId,
      plaintextHash,
      card,
      agent: {
        accountId: row.authorId,
        fingerprint: fingerprint(deps.primitives, row.authorId, agent.value.identityKey),
      },
    },
    {
      choice: { optionId: choice.optionId, ...reason },
      locale: session.locale(),
      approver: { accountId: selfId, deviceId: endpoint.deviceId },
      signer: session.signer,
      ledger: { seq: ledger.seq, head: ledger.head },
      now,
    },
  );
  if (!signed.ok) return signed;
  return ok({
    type: "artifact_response",
    response_id: makeId(now, deps.random),
    ref_artifact: artifactId,
    ref_revision: 0,
    ref_action: choice.optionId,
    values: {},
    decision: { option_id: choice.optionId, ...reason, approval: bytesToBase64(signed.value) },
  });
}
