import { useEffect, useState } from "react";
import type { OwnAgentView } from "#stores/views.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Avatar } from "#ui/kit/Avatar.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Icon } from "#ui/kit/Icon.tsx";
import { Skeleton } from "#ui/kit/Spinner.tsx";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useText } from "#ui/text/text.tsx";
import { agentStatus } from "./agent-status.ts";
import styles from "./Agents.module.css";
import { AgentSheet } from "./AgentSheet.tsx";
import { NewAgentDialog } from "./NewAgentDialog.tsx";

/** The agents of this person's own: which there are, how they stand, and a new one. */
export function AgentsSection() {
  const t = useText();
  const { ownAgents } = useStores();
  const agents = useStore("ownAgents", (state) => state.agents);
  const failure = useStore("ownAgents", (state) => state.failure);
  const [isMaking, setIsMaking] = useState(false);
  const [openId, setOpenId] = useState<OwnAgentView["id"] | null>(null);
  useEffect(() => ownAgents.getState().watch(), [ownAgents]);
  const open = agents?.find(({ id }) => id === openId) ?? null;
  return (
    <section className={styles.form} aria-label={t("agents.title")}>
      <p className={styles.text}>{t("agents.help")}</p>
      <FailureNote failure={failure} />
      {agents === null && failure === null && <Skeleton lines={2} label={t("general.loading")} />}
      {agents?.length === 0 && <p className={styles.text}>{t("agents.none")}</p>}
      {agents !== null && agents.length > 0 && (
        <ul className={styles.list}>
          {agents.map((agent) => (
            <li key={agent.id}>
              <AgentRow agent={agent} onOpen={() => setOpenId(agent.id)} />
            </li>
          ))}
        </ul>
      )}
      <div>
        <Button icon="plus" onClick={() => setIsMaking(true)}>
          {t("agents.new")}
        </Button>
      </div>
      {isMaking && <NewAgentDialog onClose={() => setIsMaking(false)} onMade={setOpenId} />}
      {open !== null && <AgentSheet key={open.id} agent={open} onClose={() => setOpenId(null)} />}
    </section>
  );
}

function AgentRow({ agent, onOpen }: { agent: OwnAgentView; onOpen: () => void }) {
  const t = useText();
  return (
    <button type="button" className={styles.row} onClick={onOpen}>
      <Avatar
        id={agent.id}
        name={agent.name}
        kind="agent"
        size={40}
        presence={agent.isOnline ? "online" : "offline"}
      />
      <span className={styles.words}>
        <bdi className={styles.name}>{agent.name}</bdi>
        <span className={styles.status}>{t(agentStatus(agent))}</span>
      </span>
      <span className={styles.chevron}>
        <Icon name="chevron-end" size={16} />
      </span>
    </button>
  );
}
