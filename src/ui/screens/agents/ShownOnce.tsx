import type { NewAgentView } from "#stores/views.ts";
import { Button } from "#ui/kit/Button.tsx";
import { ConfirmDialog } from "#ui/kit/Dialog.tsx";
import { useCopy } from "#ui/markdown/use-copy.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./Agents.module.css";

type Shown = { readonly label: string; readonly text: string; readonly help?: string };

type ShownOnceProps = {
  title: string;
  secrets: readonly Shown[];
  onClose: () => void;
};

/** Secrets that nobody can show again: a press beside it does not close this. */
export function ShownOnce({ title, secrets, onClose }: ShownOnceProps) {
  const t = useText();
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={title}
      description={t("agents.once")}
      footer={
        <Button variant="primary" onClick={onClose}>
          {t("agents.kept")}
        </Button>
      }
    >
      <div className={styles.form}>
        {secrets.map((secret) => (
          <Secret key={secret.label} {...secret} />
        ))}
      </div>
    </ConfirmDialog>
  );
}

function Secret({ label, text, help }: Shown) {
  const t = useText();
  const { copy, isCopied } = useCopy();
  return (
    <section className={styles.secret} aria-label={label}>
      <h3 className={styles.title}>{label}</h3>
      {help !== undefined && <p className={styles.text}>{help}</p>}
      <pre className={styles.code} translate="no">
        {text}
      </pre>
      <Button
        size="small"
        icon={isCopied ? "check" : "copy"}
        aria-label={t("agents.copyNamed", { name: label })}
        onClick={() => copy(text)}
      >
        {isCopied ? t("general.copied") : t("general.copy")}
      </Button>
    </section>
  );
}

/** What an agent's program is started with. */
export const environmentOf = ({
  agent,
  token,
  baseUrl,
}: Pick<NewAgentView, "token" | "baseUrl" | "agent">): string =>
  [
    `HASHEE_AGENT_ID=${agent.id}`,
    `HASHEE_AGENT_TOKEN=${token}`,
    `HASHEE_BASE_URL=${baseUrl}`,
    ...(agent.mode === "websocket" ? [] : [`HASHEE_CONNECTION_MODE=${agent.mode}`]),
  ].join("\n");
