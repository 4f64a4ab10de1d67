import type { BridgeFailure } from "#stores/views.ts";
import { Icon } from "#ui/kit/Icon.tsx";
import { failureWords } from "#ui/text/failures.ts";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./FailureNote.module.css";

/** What happened and what helps, in its place on the page. */
export function FailureNote({ failure }: { failure: BridgeFailure | null }) {
  const t = useText();
  const { sentences } = useFormats();
  if (failure === null) return null;
  const words = failureWords(failure.kind);
  const title = sentences(t(words.title));
  // Nothing went wrong that wants alarm: it looks as the bar that says so above.
  const isOffline = words.title === "failure.offline.title";
  return (
    <div role="alert" className={styles.note} data-kind={isOffline ? "offline" : "failed"}>
      <Icon name={isOffline ? "offline" : "circle-alert"} />
      <p>
        <strong>{title}</strong>
        {sentences(title, t(words.advice)).slice(title.length)}
      </p>
    </div>
  );
}
