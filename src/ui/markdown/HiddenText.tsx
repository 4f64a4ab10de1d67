import { useText } from "#ui/text/text.tsx";
import { splitHidden } from "./hidden.ts";
import styles from "./HiddenText.module.css";

/** Text in which nothing hides: what could not be seen is drawn as a small mark. */
export function HiddenText({ text }: { text: string }) {
  return splitHidden(text).map((run, at) =>
    run.kind === "text" ? run.text : <HiddenMark key={at} code={run.code} count={run.count} />,
  );
}

export function HiddenMark({ code, count }: { code: string; count: number }) {
  const t = useText();
  const shown = count === 1 ? code : `${code} × ${count}`;
  return (
    <span
      className={styles.mark}
      role="img"
      aria-label={t("hidden.character", { code: shown })}
      title={t("hidden.character", { code: shown })}
    >
      {shown}
    </span>
  );
}
