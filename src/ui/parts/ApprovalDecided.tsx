import type { AnswerView, ArtifactView } from "#stores/views.ts";
import { Icon } from "#ui/kit/Icon.tsx";
import { HiddenText } from "#ui/markdown/HiddenText.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./ApprovalPart.module.css";
import type { ApprovalPayload } from "./card-types.ts";
import { DeliveryMark } from "./DeliveryMark.tsx";

type Option = ApprovalPayload["options"][number];

/** What was decided so far and by whom, or why nobody can any more. */
export function Decided({
  artifact,
  options,
}: {
  artifact: Pick<ArtifactView, "answer" | "answers" | "expired">;
  options: readonly Option[];
}) {
  const t = useText();
  const { answer, answers } = artifact;
  const shown = answers.length > 0 ? answers : answer === null ? [] : [answer];
  if (shown.length > 0)
    return (
      <footer className={styles.decided}>
        {shown.map((one) => (
          <Decision key={`${one.by}-${one.at}`} answer={one} options={options} />
        ))}
      </footer>
    );
  return (
    <footer className={styles.decided}>
      <p className={styles.decision}>
        <Icon name={artifact.expired ? "clock" : "info"} />
        <span>{artifact.expired ? t("approval.expired") : t("approval.notForYou")}</span>
      </p>
    </footer>
  );
}

function Decision({ answer, options }: { answer: AnswerView; options: readonly Option[] }) {
  const t = useText();
  const { aside, moment, time } = useFormats();
  const isApproved = answer.decision === "approve";
  const label = options.find((option) => option.id === answer.actionId)?.label;
  const words =
    answer.delivery !== null
      ? isApproved
        ? t("approval.approvedByYou")
        : t("approval.deniedByYou")
      : isApproved
        ? t("approval.approvedBy", { name: answer.byName })
        : t("approval.deniedBy", { name: answer.byName });
  return (
    <div className={styles.decision} data-decision={answer.decision ?? undefined}>
      <Icon name={isApproved ? "circle-check" : "ban"} size={18} />
      <div className={styles.decisionWords}>
        <p>
          <strong>
            <bdi>{words}</bdi>
          </strong>
          {label !== undefined && (
            <>
              {" · "}
              <bdi>{label}</bdi>
            </>
          )}
          {answer.late && aside(t("card.late"))}
        </p>
        {answer.reason !== "" && (
          <p className={styles.given} dir="auto">
            <HiddenText text={answer.reason} />
          </p>
        )}
      </div>
      <span className={styles.when}>
        <time dateTime={new Date(answer.at).toISOString()} title={moment(answer.at)}>
          {time(answer.at)}
        </time>
        {answer.delivery !== null && <DeliveryMark delivery={answer.delivery} />}
      </span>
    </div>
  );
}
