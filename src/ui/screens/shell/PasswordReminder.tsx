import { selectOpenAccount } from "#stores/account-store.ts";
import { useRouter, useStore, useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./PasswordReminder.module.css";
import { useNow } from "./use-now.ts";

/** Put off, it comes back after three days. */
const QUIET_MS = 3 * 24 * 3_600_000;

/** Says what a missing password means, until one is set. */
export function PasswordReminder() {
  const t = useText();
  const { settings } = useStores();
  const router = useRouter();
  const now = useNow(60_000);
  const account = useStore("account", selectOpenAccount);
  const putOffAt = useStore("settings", (state) => state.reminderPutOffAt);
  if (account === null || account.hasPassword || now - putOffAt < QUIET_MS) return null;
  return (
    <section className={styles.reminder} aria-label={t("reminder.set")}>
      <p>{t("reminder.password")}</p>
      <div className={styles.actions}>
        <Button size="small" onClick={() => router.go({ screen: "settings", section: "security" })}>
          {t("reminder.set")}
        </Button>
        <Button
          size="small"
          variant="quiet"
          onClick={() => settings.getState().change({ reminderPutOffAt: now })}
        >
          {t("reminder.later")}
        </Button>
      </div>
    </section>
  );
}
