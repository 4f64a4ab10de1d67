import type { DeliveryView } from "#stores/views.ts";
import { classNames } from "#ui/kit/class-names.ts";
import { Icon, type IconName } from "#ui/kit/Icon.tsx";
import { VisuallyHidden } from "#ui/kit/VisuallyHidden.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./DeliveryMark.module.css";

const ICONS: Readonly<Record<DeliveryView["status"], IconName>> = {
  queued: "clock",
  sending: "circle-dashed",
  sent: "check",
  delivered: "check-double",
  read: "check-double",
  failed: "circle-alert",
};

/** How far one of our messages got. Failures are words, the rest is a small mark with a name. */
export function DeliveryMark({ delivery }: { delivery: DeliveryView }) {
  const t = useText();
  const words = t(`delivery.${delivery.status}`);
  return (
    <span
      className={classNames(
        styles.mark,
        delivery.status === "read" && styles.read,
        delivery.status === "failed" && styles.failed,
      )}
      title={words}
    >
      <Icon name={ICONS[delivery.status]} size={14} />
      {delivery.status === "failed" ? (
        <span>{words}</span>
      ) : (
        <VisuallyHidden>{words}</VisuallyHidden>
      )}
    </span>
  );
}
