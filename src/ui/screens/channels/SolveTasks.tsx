import { useState } from "react";
import type { ConversationId } from "#stores/views.ts";
import { Button } from "#ui/kit/Button.tsx";
import { Dialog } from "#ui/kit/Dialog.tsx";
import { PlanEditor } from "#ui/parts/plan/PlanEditor.tsx";
import { useChannel } from "#ui/parts/turn/use-channel.ts";
import { useText } from "#ui/text/text.tsx";

const FIRST_TASK = [{ id: 1, title: "" }] as const;

/** Gives the agent tasks of one's own, without having it plan. */
export function SolveTasks({ conversationId }: { conversationId: ConversationId }) {
  const t = useText();
  const command = useChannel(conversationId);
  const [isOpen, setIsOpen] = useState(false);
  return (
    <>
      <Button size="small" variant="quiet" onClick={() => setIsOpen(true)}>
        {t("channel.solve")}
      </Button>
      <Dialog
        open={isOpen}
        onOpenChange={setIsOpen}
        title={t("channel.solve")}
        description={t("channel.solveHelp")}
      >
        <PlanEditor
          tasks={FIRST_TASK}
          onRun={(tasks) => {
            setIsOpen(false);
            void command({ type: "solve-tasks", tasks, question: null, planSummary: null });
          }}
          onDiscard={() => setIsOpen(false)}
        />
      </Dialog>
    </>
  );
}
