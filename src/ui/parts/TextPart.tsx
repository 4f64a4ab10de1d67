import { Icon } from "#ui/kit/Icon.tsx";
import { VisuallyHidden } from "#ui/kit/VisuallyHidden.tsx";
import { Markdown, PlainText } from "#ui/markdown/Markdown.tsx";
import { useText } from "#ui/text/text.tsx";
import { SealEdge, type SealState } from "./SealEdge.tsx";
import styles from "./TextPart.module.css";

export type TextPartProps = {
  text: string;
  isMarkdown: boolean;
  /** `none` for people: their words are one message, proven or not there. */
  seal: SealState;
  /** While more comes. */
  isArriving?: boolean;
  /** Why it ended before it was whole, in words. */
  ending?: string | null;
  /** Who writes, for the words while nothing has come yet. */
  authorName: string;
  mentionNameById: Readonly<Record<string, string>>;
  onMention?: ((accountId: string) => void) | undefined;
};

/** Words: a person's, an agent's, or an agent's that still arrive. One component, so that a proven stream keeps its DOM. */
export function TextPart({
  text,
  isMarkdown,
  seal,
  isArriving = false,
  ending = null,
  authorName,
  mentionNameById,
  onMention,
}: TextPartProps) {
  const t = useText();
  return (
    <SealEdge state={seal}>
      <div className={styles.text} aria-busy={isArriving || undefined}>
        {text === "" && isArriving ? (
          <span className={styles.waiting}>
            <VisuallyHidden>{t("stream.arriving", { name: authorName })}</VisuallyHidden>
            <i />
            <i />
            <i />
          </span>
        ) : isMarkdown ? (
          <Markdown
            text={text}
            isOpen={isArriving}
            isProven={seal === "proven" || seal === "none"}
            mentionNameById={mentionNameById}
            onMention={onMention}
          />
        ) : (
          <PlainText text={text} />
        )}
        {ending !== null && (
          <p className={styles.ended}>
            <Icon name="alert" />
            <span>{ending}</span>
          </p>
        )}
      </div>
    </SealEdge>
  );
}
