import type { ConversationView } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { ConversationAvatar } from "#ui/screens/conversations/ConversationRow.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./EmptyThread.module.css";

const MOST_SUGGESTIONS = 3;

/** Nothing said yet: what one could ask. */
export function EmptyThread({ view }: { view: ConversationView }) {
  const t = useText();
  const { composer } = useStores();
  const suggestions = view.sending.allowed ? view.suggestions.slice(0, MOST_SUGGESTIONS) : [];
  return (
    <div className={styles.empty}>
      <ConversationAvatar view={view} />
      <h2 className={styles.title}>
        <bdi>{t("thread.emptyTitle", { name: view.peer?.name ?? view.title })}</bdi>
      </h2>
      <p className={styles.help}>
        {t(view.channel === null ? "thread.emptyHelp" : "channel.badgeHelp")}
      </p>
      {suggestions.length > 0 && (
        <ul className={styles.suggestions} aria-label={t("thread.suggestions")}>
          {suggestions.map((suggestion) => (
            <li key={suggestion}>
              <button
                type="button"
                className={styles.suggestion}
                dir="auto"
                onClick={() => void composer.getState().sendWords(view.id, suggestion)}
              >
                {suggestion}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
