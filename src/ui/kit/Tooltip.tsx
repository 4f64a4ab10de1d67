import { Tooltip as Base } from "@base-ui/react/tooltip";
import type { ReactElement, ReactNode } from "react";
import styles from "./Floating.module.css";

/** Tooltips within it share one delay: who has read one reads the next at once. */
export const TooltipGroup = ({ children }: { children: ReactNode }) => (
  <Base.Provider delay={500} timeout={300}>
    {children}
  </Base.Provider>
);

type TooltipProps = {
  text: string;
  /** The one control it belongs to; it must have a name of its own. */
  children: ReactElement<Record<string, unknown>>;
  side?: "top" | "bottom" | "inline-start" | "inline-end";
};

/** A word about a control on hover or focus. Never the only place where something is said. */
export function Tooltip({ text, children, side = "top" }: TooltipProps) {
  return (
    <Base.Root>
      <Base.Trigger render={children} delay={500} />
      <Base.Portal>
        <Base.Positioner side={side} sideOffset={6} className={styles.positioner}>
          <Base.Popup className={styles.tooltip}>{text}</Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
