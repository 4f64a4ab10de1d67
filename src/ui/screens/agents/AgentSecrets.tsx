import { useState } from "react";
import type { OwnAgentView } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { ConfirmDialog } from "#ui/kit/Dialog.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./Agents.module.css";
import { ShownOnce } from "./ShownOnce.tsx";

type Secret = "token" | "webhook";

/** The token and the webhook secret: never shown again, only renewed. */
export function AgentSecrets({ agent }: { agent: OwnAgentView }) {
  const t = useText();
  const { calls, notices } = useStores();
  const [asked, setAsked] = useState<Secret | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const [shown, setShown] = useState<{ readonly of: Secret; readonly text: string } | null>(null);
  const renew = async (of: Secret): Promise<void> => {
    setIsBusy(true);
    const input = { agentId: agent.id };
    const answer =
      of === "token" ? await calls.renewAgentToken(input) : await calls.renewWebhookSecret(input);
    setIsBusy(false);
    setAsked(null);
    if (!answer.ok) return notices.showFailure(answer.failure);
    setShown({ of, text: "token" in answer.value ? answer.value.token : answer.value.secret });
  };
  return (
    <section className={styles.part} aria-label={t("agents.secrets")}>
      <h3 className={styles.title}>{t("agents.secrets")}</h3>
      <p className={styles.text}>{t("agents.secretsHelp")}</p>
      <div className={styles.actions}>
        <Button onClick={() => setAsked("token")}>{t("agents.renewToken")}</Button>
        {agent.mode === "webhook" && (
          <Button onClick={() => setAsked("webhook")}>{t("agents.renewWebhook")}</Button>
        )}
      </div>
      <ConfirmDialog
        open={asked !== null}
        onOpenChange={(open) => {
          if (!open) setAsked(null);
        }}
        title={t(asked === "webhook" ? "agents.renewWebhookQuestion" : "agents.renewTokenQuestion")}
        description={t(asked === "webhook" ? "agents.renewWebhookHelp" : "agents.renewTokenHelp")}
        footer={
          <>
            <Button onClick={() => setAsked(null)}>{t("general.cancel")}</Button>
            <Button
              variant="danger"
              busy={isBusy}
              onClick={() => {
                if (asked !== null) void renew(asked);
              }}
            >
              {t("agents.renew")}
            </Button>
          </>
        }
      />
      {shown !== null && (
        <ShownOnce
          title={t("agents.renewedTitle")}
          secrets={[
            {
              label: t(shown.of === "token" ? "agents.token" : "agents.webhookSecret"),
              text: shown.of === "token" ? `HASHEE_AGENT_TOKEN=${shown.text}` : shown.text,
            },
          ]}
          onClose={() => setShown(null)}
        />
      )}
    </section>
  );
}
