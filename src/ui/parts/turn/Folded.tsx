import { Icon } from "#ui/kit/Icon.tsx";
import { CodeBlock } from "#ui/markdown/CodeBlock.tsx";
import styles from "../Card.module.css";

const MAX_SHOWN = 100_000;

/** A value that most readers skip: one line until it is opened. Nothing where there is nothing. */
export function Folded({ label, value }: { label: string; value: unknown }) {
  const code = typeof value === "string" ? value : (JSON.stringify(value, null, 2) ?? "");
  if (code === "" || code === "{}" || code === "null") return null;
  // A page of ten million characters would stand still, opened or not.
  const shown = code.length > MAX_SHOWN ? `${code.slice(0, MAX_SHOWN)}…` : code;
  return (
    <details className={styles.details}>
      <summary>
        <Icon name="chevron-end" size={14} />
        {label}
      </summary>
      <CodeBlock language={typeof value === "string" ? "" : "json"} code={shown} />
    </details>
  );
}
