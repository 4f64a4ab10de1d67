import type { ReactNode } from "react";
import { SealMark } from "#ui/screens/shell/SealMark.tsx";
import styles from "./DoorFrame.module.css";

type DoorFrameProps = {
  /** A quiet line over the title: which step this is. */
  eyebrow?: string;
  title: string;
  help?: ReactNode;
  children: ReactNode;
  /** Ways that lead elsewhere, quiet below. */
  footer?: ReactNode;
};

/** The page before the app is open: one question at a time. */
export function DoorFrame({ eyebrow, title, help, children, footer }: DoorFrameProps) {
  return (
    <main className={styles.page}>
      <div className={styles.column}>
        <span className={styles.mark}>
          <SealMark size={40} />
        </span>
        <header className={styles.head}>
          {eyebrow !== undefined && <p className={styles.eyebrow}>{eyebrow}</p>}
          <h1 className={styles.title}>{title}</h1>
          {help !== undefined && <p className={styles.help}>{help}</p>}
        </header>
        {children}
        {footer !== undefined && <footer className={styles.footer}>{footer}</footer>}
      </div>
    </main>
  );
}
