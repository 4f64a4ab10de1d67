import type { CSSProperties } from "react";
import type { ArtifactView } from "#stores/views.ts";
import { Button } from "#ui/kit/Button.tsx";
import { classNames } from "#ui/kit/class-names.ts";
import { Icon, type IconName } from "#ui/kit/Icon.tsx";
import { Spinner } from "#ui/kit/Spinner.tsx";
import { VisuallyHidden } from "#ui/kit/VisuallyHidden.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import { CardFrame, type CardTone } from "./CardFrame.tsx";
import type { ProgressPayload } from "./card-types.ts";
import styles from "./ProgressPart.module.css";

type Status = NonNullable<ProgressPayload["status"]>;

type ProgressPartProps = {
  artifact: ArtifactView;
  payload: ProgressPayload;
  isBusy: boolean;
  onCancel: () => void;
};

/** Work under way; updates in place. */
export function ProgressPart({ artifact, payload, isBusy, onCancel }: ProgressPartProps) {
  const t = useText();
  const { duration } = useFormats();
  const status = statusOf(payload);
  const isLive = status === "running" || status === "starting" || status === "pending";
  const canCancel =
    payload.cancellable === true && isLive && artifact.canRespond && artifact.answer === null;
  return (
    <CardFrame
      icon={status === "done" ? "circle-check" : status === "failed" ? "circle-x" : "clock"}
      kind={t("card.progress")}
      title={artifact.title}
      tone={TONES[status]}
      state={
        <span>
          {status === "running" && payload.percent !== null
            ? t("progress.percent", { percent: Math.round(payload.percent) })
            : t(`progress.${status}`)}
        </span>
      }
    >
      <Bar percent={payload.percent} status={status} title={artifact.title} />
      {payload.message !== undefined && payload.message !== "" && (
        <p className={styles.message} dir="auto">
          {payload.message}
        </p>
      )}
      {payload.steps !== undefined && payload.steps.length > 0 && <Steps steps={payload.steps} />}
      {isLive && payload.eta_s !== undefined && (
        <p className={styles.message}>
          {t("progress.left", { time: duration(Math.max(1, payload.eta_s) * 1_000) })}
        </p>
      )}
      {canCancel && (
        <div>
          <Button size="small" busy={isBusy} onClick={onCancel}>
            {t("progress.cancel")}
          </Button>
        </div>
      )}
    </CardFrame>
  );
}

const TONES: Readonly<Record<Status, CardTone>> = {
  pending: "neutral",
  starting: "neutral",
  running: "accent",
  paused: "neutral",
  done: "proven",
  failed: "danger",
  cancelled: "neutral",
};

const statusOf = (payload: ProgressPayload): Status =>
  payload.status ?? (payload.percent === 100 ? "done" : "running");

function Bar({
  percent,
  status,
  title,
}: {
  percent: number | null;
  status: Status;
  title: string;
}) {
  const isUnknown = percent === null && (status === "running" || status === "starting");
  const share = status === "done" ? 100 : (percent ?? (isUnknown ? 100 : 0));
  return (
    <div
      className={classNames(
        styles.bar,
        isUnknown && styles.unknown,
        status === "done" && styles.done,
        status === "failed" && styles.failed,
        (status === "cancelled" || status === "paused") && styles.stopped,
      )}
      role="progressbar"
      aria-label={title}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={isUnknown ? undefined : Math.round(share)}
      style={{ "--share": share / 100 } as CSSProperties}
    >
      <span className={styles.fill} />
    </div>
  );
}

const STEP_ICONS: Readonly<Record<Status, IconName>> = {
  pending: "circle-dashed",
  starting: "circle-dashed",
  running: "circle-dashed",
  paused: "circle-pause",
  done: "circle-check",
  failed: "circle-x",
  cancelled: "ban",
};

function Steps({ steps }: { steps: NonNullable<ProgressPayload["steps"]> }) {
  const t = useText();
  return (
    <ol className={styles.steps} aria-label={t("progress.steps")}>
      {steps.map((step) => (
        <li key={step.id} className={styles.step} data-status={step.status}>
          <span className={styles.stepMark}>
            {step.status === "running" ? <Spinner /> : <Icon name={STEP_ICONS[step.status]} />}
          </span>
          <bdi>{step.label}</bdi>
          <VisuallyHidden>{t(`progress.${step.status}`)}</VisuallyHidden>
        </li>
      ))}
    </ol>
  );
}
