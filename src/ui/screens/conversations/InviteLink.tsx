import { Button } from "#ui/kit/Button.tsx";
import { useCopy } from "#ui/markdown/use-copy.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./InviteLink.module.css";

/** One's own link, to be given to others. */
export function InviteLink({ url }: { url: string }) {
  const t = useText();
  const { copy, isCopied } = useCopy();
  return (
    <div className={styles.link}>
      <p className={styles.url} translate="no">
        {url}
      </p>
      <Button size="small" icon={isCopied ? "check" : "copy"} onClick={() => copy(url)}>
        {isCopied ? t("general.copied") : t("new.copyLink")}
      </Button>
      <p className={styles.help}>{t("new.mineHelp")}</p>
    </div>
  );
}
