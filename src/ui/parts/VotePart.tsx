import { useState, type CSSProperties } from "react";
import type { ArtifactView } from "#stores/views.ts";
import { Button } from "#ui/kit/Button.tsx";
import { RadioField } from "#ui/kit/Choices.tsx";
import { Icon } from "#ui/kit/Icon.tsx";
import { HiddenText } from "#ui/markdown/HiddenText.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import { CardFrame } from "./CardFrame.tsx";
import type { Values, VotePayload } from "./card-types.ts";
import { DeliveryMark } from "./DeliveryMark.tsx";
import { useNow } from "./use-now.ts";
import styles from "./VotePart.module.css";

/** The action that gives a vote. */
export const VOTE_ACTION = "vote";

type Vote = NonNullable<ArtifactView["vote"]>;

type VotePartProps = {
  artifact: ArtifactView;
  payload: VotePayload;
  isBusy: boolean;
  onAnswer: (actionId: string, values: Values) => void;
};

/** A question with a vote for each member; who has voted sees how it stands. */
export function VotePart({ artifact, payload, isBusy, onAnswer }: VotePartProps) {
  const t = useText();
  const { countdown } = useFormats();
  const isCounting = !artifact.expired && artifact.expiresAt !== null;
  const now = useNow(1_000, isCounting);
  const isClosed = artifact.expired || (artifact.expiresAt !== null && artifact.expiresAt <= now);
  const vote = artifact.vote ?? { options: payload.options, ownOptionId: null };
  const isOpen = !isClosed && artifact.canRespond;
  const total = vote.options.reduce((sum, { votes }) => sum + votes, 0);
  const own = artifact.answers.find(({ delivery, late }) => delivery !== null && !late);
  return (
    <CardFrame
      icon="form"
      kind={t("card.vote")}
      title={artifact.title === "" ? payload.question : artifact.title}
      tone={vote.ownOptionId === null ? "neutral" : "proven"}
      state={
        isClosed ? (
          t("vote.closed")
        ) : artifact.expiresAt === null || artifact.expiresAt - now > DAY_MS ? null : (
          <span role="timer">
            {t("vote.closesIn", { time: countdown(artifact.expiresAt - now) })}
          </span>
        )
      }
    >
      {artifact.title !== "" && artifact.title !== payload.question && (
        <p className={styles.question} dir="auto">
          <HiddenText text={payload.question} />
        </p>
      )}
      {isOpen ? (
        <Choose {...{ vote, isBusy }} question={payload.question} onAnswer={onAnswer} />
      ) : (
        <Standing vote={vote} total={total} isClosed={isClosed} />
      )}
      <p className={styles.total}>
        <span>{t("vote.count", { count: total })}</span>
        {own?.delivery && <DeliveryMark delivery={own.delivery} />}
      </p>
    </CardFrame>
  );
}

const DAY_MS = 86_400_000;

type ChooseProps = {
  vote: Vote;
  question: string;
  isBusy: boolean;
  onAnswer: VotePartProps["onAnswer"];
};

/** A choice first, then the vote: it cannot be changed. */
function Choose({ vote, question, isBusy, onAnswer }: ChooseProps) {
  const t = useText();
  const [chosen, setChosen] = useState<string | null>(null);
  return (
    <form
      className={styles.choose}
      aria-label={question}
      onSubmit={(event) => {
        event.preventDefault();
        if (chosen !== null) onAnswer(VOTE_ACTION, { option_id: chosen });
      }}
    >
      <RadioField
        label={t("vote.choose")}
        value={chosen}
        options={vote.options.map(({ id, label }) => ({ value: id, label }))}
        onChange={setChosen}
        disabled={isBusy}
      />
      <div className={styles.give}>
        <p>{t("vote.final")}</p>
        <Button type="submit" variant="primary" disabled={chosen === null} busy={isBusy}>
          {t("vote.give")}
        </Button>
      </div>
    </form>
  );
}

/** How the vote stands: each option with its share, the own one marked, after the end the leading ones too. */
function Standing({ vote, total, isClosed }: { vote: Vote; total: number; isClosed: boolean }) {
  const t = useText();
  const { count } = useFormats();
  const most = Math.max(...vote.options.map(({ votes }) => votes));
  return (
    <ul className={styles.options}>
      {vote.options.map(({ id, label, votes }) => (
        <li
          key={id}
          className={styles.option}
          data-leads={isClosed && votes > 0 && votes === most ? "" : undefined}
          style={{ "--share": total === 0 ? 0 : votes / total } as CSSProperties}
        >
          <span className={styles.label}>
            <bdi>{label}</bdi>
            {id === vote.ownOptionId && (
              <span className={styles.own}>
                <Icon name="check" size={14} />
                {t("vote.own")}
              </span>
            )}
          </span>
          <span className={styles.votes}>
            <span aria-hidden>{count(votes)}</span>
            <span className={styles.said}>{t("vote.count", { count: votes })}</span>
          </span>
          <span className={styles.bar} aria-hidden />
        </li>
      ))}
    </ul>
  );
}
