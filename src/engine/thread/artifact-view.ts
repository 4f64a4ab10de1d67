/** A card as the page draws it: folded from the log, with who answered and what this person may do. Pure. */
import type { AnswerView, ArtifactView } from "#bridge/views.ts";
import { closingTime } from "#protocol/answering.ts";
import { parseCard } from "#protocol/artifact.ts";
import type { AccountId, ArtifactId } from "#protocol/ids.ts";
import { tallyOf, votedFor } from "#protocol/vote-card.ts";
import type { Entry } from "#peer/endpoint.ts";
import {
  canAnswer,
  decisionOf,
  foldArtifact,
  type FoldedAnswer,
  type FoldedArtifact,
} from "./artifact.ts";
import type { ViewContext } from "./context.ts";
import { deliveryOf, deliveryOfSeq } from "./delivery.ts";
import type { Row } from "./row.ts";
import type { Thread } from "./thread.ts";

/** A card as it stands after its updates and answers. */
export function viewArtifact(
  thread: Thread,
  row: Row,
  original: Parameters<typeof foldArtifact>[0],
  context: ViewContext,
): ArtifactView {
  const artifactId = (original.artifact_id ?? row.id) as ArtifactId;
  const changes: readonly Entry[] = thread.changesByTarget.get(artifactId) ?? [];
  const own = [...thread.outgoingById.values()].filter(
    ({ payload }) => payload.type === "artifact_response" && payload.ref_artifact === artifactId,
  );
  const folded = foldArtifact(original, row.authorId, changes, own, context.selfId, context.now);
  const { artifact, revision, card, isExpired } = folded;
  const approval = viewApproval(folded, row.authorId, context);
  const answers = folded.answers.map((answer) => viewAnswer(thread, answer, card, context));
  const canRespond =
    context.canSend &&
    row.authorId !== context.selfId &&
    canAnswer(folded, context.selfId) &&
    (approval === null || mayStillDecide(approval.blockedBecause));
  return {
    artifactId,
    title: artifact.title,
    summary: artifact.summary ?? "",
    revision,
    card,
    expiresAt: closingTime(artifact),
    expired: isExpired,
    canRespond,
    answer: answers.find(({ late }) => !late) ?? null,
    answers,
    draftValues: context.draftOf(artifactId),
    approval,
    vote: viewVote(folded, context.selfId),
    tool: canRespond && card.subtype === "tool_call" ? context.toolOf(card.payload, row) : null,
    refersTo: card.subtype === "response" ? cardNamed(thread, card.payload.ref_artifact) : null,
  };
}

function viewApproval(
  { card, answers, outcome }: FoldedArtifact,
  authorId: AccountId,
  context: ViewContext,
): ArtifactView["approval"] {
  if (card.subtype !== "approval") return null;
  const approvers = answers
    .filter(({ isLate, response }) => !isLate && decisionOf(card.payload, response) === "approve")
    .map(({ by }) => by);
  return {
    ...context.approvalOf(card.payload, authorId),
    outcome,
    approvedCount: new Set(approvers).size,
  };
}

function viewVote({ card, answers }: FoldedArtifact, selfId: AccountId): ArtifactView["vote"] {
  if (card.subtype !== "app") return null;
  const counted = answers.flatMap(({ response, by, isLate }) => {
    const option = isLate ? null : votedFor(card.payload, response);
    return option === null ? [] : [{ by, option }];
  });
  return {
    options: tallyOf(
      card.payload,
      counted.map(({ option }) => option),
    ),
    ownOptionId: counted.find(({ by }) => by === selfId)?.option ?? null,
  };
}

/** The card an answer was given to, where it is among the rows that are here. */
function cardNamed(thread: Thread, artifactId: string): ArtifactView["refersTo"] {
  for (const { id, body } of thread.rowById.values()) {
    if (body.kind !== "payload" || body.payload.type !== "artifact") continue;
    const { artifact } = body.payload;
    if ((artifact.artifact_id ?? id) !== artifactId) continue;
    const card = parseCard(artifact.subtype, artifact.payload);
    return card.ok ? { title: artifact.title, card: card.value } : null;
  }
  return null;
}

/** Who compared no keys may say no, and yes knowingly; every other reason stands. */
const mayStillDecide = (
  because: NonNullable<ArtifactView["approval"]>["blockedBecause"],
): boolean => because === null || because === "unverified";

function viewAnswer(
  thread: Thread,
  answer: FoldedAnswer,
  card: ArtifactView["card"],
  context: ViewContext,
): AnswerView {
  const { response, by, at, isLate, messageId } = answer;
  const outgoing = thread.outgoingById.get(messageId);
  const own =
    outgoing === undefined
      ? deliveryOfSeq(answer.seq ?? 0, context)
      : deliveryOf(outgoing, context);
  return {
    by,
    byName: context.nameOf(by),
    at,
    actionId: response.ref_action,
    values: withoutSecrets(response.values),
    decision: card.subtype === "approval" ? decisionOf(card.payload, response) : null,
    reason: response.decision?.reason ?? "",
    delivery: by === context.selfId ? own : null,
    late: isLate,
  };
}

/** What was sealed to the agent alone is not shown again, not even sealed. */
const withoutSecrets = (values: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === "object" && value !== null && "secret" in value ? { secret: "" } : value,
    ]),
  );
