/**
 * How often a card is answered and until when: one rule for the client that offers an answer and the agent that
 * takes it. Pure. SPEC P211, P222, P224, P228.
 */
import { parseCard, type ApprovalCard, type Artifact, type Card } from "./artifact.ts";

/** How many answers count. Votes and quorums take one of each member, whatever the card says beside. */
export function respondMode(artifact: Artifact): NonNullable<Artifact["respond"]> {
  const { subtype, payload } = artifact;
  const isVote = subtype === "app" && payload["ui"] === "vote_card";
  const isQuorum = subtype === "approval" && payload["quorum"] !== undefined;
  return isVote || isQuorum ? "once_per_member" : (artifact.respond ?? "once");
}

/** Who may answer, by id; null for everybody. */
export function respondersOf({ subtype, payload, responders }: Artifact): readonly string[] | null {
  const card = subtype === "approval" ? parseCard(subtype, payload) : null;
  const approvers =
    card?.ok === true && card.value.subtype === "approval"
      ? card.value.payload.quorum?.approvers
      : undefined;
  if (approvers === undefined) return responders ?? null;
  return responders === undefined ? approvers : approvers.filter((id) => responders.includes(id));
}

/** When a card's controls close, epoch ms; null for never. */
export function closingTime({ expires_at, subtype, payload }: Artifact): number | null {
  const own = subtype === "approval" ? payload["expires_at"] : undefined;
  const times = [expires_at, own].flatMap((text) =>
    typeof text === "string" && !Number.isNaN(Date.parse(text)) ? [Date.parse(text)] : [],
  );
  const closesAt =
    subtype === "app" && payload["ui"] === "vote_card" ? payload["closesAt"] : undefined;
  if (typeof closesAt === "number") times.push(closesAt);
  return times.length === 0 ? null : Math.min(...times);
}

/** Whether the agent has closed a vote by its own word. */
export const isShut = (card: Card): boolean => card.subtype === "app" && card.payload.closed;

/** A decision as it counts for a quorum. */
export type Ballot = { readonly by: string; readonly decision: "approve" | "deny" };

/**
 * What the decisions so far, oldest first, come to: one denial ends it, and so does the last approval needed.
 * Without a quorum one decision is enough.
 */
export function outcomeOf(
  { quorum }: Pick<ApprovalCard, "quorum">,
  ballots: readonly Ballot[],
): "pending" | "approved" | "denied" {
  const approvers = new Set<string>();
  for (const { by, decision } of ballots) {
    if (decision === "deny") return "denied";
    approvers.add(by);
    if (approvers.size >= (quorum?.required ?? 1)) return "approved";
  }
  return "pending";
}
