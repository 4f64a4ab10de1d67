import { Icon } from "#ui/kit/Icon.tsx";
import { HiddenText } from "#ui/markdown/HiddenText.tsx";
import { useAskToOpen } from "#ui/markdown/MarkdownContext.tsx";
import { safeLink } from "#ui/markdown/url-policy.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./Card.module.css";
import rowStyles from "./NamedRow.module.css";

type LinkPartProps = { url: string; title: string; description: string };

/** A link with its sender's words about it. The host is the address's own, and nothing behind it is fetched. */
export function LinkPart({ url, title, description }: LinkPartProps) {
  const t = useText();
  const ask = useAskToOpen();
  const link = safeLink(url);
  const words = title === "" ? (link?.host ?? url) : title;
  const body = (
    <>
      <span className={rowStyles.icon}>
        <Icon name="external" size={20} />
      </span>
      <span className={rowStyles.text}>
        <bdi className={rowStyles.name}>
          <HiddenText text={words} />
        </bdi>
        {description !== "" && (
          <span className={styles.about} dir="auto">
            <HiddenText text={description} />
          </span>
        )}
        <span className={styles.host} dir="ltr">
          {link === null ? <HiddenText text={url} /> : <Host link={link} />}
        </span>
        {link === null && <span className={styles.quiet}>{t("link.dead")}</span>}
      </span>
    </>
  );
  if (link === null || ask === null)
    return (
      <div className={styles.media}>
        <div className={rowStyles.row}>{body}</div>
      </div>
    );
  return (
    <button
      type="button"
      className={`${styles.media} ${rowStyles.row} ${styles.pressable}`}
      onClick={() => ask(url, words)}
    >
      {body}
    </button>
  );
}

function Host({ link }: { link: NonNullable<ReturnType<typeof safeLink>> }) {
  const at = link.host.lastIndexOf(link.registrable);
  return (
    <>
      {link.scheme === "http" && <span>http://</span>}
      {link.host.slice(0, at)}
      <strong>{link.registrable}</strong>
      {link.host.slice(at + link.registrable.length)}
    </>
  );
}
