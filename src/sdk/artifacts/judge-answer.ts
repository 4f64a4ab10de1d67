/**
 * Whether an answer to a card counts. Pure: the same record, answer and time give the same verdict, so replays and
 * retries agree. A refusal is told to its sender; what is ignored was late, doubled, or from somebody not asked.
 */
import { parseCard, type ArtifactResponse, type Card } from "#protocol/artifact.ts";
import { checkFormValues } from "#protocol/form-values.ts";
import * as v from "valibot";
import { ToolResponseCard } from "#protocol/artifact.ts";
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
  if (artifact.responders !== undefined && !artifact.responders.includes(answer.by))
    return { type: "ignore", because: "not-a-responder" };
  const respond = artifact.respond ?? "once";
  const isTaken =
    (respond === "once" && answers.length > 0) ||
    (respond === "once_per_member" && answers.some((one) => one.by === answer.by));
  if (isTaken) return { type: "ignore", because: "late" };
  if (artifact.expires_at !== undefined && answer.at > Date.parse(artifact.expires_at))
    return { type: "refuse", code: "ARTIFACT_EXPIRED" };
  const card = parseCard(artifact.subtype, artifact.payload);
  if (!card.ok || !fitsCard(card.value, answer.response))
    return { type: "refuse", code: "ARTIFACT_INVALID" };
  const taken = { ...record, answers: [...answers, { responseId, by: answer.by }] };
  return { type: "accept", record: taken };
}

function fitsCard(card: Card, { ref_action: action, values, decision }: ArtifactResponse): boolean {
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
      return action === "tool_result" && v.is(ToolResponseCard, values);
    case "tool_response":
      return false;
    case "unknown":
      return true;
  }
}
