/** A vote from its first card to its result: each counted vote is shown to all, and the end closes the card. */
import type { Clock } from "#base/clock.ts";
import { tallyOf, type VoteCard } from "#protocol/vote-card.ts";
import type { ArtifactSender } from "./artifact-sender.ts";
import type { Questions } from "./questions.ts";

export type VoteInput = {
  readonly question: string;
  /** 2 to 12, each with an id of its own. */
  readonly options: readonly { readonly id: string; readonly label: string }[];
  /** Stands over the question; the question itself without one. */
  readonly title?: string;
  /** 30 minutes by default. */
  readonly closesInMs?: number;
  /** Who may vote; the vote ends when all of them have. Left out: every member, until it closes. */
  readonly responders?: readonly string[];
  /** Closes the vote early. */
  readonly signal?: AbortSignal;
};

export type VoteResult = {
  readonly artifact_id: string;
  readonly options: readonly {
    readonly id: string;
    readonly label: string;
    readonly votes: number;
  }[];
  /** The option each member chose, by their id. */
  readonly choices: Readonly<Record<string, string>>;
};

export const VOTE_DEFAULT_MS = 30 * 60_000;

/** Puts a question to the vote and resolves with the result when it has closed. @throws {@link HasheeError} */
export async function holdVote(
  parts: {
    readonly clock: Clock;
    readonly artifacts: ArtifactSender;
    readonly questions: Questions;
  },
  conversationId: string,
  input: VoteInput,
): Promise<VoteResult> {
  const { clock, artifacts, questions } = parts;
  const { question, responders } = input;
  const lifetimeMs = input.closesInMs ?? VOTE_DEFAULT_MS;
  const card: VoteCard = {
    ui: "vote_card",
    question,
    options: input.options.map(({ id, label }) => ({ id, label, votes: 0 })),
    closesAt: clock.now() + lifetimeMs,
    closed: false,
  };
  const { artifact_id } = await artifacts.send(conversationId, {
    subtype: "app",
    title: (input.title ?? question).slice(0, 200),
    payload: card,
    respond: "once_per_member",
    ...(responders === undefined ? {} : { responders: [...responders] }),
  });
  const choices = async (): Promise<Record<string, string>> => {
    const answers = (await artifacts.find(conversationId, artifact_id))?.answers ?? [];
    return Object.fromEntries(
      answers.flatMap(({ by, optionId }) => (optionId === undefined ? [] : [[by, optionId]])),
    );
  };
  const tell = async (closed: boolean): Promise<VoteResult> => {
    const chosen = await choices();
    const options = tallyOf(card, Object.values(chosen));
    await artifacts.update(conversationId, {
      ref_artifact: artifact_id,
      artifact: () => ({ payload: { options, closed } }),
    });
    return { artifact_id, options, choices: chosen };
  };
  const showing = latestOnly(() => tell(false));
  const heard = new Set<string>();
  await questions.gather(
    conversationId,
    artifact_id,
    lifetimeMs,
    ({ sender_id }) => {
      heard.add(sender_id);
      showing.again();
      return responders?.every((id) => heard.has(id)) === true ? "enough" : "more";
    },
    input.signal,
  );
  await showing.end();
  return tell(true);
}

/** Runs a task one at a time; what is asked for while it runs becomes one more run. A failed run is made good by the last. */
function latestOnly(task: () => Promise<unknown>): {
  readonly again: () => void;
  readonly end: () => Promise<void>;
} {
  let running = Promise.resolve();
  let isQueued = false;
  return {
    again() {
      if (isQueued) return;
      isQueued = true;
      running = running.then(async () => {
        isQueued = false;
        await task().catch(() => undefined);
      });
    },
    end: () => running,
  };
}
