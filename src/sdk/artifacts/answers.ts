/** From an answer in the log to the event a handler hears; a bad one is answered by a system line and goes no further. */
import { base64ToBytes } from "#base/base64.ts";
import type { Clock } from "#base/clock.ts";
import type { Bytes } from "#base/bytes.ts";
import type { Secret } from "#base/secret.ts";
import type { Primitives } from "#crypto/primitives.ts";
import type { Endpoint, Entry } from "#peer/endpoint.ts";
import { openSecret } from "#crypto/secret-seal.ts";
import { outcomeOf } from "#protocol/answering.ts";
import { parseCard } from "#protocol/artifact.ts";
import { textOfSecret } from "#protocol/form-values.ts";
import type { ArtifactResponsePayload, KnownPayload } from "#protocol/payload.ts";
import type { AgentId, ConversationId } from "#protocol/ids.ts";
import type { ArtifactResponseEvent, ApprovalDecision } from "../incoming/agent-event.ts";
import type { DedupeStore } from "../local/dedupe-store.ts";
import type { MessageEntry } from "../incoming/message-context.ts";
import { proveDecision } from "./approvals.ts";
import type { ArtifactRecord } from "./artifact-record.ts";
import type { ArtifactSender } from "./artifact-sender.ts";
import { ballotsOf, judgeAnswer, type Verdict } from "./judge-answer.ts";

export type AnswerEntry = MessageEntry & {
  readonly content: { readonly payload: ArtifactResponsePayload };
};

export const isAnswerEntry = (entry: Entry): entry is AnswerEntry =>
  entry.content.kind === "message" && entry.content.payload.type === "artifact_response";

type Refusal = "ARTIFACT_INVALID" | "ARTIFACT_EXPIRED" | "APPROVAL_INVALID";

/** Creates the check. The result is null for an answer that was refused, late, doubled or not asked for. */
export function createAnswerCheck(parts: {
  readonly primitives: Primitives;
  /** X25519: what forms' secrets are sealed to. */
  readonly cardKey: Secret<Bytes>;
  readonly clock: Clock;
  readonly endpoint: Pick<Endpoint, "account" | "ledger">;
  readonly sender: ArtifactSender;
  readonly dedupe: DedupeStore;
  readonly agent: { readonly accountId: AgentId; readonly fingerprint: Bytes };
  readonly send: (conversationId: ConversationId, payload: KnownPayload) => Promise<unknown>;
}): (entry: AnswerEntry) => Promise<ArtifactResponseEvent | null> {
  const prove = async (
    entry: AnswerEntry,
    record: ArtifactRecord,
  ): Promise<ApprovalDecision | null> => {
    const approver = await parts.endpoint.account(entry.authorId);
    const ledger = await parts.endpoint.ledger(entry.conversationId);
    if (!approver.ok || ledger === null) return null;
    const proven = await proveDecision(parts.primitives, {
      agent: parts.agent,
      record,
      entry,
      response: entry.content.payload,
      approver: approver.value,
      ledger,
      now: parts.clock.now(),
    });
    if (proven === null) return null;
    const isFirst = await parts.dedupe.claim({
      conversationId: entry.conversationId,
      key: proven.claim,
      work: null,
    });
    return isFirst ? decisionAsAWhole(record, proven.decision) : null;
  };

  const refuse = async (entry: AnswerEntry, code: Refusal): Promise<null> => {
    const { ref_artifact, response_id } = entry.content.payload;
    await parts.send(entry.conversationId, {
      type: "system",
      event: { name: "artifact.answer_refused", params: { code, ref_artifact, response_id } },
    });
    return null;
  };

  return async (entry) => {
    const sealed = entry.content.payload;
    let given: Values = sealed.values;
    let decision: ApprovalDecision | null = null;
    const verdict = await parts.sender.answer(
      entry.conversationId,
      sealed.ref_artifact,
      async (record): Promise<Verdict | { readonly type: "unproven" }> => {
        const opened = await openSecrets(parts, entry, record);
        const response = { ...sealed, values: { ...sealed.values, ...opened } };
        given = { ...sealed.values, ...textsOf(opened) };
        const judged = judgeAnswer(record, { by: entry.authorId, at: entry.at, response });
        if (judged.type !== "accept" || judged.record.artifact.subtype !== "approval")
          return judged;
        decision = await prove(entry, judged.record);
        return decision === null ? { type: "unproven" } : judged;
      },
    );
    if (verdict.type === "unproven") return refuse(entry, "APPROVAL_INVALID");
    if (verdict.type === "refuse") return refuse(entry, verdict.code);
    if (verdict.type === "ignore") return null;
    return eventOfAnswer(entry, verdict.record, given, decision);
  };
}

/** With a quorum, `approved` is true only with the approval that completes it: who acts on it acts once, and on all. */
function decisionAsAWhole(
  record: ArtifactRecord,
  decision: Omit<ApprovalDecision, "quorum">,
): ApprovalDecision {
  const card = parseCard(record.artifact.subtype, record.artifact.payload);
  const request = card.ok && card.value.subtype === "approval" ? card.value.payload : null;
  if (request?.quorum === undefined) return decision;
  const ballots = ballotsOf(record);
  const outcome = outcomeOf(request, ballots);
  const approvals = new Set(ballots.flatMap((one) => (one.decision === "approve" ? [one.by] : [])));
  return {
    ...decision,
    approved: outcome === "approved",
    quorum: { outcome, required: request.quorum.required, approved: approvals.size },
  };
}

type Values = ArtifactResponsePayload["values"];

/** The secrets of a form's answer, opened, as its fields check them; one that does not open fits no field. */
async function openSecrets(
  parts: Pick<Parameters<typeof createAnswerCheck>[0], "primitives" | "cardKey" | "agent">,
  entry: AnswerEntry,
  record: ArtifactRecord | null,
): Promise<Values> {
  const { payload } = entry.content;
  const card = record && parseCard(record.artifact.subtype, record.artifact.payload);
  const fields =
    card?.ok === true && card.value.subtype === "form" ? card.value.payload.fields : [];
  const opened: Record<string, unknown> = {};
  for (const { id: fieldId, type } of fields) {
    const sealed = textOfSecret(payload.values[fieldId]);
    if (type !== "secret" || sealed === null) continue;
    const place = {
      conversationId: entry.conversationId,
      senderId: entry.authorId,
      agentId: parts.agent.accountId,
      agentFingerprint: parts.agent.fingerprint,
      artifactId: payload.ref_artifact,
      responseId: payload.response_id,
      fieldId,
    };
    const bytes = base64ToBytes(sealed) ?? new Uint8Array();
    const text = await openSecret(parts.primitives, place, parts.cardKey, bytes);
    opened[fieldId] = text === null ? { unopened: true } : { secret: text };
  }
  return opened;
}

const textsOf = (opened: Values): Values =>
  Object.fromEntries(Object.entries(opened).map(([id, value]) => [id, textOfSecret(value)]));

function eventOfAnswer(
  entry: AnswerEntry,
  record: ArtifactRecord,
  values: Values,
  decision: ApprovalDecision | null,
): ArtifactResponseEvent {
  const { response_id, ref_artifact, ref_revision, ref_action } = entry.content.payload;
  return {
    type: "artifact_response",
    conversation_id: entry.conversationId,
    conversation_seq: entry.seq,
    created_at: new Date(entry.at).toISOString(),
    message_id: entry.content.messageId,
    sender_id: entry.authorId,
    response_id,
    ref_artifact,
    ref_revision,
    ref_action,
    values,
    artifact: record.artifact,
    ...(decision === null ? {} : { decision }),
  };
}
