import type { ConversationView } from "#stores/views.ts";
import { Button } from "#ui/kit/Button.tsx";
import { Icon } from "#ui/kit/Icon.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./ThreadBanners.module.css";

type KeyChangeBannerProps = { view: ConversationView; onCompare: () => void };

/** A key is not the one that was known: said over the rows until it is settled. */
export function KeyChangeBanner({ view, onCompare }: KeyChangeBannerProps) {
  const t = useText();
  const changed = view.members.find(({ isSelf, trust }) => !isSelf && trust === "changed");
  if (changed === undefined) return null;
  return (
    <div className={styles.banner} role="alert">
      <Icon name="shield-alert" size={18} />
      <p>{t("thread.keyChanged", { name: changed.name })}</p>
      <Button size="small" onClick={onCompare}>
        {t("thread.keyChangedAction")}
      </Button>
    </div>
  );
}

/** Why nothing can be written here, in the composer's place. */
export function SendingNote({ view: { peer, sending, title } }: { view: ConversationView }) {
  const t = useText();
  if (sending.allowed) return null;
  const words =
    sending.because === "pending"
      ? t("sending.pending", { name: peer?.name ?? title })
      : t(`sending.${sending.because}`);
  return (
    <p className={styles.note} role="status">
      {words}
    </p>
  );
}
