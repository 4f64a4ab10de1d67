import { decodeMentions } from "#stores/mentions.ts";
import type { SearchHitView } from "#stores/views.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./Hit.module.css";

/** Something that was said: who said it, in which conversation and when, over the words around what was found. */
export function Hit({ hit }: { hit: SearchHitView }) {
  const t = useText();
  const formats = useFormats();
  const { clock } = useStores();
  const view = useStore("conversations", ({ byId }) => byId[hit.conversationId]);
  const { authorName, isSelf, title, at } = hit;
  const choices = (view?.members ?? []).map(({ id, name }) => ({ accountId: id, label: name }));
  // Where one talks with its author alone, the conversation has the author's name.
  const isNamedTwice = !isSelf && title === authorName && view?.kind !== "group";
  return (
    <span className={styles.hit}>
      <span className={styles.head}>
        <bdi className={styles.author}>{isSelf ? t("message.you") : authorName}</bdi>
        {!isNamedTwice && (
          <>
            <span className={styles.dot}>·</span>
            <bdi className={styles.title}>{title}</bdi>
          </>
        )}
        <time
          className={styles.time}
          dateTime={new Date(at).toISOString()}
          title={formats.moment(at)}
        >
          {formats.short(at, clock.now())}
        </time>
      </span>
      <span className={styles.snippet} dir="auto">
        {decodeMentions(hit.snippet, choices)}
      </span>
    </span>
  );
}
