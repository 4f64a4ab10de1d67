import { useState } from "react";
import { Button } from "#ui/kit/Button.tsx";
import { RadioField } from "#ui/kit/Choices.tsx";
import { TextArea, TextField } from "#ui/kit/Field.tsx";
import { IconButton } from "#ui/kit/IconButton.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./PlanEditor.module.css";
import {
  draftsOf,
  parseTasks,
  tasksOf,
  tasksToText,
  withMoved,
  withNewDraft,
  type Task,
  type TaskDraft,
} from "./task-drafts.ts";

type PlanEditorProps = {
  tasks: readonly Task[];
  /** The tasks to run instead. */
  onRun: (tasks: readonly Task[]) => void;
  onDiscard: () => void;
  /** What leaving without running them means here. */
  discardLabel: string;
};

/** Tasks of a plan before they are carried out: as a form, or as the JSON they are. */
export function PlanEditor({ tasks, onRun, onDiscard, discardLabel }: PlanEditorProps) {
  const t = useText();
  const [mode, setMode] = useState<"form" | "json">("form");
  const [drafts, setDrafts] = useState(() => draftsOf(tasks));
  const [text, setText] = useState("");
  const [origin, setOrigin] = useState(tasks);
  const edited = mode === "form" ? tasksOf(drafts, origin) : parseTasks(text);
  const change = (next: "form" | "json"): void => {
    // What cannot be read stays where it is, to be mended.
    if (next === mode || edited === null) return;
    if (next === "json") setText(tasksToText(edited));
    else {
      setOrigin(edited);
      setDrafts(draftsOf(edited));
    }
    setMode(next);
  };
  return (
    <div className={styles.editor}>
      <div className={styles.mode}>
        <RadioField
          label={t("plan.editAs")}
          value={mode}
          options={[
            { value: "form", label: t("plan.form") },
            { value: "json", label: t("plan.json") },
          ]}
          onChange={change}
        />
      </div>
      {mode === "form" ? (
        <TaskForm drafts={drafts} onChange={setDrafts} />
      ) : (
        <div className={styles.code}>
          <TextArea
            label={t("plan.tasks")}
            value={text}
            onChange={setText}
            rows={12}
            spellCheck={false}
            error={edited === null ? t("plan.badJson") : null}
          />
        </div>
      )}
      {mode === "form" && edited === null && <p role="alert">{t("plan.badJson")}</p>}
      <div className={styles.actions}>
        <Button
          variant="primary"
          disabled={edited === null}
          onClick={() => edited !== null && onRun(edited)}
        >
          {t("prompt.run")}
        </Button>
        <Button onClick={onDiscard}>{discardLabel}</Button>
      </div>
    </div>
  );
}

type TaskFormProps = {
  drafts: readonly TaskDraft[];
  onChange: (drafts: readonly TaskDraft[]) => void;
};

function TaskForm({ drafts, onChange }: TaskFormProps) {
  const t = useText();
  const put = (at: number, part: Partial<TaskDraft>): void => {
    const draft = drafts[at];
    if (draft !== undefined) onChange(drafts.with(at, { ...draft, ...part }));
  };
  return (
    <>
      <ol className={styles.tasks} aria-label={t("plan.tasks")}>
        {drafts.map((draft, at) => {
          const number = at + 1;
          return (
            <li key={draft.key} className={styles.task}>
              <div className={styles.head}>
                <TextField
                  label={t("plan.taskTitle", { number })}
                  value={draft.title}
                  onChange={(title) => put(at, { title })}
                />
                <IconButton
                  icon="chevron-up"
                  size="small"
                  label={t("plan.moveUp", { number })}
                  disabled={at === 0}
                  onClick={() => onChange(withMoved(drafts, at, -1))}
                />
                <IconButton
                  icon="chevron-down"
                  size="small"
                  label={t("plan.moveDown", { number })}
                  disabled={at === drafts.length - 1}
                  onClick={() => onChange(withMoved(drafts, at, 1))}
                />
                <IconButton
                  icon="trash"
                  size="small"
                  label={t("plan.removeTask", { number })}
                  onClick={() => onChange(drafts.filter((_, other) => other !== at))}
                />
              </div>
              <div className={styles.code}>
                <TextArea
                  label={t("plan.taskMore", { number })}
                  value={draft.more}
                  onChange={(more) => put(at, { more })}
                  rows={3}
                  spellCheck={false}
                />
              </div>
            </li>
          );
        })}
      </ol>
      <div>
        <Button size="small" icon="plus" onClick={() => onChange(withNewDraft(drafts))}>
          {t("plan.addTask")}
        </Button>
      </div>
    </>
  );
}
