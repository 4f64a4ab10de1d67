import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Skeleton } from "#ui/kit/Spinner.tsx";
import { threadRoute } from "#ui/routes.ts";
import { AppLink } from "#ui/screens/shell/AppLink.tsx";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./SearchHits.module.css";

/** What was said about the words looked for; a hit opens its thread at that message. */
export function SearchHits() {
  const t = useText();
  const formats = useFormats();
  const { clock } = useStores();
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
          className={styles.hit}
          data-row=""
        >
          <span className={styles.head}>
            <span>
              <bdi>{hit.title}</bdi>
            </span>
            <time dateTime={new Date(hit.at).toISOString()}>
              {formats.short(hit.at, clock.now())}
            </time>
          </span>
          <span className={styles.snippet} dir="auto">
            {hit.snippet}
          </span>
        </AppLink>
      ))}
    </section>
  );
}
