import type { ReactNode } from "react";
import { useRouter } from "#ui/StoresContext.tsx";
import { IconButton } from "#ui/kit/IconButton.tsx";
import type { Route } from "#ui/routes.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./PaneHeader.module.css";

type PaneHeaderProps = {
  title: ReactNode;
  /** Where "back" leads when the app was entered here; left out where there is no way back. */
  up?: Route | undefined;
  children?: ReactNode;
};

/** The head of a pane: a way back on narrow screens, a title, a few quiet tools. */
export function PaneHeader({ title, up, children }: PaneHeaderProps) {
  const t = useText();
  const router = useRouter();
  return (
    <header className={styles.header}>
      {up !== undefined && (
        <IconButton
          icon="back"
          label={t("general.back")}
          tooltip={false}
          className={styles.back}
          onClick={() => router.back(up)}
        />
      )}
      <h1 className={styles.title}>{title}</h1>
      <div className={styles.tools}>{children}</div>
    </header>
  );
}
