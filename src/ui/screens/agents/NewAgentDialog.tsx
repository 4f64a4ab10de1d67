import { useState } from "react";
import type { BridgeFailure, NewAgentView, OwnAgentView } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Dialog } from "#ui/kit/Dialog.tsx";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useText } from "#ui/text/text.tsx";
import { AgentFields, EMPTY_AGENT, inputOf, isComplete } from "./AgentFields.tsx";
import styles from "./Agents.module.css";
import { environmentOf, ShownOnce } from "./ShownOnce.tsx";

const FORM_ID = "new-agent";

type NewAgentDialogProps = {
  onClose: () => void;
  onMade: (id: OwnAgentView["id"]) => void;
};

/** Makes an agent, then shows once what its program is started with. */
export function NewAgentDialog({ onClose, onMade }: NewAgentDialogProps) {
  const t = useText();
  const { calls, ownAgents } = useStores();
  const [draft, setDraft] = useState(EMPTY_AGENT);
  const [isBusy, setIsBusy] = useState(false);
  const [failure, setFailure] = useState<BridgeFailure | null>(null);
  const [made, setMade] = useState<NewAgentView | null>(null);
  const make = async (): Promise<void> => {
    setIsBusy(true);
    const answer = await calls.createOwnAgent(inputOf(draft));
    setIsBusy(false);
    setFailure(answer.ok ? null : answer.failure);
    if (!answer.ok) return;
    setMade(answer.value);
    void ownAgents.getState().load();
  };
  if (made !== null)
    return (
      <MadeAgent
        made={made}
        onClose={() => {
          onMade(made.agent.id);
          onClose();
        }}
      />
    );
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={t("agents.newTitle")}
      description={t("agents.newHelp")}
      footer={
        <>
          <Button onClick={onClose}>{t("general.cancel")}</Button>
          <Button
            type="submit"
            form={FORM_ID}
            variant="primary"
            busy={isBusy}
            disabled={!isComplete(draft)}
          >
            {t("agents.make")}
          </Button>
        </>
      }
    >
      <form
        id={FORM_ID}
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (isComplete(draft) && !isBusy) void make();
        }}
      >
        <AgentFields draft={draft} onChange={setDraft} isMade={false} />
        <FailureNote failure={failure} />
      </form>
    </Dialog>
  );
}

function MadeAgent({ made, onClose }: { made: NewAgentView; onClose: () => void }) {
  const t = useText();
  const { webhookSecret } = made;
  return (
    <ShownOnce
      title={t("agents.madeTitle", { name: made.agent.name })}
      secrets={[
        {
          label: t("agents.environment"),
          help: t("agents.environmentHelp"),
          text: environmentOf(made),
        },
        ...(webhookSecret === null
          ? []
          : [
              {
                label: t("agents.webhookSecret"),
                help: t("agents.webhookSecretHelp"),
                text: webhookSecret,
              },
            ]),
      ]}
      onClose={onClose}
    />
  );
}
