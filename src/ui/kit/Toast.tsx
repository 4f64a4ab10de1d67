import { Toast as Base } from "@base-ui/react/toast";
import { useEffect } from "react";
import { useText } from "#ui/text/text.tsx";
import { Button } from "./Button.tsx";
import { Icon, type IconName } from "./Icon.tsx";
import { IconButton } from "./IconButton.tsx";
import { takeToasts, type ToastContent } from "./show-toast.ts";
import styles from "./Toast.module.css";

const manager = Base.createToastManager<{ action: ToastContent["action"] }>();

/** The one place where toasts appear. */
export function ToastRegion() {
  useEffect(() => takeToasts(add), []);
  return (
    <Base.Provider toastManager={manager} limit={3}>
      <Base.Portal>
        <Base.Viewport className={styles.viewport}>
          <Toasts />
        </Base.Viewport>
      </Base.Portal>
    </Base.Provider>
  );
}

/** Failures that are being shown, by their words: one that comes again while it stands says nothing new. */
const standing = new Set<string>();

function add({ kind, title, advice, action }: ToastContent): void {
  const words = `${title}\n${advice ?? ""}`;
  if (kind === "failure") {
    if (standing.has(words)) return;
    standing.add(words);
  }
  manager.add({
    onRemove: () => standing.delete(words),
    type: kind,
    title,
    ...(advice === undefined ? {} : { description: advice }),
    timeout: kind === "failure" ? 0 : 5_000,
    priority: kind === "failure" ? "high" : "low",
    data: { action },
  });
}

const MARKS: Readonly<Record<string, IconName>> = {
  note: "info",
  done: "circle-check",
  failure: "circle-alert",
};

function Toasts() {
  const t = useText();
  const { toasts } = Base.useToastManager<{ action: ToastContent["action"] }>();
  return toasts.map((toast) => {
    const action = toast.data?.action;
    return (
      <Base.Root key={toast.id} toast={toast} swipeDirection="down" className={styles.toast}>
        <span className={styles.mark}>
          <Icon name={MARKS[toast.type ?? "note"] ?? "info"} />
        </span>
        <Base.Content className={styles.text}>
          <Base.Title className={styles.title} />
          <Base.Description className={styles.advice} />
        </Base.Content>
        {action !== undefined && (
          <Button
            size="small"
            variant="quiet"
            className={styles.action}
            onClick={() => {
              action.onPress();
              manager.close(toast.id);
            }}
          >
            {action.label}
          </Button>
        )}
        <Base.Close
          render={
            <IconButton
              icon="close"
              size="small"
              label={t("general.dismiss")}
              tooltip={false}
              className={styles.action}
            />
          }
        />
      </Base.Root>
    );
  });
}
