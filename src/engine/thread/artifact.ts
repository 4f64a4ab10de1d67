/** A card after its updates and answers: the same rule in log order for everyone, whatever a relay lets through. Pure. */
import {
  applyUpdate,
  parseCard,
  type ApprovalCard,
  type Artifact,
  type ArtifactResponse,
  type Card,
} from "#protocol/artifact.ts";
import {
  closingTime,
  isShut,
  outcomeOf,
  respondersOf,
  respondMode,
  type Ballot,
} from "#protocol/answering.ts";
import { votedFor } from "#protocol/vote-card.ts";
import type { AccountId, MessageId } from "#protocol/ids.ts";
import type { Entry, OutgoingMessage } from "#peer/endpoint.ts";

export type FoldedAnswer = {
  readonly response: ArtifactResponse;
  readonly by: AccountId;
  readonly at: number;
  readonly messageId: MessageId;
  /** Null until the relay has it. */
  readonly seq: number | null;
  readonly isLate: boolean;
};

export type FoldedArtifact = {
  readonly artifact: Artifact;
  readonly revision: number;
  readonly card: Card;
  readonly answers: readonly FoldedAnswer[];
  /** The relay, or our own clock, says that its time is over. */
  readonly isExpired: boolean;
  /** Approvals: what the decisions that count come to. */
  readonly outcome: ReturnType<typeof outcomeOf>;
};

type Answered = Omit<FoldedAnswer, "isLate">;

/**
 * The card as it stands.
 *
 * `changes` ascending by seq: an update counts if its author wrote the card and its base is the revision that
 * stands; an answer if its author may answer. Own answers that are still on their way come last.
 * Source: SPEC P219–P224.
 */
export function foldArtifact(
  original: Artifact,
  authorId: AccountId,
  changes: readonly Entry[],
  own: readonly OutgoingMessage[],
  selfId: AccountId,
  now: number,
): FoldedArtifact {
  let current = { artifact: original, revision: 0 };
  const answers: Answered[] = [];
  for (const entry of changes) {
    if (entry.content.kind !== "message") continue;
    const { payload, messageId } = entry.content;
    // What is signed is the request as it came: approvals take no updates.
    if (payload.type === "artifact_update" && original.subtype !== "approval") {
      if (entry.authorId !== authorId) continue;
      const next = applyUpdate(current, payload);
      if (next.ok) current = next.value;
    } else if (payload.type === "artifact_response") {
      answers.push({
        response: payload,
        by: entry.authorId,
        at: entry.at,
        messageId,
        seq: entry.seq,
      });
    }
  }
  for (const { payload, messageId, queuedAt } of own) {
    if (payload.type === "artifact_response")
      answers.push({ response: payload, by: selfId, at: queuedAt, messageId, seq: null });
  }
  const parsed = parseCard(current.artifact.subtype, current.artifact.payload);
  // The original passed this check on arrival and every update since.
  const card: Card = parsed.ok
    ? parsed.value
    : { subtype: "unknown", original_subtype: current.artifact.subtype };
  const closesAt = closingTime(current.artifact);
  return {
    ...current,
    card,
    ...judged(answers, current.artifact, card),
    isExpired: isShut(card) || (closesAt !== null && now >= closesAt),
  };
}

/** Whether a person may answer: named as responder or nobody is, and not with a second answer where one counts. */
export function canAnswer(
  { artifact, answers, isExpired, outcome }: FoldedArtifact,
  selfId: AccountId,
): boolean {
  if (isExpired || outcome !== "pending" || !isResponder(artifact, selfId)) return false;
  switch (respondMode(artifact)) {
    case "once":
      return answers.length === 0;
    case "once_per_member":
      return !answers.some(({ by }) => by === selfId);
    case "many":
      return true;
  }
}

const isResponder = (artifact: Artifact, accountId: AccountId): boolean =>
  respondersOf(artifact)?.includes(accountId) ?? true;

/** Answers that count and answers that came too late, without repeats, strangers' and what answers nothing here. */
function judged(
  answers: readonly Answered[],
  artifact: Artifact,
  card: Card,
): Pick<FoldedArtifact, "answers" | "outcome"> {
  const seen = new Set<string>();
  const answered = new Set<AccountId>();
  const judged: FoldedAnswer[] = [];
  const ballots: Ballot[] = [];
  const respond = respondMode(artifact);
  const closesAt = closingTime(artifact);
  let outcome: FoldedArtifact["outcome"] = "pending";
  for (const answer of answers) {
    const { response, by, at } = answer;
    if (!isResponder(artifact, by) || seen.has(response.response_id)) continue;
    if (card.subtype === "app" && votedFor(card.payload, response) === null) continue;
    seen.add(response.response_id);
    const isSecond =
      outcome !== "pending" ||
      (respond === "once" && judged.length > 0) ||
      (respond === "once_per_member" && answered.has(by));
    const isLate = isSecond || (closesAt !== null && at > closesAt);
    answered.add(by);
    judged.push({ ...answer, isLate });
    const decision = card.subtype === "approval" ? decisionOf(card.payload, response) : null;
    if (card.subtype !== "approval" || decision === null || isLate) continue;
    ballots.push({ by, decision });
    outcome = outcomeOf(card.payload, ballots);
  }
  return { answers: judged, outcome };
}

/** What an answer to a request says, by the option it names. */
export const decisionOf = (
  { options }: ApprovalCard,
  { decision }: Pick<ArtifactResponse, "decision">,
): "approve" | "deny" | null =>
  options.find(({ id }) => id === decision?.option_id)?.decision ?? null;
