import type { ConversationId } from "#stores/views.ts";
import { Dialog } from "#ui/kit/Dialog.tsx";
import { PlanEditor } from "#ui/parts/plan/PlanEditor.tsx";
import { useChannel } from "#ui/parts/turn/use-channel.ts";
import { useText } from "#ui/text/text.tsx";

const FIRST_TASK = [{ id: 1, title: "" }] as const;

type SolveTasksProps = {
  conversationId: ConversationId;
  open: boolean;
  onOpenChange: (open: boolean) => void;
};

/** Gives the agent tasks of one's own, without having it plan. */
export function SolveTasks({ conversationId, open, onOpenChange }: SolveTasksProps) {
  const t = useText();
  const command = useChannel(conversationId);
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={t("channel.solve")}
      description={t("channel.solveHelp")}
    >
      <PlanEditor
        tasks={FIRST_TASK}
        onRun={(tasks) => {
          onOpenChange(false);
          void command({ type: "solve-tasks", tasks, question: null, planSummary: null });
        }}
        onDiscard={() => onOpenChange(false)}
        discardLabel={t("general.cancel")}
      />
    </Dialog>
  );
}
