import { useState } from "react";
import type { AgentChangeInput, BridgeFailure, OwnAgentView } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Switch } from "#ui/kit/Choices.tsx";
import { Sheet } from "#ui/kit/Dialog.tsx";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useText } from "#ui/text/text.tsx";
import { agentStatus } from "./agent-status.ts";
import { AgentFields, draftOf, inputOf, isComplete } from "./AgentFields.tsx";
import { AgentKey } from "./AgentKey.tsx";
import { AgentLinks } from "./AgentLinks.tsx";
import { AgentPeople } from "./AgentPeople.tsx";
import { AgentSecrets } from "./AgentSecrets.tsx";
import styles from "./Agents.module.css";
import { DeleteAgentDialog } from "./DeleteAgentDialog.tsx";

type AgentSheetProps = { agent: OwnAgentView; onClose: () => void };

/** One agent of this person's own: how it stands, its links, what it is, its secrets, its end. */
export function AgentSheet({ agent, onClose }: AgentSheetProps) {
  const t = useText();
  return (
    <Sheet
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={<bdi>{agent.name}</bdi>}
    >
      <p className={styles.text} role="status">
        {t(agentStatus(agent))}
      </p>
      {agent.fingerprintText !== null && (
        <AgentKey
          agentId={agent.id}
          fingerprintText={agent.fingerprintText}
          confirmation={agent.confirmation}
        />
      )}
      {agent.hasKeys && <AgentPeople agentId={agent.id} />}
      <section className={styles.part} aria-label={t("agents.links")}>
        <h3 className={styles.title}>{t("agents.links")}</h3>
        {agent.hasKeys ? (
          <AgentLinks agentId={agent.id} onOpened={onClose} />
        ) : (
          <p className={styles.text}>{t("agents.linksLater")}</p>
        )}
      </section>
      <section className={styles.part} aria-label={t("agents.about")}>
        <h3 className={styles.title}>{t("agents.about")}</h3>
        <ChangeForm agent={agent} />
      </section>
      <AgentSecrets agent={agent} />
      <Standing agent={agent} onDeleted={onClose} />
    </Sheet>
  );
}

/** Changes an agent and asks the relay how it is now. */
function useChange(agentId: OwnAgentView["id"]) {
  const { calls, ownAgents } = useStores();
  const [isBusy, setIsBusy] = useState(false);
  const [failure, setFailure] = useState<BridgeFailure | null>(null);
  const run = async (change: AgentChangeInput): Promise<boolean> => {
    setIsBusy(true);
    const answer = await calls.changeOwnAgent({ agentId, change });
    setFailure(answer.ok ? null : answer.failure);
    if (answer.ok) await ownAgents.getState().load();
    setIsBusy(false);
    return answer.ok;
  };
  return { isBusy, failure, run };
}

function ChangeForm({ agent }: { agent: OwnAgentView }) {
  const t = useText();
  const { notices } = useStores();
  const [draft, setDraft] = useState(() => draftOf(agent));
  const { isBusy, failure, run } = useChange(agent.id);
  const before = draftOf(agent);
  const isChanged = (Object.keys(draft) as (keyof typeof draft)[]).some(
    (key) => draft[key] !== before[key],
  );
  const canSave = isChanged && isComplete(draft);
  const save = async (): Promise<void> => {
    const healthCheckUrl = draft.mode === "webhook" ? draft.healthCheckUrl.trim() || null : null;
    if (await run({ ...inputOf(draft), healthCheckUrl })) notices.showNote("agent-saved");
  };
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (canSave && !isBusy) void save();
      }}
    >
      <AgentFields draft={draft} onChange={setDraft} isMade />
      <FailureNote failure={failure} />
      <div>
        <Button type="submit" busy={isBusy} disabled={!canSave}>
          {t("settings.save")}
        </Button>
      </div>
    </form>
  );
}

function Standing({ agent, onDeleted }: { agent: OwnAgentView; onDeleted: () => void }) {
  const t = useText();
  const [isDeleting, setIsDeleting] = useState(false);
  const { isBusy, failure, run } = useChange(agent.id);
  return (
    <section className={styles.part} aria-label={t("agents.standing")}>
      <h3 className={styles.title}>{t("agents.standing")}</h3>
      {agent.standing !== "blocked" && (
        <Switch
          label={t("agents.pause")}
          help={t("agents.pauseHelp")}
          checked={agent.standing === "paused"}
          disabled={isBusy}
          onChange={(isPaused) => void run({ isPaused })}
        />
      )}
      <FailureNote failure={failure} />
      <div>
        <Button variant="dangerQuiet" onClick={() => setIsDeleting(true)}>
          {t("agents.delete")}
        </Button>
      </div>
      <DeleteAgentDialog
        agent={agent}
        open={isDeleting}
        onOpenChange={setIsDeleting}
        onDeleted={onDeleted}
      />
    </section>
  );
}
