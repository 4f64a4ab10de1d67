/** Rows that stand where a message cannot: taken back, unreadable, or of a kind we do not know. */
import type { ReactNode } from "react";
import { Button } from "#ui/kit/Button.tsx";
import { Icon, type IconName } from "#ui/kit/Icon.tsx";
import { failureWords, type FailureAction } from "#ui/text/failures.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./Note.module.css";

type RecalledPartProps = { by: "author" | "server"; authorName: string; isSelf: boolean };

export function RecalledPart({ by, authorName, isSelf }: RecalledPartProps) {
  const t = useText();
  return (
    <p className={styles.quiet}>
      <Icon name="undo" />
      <bdi>
        {by === "server"
          ? t("message.recalledByServer")
          : isSelf
            ? t("message.recalledBySelf")
            : t("message.recalledByAuthor", { name: authorName })}
      </bdi>
    </p>
  );
}

/** What somebody has signed to have sent, and the server did not bring. */
export function MissingPart({ name, count }: { name: string; count: number }) {
  const t = useText();
  return (
    <p className={styles.missing} role="note">
      <Icon name="alert" size={14} />
      <bdi>{t("thread.missing", { name, count })}</bdi>
    </p>
  );
}

type UnreadablePartProps = {
  failure: string;
  /** What the failure's one action does here; without it only the words are shown. */
  onAction?: ((action: FailureAction) => void) | undefined;
};

/** A message that could not be opened: why, what it means, what helps. */
export function UnreadablePart({ failure, onAction }: UnreadablePartProps) {
  const t = useText();
  // A sealed message's own reasons name no layer.
  const { title, advice, action } = failureWords(
    failure.includes("/") ? failure : `crypto/${failure}`,
  );
  const label =
    action === "retry" ? t("unreadable.retry") : action === "report" ? t("general.report") : null;
  return (
    <Problem icon="key" title={t(title)} advice={t(advice)}>
      {label !== null && onAction !== undefined && (
        <Button size="small" className={styles.action} onClick={() => onAction(action)}>
          {label}
        </Button>
      )}
    </Problem>
  );
}

export function UnsupportedPart({ originalType }: { originalType: string }) {
  const t = useText();
  return (
    <Problem icon="help" title={t("message.unsupported")} advice={t("message.unsupportedHelp")}>
      <span>
        <bdi>{t("message.unsupportedKind", { kind: originalType })}</bdi>
      </span>
    </Problem>
  );
}

type ProblemProps = { icon: IconName; title: string; advice: string; children?: ReactNode };

const Problem = ({ icon, title, advice, children }: ProblemProps) => (
  <div className={styles.problem}>
    <Icon name={icon} size={18} />
    <div className={styles.words}>
      <p className={styles.title}>{title}</p>
      <p>{advice}</p>
      {children}
    </div>
  </div>
);
