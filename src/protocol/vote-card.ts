/** A question with two to twelve options, one vote a member. SPEC P211. */
import * as v from "valibot";
import { MAX_TITLE_CHARACTERS } from "./limits.ts";

const Id = v.pipe(v.string(), v.minLength(1), v.maxLength(64));
const Whole = v.pipe(v.number(), v.integer(), v.minValue(0));

export const VoteCard = v.object({
  ui: v.literal("vote_card"),
  question: v.pipe(v.string(), v.minLength(1), v.maxLength(1_000)),
  options: v.pipe(
    v.array(
      v.object({
        id: Id,
        label: v.pipe(v.string(), v.maxLength(MAX_TITLE_CHARACTERS)),
        /** The agent's own count. */
        votes: v.optional(Whole, 0),
      }),
    ),
    v.minLength(2),
    v.maxLength(12),
    v.check((options) => new Set(options.map(({ id }) => id)).size === options.length),
  ),
  /** Epoch ms; the one time on the wire that is a number. */
  closesAt: Whole,
  closed: v.optional(v.boolean(), false),
  revision: v.optional(Whole),
});
export type VoteCard = v.InferOutput<typeof VoteCard>;

/** The action of an answer that is a vote; its `values` are `{ option_id }`. */
export const VOTE_ACTION = "vote";

/** The option an answer votes for, or null: it is no vote on this card. */
export function votedFor(
  card: VoteCard,
  answer: {
    readonly ref_action: string;
    readonly values: Readonly<Record<string, unknown>>;
  },
): string | null {
  const id = answer.values["option_id"];
  return answer.ref_action === VOTE_ACTION && card.options.some((option) => option.id === id)
    ? String(id)
    : null;
}

/**
 * Votes by option: the agent's count, or the votes that are here where those are more.
 * A vote is seen at once this way, and a member who came late still sees those given before.
 */
export function tallyOf(
  card: VoteCard,
  votes: readonly string[],
): readonly { readonly id: string; readonly label: string; readonly votes: number }[] {
  return card.options.map(({ id, label, votes: counted }) => ({
    id,
    label,
    votes: Math.max(counted, votes.filter((one) => one === id).length),
  }));
}
