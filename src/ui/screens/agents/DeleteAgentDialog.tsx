import { useState } from "react";
import type { OwnAgentView } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { ConfirmDialog } from "#ui/kit/Dialog.tsx";
import { useCountdown } from "#ui/screens/settings/use-countdown.ts";
import { useText } from "#ui/text/text.tsx";

type DeleteAgentDialogProps = {
  agent: OwnAgentView;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onDeleted: () => void;
};

/** Asks before an agent ends for everybody, and lets nobody do it in haste. */
export function DeleteAgentDialog({
  agent,
  open,
  onOpenChange,
  onDeleted,
}: DeleteAgentDialogProps) {
  const t = useText();
  const { calls, notices, ownAgents } = useStores();
  const seconds = useCountdown(open);
  const [isBusy, setIsBusy] = useState(false);
  const end = async (): Promise<void> => {
    setIsBusy(true);
    const answer = await calls.deleteOwnAgent({ agentId: agent.id });
    setIsBusy(false);
    onOpenChange(false);
    if (!answer.ok) return notices.showFailure(answer.failure);
    onDeleted();
    await ownAgents.getState().load();
  };
  return (
    <ConfirmDialog
      open={open}
      onOpenChange={onOpenChange}
      title={t("agents.deleteQuestion", { name: agent.name })}
      description={t("agents.deleteHelp")}
      footer={
        <>
          <Button onClick={() => onOpenChange(false)}>{t("general.cancel")}</Button>
          <Button variant="danger" disabled={seconds > 0} busy={isBusy} onClick={() => void end()}>
            {seconds > 0 ? t("agents.deleteWait", { seconds }) : t("agents.deleteConfirm")}
          </Button>
        </>
      }
    />
  );
}
