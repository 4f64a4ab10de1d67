import type { ArtifactView } from "#stores/views.ts";
import { Button } from "#ui/kit/Button.tsx";
import { Icon } from "#ui/kit/Icon.tsx";
import { Markdown } from "#ui/markdown/Markdown.tsx";
import { useAskToOpen } from "#ui/markdown/MarkdownContext.tsx";
import { safeLink } from "#ui/markdown/url-policy.ts";
import { useText } from "#ui/text/text.tsx";
import { AnswerLine } from "./AnswerLine.tsx";
import styles from "./Card.module.css";
import { CardFrame } from "./CardFrame.tsx";
import type { ReplyPayload } from "./card-types.ts";

type ReplyCardPartProps = {
  artifact: ArtifactView;
  payload: ReplyPayload;
  mentionNameById: Readonly<Record<string, string>>;
  isBusy: boolean;
  onAnswer: (suggestionId: string) => void;
};

/** An answer with sections, sources and what to say next. */
export function ReplyCardPart({
  artifact,
  payload,
  mentionNameById,
  isBusy,
  onAnswer,
}: ReplyCardPartProps) {
  const t = useText();
  const suggestions = artifact.canRespond ? (payload.suggestions ?? []) : [];
  return (
    <CardFrame icon="message" kind={t("card.reply")} title={artifact.title}>
      <Markdown text={payload.body} isProven mentionNameById={mentionNameById} />
      {payload.sections?.map((section, at) => (
        <section key={at} className={styles.section}>
          <h4 className={styles.heading}>
            <bdi>{section.heading}</bdi>
          </h4>
          <Markdown text={section.body} isProven mentionNameById={mentionNameById} />
        </section>
      ))}
      {payload.sources !== undefined && payload.sources.length > 0 && (
        <section className={styles.section}>
          <h4 className={styles.heading}>{t("card.sources")}</h4>
          <ul className={styles.sources}>
            {payload.sources.map((source, at) => (
              <li key={at}>
                <Source title={source.title} url={source.url} />
              </li>
            ))}
          </ul>
        </section>
      )}
      {suggestions.length > 0 && (
        <div className={styles.actions} role="group" aria-label={t("card.suggestions")}>
          {suggestions.map((suggestion) => (
            <Button
              key={suggestion.id}
              size="small"
              disabled={isBusy}
              onClick={() => onAnswer(suggestion.id)}
            >
              <bdi>{suggestion.label}</bdi>
            </Button>
          ))}
        </div>
      )}
      {artifact.answer !== null && <AnswerLine answer={artifact.answer} />}
    </CardFrame>
  );
}

function Source({ title, url }: { title: string; url: string | undefined }) {
  const ask = useAskToOpen();
  const link = url === undefined ? null : safeLink(url);
  if (link === null || ask === null)
    return (
      <span className={styles.source}>
        <Icon name="file" size={14} />
        <bdi>{title}</bdi>
      </span>
    );
  return (
    <button type="button" className={styles.source} onClick={() => ask(link.href, title)}>
      <Icon name="link" size={14} />
      <span>
        <bdi>{title}</bdi> <span className={styles.quiet}>{link.host}</span>
      </span>
    </button>
  );
}
