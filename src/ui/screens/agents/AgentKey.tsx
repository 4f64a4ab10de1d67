import type { OwnAgentView } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Icon } from "#ui/kit/Icon.tsx";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useAttempt } from "#ui/screens/shell/use-attempt.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./Agents.module.css";

type AgentKeyProps = {
  agentId: OwnAgentView["id"];
  fingerprintText: string;
  confirmation: OwnAgentView["confirmation"];
};

/** An agent's key for the eye to compare with what its program printed, and its creator's word for it. */
export function AgentKey({ agentId, fingerprintText, confirmation }: AgentKeyProps) {
  const t = useText();
  const { calls, ownAgents } = useStores();
  const { isBusy, failure, run } = useAttempt();
  const isConfirmed = confirmation === "confirmed";
  const withdraw = async (): Promise<void> => {
    if (await run(() => calls.withdrawOwnAgent({ agentId }))) await ownAgents.getState().load();
  };
  const confirm = async (): Promise<void> => {
    if (await run(() => calls.confirmOwnAgent({ agentId, fingerprintText })))
      await ownAgents.getState().load();
  };
  return (
    <section className={styles.part} aria-label={t("agents.key")}>
      <h3 className={styles.title}>{t("agents.key")}</h3>
      <p className={styles.text}>{t(isConfirmed ? "agents.keyIs" : "agents.keyHelp")}</p>
      <p className={styles.fingerprint} translate="no">
        {fingerprintText}
      </p>
      {confirmation === "lapsed" && <p className={styles.text}>{t("agents.keyLapsed")}</p>}
      <div role="status">
        {isConfirmed && (
          <p className={styles.proven}>
            <Icon name="shield-check" />
            {t("agents.keyConfirmed")}
          </p>
        )}
      </div>
      <FailureNote failure={failure} />
      {isConfirmed ? (
        <>
          <div>
            <Button size="small" busy={isBusy} onClick={() => void withdraw()}>
              {t("agents.withdrawKey")}
            </Button>
          </div>
          <p className={styles.text}>{t("agents.withdrawHelp")}</p>
        </>
      ) : (
        <>
          <p className={styles.text}>{t("agents.keyWhy")}</p>
          <div>
            <Button icon="shield-check" busy={isBusy} onClick={() => void confirm()}>
              {t("agents.confirmKey")}
            </Button>
          </div>
        </>
      )}
    </section>
  );
}
