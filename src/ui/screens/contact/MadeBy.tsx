import { useEffect, useState } from "react";
import type { AgentMakerView, ConversationView, OwnAgentView } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { Icon } from "#ui/kit/Icon.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./DetailsPanel.module.css";

type Peer = NonNullable<ConversationView["peer"]>;

/** Who made an agent, where that is proven; nothing otherwise, because an unproven name is no news. */
export function MadeBy({ agent }: { agent: Peer }) {
  const t = useText();
  const maker = useMaker(agent);
  if (maker === null) return null;
  const { name, trust } = maker;
  return (
    <div className={styles.maker}>
      <p className={styles.proven}>
        <Icon name="shield-check" />
        {trust === "self" ? t("details.madeByYou") : t("details.madeBy", { name })}
      </p>
      {trust !== "self" && (
        <p className={styles.quiet}>
          {t(trust === "verified" ? "details.makerCompared" : "details.makerNotCompared", { name })}
        </p>
      )}
    </div>
  );
}

/** Asked when the details open, and again when what is known of the agent's key changes. */
function useMaker({ id, trust }: Peer): AgentMakerView | null {
  const { calls } = useStores();
  const [maker, setMaker] = useState<AgentMakerView | null>(null);
  useEffect(() => {
    let isWanted = true;
    void calls.describeAgentMaker({ agentId: id as OwnAgentView["id"] }).then((answer) => {
      if (isWanted) setMaker(answer.ok ? answer.value : null);
    });
    return () => {
      isWanted = false;
    };
  }, [calls, id, trust]);
  return maker;
}
