import type { DeliveryView } from "#stores/views.ts";
import { classNames } from "#ui/kit/class-names.ts";
import { Icon, type IconName } from "#ui/kit/Icon.tsx";
import { VisuallyHidden } from "#ui/kit/VisuallyHidden.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import { DeliveryMark } from "./DeliveryMark.tsx";
import styles from "./MessageMeta.module.css";
import type { SealState } from "./SealEdge.tsx";

type MessageMetaProps = {
  at: number;
  seal?: SealState;
  /** Null for messages of others. */
  delivery: DeliveryView | null;
};

const SEAL_ICONS: Readonly<Record<Exclude<SealState, "none">, IconName>> = {
  open: "circle-dashed",
  proven: "circle-check",
  broken: "circle-alert",
};

/** When it was said, whether it is proven, and for our own how far it got. */
export function MessageMeta({ at, seal = "none", delivery }: MessageMetaProps) {
  const { time, moment } = useFormats();
  return (
    <span className={styles.meta}>
      <time dateTime={new Date(at).toISOString()} title={moment(at)}>
        {time(at)}
      </time>
      {seal !== "none" && <SealMark seal={seal} />}
      {delivery !== null && <DeliveryMark delivery={delivery} />}
    </span>
  );
}

function SealMark({ seal }: { seal: Exclude<SealState, "none"> }) {
  const t = useText();
  const words = t(`seal.${seal}`);
  return (
    <span className={classNames(styles.seal, styles[seal])} title={words}>
      <Icon name={SEAL_ICONS[seal]} size={12} />
      <VisuallyHidden>{words}</VisuallyHidden>
    </span>
  );
}
