import type { ConversationView } from "#stores/views.ts";
import { useStore } from "#ui/StoresContext.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./TypingRow.module.css";

/** Who writes now. The line is always there, so that nothing moves when somebody begins. */
export function TypingRow({ view }: { view: ConversationView }) {
  const t = useText();
  const { list } = useFormats();
  const typing = useStore("conversations", ({ typingById }) => typingById[view.id]) ?? [];
  const names = view.members.filter(({ id }) => typing.includes(id)).map(({ name }) => name);
  return (
    <p className={styles.row} aria-hidden={names.length === 0}>
      {names.length > 0 && (
        <bdi>{t("thread.typing", { names: list(names), count: names.length })}</bdi>
      )}
    </p>
  );
}
