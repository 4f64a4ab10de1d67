import type { CSSProperties } from "react";
import styles from "./Spinner.module.css";

/** A small turning ring; says nothing by itself, its place must. */
export const Spinner = () => <span className={styles.spinner} aria-hidden />;

const WIDTHS = ["92%", "78%", "85%", "46%"] as const;

/** Lines of the height that text will have; appears after 200 ms only. */
export function Skeleton({ lines = 3, label }: { lines?: number; label: string }) {
  return (
    <div className={styles.skeleton} role="status" aria-label={label}>
      {Array.from({ length: lines }, (_, line) => (
        <span
          key={line}
          className={styles.line}
          style={{ "--width": WIDTHS[line % WIDTHS.length] } as CSSProperties}
        />
      ))}
    </div>
  );
}
