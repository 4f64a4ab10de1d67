import { Icon } from "#ui/kit/Icon.tsx";
import { CodeBlock } from "#ui/markdown/CodeBlock.tsx";
import styles from "../Card.module.css";

/** A value that most readers skip: one line until it is opened. Nothing where there is nothing. */
export function Folded({ label, value }: { label: string; value: unknown }) {
  const code = typeof value === "string" ? value : (JSON.stringify(value, null, 2) ?? "");
  if (code === "" || code === "{}" || code === "null") return null;
  return (
    <details className={styles.details}>
      <summary>
        <Icon name="chevron-end" size={14} />
        {label}
      </summary>
      <CodeBlock language={typeof value === "string" ? "" : "json"} code={code} />
    </details>
  );
}
