/** A card after its updates and answers: the same rule in log order for everyone, whatever a relay lets through. Pure. */
import {
  applyUpdate,
  parseCard,
  type Artifact,
  type ArtifactResponse,
  type Card,
} from "#protocol/artifact.ts";
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
  const card = parseCard(current.artifact.subtype, current.artifact.payload);
  return {
    ...current,
    // The original passed this check on arrival and every update since.
    card: card.ok ? card.value : { subtype: "unknown", original_subtype: current.artifact.subtype },
    answers: judged(answers, current.artifact),
    isExpired: isPast(expiryOf(current.artifact), now),
  };
}

/** When a card's controls close, epoch ms; null for never. */
export function expiryOf({ expires_at, subtype, payload }: Artifact): number | null {
  const own = subtype === "approval" ? payload["expires_at"] : undefined;
  const times = [expires_at, own].flatMap((text) =>
    typeof text === "string" && !Number.isNaN(Date.parse(text)) ? [Date.parse(text)] : [],
  );
  return times.length === 0 ? null : Math.min(...times);
}

/** Whether a person may answer: named as responder or nobody is, and not with a second answer where one counts. */
export function canAnswer(
  { artifact, answers, isExpired }: FoldedArtifact,
  selfId: AccountId,
): boolean {
  if (isExpired || !isResponder(artifact, selfId)) return false;
  switch (artifact.respond ?? "once") {
    case "once":
      return answers.length === 0;
    case "once_per_member":
      return !answers.some(({ by }) => by === selfId);
    case "many":
      return true;
  }
}

const isPast = (at: number | null, now: number): boolean => at !== null && now >= at;

const isResponder = ({ responders }: Artifact, accountId: AccountId): boolean =>
  responders === undefined || responders.includes(accountId);

/** Answers that count and answers that came too late, without repeats and without strangers'. */
function judged(answers: readonly Answered[], artifact: Artifact): readonly FoldedAnswer[] {
  const seen = new Set<string>();
  const answered = new Set<AccountId>();
  const judged: FoldedAnswer[] = [];
  for (const answer of answers) {
    if (!isResponder(artifact, answer.by) || seen.has(answer.response.response_id)) continue;
    seen.add(answer.response.response_id);
    const respond = artifact.respond ?? "once";
    const isSecond =
      respond === "once"
        ? judged.length > 0
        : respond === "once_per_member" && answered.has(answer.by);
    const expiresAt = expiryOf(artifact);
    answered.add(answer.by);
    judged.push({ ...answer, isLate: isSecond || (expiresAt !== null && answer.at > expiresAt) });
  }
  return judged;
}
