import type { BridgeFailure } from "#stores/views.ts";
import { Icon } from "#ui/kit/Icon.tsx";
import { failureWords } from "#ui/text/failures.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./FailureNote.module.css";

/** What happened and what helps, in its place on the page. */
export function FailureNote({ failure }: { failure: BridgeFailure | null }) {
  const t = useText();
  if (failure === null) return null;
  const words = failureWords(failure.kind);
  return (
    <div role="alert" className={styles.note}>
      <Icon name="circle-alert" />
      <p>
        <strong>{t(words.title)}</strong> {t(words.advice)}
      </p>
    </div>
  );
}
