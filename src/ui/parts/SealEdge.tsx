import type { ReactNode } from "react";
import { classNames } from "#ui/kit/class-names.ts";
import styles from "./SealEdge.module.css";

/** How far a text is proven: open while it arrives, proven once its signature holds, broken when it never will. */
export type SealState = "open" | "proven" | "broken" | "none";

/** The hairline beside an agent's words. What it shows is also said in words beside the time. */
export const SealEdge = ({ state, children }: { state: SealState; children: ReactNode }) => (
  <div
    className={state === "none" ? undefined : classNames(styles.edge, styles[state])}
    data-seal={state}
  >
    {children}
  </div>
);
