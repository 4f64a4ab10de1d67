import { useId, type ReactNode, type Ref } from "react";
import { classNames } from "#ui/kit/class-names.ts";
import { Icon, type IconName } from "#ui/kit/Icon.tsx";
import { VisuallyHidden } from "#ui/kit/VisuallyHidden.tsx";
import styles from "./CardFrame.module.css";

export type CardTone = "neutral" | "accent" | "proven" | "unproven" | "danger";

type CardFrameProps = {
  icon: IconName;
  /** What kind of card it is, said before the title to those who listen. */
  kind: string;
  title: string;
  tone?: CardTone;
  /** A word or two at the end of the title row. */
  state?: ReactNode;
  children?: ReactNode;
  /** Stays visible while the body scrolls under it. */
  footer?: ReactNode;
  ref?: Ref<HTMLElement>;
  className?: string | undefined;
};

/** The frame that all cards share: title row, body, footer. */
export function CardFrame({
  icon,
  kind,
  title,
  tone = "neutral",
  state,
  children,
  footer,
  ref,
  className,
}: CardFrameProps) {
  const titleId = useId();
  return (
    <article ref={ref} className={classNames(styles.card, className)} aria-labelledby={titleId}>
      <header className={styles.head}>
        <span className={classNames(styles.icon, tone !== "neutral" && styles[tone])}>
          <Icon name={icon} size={18} />
        </span>
        <h3 className={classNames(styles.titles, styles.title)} id={titleId}>
          <VisuallyHidden>{kind}: </VisuallyHidden>
          <bdi>{title}</bdi>
        </h3>
        {state !== undefined && state !== null && <div className={styles.state}>{state}</div>}
      </header>
      {children !== undefined && children !== null && <div className={styles.body}>{children}</div>}
      {footer !== undefined && footer !== null && <footer className={styles.foot}>{footer}</footer>}
    </article>
  );
}
