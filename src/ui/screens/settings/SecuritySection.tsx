import { useState } from "react";
import { selectOpenAccount } from "#stores/account-store.ts";
import { MIN_PASSWORD_CHARACTERS } from "#stores/limits.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { RadioField } from "#ui/kit/Choices.tsx";
import { PasswordField } from "#ui/kit/PasswordField.tsx";
import { missingCharacters } from "#ui/screens/onboarding/password-rule.ts";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useAttempt } from "#ui/screens/shell/use-attempt.ts";
import { useText } from "#ui/text/text.tsx";
import { DeviceList } from "./DeviceList.tsx";
import { PasskeySection } from "./PasskeySection.tsx";
import { RecoverySection } from "./RecoverySection.tsx";
import styles from "./Settings.module.css";
import { WipeDialog } from "./WipeDialog.tsx";

/** The password, the lock, and the way to leave nothing behind. */
export function SecuritySection() {
  const t = useText();
  const { account, notices } = useStores();
  const open = useStore("account", selectOpenAccount);
  const [isWiping, setIsWiping] = useState(false);
  if (open === null) return null;
  const lock = async (): Promise<void> => {
    const outcome = await account.getState().lock();
    if (!outcome.ok) notices.showFailure(outcome.failure);
  };
  return (
    <>
      <section className={styles.group}>
        <h2 className={styles.title}>{t("onboarding.password")}</h2>
        <p className={styles.text}>
          {open.mayReplacePassword
            ? t("settings.passwordReplace")
            : open.hasPassword
              ? t("settings.passwordSet")
              : t("settings.passwordNone")}
        </p>
        <PasswordForm
          hasPassword={open.hasPassword}
          asksCurrent={open.hasPassword && !open.mayReplacePassword}
          handle={open.handle}
        />
      </section>
      {open.hasPassword && !open.mayReplacePassword && (
        <section className={styles.group}>
          <h2 className={styles.title}>{t("settings.lockTitle")}</h2>
          {open.canLock ? (
            <>
              <p className={styles.text}>{t("settings.lockHelp")}</p>
              <div>
                <Button icon="lock" onClick={() => void lock()}>
                  {t("settings.lock")}
                </Button>
              </div>
              <IdleLockField minutes={open.lockAfterMinutes} />
            </>
          ) : (
            <UnseenPassword handle={open.handle} />
          )}
        </section>
      )}
      <PasskeySection />
      <RecoverySection />
      <DeviceList />
      <section className={styles.group}>
        <h2 className={styles.title}>{t("settings.wipe")}</h2>
        <p className={styles.text}>{t("settings.wipeHelp")}</p>
        <div>
          <Button variant="dangerQuiet" icon="trash" onClick={() => setIsWiping(true)}>
            {t("settings.wipe")}
          </Button>
        </div>
      </section>
      <WipeDialog open={isWiping} onOpenChange={setIsWiping} hasPassword={open.hasPassword} />
    </>
  );
}

const IDLE_MINUTES = [null, 1, 5, 15, 60] as const;

function IdleLockField({ minutes }: { minutes: number | null }) {
  const t = useText();
  const { calls, notices } = useStores();
  const change = async (next: number | null): Promise<void> => {
    const answer = await calls.setIdleLock({ minutes: next });
    if (!answer.ok) notices.showFailure(answer.failure);
  };
  return (
    <RadioField
      label={t("settings.idle")}
      value={String(minutes)}
      options={IDLE_MINUTES.map((choice) => ({
        value: String(choice),
        label:
          choice === null ? t("settings.idleNever") : t("settings.idleMinutes", { count: choice }),
      }))}
      onChange={(next) => void change(next === "null" ? null : Number(next))}
    />
  );
}

/** This device came in by a link: it can be locked once it has seen the password. */
function UnseenPassword({ handle }: { handle: string }) {
  const t = useText();
  const { account } = useStores();
  const [password, setPassword] = useState("");
  const { isBusy, failure, run } = useAttempt();
  return (
    <>
      <p className={styles.text}>{t("settings.lockUnseen")}</p>
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (!isBusy) void run(() => account.getState().enterPassword(password));
        }}
      >
        <input type="hidden" autoComplete="username" value={handle} readOnly />
        <PasswordField
          label={t("settings.lockPassword")}
          value={password}
          onChange={setPassword}
          autoComplete="current-password"
          disabled={isBusy}
          required
        />
        <FailureNote failure={failure} />
        <div>
          <Button type="submit" busy={isBusy} disabled={password === ""}>
            {t("settings.lockUse")}
          </Button>
        </div>
      </form>
    </>
  );
}

type PasswordFormProps = { hasPassword: boolean; asksCurrent: boolean; handle: string };

function PasswordForm({ hasPassword, asksCurrent, handle }: PasswordFormProps) {
  const t = useText();
  const { account, notices } = useStores();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const { isBusy, failure, run } = useAttempt();
  const missing = missingCharacters(next);
  const save = async (): Promise<void> => {
    const isSaved = await run(() =>
      account.getState().setPassword({ current: asksCurrent ? current : null, next }),
    );
    if (!isSaved) return;
    setCurrent("");
    setNext("");
    notices.showNote("password-saved");
  };
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (missing === 0 && !isBusy) void save();
      }}
    >
      <input type="hidden" autoComplete="username" value={handle} readOnly />
      {asksCurrent && (
        <PasswordField
          label={t("settings.passwordCurrent")}
          value={current}
          onChange={setCurrent}
          autoComplete="current-password"
          required
        />
      )}
      <PasswordField
        label={t("settings.passwordNew")}
        help={
          next !== "" && missing > 0
            ? t("onboarding.passwordShort", { missing })
            : t("onboarding.passwordRule", { min: MIN_PASSWORD_CHARACTERS })
        }
        value={next}
        onChange={setNext}
        autoComplete="new-password"
        required
      />
      <FailureNote failure={failure} />
      <div>
        <Button
          type="submit"
          variant="primary"
          busy={isBusy}
          disabled={missing > 0 || (asksCurrent && current === "")}
        >
          {hasPassword ? t("settings.passwordChange") : t("settings.passwordSave")}
        </Button>
      </div>
    </form>
  );
}
