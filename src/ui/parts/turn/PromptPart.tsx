import { useState } from "react";
import type { ChannelCommandInput, PromptPartView } from "#stores/views.ts";
import { Button } from "#ui/kit/Button.tsx";
import { CodeBlock } from "#ui/markdown/CodeBlock.tsx";
import { HiddenText } from "#ui/markdown/HiddenText.tsx";
import { useText } from "#ui/text/text.tsx";
import cardStyles from "../Card.module.css";
import { CardFrame } from "../CardFrame.tsx";
import { PlanEditor } from "../plan/PlanEditor.tsx";
import type { Task } from "../plan/task-drafts.ts";

type PromptPartProps = {
  prompt: PromptPartView;
  /** Null where its answer cannot be sent. */
  onCommand: ((command: ChannelCommandInput) => Promise<boolean>) | null;
};

/** The server asks before it acts: everything it will do is shown, and nothing is answered for a person. */
export function PromptPart({ prompt, onCommand }: PromptPartProps) {
  const t = useText();
  const [isEditing, setIsEditing] = useState(false);
  const [isBusy, setIsBusy] = useState(false);
  const { about, state, deadBecause } = prompt;
  const isOpen = state === "open" && onCommand !== null;
  const answer = async (
    isConfirmed: boolean,
    tasks: readonly Task[] | null = null,
  ): Promise<void> => {
    setIsBusy(true);
    await onCommand?.({ type: "answer-prompt", promptId: prompt.promptId, isConfirmed, tasks });
    setIsBusy(false);
  };
  return (
    <CardFrame
      icon="shield"
      kind={t("card.approval")}
      title={about.subject === "tool" ? t("prompt.tool", { name: about.name }) : t("prompt.plan")}
      tone={isOpen ? "accent" : "neutral"}
      state={
        state === "confirmed" || state === "denied" ? (
          <span>{t(`prompt.state.${state}`)}</span>
        ) : null
      }
    >
      {about.subject === "tool" && about.description !== "" && (
        <p className={cardStyles.quiet}>
          <HiddenText text={about.description} />
        </p>
      )}
      {about.subject === "plan" && about.summary !== "" && (
        <p className={cardStyles.quiet}>
          <HiddenText text={about.summary} />
        </p>
      )}
      {!isEditing && (
        <CodeBlock
          language="json"
          code={JSON.stringify(about.subject === "tool" ? about.args : about.tasks, null, 2)}
        />
      )}
      {state === "dead" && deadBecause !== null && (
        <p className={cardStyles.quiet}>{t(`prompt.dead.${deadBecause}`)}</p>
      )}
      {isOpen && isEditing && about.subject === "plan" && (
        <PlanEditor
          tasks={about.tasks}
          onRun={(tasks) => void answer(true, tasks)}
          onDiscard={() => setIsEditing(false)}
          discardLabel={t("plan.keepAsIs")}
        />
      )}
      {isOpen && !isEditing && (
        // Deny comes first: to the eye, to the finger and to the Tab key.
        <div className={cardStyles.actions}>
          <Button busy={isBusy} onClick={() => void answer(false)}>
            {t("prompt.deny")}
          </Button>
          {about.subject === "plan" && (
            <Button icon="edit" onClick={() => setIsEditing(true)}>
              {t("plan.edit")}
            </Button>
          )}
          <Button variant="primary" busy={isBusy} onClick={() => void answer(true)}>
            {about.subject === "tool" ? t("prompt.allow") : t("prompt.run")}
          </Button>
        </div>
      )}
    </CardFrame>
  );
}
