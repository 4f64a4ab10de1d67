import { Icon } from "#ui/kit/Icon.tsx";
import { useStores } from "#ui/StoresContext.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./DividerLines.module.css";

/** A new day. */
export function DayLine({ at }: { at: number }) {
  const { clock } = useStores();
  const { day, dayLine } = useFormats();
  return (
    <div className={styles.day} role="separator" aria-label={day(at)}>
      <time dateTime={new Date(at).toISOString().slice(0, 10)} title={day(at)}>
        {dayLine(at, clock.now())}
      </time>
    </div>
  );
}

/** Where the news began when the thread was opened. */
export function UnreadLine() {
  const t = useText();
  return (
    <div className={styles.unread} role="separator" aria-label={t("thread.unreadLine")}>
      <span>{t("thread.unreadLine")}</span>
    </div>
  );
}

/** What somebody sent before this row never came. */
export function GapLine({ name }: { name: string }) {
  const t = useText();
  return (
    <p className={styles.gap} role="note">
      <Icon name="alert" size={14} />
      <span>{t("thread.gap", { name })}</span>
    </p>
  );
}
