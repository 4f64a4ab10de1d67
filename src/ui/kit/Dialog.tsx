import { AlertDialog } from "@base-ui/react/alert-dialog";
import { Dialog as Base } from "@base-ui/react/dialog";
import type { ReactNode, RefObject } from "react";
import { useText } from "#ui/text/text.tsx";
import { classNames } from "./class-names.ts";
import styles from "./Dialog.module.css";
import floating from "./Floating.module.css";
import { IconButton } from "./IconButton.tsx";

export type DialogProps = {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: ReactNode;
  description?: ReactNode;
  children?: ReactNode;
  /** Buttons, the safe one first. */
  footer?: ReactNode;
  size?: "narrow" | "wide";
  /** Where the focus goes first; by default to the first control. */
  initialFocus?: RefObject<HTMLElement | null>;
};

/** Asks or shows one thing over the page. Escape and a press outside close it. */
export function Dialog({ open, onOpenChange, size = "narrow", ...content }: DialogProps) {
  return (
    <Base.Root open={open} onOpenChange={(next) => onOpenChange(next)}>
      <Base.Portal>
        <Base.Backdrop className={floating.backdrop} forceRender />
        <Base.Viewport className={styles.viewport}>
          <Base.Popup
            initialFocus={content.initialFocus}
            className={classNames(styles.popup, size === "wide" && styles.wide)}
          >
            <Content {...content} closable />
          </Base.Popup>
        </Base.Viewport>
      </Base.Portal>
    </Base.Root>
  );
}

/** Asks before something that cannot be taken back. Only its buttons and Escape close it. */
export function ConfirmDialog({ open, onOpenChange, ...content }: Omit<DialogProps, "size">) {
  return (
    <AlertDialog.Root open={open} onOpenChange={(next) => onOpenChange(next)}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className={floating.backdrop} forceRender />
        <AlertDialog.Viewport className={styles.viewport}>
          <AlertDialog.Popup initialFocus={content.initialFocus} className={styles.popup}>
            <Content {...content} closable={false} />
          </AlertDialog.Popup>
        </AlertDialog.Viewport>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

/** A panel from the inline end, or from below on a narrow screen. */
export function Sheet({ open, onOpenChange, ...content }: Omit<DialogProps, "size">) {
  return (
    <Base.Root open={open} onOpenChange={(next) => onOpenChange(next)}>
      <Base.Portal>
        <Base.Backdrop className={floating.backdrop} forceRender />
        <Base.Viewport className={styles.sheetViewport}>
          <Base.Popup
            initialFocus={content.initialFocus}
            className={classNames(styles.popup, styles.sheet)}
          >
            <Content {...content} closable />
          </Base.Popup>
        </Base.Viewport>
      </Base.Portal>
    </Base.Root>
  );
}

type ContentProps = Pick<DialogProps, "title" | "description" | "children" | "footer"> & {
  closable: boolean;
};

function Content({ title, description, children, footer, closable }: ContentProps) {
  const t = useText();
  return (
    <>
      <div className={styles.head}>
        <Base.Title className={styles.title}>{title}</Base.Title>
        {closable && (
          <Base.Close
            render={
              <IconButton
                icon="close"
                label={t("general.close")}
                tooltip={false}
                className={styles.close}
              />
            }
          />
        )}
      </div>
      {description !== undefined && (
        <Base.Description className={styles.description}>{description}</Base.Description>
      )}
      <div className={styles.body}>{children}</div>
      {footer !== undefined && <div className={styles.foot}>{footer}</div>}
    </>
  );
}
