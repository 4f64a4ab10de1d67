import { useRef } from "react";
import { Button } from "#ui/kit/Button.tsx";
import { Dialog } from "#ui/kit/Dialog.tsx";
import { Icon } from "#ui/kit/Icon.tsx";
import { useText } from "#ui/text/text.tsx";
import { useCopy } from "./use-copy.ts";
import styles from "./LinkPrompt.module.css";
import { hostClaimedBy, type SafeLink } from "./url-policy.ts";

type LinkPromptProps = {
  asked: { readonly link: SafeLink; readonly words: string } | null;
  onClose: () => void;
};

/** Shows where a link truly leads before it is followed. */
export function LinkPrompt({ asked, onClose }: LinkPromptProps) {
  const t = useText();
  const openRef = useRef<HTMLAnchorElement>(null);
  const { copy, isCopied } = useCopy();
  // The last link stays while the dialog closes over it.
  const shown = useRef(asked);
  if (asked !== null) shown.current = asked;
  const link = shown.current?.link;
  if (link === undefined) return null;
  return (
    <Dialog
      open={asked !== null}
      onOpenChange={(open) => !open && onClose()}
      title={t("link.title")}
      description={link.scheme === "mailto" ? t("link.mail") : t("link.leads")}
      initialFocus={openRef}
      footer={
        <>
          <Button onClick={onClose}>{t("general.cancel")}</Button>
          <Button icon={isCopied ? "check" : "copy"} onClick={() => copy(link.href)}>
            {isCopied ? t("general.copied") : t("link.copy")}
          </Button>
          <a
            ref={openRef}
            className={styles.open}
            href={link.href}
            target="_blank"
            rel="noopener noreferrer nofollow ugc"
            referrerPolicy="no-referrer"
            onClick={onClose}
          >
            {t("link.open")}
            <Icon name="external" />
          </a>
        </>
      }
    >
      <Address link={link} words={shown.current?.words ?? ""} />
    </Dialog>
  );
}

function Address({ link, words }: { link: SafeLink; words: string }) {
  const t = useText();
  const claimed = hostClaimedBy(words, link);
  const at = link.host.lastIndexOf(link.registrable);
  const [before, after] = [link.host.slice(0, at), link.host.slice(at + link.registrable.length)];
  return (
    <div className={styles.body}>
      <p className={styles.host} dir="ltr">
        {link.scheme !== "mailto" && <span>{link.scheme}://</span>}
        {before}
        <strong>{link.registrable}</strong>
        {after}
      </p>
      {link.scheme !== "mailto" && (
        <p className={styles.address} dir="ltr">
          {link.href}
        </p>
      )}
      {claimed !== null && <Warning>{t("link.looksLike", { text: claimed })}</Warning>}
      {link.isPunycode && <Warning>{t("link.mixed", { punycode: link.host })}</Warning>}
      {link.scheme === "http" && <Warning>{t("link.insecure")}</Warning>}
    </div>
  );
}

const Warning = ({ children }: { children: string }) => (
  <p className={styles.warning}>
    <Icon name="alert" />
    <span>{children}</span>
  </p>
);
