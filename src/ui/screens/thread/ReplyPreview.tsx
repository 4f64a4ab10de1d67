import type { MessageView } from "#stores/views.ts";
import { IconButton } from "#ui/kit/IconButton.tsx";
import { useText } from "#ui/text/text.tsx";
import { plainText } from "./plain-text.ts";
import styles from "./ReplyPreview.module.css";

/** Which message the next one answers. */
export function ReplyPreview({
  message,
  onCancel,
}: {
  message: MessageView;
  onCancel: () => void;
}) {
  const t = useText();
  const name = message.isSelf ? t("message.you") : message.authorName;
  return (
    <div className={styles.preview}>
      <div className={styles.text}>
        <p className={styles.name}>
          <bdi>{t("composer.replyTo", { name })}</bdi>
        </p>
        <p className={styles.line} dir="auto">
          {plainText(message)}
        </p>
      </div>
      <IconButton icon="close" size="small" label={t("composer.cancelReply")} onClick={onCancel} />
    </div>
  );
}
