import type { AnswerView, ArtifactView } from "#stores/views.ts";
import { Icon } from "#ui/kit/Icon.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./AnswerLine.module.css";
import { DeliveryMark } from "./DeliveryMark.tsx";
import { useNow } from "./use-now.ts";

/** Who answered a card, and when. Our own answers carry how far they got. */
export function AnswerLine({ answer }: { answer: AnswerView }) {
  const t = useText();
  const { aside, time, moment } = useFormats();
  const isOurs = answer.delivery !== null;
  return (
    <p className={styles.line}>
      <Icon name="check" size={14} />
      <span>
        {isOurs ? t("card.answeredByYou") : t("card.answeredBy", { name: answer.byName })}
        {answer.late && aside(t("card.late"))}
      </span>
      <time dateTime={new Date(answer.at).toISOString()} title={moment(answer.at)}>
        {time(answer.at)}
      </time>
      {answer.delivery !== null && <DeliveryMark delivery={answer.delivery} />}
    </p>
  );
}

/** The word at the end of a card's title row: answered, expired, or how long there is. */
export function CardState({ artifact }: { artifact: ArtifactView }) {
  const t = useText();
  const { countdown } = useFormats();
  const { answer, answers, expired, expiresAt } = artifact;
  const isCounting = answer === null && !expired && expiresAt !== null;
  const now = useNow(1_000, isCounting);
  if (answers.length > 1) return t("card.answersCount", { count: answers.length });
  if (answer !== null) return t("form.sent");
  if (expired || (expiresAt !== null && expiresAt <= now)) return t("card.expired");
  // A day or more is no countdown.
  if (expiresAt === null || expiresAt - now > 86_400_000) return null;
  return <span role="timer">{t("card.expiresIn", { time: countdown(expiresAt - now) })}</span>;
}
