/**
 * Whether an answer to a card counts. Pure: the same record, answer and time give the same verdict, so replays and
 * retries agree. A refusal is told to its sender; what is ignored was late, doubled, or from somebody not asked.
 */
import {
  closingTime,
  isShut,
  outcomeOf,
  respondersOf,
  respondMode,
  type Ballot,
} from "#protocol/answering.ts";
import * as v from "valibot";
import {
  parseCard,
  ToolResponseCard,
  TOOL_RESULT_ACTION,
  type ArtifactResponse,
  type Card,
} from "#protocol/artifact.ts";
import { votedFor } from "#protocol/vote-card.ts";
import { checkFormValues } from "#protocol/form-values.ts";
import type { ArtifactRecord } from "./artifact-record.ts";

export type Verdict =
  | { readonly type: "accept"; readonly record: ArtifactRecord }
  | { readonly type: "ignore"; readonly because: "late" | "repeated" | "not-a-responder" }
  | { readonly type: "refuse"; readonly code: "ARTIFACT_INVALID" | "ARTIFACT_EXPIRED" };

export type Answer = {
  readonly by: string;
  /** The relay's clock, epoch ms. */
  readonly at: number;
  readonly response: ArtifactResponse;
};

/** The verdict; `record` null means that nobody here sent such a card. An approval's signature is checked elsewhere. */
export function judgeAnswer(record: ArtifactRecord | null, answer: Answer): Verdict {
  if (record === null) return { type: "refuse", code: "ARTIFACT_INVALID" };
  const { artifact, answers } = record;
  const { response_id: responseId } = answer.response;
  if (answers.some((one) => one.responseId === responseId))
    return { type: "ignore", because: "repeated" };
  if (respondersOf(artifact)?.includes(answer.by) === false)
    return { type: "ignore", because: "not-a-responder" };
  const parsed = parseCard(artifact.subtype, artifact.payload);
  if (!parsed.ok) return { type: "refuse", code: "ARTIFACT_INVALID" };
  const card = parsed.value;
  const respond = respondMode(artifact);
  const isTaken =
    (respond === "once" && answers.length > 0) ||
    (respond === "once_per_member" && answers.some((one) => one.by === answer.by)) ||
    (card.subtype === "approval" && outcomeOf(card.payload, ballotsOf(record)) !== "pending");
  if (isTaken) return { type: "ignore", because: "late" };
  const closesAt = closingTime(artifact);
  if (isShut(card) || (closesAt !== null && answer.at > closesAt))
    return { type: "refuse", code: "ARTIFACT_EXPIRED" };
  if (!fitsCard(card, answer.response)) return { type: "refuse", code: "ARTIFACT_INVALID" };
  const taken = { responseId, by: answer.by, ...meaningOf(card, answer.response) };
  return { type: "accept", record: { ...record, answers: [...answers, taken] } };
}

/** The decisions that count so far, oldest first. */
export const ballotsOf = ({ answers }: ArtifactRecord): readonly Ballot[] =>
  answers.flatMap(({ by, decision }) => (decision === undefined ? [] : [{ by, decision }]));

/** What of an answer is needed again when the next one comes. */
function meaningOf(
  card: Card,
  response: ArtifactResponse,
): { readonly decision?: Ballot["decision"]; readonly optionId?: string } {
  if (card.subtype === "approval") {
    const optionId = response.decision?.option_id;
    const decision = card.payload.options.find(({ id }) => id === optionId)?.decision;
    return decision === undefined ? {} : { decision };
  }
  const optionId = card.subtype === "app" ? votedFor(card.payload, response) : null;
  return optionId === null ? {} : { optionId };
}

function fitsCard(card: Card, response: ArtifactResponse): boolean {
  const { ref_action: action, values, decision } = response;
  switch (card.subtype) {
    case "form":
      return (
        action === "cancel" ||
        Object.keys(checkFormValues(card.payload.fields, values)).length === 0
      );
    case "info":
      return (card.payload.actions ?? []).some(({ id, url }) => id === action && url === undefined);
    case "reply":
      return (card.payload.suggestions ?? []).some(({ id }) => id === action);
    case "progress":
      return card.payload.cancellable === true && action === "cancel";
    case "approval":
      return card.payload.options.some(({ id }) => id === decision?.option_id);
    case "tool_call":
      return (
        action === TOOL_RESULT_ACTION &&
        v.is(ToolResponseCard, values) &&
        values.call_id === card.payload.call_id
      );
    case "app":
      return votedFor(card.payload, response) !== null;
    case "tool_response":
    case "response":
    case "media":
      return false;
    case "unknown":
      return true;
  }
}
