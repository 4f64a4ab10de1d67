import { useEffect } from "react";
import { selectDraft } from "#stores/composer-store.ts";
import type { ConversationView } from "#stores/views.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Icon } from "#ui/kit/Icon.tsx";
import { useCopy } from "#ui/markdown/use-copy.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./ThreadBanners.module.css";

type KeyChangeBannerProps = { view: ConversationView; onCompare: () => void };

/** A key is not the one that was known: said over the rows until it is settled. */
export function KeyChangeBanner({ view, onCompare }: KeyChangeBannerProps) {
  const t = useText();
  const changed = view.members.find(({ isSelf, trust }) => !isSelf && trust === "changed");
  if (changed === undefined) return null;
  return (
    <div className={styles.banner} role="alert">
      <Icon name="shield-alert" size={18} />
      <p>{t(`thread.keyChanged.${changed.change ?? "identity"}`, { name: changed.name })}</p>
      <Button size="small" onClick={onCompare}>
        {t("thread.keyChangedAction")}
      </Button>
    </div>
  );
}

type LedgerBannerProps = { view: ConversationView; onCheck: () => void };

/** Who can read this is in doubt: said over the rows while it is. */
export function LedgerBanner({ view: { sending }, onCheck }: LedgerBannerProps) {
  const t = useText();
  if (sending.allowed) return null;
  const { because } = sending;
  if (because !== "fork" && because !== "ledger-withheld") return null;
  return (
    <div className={styles.banner} role="alert">
      <Icon name="shield-alert" size={18} />
      <p>{t(because === "fork" ? "thread.fork" : "thread.ledgerWithheld")}</p>
      {because === "ledger-withheld" && (
        <Button size="small" onClick={onCheck}>
          {t("thread.ledgerWithheldAction")}
        </Button>
      )}
    </div>
  );
}

/** Why nothing can be written here, in the composer's place; what was being written stays in view. */
export function SendingNote({ view }: { view: ConversationView }) {
  const t = useText();
  const { peer, sending, title } = view;
  if (sending.allowed) return null;
  const words =
    sending.because === "pending"
      ? t("sending.pending", { name: peer?.name ?? title })
      : t(`sending.${sending.because}`);
  return (
    <div className={styles.shut}>
      <p className={styles.note} role="status">
        {words}
      </p>
      <KeptDraft view={view} />
    </div>
  );
}

/** Words that cannot leave from here, to be read and taken elsewhere. */
function KeptDraft({ view }: { view: ConversationView }) {
  const t = useText();
  const { composer } = useStores();
  const { copy, isCopied } = useCopy();
  const { text } = useStore("composer", selectDraft(view.id));
  useEffect(() => composer.getState().begin(view.id), [composer, view.id]);
  if (text.trim() === "") return null;
  return (
    <section className={styles.kept} aria-label={t("sending.kept")}>
      <h3 className={styles.keptTitle}>{t("sending.kept")}</h3>
      <p className={styles.keptText} dir="auto" tabIndex={0}>
        {text}
      </p>
      <Button size="small" icon={isCopied ? "check" : "copy"} onClick={() => copy(text)}>
        {isCopied ? t("general.copied") : t("general.copy")}
      </Button>
    </section>
  );
}
