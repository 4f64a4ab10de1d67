import type { MessageView, ReplyView } from "#stores/views.ts";
import { HiddenText } from "#ui/markdown/HiddenText.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./ReplyQuote.module.css";

type ReplyQuoteProps = {
  reply: ReplyView;
  /** Shows the original in the thread. */
  onJump: (messageId: MessageView["id"]) => void;
};

/** What a message answers. When the original is not here, it says that these are only the author's words for it. */
export function ReplyQuote({ reply, onJump }: ReplyQuoteProps) {
  const t = useText();
  const content = (
    <>
      <bdi className={styles.name}>{reply.authorName}</bdi>
      <span className={styles.text} dir="auto">
        <HiddenText text={reply.text} />
      </span>
    </>
  );
  if (reply.isQuotedByAuthor)
    return (
      <div className={styles.quote}>
        {content}
        <span className={styles.note}>{t("reply.byAuthorsWord")}</span>
      </div>
    );
  return (
    <button
      type="button"
      className={styles.quote}
      aria-label={t("reply.jump", { name: reply.authorName })}
      onClick={() => onJump(reply.messageId)}
    >
      {content}
    </button>
  );
}
