import type { ComponentProps } from "react";
import styles from "./Button.module.css";
import { classNames } from "./class-names.ts";
import { Icon, type IconName } from "./Icon.tsx";
import type { ButtonVariant } from "./Button.tsx";
import { Tooltip } from "./Tooltip.tsx";

export type IconButtonProps = Omit<ComponentProps<"button">, "type" | "children"> & {
  icon: IconName;
  /** Its name for those who do not see the icon, and its tooltip. */
  label: string;
  variant?: ButtonVariant;
  size?: "medium" | "small";
  type?: "button" | "submit";
  /** For a switch between two states; leaves the attribute out when undefined. */
  pressed?: boolean | undefined;
  /** Off inside menus and popups that have a tooltip of their own. */
  tooltip?: boolean;
};

/** A button that is only an icon, with a name and a tooltip. */
export function IconButton({ tooltip = true, ...props }: IconButtonProps) {
  return tooltip ? (
    <Tooltip text={props.label}>
      <BareIconButton {...props} />
    </Tooltip>
  ) : (
    <BareIconButton {...props} />
  );
}

function BareIconButton({
  icon,
  label,
  variant = "quiet",
  size = "medium",
  type = "button",
  pressed,
  className,
  ...rest
}: Omit<IconButtonProps, "tooltip">) {
  return (
    <button
      {...rest}
      type={type}
      aria-label={label}
      aria-pressed={pressed}
      className={classNames(
        styles.button,
        styles.icon,
        styles[variant],
        size === "small" && styles.small,
        className,
      )}
    >
      <Icon name={icon} size={size === "small" ? 14 : 18} />
    </button>
  );
}
