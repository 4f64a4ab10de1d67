import type { ComponentProps, ReactNode } from "react";
import styles from "./Button.module.css";
import { classNames } from "./class-names.ts";
import { Icon, type IconName } from "./Icon.tsx";
import { Spinner } from "./Spinner.tsx";

export type ButtonVariant = "primary" | "secondary" | "quiet" | "danger" | "dangerQuiet";

export type ButtonProps = Omit<ComponentProps<"button">, "type"> & {
  variant?: ButtonVariant;
  size?: "medium" | "small";
  icon?: IconName;
  /** Shows a spinner over the label and takes no presses; keeps its width and its focus. */
  busy?: boolean;
  type?: "button" | "submit";
  children: ReactNode;
};

/** A button with words. One `primary` at most in a group. */
export function Button({
  variant = "secondary",
  size = "medium",
  icon,
  busy = false,
  type = "button",
  className,
  children,
  onClick,
  ...rest
}: ButtonProps) {
  return (
    <button
      {...rest}
      type={type}
      aria-busy={busy || undefined}
      onClick={busy ? (event) => event.preventDefault() : onClick}
      className={classNames(
        styles.button,
        styles[variant],
        size === "small" && styles.small,
        busy && styles.busy,
        className,
      )}
    >
      {icon !== undefined && <Icon name={icon} size={size === "small" ? 14 : 16} />}
      <span>{children}</span>
      {busy && (
        <span className={styles.spinner}>
          <Spinner />
        </span>
      )}
    </button>
  );
}
