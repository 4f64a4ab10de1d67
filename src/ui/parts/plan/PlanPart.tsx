import type { PlanView } from "#stores/views.ts";
import { Button } from "#ui/kit/Button.tsx";
import { Icon, type IconName } from "#ui/kit/Icon.tsx";
import { IconButton } from "#ui/kit/IconButton.tsx";
import { Spinner } from "#ui/kit/Spinner.tsx";
import { VisuallyHidden } from "#ui/kit/VisuallyHidden.tsx";
import { HiddenText } from "#ui/markdown/HiddenText.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import { CardFrame, type CardTone } from "../CardFrame.tsx";
import { Folded } from "../turn/Folded.tsx";
import styles from "./PlanPart.module.css";
import { Replan } from "./Replan.tsx";

type Task = PlanView["tasks"][number];

export type PlanControls = {
  /** What this agent can be asked; a control that is not listed is not drawn. */
  readonly can: readonly string[];
  readonly onCancelTask: (taskId: string) => void;
  readonly onRestartTask: (taskId: string) => void;
  readonly onCancelPlan: () => void;
};

type PlanPartProps = {
  plan: PlanView;
  /** Null once its turn is over. */
  controls: PlanControls | null;
  /** Null where the agent cannot plan anew. */
  onReplan: ((question: string | null) => void) | null;
};

/** A pipeline from the plan to its product, with each task where it stands. */
export function PlanPart({ plan, controls, onReplan }: PlanPartProps) {
  const t = useText();
  const done = plan.tasks.filter(({ status }) => status === "done").length;
  const isSolving = plan.phase === "solving";
  return (
    <CardFrame
      icon={plan.phase === "done" ? "circle-check" : "form"}
      kind={t("plan.title")}
      title={plan.summary || plan.question || t("plan.title")}
      tone={TONES[plan.phase]}
      state={
        <span>
          {t(`plan.phase.${plan.phase}`)}
          {plan.tasks.length > 0 && ` · ${done}/${plan.tasks.length}`}
        </span>
      }
    >
      {plan.tasks.length > 0 && (
        <ol className={styles.tasks} aria-label={t("plan.tasks")}>
          {plan.tasks.map((task) => (
            <TaskRow key={task.taskId} task={task} controls={isSolving ? controls : null} />
          ))}
          {plan.aggregate !== "none" && (
            <li className={styles.task} data-status={plan.aggregate}>
              <span className={styles.mark}>
                {plan.aggregate === "running" ? <Spinner /> : <Icon name="circle-check" />}
              </span>
              <span>{t("plan.aggregate")}</span>
            </li>
          )}
        </ol>
      )}
      {plan.result !== null && plan.result.text === null && (
        <Folded label={t("plan.result")} value={plan.result.output} />
      )}
      <PlanActions plan={plan} controls={controls} onReplan={onReplan} />
    </CardFrame>
  );
}

const TONES: Readonly<Record<PlanView["phase"], CardTone>> = {
  planning: "accent",
  confirming: "accent",
  solving: "accent",
  aggregating: "accent",
  done: "proven",
  cancelled: "neutral",
  declined: "neutral",
  failed: "danger",
  lost: "danger",
};

const ICONS: Readonly<Record<Task["status"], IconName>> = {
  planned: "circle-dashed",
  running: "circle-dashed",
  done: "circle-check",
  cancelled: "ban",
  failed: "circle-x",
  unknown: "help",
};

function TaskRow({ task, controls }: { task: Task; controls: PlanControls | null }) {
  const t = useText();
  const { duration } = useFormats();
  const { taskId, title, status, startedAt, endedAt } = task;
  const isLive = status === "running" || status === "planned";
  return (
    <li className={styles.task} data-status={status}>
      <span className={styles.mark}>
        {status === "running" ? <Spinner /> : <Icon name={ICONS[status]} />}
      </span>
      <span className={styles.title}>
        <HiddenText text={title} /> <VisuallyHidden>{t(`plan.task.${status}`)}</VisuallyHidden>
        <span className={styles.detail}>
          {status === "failed" && t("plan.task.failed")}
          {startedAt !== null && endedAt !== null && ` · ${duration(endedAt - startedAt)}`}
        </span>
        {task.summary !== "" && <Folded label={t("plan.result")} value={task.summary} />}
      </span>
      {controls !== null && (
        <span className={styles.tools}>
          {isLive && controls.can.includes("cancel-task") && (
            <IconButton
              icon="ban"
              size="small"
              label={t("plan.cancelTask", { title })}
              onClick={() => controls.onCancelTask(taskId)}
            />
          )}
          {status !== "planned" && controls.can.includes("restart-task") && (
            <IconButton
              icon="retry"
              size="small"
              label={t("plan.restartTask", { title })}
              onClick={() => controls.onRestartTask(taskId)}
            />
          )}
        </span>
      )}
    </li>
  );
}

/** While tasks are solved a plan can be neither cancelled nor made anew; the run can be stopped. */
function PlanActions({ plan, controls, onReplan }: PlanPartProps) {
  const t = useText();
  const isOpen = plan.phase === "planning" || plan.phase === "confirming";
  const canCancel = isOpen && controls?.can.includes("cancel-plan") === true;
  const canReplan = onReplan !== null && (isOpen || controls === null);
  if (!canCancel && !canReplan) return null;
  return (
    <div className={styles.actions}>
      {canReplan && <Replan question={plan.question} onReplan={onReplan} />}
      {canCancel && (
        <Button size="small" variant="quiet" icon="ban" onClick={controls.onCancelPlan}>
          {t("plan.cancel")}
        </Button>
      )}
    </div>
  );
}
