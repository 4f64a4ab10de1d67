import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Icon } from "#ui/kit/Icon.tsx";
import { Spinner } from "#ui/kit/Spinner.tsx";
import styles from "#ui/screens/shell/StatusBars.module.css";
import { failureWords } from "#ui/text/failures.ts";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";

/** History on its way from or to this device. */
export function HistoryBar() {
  const t = useText();
  const { sentences } = useFormats();
  const { calls, devices } = useStores();
  const history = useStore("devices", (state) => state.history);
  if (history === null) return null;
  const { role, status, doneParts: done, totalParts: total, failure } = history;
  if (status === "running")
    return (
      <div className={styles.bar} role="status">
        <Spinner />
        <span>{t(`history.${role}`, { done, total })}</span>
        {role === "sending" && (
          <Button size="small" variant="quiet" onClick={() => void calls.stopHistory()}>
            {t("history.stop")}
          </Button>
        )}
      </div>
    );
  const words = failure === null ? null : failureWords(failure);
  return (
    <div className={styles.bar} data-kind={failure === null ? "done" : "refused"} role="status">
      <Icon name={failure === null ? "check" : "circle-alert"} size={14} />
      <span>
        {status === "done"
          ? t(`history.${role}Done`)
          : words === null
            ? t("history.stopped")
            : sentences(t(words.title), t(words.advice))}
      </span>
      <Button size="small" variant="quiet" onClick={() => devices.getState().dismissHistory()}>
        {t("general.close")}
      </Button>
    </div>
  );
}
