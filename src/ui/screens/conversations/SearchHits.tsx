import { useStore } from "#ui/StoresContext.tsx";
import { Skeleton } from "#ui/kit/Spinner.tsx";
import { threadRoute } from "#ui/routes.ts";
import { AppLink } from "#ui/screens/shell/AppLink.tsx";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useText } from "#ui/text/text.tsx";
import { Hit } from "./Hit.tsx";
import styles from "./SearchHits.module.css";

/** What was said about the words looked for; a hit opens its thread at that message. */
export function SearchHits() {
  const t = useText();
  const { status, hits, failure } = useStore("search", (state) => state);
  if (status === "idle") return null;
  return (
    <section className={styles.section} aria-label={t("list.messages")}>
      <h2 className={styles.title}>{t("list.messages")}</h2>
      {status === "searching" && hits.length === 0 && (
        <Skeleton lines={2} label={t("general.loading")} />
      )}
      {status === "failed" && <FailureNote failure={failure} />}
      {status === "done" && hits.length === 0 && (
        <p className={styles.none}>{t("list.noMessages")}</p>
      )}
      {hits.map((hit) => (
        <AppLink
          key={hit.messageId}
          to={threadRoute(hit.conversationId, hit.messageId)}
          className={styles.link}
          data-row=""
        >
          <Hit hit={hit} />
        </AppLink>
      ))}
    </section>
  );
}
